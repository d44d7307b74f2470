"""A command in a sandbox that a person types: it has a terminal, and the person's is given back."""

from __future__ import annotations

import termios
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.bundles import make_bundle
from tests.support.live import NSINIT, ORDINARY, have
from tests.support.terminal import INTERRUPT, Screen

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

    from tests.support.boxes import Box


@pytest.fixture
def typed(box: Callable[..., Box], user: int) -> Iterator[Callable[..., Screen]]:
    """Type a command of nsinit on a terminal, as that user."""
    if not have("setsid", "setpriv", "stty"):
        pytest.skip("needs setsid, setpriv and stty")
    made = box("")
    screens: list[Screen] = []

    def start(*words: str) -> Screen:
        command = [*NSINIT, *words]
        if user == ORDINARY:
            ids = [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
            command = ["setpriv", *ids, *command]
        keep = {name: made.env[name] for name in ("NSINIT_RUN_DIR", "HERE")}
        screens.append(Screen(command, made.directory, SHELL="/bin/sh", **keep))
        return screens[-1]

    yield start
    for one in screens:
        one.__exit__()


@pytest.mark.row(58)
def test_shell_has_a_terminal_when_a_person_types_it(typed: Callable[..., Screen]) -> None:
    """Job control, ^C, the size of the window and its changes; nothing else on the screen."""
    screen = typed("run", "--hostname", "tbox", "--", "sh")
    assert screen.wait_for(r".*[#$] ").strip() in ("$", "#")
    screen.resize(41, 77)
    screen.type("hostname; test -t 0 && echo in''side\n")
    screen.wait_for("tbox\r\ninside")
    screen.type("sh -c 'echo be''gun; exec sleep 1000'\n")
    screen.wait_for("begun")
    screen.type(INTERRUPT)
    screen.wait_for(r"[#$] ")
    screen.type("stty size; exit 9\n")
    screen.wait_for("41 77")
    assert screen.process.wait(20) == 9
    assert termios.tcgetattr(screen.master)[3] & termios.ICANON  # as it was


def test_terminal_is_one_of_the_sandbox_when_it_has_its_own_root(
    typed: Callable[..., Screen], rootfs: pathlib.Path
) -> None:
    """Of its own /dev/pts, where nobody has another."""
    screen = typed("run", "--rootfs", str(rootfs), "--", "sh")
    screen.wait_for(r"[#$] ")
    screen.type("ls /dev/pts; ls -l /proc/self/fd/0; exit\n")
    screen.wait_for("0\\s+ptmx")
    screen.wait_for("-> /dev/pts/0")
    assert screen.process.wait(20) == 0


def test_terminal_is_given_back_when_the_sandbox_can_not_be_made(
    typed: Callable[..., Screen],
) -> None:
    """The error is told on it."""
    screen = typed("run", "--rootfs", "/no/such/root", "--", "sh")
    assert screen.process.wait(20) == 125
    assert termios.tcgetattr(screen.master)[3] & termios.ICANON


@pytest.mark.row(62)
def test_terminal_is_given_back_when_the_sandbox_is_killed(
    typed: Callable[..., Screen], tmp_path: pathlib.Path, box: Callable[..., Box]
) -> None:
    """By somebody else."""
    screen = typed("run", "--name", "shop", "--", "sh")
    screen.wait_for(r"[#$] ")
    other = box("", NSINIT_RUN_DIR=str(tmp_path / "box1" / "run"))
    assert other.run("kill", "shop").returncode == 0
    assert screen.process.wait(20) == 137
    assert termios.tcgetattr(screen.master)[3] & termios.ICANON


def test_bundle_has_the_terminal_when_a_person_runs_it(
    typed: Callable[..., Screen], tmp_path: pathlib.Path, rootfs: pathlib.Path, user: int
) -> None:
    """One of its own devpts, which is its console and controls its process, and nothing else."""
    more: dict[str, Any] = {"process__terminal": True, "process__env": ["PATH=/bin", "PS1=% "]}
    pod = make_bundle(tmp_path / "pod", rootfs, user, process__args=["sh", "-i"], **more)
    screen = typed("run", "--bundle", str(pod))
    screen.wait_for("% ")
    screen.type("ls -l /proc/self/fd/1; echo on''console > /dev/console\n")
    screen.wait_for("-> /dev/pts/0")
    screen.wait_for("onconsole")
    screen.type("sh -c 'echo be''gun; exec sleep 1000'\n")
    screen.wait_for("begun")
    screen.type(INTERRUPT)
    screen.type("exit 9\n")
    assert screen.process.wait(20) == 9
    assert termios.tcgetattr(screen.master)[3] & termios.ICANON  # as it was
