"""Stops of a single command on a terminal, and its init at work there."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.kernel import proc
from nsinit.kernel.namespaces import flags_of
from nsinit.process import terminal
from nsinit.process.single import DEBUG
from nsinit.process.terminal import Terminal
from tests.kernel.conftest import in_child
from tests.kernel.process.conftest import forked, kill, zombie
from tests.kernel.process.inits import Init
from tests.kernel.process.terminals import group_of, leading
from tests.support.live import eventually, status_field

if TYPE_CHECKING:
    from collections.abc import Callable


def _found() -> Terminal:
    found = Terminal.find()
    assert found is not None
    return found


# --- Stops ----------------------------------------------------------------------------------------


def test_nobody_stands_still_when_no_shell_looks_after_the_group() -> None:
    """The kernel does not stop such a one; nor is there anything to wait for."""

    def work() -> list[object]:
        os.setsid()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
        made: list[object] = [terminal.stop_with_group()]
        now = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        return [*made, now == before | {signal.SIGTSTP}]

    assert in_child(work) == [False, True]


@pytest.mark.usefixtures("needs_root")
def test_nobody_stands_still_when_it_is_process_1() -> None:
    """Nothing is sent to its group."""

    def work() -> list[object]:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
        return [terminal.stop_with_group(), signal.sigpending()]

    assert in_child(work, flags_of(["pid"])) == [False, set()]


def _looked_after(work: Callable[[], object]) -> tuple[bool, Any]:
    """A child in a group of its own, below a "shell" that continues it: whether it stopped."""
    reader, writer = os.pipe()

    def begin() -> None:
        os.setpgid(0, 0)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP, signal.SIGCONT})
        os.write(writer, repr(work()).encode())

    pid = forked(begin)
    status = os.waitpid(pid, os.WUNTRACED)[1]
    stopped = os.WIFSTOPPED(status)
    if stopped:
        os.kill(pid, signal.SIGCONT)
        os.waitpid(pid, 0)
    return stopped, os.read(reader, 99).decode()


def test_whole_group_stands_still_when_a_shell_looks_after_it() -> None:
    """Until that continues it."""

    def work() -> Any:
        os.setsid()
        return _looked_after(terminal.stop_with_group)

    assert in_child(work) == (True, "True")


@pytest.mark.parametrize(
    ("number", "front", "made"),
    [
        (signal.SIGTTIN, True, (False, "(True, True, True)")),  # it gets what it asks for
        (signal.SIGTTOU, True, (False, "(True, True, True)")),
        (signal.SIGTTIN, False, (True, "(False, True, False)")),  # once the shell gives it
        (signal.SIGTSTP, False, (True, "(False, False, False)")),
        (signal.SIGSTOP, False, (True, "(False, False, False)")),
    ],
)
def test_command_goes_on_or_stops_when_it_was_stopped(
    pty: tuple[int, int], number: int, made: tuple[bool, str], *, front: bool
) -> None:
    """Whether it has to be continued, whether it wants the foreground, and whether it has it."""

    def work() -> Any:
        def init() -> tuple[bool, bool, bool]:
            if front:
                os.tcsetpgrp(0, os.getpid())
            found = _found()
            found.wanted = False
            command = group_of()
            goes_on = found.command_stopped(command, number)
            has = os.tcgetpgrp(0) == command
            kill(command)
            return goes_on, found.wanted, has

        return _looked_after(init)

    assert leading(pty[1], work) == made


@pytest.mark.parametrize(
    ("number", "given", "front", "goes_on"),
    [
        (signal.SIGTSTP, True, True, True),
        (signal.SIGTSTP, False, True, True),
        (signal.SIGTSTP, True, False, False),
        (signal.SIGTSTP, False, False, True),
        (signal.SIGSTOP, True, True, False),
        (signal.SIGTTIN, False, False, False),
    ],
)
def test_command_goes_on_when_nobody_could_continue_it(
    pty: tuple[int, int], number: int, *, given: bool, front: bool, goes_on: bool
) -> None:
    """To a group that no shell looks after ^Z means nothing; a STOP was meant."""

    def work() -> bool:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTSTP})
        found = _found()
        command, other = group_of(), group_of()
        found.give(command) if given else None
        if not front:
            os.tcsetpgrp(0, other)
            found.take_back = lambda: None  # type: ignore[method-assign]  # it can't be had
        made = found.command_stopped(command, number)
        kill(command, other)
        return made

    assert leading(pty[1], work) == goes_on


# --- The init of a command on a terminal ----------------------------------------------------------


def test_init_ends_well_when_its_command_had_a_terminal(pty: tuple[int, int]) -> None:
    """What is typed reaches the command, and nothing of the terminal is left to be held."""
    master, slave = pty
    init = Init("sh", "-c", "echo ready; read x; echo got $x; exit 4", terminal=slave)
    os.close(slave)
    seen = b""
    while b"ready" not in seen:
        seen += os.read(master, 99)
    assert len(os.listdir(f"/proc/{init.pid}/fd")) == 4
    os.write(master, b"word\n")
    while b"got word" not in seen:
        seen += os.read(master, 99)
    assert init.end()[0] == 4


def test_command_goes_on_when_a_key_stops_it_and_no_shell_is_there(pty: tuple[int, int]) -> None:
    """^Z means nothing there."""
    master, slave = pty
    init = Init("sh", "-c", "echo ready; read x; exit 5", terminal=slave, verbosity=DEBUG)
    seen = b""
    while b"ready" not in seen:
        seen += os.read(master, 99)
    os.write(master, b"\x1a")
    while b"^Z" not in seen:
        seen += os.read(master, 99)
    os.write(master, b"\nx\n")
    code, _, told = init.end()
    assert code == 5
    assert "stopped by TSTP" in told


def test_terminal_is_found_when_init_has_no_file_for_it(pty: tuple[int, int]) -> None:
    """Its command gets the foreground all the same."""
    master, slave = pty

    def before() -> None:
        real = os.open

        def missing(path: str, *more: int) -> int:
            if path == "/dev/tty":
                raise FileNotFoundError(2, path)
            return real(path, *more)

        os.open = missing  # type: ignore[assignment]  # of that child

    init = Init("sh", "-c", "echo ready; read x; exit 6", terminal=slave, before=before)
    seen = b""
    while b"ready" not in seen:
        seen += os.read(master, 99)
    assert os.tcgetpgrp(master) == init.child()
    os.write(master, b"x\n")
    assert init.end()[0] == 6


def test_command_gets_the_terminal_when_it_is_continued(pty: tuple[int, int]) -> None:
    """What stopped it took that away."""
    master, slave = pty
    init = Init("sh", "-c", "echo ready; exec sleep 60", terminal=slave, verbosity=DEBUG)
    seen = b""
    while b"ready" not in seen:
        seen += os.read(master, 99)
    child = init.child()
    os.kill(child, signal.SIGSTOP)
    eventually(lambda: status_field(child, "State")[:1] == "T", "it has stopped")
    eventually(lambda: os.tcgetpgrp(master) == init.pid, "init has the foreground")
    init.signal(signal.SIGCONT)
    eventually(lambda: status_field(child, "State")[:1] == "S", "it goes on")
    eventually(lambda: os.tcgetpgrp(master) == child, "it has the foreground")
    os.kill(child, signal.SIGKILL)
    code, _, told = init.end()
    assert code == 137
    assert "stopped by STOP" in told
    assert proc.stat(child) is None


def test_terminal_on_stdin_becomes_its_own_when_it_is_nobodys(pty: tuple[int, int]) -> None:
    """As `docker run -t` has it, where init leads no session on it."""
    master, slave = pty
    pid = zombie()
    os.waitpid(pid, 0)
    init = Init("sh", "-c", "tty </dev/tty", before=lambda: os.dup2(slave, 0))
    assert init.end()[:2] == (0, "/dev/tty\n")
    assert master >= 0
