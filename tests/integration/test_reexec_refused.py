"""A new program that can't go on with the state of init never gets to: nothing changes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from typing import TYPE_CHECKING

import pytest

from nsinit.errors import ControlError
from tests.support import live as live_module
from tests.support.live import ROOT, Live, eventually, live
from tests.support.replacing import copy_of_nsinit, replace

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

CONFIG = """
[services.a]
command = "sleep 1000"
min_uptime = 0
restart_delay = 0.05
[services.w]
command = "sh -c 'while :; do echo x; sleep 0.05; done'"
min_uptime = 0
"""


def _spoil(file: str, old: str, new: str) -> Callable[[pathlib.Path], None]:
    def do(there: pathlib.Path) -> None:
        path = there / "nsinit" / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return do


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_spoil("runtime/handover.py", "VERSION: Final = 1", "def ("), "SyntaxError"),
        (_spoil("runtime/handover.py", "VERSION: Final = 1", "VERSION: Final = 2"), "version 1"),
        (_spoil("core/state.py", "    want: bool", "    more: int\n    want: bool"), "more"),
        (_spoil("model/spec.py", "    umask: Mode | None = None\n", ""), "umask"),
        (_spoil("control/carry.py", "    dropped: int = 0", "    needed: int"), "needed"),
        (_spoil("cli/resume.py", '"control": ', '"others": '), "control"),
        (_spoil("control/connection.py", "import asyncio", "import asyncoi"), "asyncoi"),
        (_spoil("__main__.py", "gc.disable()", "sys.exit(3)"), "code 3"),
        (_spoil("__main__.py", "gc.disable()", "import os; os.abort()"), "signal 6"),
    ],
    ids=["syntax", "version", "core", "model", "part", "unknown part", "import", "exit", "abort"],
)
def test_nothing_changes_when_new_code_is_broken(
    tmp_path: pathlib.Path, spoil: Callable[[pathlib.Path], None], told: str
) -> None:
    """The answer says what is wrong with it; services, clients and init go on."""
    there = copy_of_nsinit(tmp_path)
    with live(tmp_path, CONFIG, PYTHONPATH=str(there)) as init:
        a = init.wait_for("a", "running")
        init.wait_for("w", "running")
        spoil(there)
        with pytest.raises(ControlError, match="init is not replaced") as caught:
            replace(init)
        assert told in str(caught.value)
        done = init.ctl("reexec", check=False)
        assert done.returncode == 1
        assert told in done.stderr
        assert init.status()["a"]["pid"] == a["pid"]
        os.kill(a["pid"], signal.SIGKILL)
        init.wait_for("a", "running", run=2)
        assert len(os.listdir(f"/proc/{init.pid}/fd")) < 40
        init.signal(signal.SIGTERM)
        assert init.wait() == 0


def test_nothing_changes_when_new_code_hangs(tmp_path: pathlib.Path) -> None:
    """It is killed at its time, and another attempt may follow; only one at a time."""
    there = copy_of_nsinit(tmp_path)
    main = there / "nsinit" / "__main__.py"
    right = main.read_text()
    with live(tmp_path, CONFIG, PYTHONPATH=str(there)) as init:
        a = init.wait_for("a", "running")
        main.write_text(right.replace("gc.disable()", "import time; time.sleep(1000)"))
        began = time.monotonic()
        first = threading.Thread(
            target=init.ctl, args=("reexec", "-t", "2"), kwargs={"check": False}
        )
        first.start()
        eventually(lambda: len(live_module.children(init.pid)) == 3, "the child that is asked")
        with pytest.raises(ControlError, match="already"):
            replace(init)
        first.join(20)
        assert time.monotonic() - began < 15
        assert "did not answer within 2 s" in init.said()
        main.write_text(right)
        replace(init)
        assert init.status()["a"]["pid"] == a["pid"]


def test_nothing_changes_when_the_exec_fails(tmp_path: pathlib.Path, loop: str) -> None:
    """Followers, listeners and descriptors are as before; new clients come in."""
    config = f'[init]\nloop = "{loop}"\n{CONFIG}'
    with live(tmp_path, config, NSINIT_FAULTS="execve:ENOMEM@1-2") as init:
        a = init.wait_for("a", "running")
        init.wait_for("w", "running")
        rows = init.client.logs(names=["w"], follow=True)
        next(rows)
        before = len(os.listdir(f"/proc/{init.pid}/fd"))
        for _ in range(2):
            with pytest.raises(ControlError, match="Cannot allocate memory"):
                replace(init)
        assert init.status()["a"]["pid"] == a["pid"]
        assert len(os.listdir(f"/proc/{init.pid}/fd")) <= before + 1
        for _ in range(5):
            assert next(rows)["line"] == "x"
        replace(init)
        assert next(rows)["line"] == "x"
        assert init.status()["a"]["pid"] == a["pid"]


def test_nothing_changes_when_memory_is_short(tmp_path: pathlib.Path) -> None:
    """Without a file in memory there is no way to hand anything over."""
    with live(tmp_path, CONFIG, NSINIT_FAULTS="memfd_create:ENOSPC") as init:
        init.wait_for("a", "running")
        with pytest.raises(ControlError, match="No space left"):
            replace(init)
        assert init.status()["a"]["run"] == 1


def test_nothing_changes_when_the_interpreter_is_gone(tmp_path: pathlib.Path) -> None:
    """As in a sandbox whose root has no Python: told at once, with the path."""
    link = tmp_path / "python"
    link.symlink_to(os.path.realpath(sys.executable))
    init = Live(tmp_path, CONFIG, "subreaper")
    site = sysconfig.get_paths()["purelib"]
    init.env["PYTHONPATH"] = f"{ROOT}:{site}"
    init.prefix = [
        str(link),
        "-c",
        "import os, sys; os.execv(sys.argv[1], sys.argv[1:])",
        str(link),
    ]
    init.program = ["-m", "nsinit"]
    init.start()
    try:
        init.wait_for("a", "running")
        replace(init)
        link.unlink()
        with pytest.raises(ControlError, match="cannot open the interpreter") as caught:
            replace(init)
        assert str(link) in str(caught.value)
        assert init.status()["a"]["run"] == 1
    finally:
        init.close()


def test_shutdown_goes_first_when_both_are_asked_for(tmp_path: pathlib.Path) -> None:
    """An init that ends is not replaced any more."""
    config = """
[services.a]
command = "sh -c 'trap : TERM; echo here; while :; do sleep 0.1; done'"
min_uptime = 0
stop_timeout = "2s"
"""
    with live(tmp_path, config) as init:
        init.wait_for("a", "running")
        eventually(lambda: "here" in init.said(), "the trap")
        init.client.shutdown()
        init.wait_for("a", "stopping")
        with pytest.raises(ControlError, match="shutting down"):
            replace(init)
        assert init.wait() == 137 - 137


def test_command_of_an_operator_goes_first_when_there_is_one(tmp_path: pathlib.Path) -> None:
    """Its terminal would be gone with this program; once it has ended, all is as ever."""
    with live(tmp_path, CONFIG) as init:
        init.wait_for("a", "running")
        words = [*live_module.NSINIT, "ctl", "exec", "a", "--", "sh", "-c", "echo in; read x"]
        with subprocess.Popen(
            words, env=init.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as command:
            assert command.stdout is not None
            assert command.stdout.readline() == b"in\n"
            with pytest.raises(ControlError, match="ctl exec"):
                replace(init)
            command.communicate(b"done\n", timeout=20)
        replace(init)
