"""A kill by the kernel for lack of memory is told from one by hand, in a real memory cgroup."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.live import Live, eventually
from tests.support.traces import note, script, trace

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY = pathlib.Path("/sys/fs/cgroup/memory")  # of cgroup v1; v2 has the counters elsewhere


@pytest.fixture
def group() -> Iterator[pathlib.Path]:
    """A memory cgroup of 100 MiB."""
    if not (MEMORY / "memory.oom_control").exists() or not os.access(MEMORY, os.W_OK):
        pytest.skip("this kernel has no memory controller of cgroup v1 for us")
    made = MEMORY / f"nsinit-test-{os.getpid()}"
    made.mkdir()
    try:
        (made / "memory.limit_in_bytes").write_text(str(100 << 20))
        with contextlib.suppress(OSError):
            (made / "memory.swappiness").write_text("0")
        if "oom_kill " not in (made / "memory.oom_control").read_text():
            pytest.skip("this kernel has no count of what it kills for memory")
        yield made
    finally:
        eventually(lambda: not (made / "cgroup.procs").read_text(), "the group is empty")
        made.rmdir()


@pytest.mark.root
def test_result_is_oom_when_the_kernel_killed_it(
    tmp_path: pathlib.Path, group: pathlib.Path
) -> None:
    """And "signal" when somebody else did, before and after."""
    hungry = 'python3 -c "x = bytearray(300 << 20)"'
    main = script(
        f'if [ -e "$HERE/hungry" ]; then rm "$HERE/hungry"; exec {hungry}; fi; exec sleep 1000'
    )
    config = (
        f"[services.a]\ncommand = {main}\nmin_uptime = 0.1\nrestart_delay = 0.05\n"
        f"oom_score_adj = 500\npost_stop = {note('$SERVICE_RESULT')}\n"
    )
    init = Live(tmp_path, config, "subreaper")
    init.prefix = ["sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh"]
    try:
        init.start()
        os.kill(init.wait_for("a", "running")["pid"], signal.SIGKILL)
        killed = init.wait_for("a", "running", run=2)
        assert (killed["result"], killed["exit_signal"]) == ("signal", 9)
        (tmp_path / "hungry").touch()
        os.kill(killed["pid"], signal.SIGKILL)
        short = init.wait_for("a", "running", run=4)
        assert (short["result"], short["exit_signal"]) == ("oom", 9)
        os.kill(short["pid"], signal.SIGKILL)
        assert init.wait_for("a", "running", run=5)["result"] == "signal"
        assert trace(init) == ["signal", "signal", "oom-kill", "signal"]
    finally:
        init.close()
