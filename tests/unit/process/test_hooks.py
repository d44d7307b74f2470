"""One hook of a bundle: fed, waited for, and ended when it takes too long."""

from __future__ import annotations

import json
import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from nsinit.bundles.hooks import Hook, State
from nsinit.kernel import proc
from nsinit.process.hooks import run_hook
from tests.support.live import eventually

if TYPE_CHECKING:
    import pathlib

STATE = State(oci_version="1.0.2", id="x", bundle="/pod", annotations={"a": "b"})


def _hook(script: str, timeout: int | None = None) -> Hook:
    args = ("sh", "-c", script)
    env = {"PATH": os.environ["PATH"]}
    return Hook(time="prestart", path="/bin/sh", args=args, env=env, timeout=timeout)


def test_output_is_told_in_the_end_when_a_hook_writes_a_lot(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Nobody has to read it meanwhile; the last of it is told, also of one that fails."""
    reader, writer = os.pipe()
    before = os.dup(2)
    os.dup2(writer, 2)
    try:
        with pytest.raises(OSError, match="code 3"):
            run_hook(_hook("seq 100000; echo end >&2; exit 3"), b"{}", {}, "/")
    finally:
        os.dup2(before, 2)
        for fd in (writer, before):
            os.close(fd)
    with os.fdopen(reader, "rb") as file:
        told = file.read()
    assert len(told) == 4096
    assert told.endswith(b"\n100000\nend\n")
    assert capfd.readouterr() == ("", "")


def test_hook_reads_the_state_when_it_runs(tmp_path: pathlib.Path) -> None:
    """To its end, in its directory; nothing of the caller changes."""
    here = os.getcwd()
    run_hook(
        _hook("cat > state; env > env"), STATE.encode("creating", 7), {"Z": "1"}, str(tmp_path)
    )
    assert os.getcwd() == here
    assert json.loads((tmp_path / "state").read_text()) == {
        "ociVersion": "1.0.2", "id": "x", "status": "creating", "pid": 7, "bundle": "/pod",
        "annotations": {"a": "b"},
    }  # fmt: skip
    assert "Z=1" not in (tmp_path / "env").read_text().split()
    assert "pid" not in json.loads(STATE.encode("stopped"))


@pytest.mark.parametrize(
    ("script", "why"),
    [("exit 3", "it ended with code 3"), ("kill -9 $$", "it was killed by KILL")],
)
def test_failure_is_told_when_a_hook_ends_badly(script: str, why: str) -> None:
    """In words."""
    with pytest.raises(OSError, match=why):
        run_hook(_hook(script), b"{}", {}, "/")


def test_hook_is_killed_when_it_takes_too_long_or_is_interrupted(tmp_path: pathlib.Path) -> None:
    """With all of its process group; a signal that ended it is still there for who waits."""
    with pytest.raises(OSError, match="it took longer than 3 s"):
        run_hook(_hook(f"sleep 1000 & echo $! > {tmp_path}/pid; wait", 3), b"{}", {}, "/")
    pid = int((tmp_path / "pid").read_text())
    eventually(lambda: (found := proc.stat(pid)) is None or found.state in "ZX", "it is gone")
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)  # others may not block it
        with pytest.raises(OSError, match="it was interrupted"):
            run_hook(_hook("sleep 1000"), b"{}", {}, "/")
        assert signal.sigwait({signal.SIGTERM}) == signal.SIGTERM
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    with pytest.raises(OSError, match="No such file"):
        run_hook(Hook(time="poststop", path="/no/hook", args=("x",)), b"{}", {}, "/")
