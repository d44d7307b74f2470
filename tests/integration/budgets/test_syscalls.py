"""How many system calls init makes for what it does: a careless change that doubles them fails.

The most of each is what it was when it was written down (the figure in the comment), and about half
of that again for other versions of Python and a busy machine, on which init looks more often.
"""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.live import DEADLINE, NSINIT, environment, eventually, have, live, status_field

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from tests.support.live import Live

pytestmark = [
    pytest.mark.skipif(not have("strace"), reason="strace is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="pid1: needs root"),
]
ORPHANS = 100
# On USR1 makes orphans that end at once, on USR2 1 MiB of output.
CONFIG = """
[init]
log = "warning"
[services.a]
command = "sleep 1000"
min_uptime = 0
[services.worker]
min_uptime = 0
log = { file = "HERE/log" }
command = ["sh", "-c", '''
trap 'i=0; while [ $i -lt 100 ]; do ( : & ); i=$((i+1)); done; echo made' USR1
trap 'head -c 1048576 /dev/zero | tr "\\0" "\\n"; echo written' USR2
echo ready
while :; do sleep 1000 & wait $!; kill $!; done
''']
"""
# Calls for each; in the comment what they were, in a pid namespace of its own.
MOST = {
    "status": 35,  # 18
    "restart": 150,  # 94
    "stop": 90,  # 54
    "start": 90,  # 57
    "orphan": 6,  # 3
    "MiB": 60,  # 20, in reads of 256 KiB
}
BOOTED = 65  # 41 for each oneshot, from its start to its end


def counted(init: Live, do: Callable[[], object]) -> int:
    """The calls that init makes while something is done."""
    path = init.directory / "trace"
    tracer = subprocess.Popen(["strace", "-qq", "-o", str(path), "-p", str(init.pid)])
    try:
        eventually(lambda: status_field(init.pid, "TracerPid") != "0", "strace")
        do()
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(DEADLINE)
    return len(path.read_bytes().splitlines())


def test_calls_are_few_when_something_is_asked_for_or_happens(tmp_path: pathlib.Path) -> None:
    """A status, a restart, a stop, a start; a reaped orphan and a MiB of lines."""
    with live(tmp_path, CONFIG.replace("HERE", str(tmp_path)), "pid1") as init:
        init.wait_for("a", "running")
        log = tmp_path / "log"
        eventually(lambda: log.exists() and "ready" in log.read_text(), "the worker")
        worker = init.outer_pid(init.wait_for("worker", "running")["pid"])
        client = init.client

        def order(number: int, answer: str) -> None:
            before = log.read_text().count(answer)
            os.kill(worker, number)
            eventually(lambda: log.read_text().count(answer) > before, answer)

        doing: dict[str, Callable[[], object]] = {
            "status": client.status,
            "restart": lambda: client.restart(names=["a"]),
            "stop": lambda: client.stop(names=["a"]),
            "start": lambda: client.start(names=["a"]),
            "orphan": lambda: order(signal.SIGUSR1, "made"),
            "MiB": lambda: order(signal.SIGUSR2, "written"),
        }
        for do in doing.values():  # whatever is loaded on demand is loaded now
            do()
        found = {name: counted(init, do) for name, do in doing.items()}
        found["orphan"] //= ORPHANS
        assert all(count <= MOST[name] for name, count in found.items()), found


def test_calls_are_few_when_many_services_are_started(tmp_path: pathlib.Path) -> None:
    """What fifty more of them take."""
    lines = {count: _boot(tmp_path, count) for count in (1, 51)}
    assert (lines[51] - lines[1]) / 50 <= BOOTED, lines


def _boot(directory: pathlib.Path, count: int) -> int:
    rows = [f"[services.s{n}]\ncommand = 'true'\ntype = 'oneshot'\n" for n in range(count)]
    config = directory / "nsinit.toml"
    config.write_text(f"[init]\nlog = 'warning'\n{''.join(rows)}")
    trace = directory / f"trace{count}"
    unshare = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child", "--"]
    strace = ["strace", "-qq", "-o", str(trace)]
    env = environment(NSINIT_SOCKET=str(directory / "control.sock"))
    command = [*unshare, *strace, *NSINIT, "run", str(config)]
    subprocess.run(command, env=env, check=True, timeout=60)
    return len(trace.read_bytes().splitlines())
