"""How many processes nsinit makes for what it does: none but those that somebody asked for.

A process takes a third of a millisecond, and in PID 1 it is one more that may go wrong. Threads are
counted too: there are none.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from typing import TYPE_CHECKING, NamedTuple

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
STRACE = ["strace", "-f", "-qq", "-e", "trace=clone,clone3,fork,vfork,execve,execveat"]
_BORN = re.compile(r"\b(?:clone3?|v?fork)(?:\(| resumed>).*= [1-9]\d*$", re.MULTILINE)
_EXECED = re.compile(r"\bexecve(?:at)?(?:\(| resumed>).*= 0$", re.MULTILINE)
_ONE = "[init]\nlog = 'warning'\n[services.a]\ncommand = ['sleep', '1000']\nmin_uptime = 0\n"
_ONESHOT = "[services.s{}]\ncommand = ['true']\ntype = 'oneshot'\n"


class Made(NamedTuple):
    """Processes and threads that were born, and programs that were executed."""

    born: int
    execed: int


def _made(trace: pathlib.Path) -> Made:
    text = trace.read_text()
    return Made(len(_BORN.findall(text)), len(_EXECED.findall(text)))


def whole(trace: pathlib.Path, *command: str, **env: str) -> Made:
    """What a command makes from its beginning to its end, itself included in the programs."""
    done = [*STRACE, "-o", str(trace), *command]
    subprocess.run(done, env=environment(**env), check=True, capture_output=True, timeout=60)
    return _made(trace)


def meanwhile(init: Live, do: Callable[[], object]) -> Made:
    """What an init makes while something is done."""
    trace = init.directory / "trace"
    tracer = subprocess.Popen([*STRACE, "-o", str(trace), "-p", str(init.pid)])
    try:
        eventually(lambda: status_field(init.pid, "TracerPid") != "0", "strace")
        do()
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.wait(DEADLINE)
    return _made(trace)


def test_each_service_is_one_process_when_init_boots(tmp_path: pathlib.Path) -> None:
    """One birth and one program each, and nothing else."""
    config = tmp_path / "nsinit.toml"
    config.write_text("[init]\nlog = 'warning'\n" + "".join(map(_ONESHOT.format, range(5))))
    socket = str(tmp_path / "control.sock")
    made = whole(tmp_path / "trace", *NSINIT, "run", str(config), NSINIT_SOCKET=socket)
    assert made == (5, 1 + 5)


def test_nothing_else_is_born_when_an_operator_asks(tmp_path: pathlib.Path) -> None:
    """A restart makes one process; a status, a stop, an update that changes nothing make none."""
    with live(tmp_path, _ONE, "pid1") as init:
        init.wait_for("a", "running")
        client = init.client
        assert meanwhile(init, client.status) == (0, 0)
        assert meanwhile(init, lambda: client.restart(names=["a"])).born == 1
        assert meanwhile(init, client.update) == (0, 0)
        assert meanwhile(init, lambda: client.stop(names=["a"])) == (0, 0)
        asking = whole(tmp_path / "asked", *NSINIT, "ctl", "--socket", str(init.socket), "status")
        assert asking == (0, 1)


def test_single_command_is_one_process_when_it_runs(tmp_path: pathlib.Path) -> None:
    """It is what an image's entrypoint takes on top of its command."""
    assert whole(tmp_path / "trace", *NSINIT, "--", "true") == (1, 2)


def test_sandbox_is_two_processes_when_it_starts(tmp_path: pathlib.Path) -> None:
    """Its init and its service; the launcher runs no program of anybody's."""
    spaces = "pid,mount,uts,ipc,net,cgroup"
    command = (*NSINIT, "run", "--namespaces", spaces, "--", "true")
    assert whole(tmp_path / "trace", *command, NSINIT_CONFIG=os.devnull) == (2, 2)
