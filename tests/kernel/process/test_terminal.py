"""The terminal of a single command, on real ones: whose the foreground is, and when."""

from __future__ import annotations

import fcntl
import os
import termios

import pytest

from nsinit.process import terminal
from nsinit.process.terminal import Terminal
from tests.kernel.conftest import in_child
from tests.kernel.process.conftest import forked, kill
from tests.kernel.process.terminals import group_of, in_group, leading
from tests.support.live import eventually


def _found() -> Terminal:
    found = Terminal.find()
    assert found is not None
    return found


def test_there_is_no_terminal_when_the_session_has_none() -> None:
    """Nothing is left open."""

    def work() -> list[bool]:
        os.setsid()
        before = os.listdir("/proc/self/fd")
        return [Terminal.find() is None, os.listdir("/proc/self/fd") == before]

    assert in_child(work) == [True, True]


def test_terminal_is_found_when_it_has_no_file(pty: tuple[int, int]) -> None:
    """In a root without /dev/tty one of the first three may be it, or none is."""

    def work() -> list[object]:
        real = os.open

        def missing(path: str, flags: int) -> int:
            raise FileNotFoundError(2, path)

        os.open = missing  # type: ignore[assignment]  # of this child
        made: list[object] = [_found().fd > 9, os.get_inheritable(_found().fd)]
        null = real("/dev/null", os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        made.append(os.ttyname(_found().fd) == os.ttyname(2))
        os.dup2(null, 2)
        return [*made, Terminal.find()]

    assert leading(pty[1], work) == [True, False, True, None]


def test_descriptor_is_out_of_the_way_when_it_is_found(pty: tuple[int, int]) -> None:
    """A command may have been given low ones, closed or as sockets."""

    def work() -> bool:
        before = {*os.listdir("/proc/self/fd")}
        found = _found()
        after = {*os.listdir("/proc/self/fd")}
        return found.fd >= 10 and after == before | {str(found.fd)}

    assert leading(pty[1], work)


@pytest.mark.parametrize("front", [True, False])
def test_command_gets_the_foreground_when_it_is_ours(pty: tuple[int, int], *, front: bool) -> None:
    """It has its own group in any case; when it has ended the terminal is ours again."""

    def work() -> list[bool]:
        def init() -> list[bool]:
            found = _found()
            reader, writer = os.pipe()

            def join() -> None:
                found.join()
                os.read(reader, 1)

            command = forked(join)
            eventually(lambda: os.getpgid(command) == command, "a group")
            if front:
                eventually(lambda: os.tcgetpgrp(0) == command, "the foreground")
            found.began()
            made = [found.wanted == front, (os.tcgetpgrp(0) == command) == front]
            found.take_back()
            made.append((os.tcgetpgrp(0) == os.getpgrp()) == front)
            found.take_back()
            os.write(writer, b"x")
            os.waitpid(command, 0)
            return made

        made: list[bool] = in_group(init, front=front)
        return made

    assert leading(pty[1], work) == [True] * 3


def test_neighbours_keep_the_foreground_when_in_a_pipeline(pty: tuple[int, int]) -> None:
    """Unless it leads the session: then there are none."""

    def work() -> list[bool]:
        def init() -> list[bool]:
            reader, writer = os.pipe()
            null = os.open("/dev/null", os.O_RDWR)
            made = []
            for fds in ((reader, 2), (2, writer), (null, null), (2, 2)):
                for number, fd in enumerate(fds):
                    os.dup2(fd, number)
                made.append(Terminal(2).wanted)
            os.close(0)
            os.close(1)
            return [*made, Terminal(2).wanted]

        made: list[bool] = in_group(init)
        os.tcsetpgrp(0, os.getpgrp())
        os.dup2(os.pipe()[0], 0)
        return [*made, _found().wanted]

    assert leading(pty[1], work) == [False, False, True, True, True, True]


def test_command_gets_the_foreground_when_it_asks(pty: tuple[int, int]) -> None:
    """If it is ours to give."""

    def work() -> list[object]:
        found = _found()
        found.wanted = False
        command, other = group_of(), group_of()
        made: list[object] = [found.give(command), os.tcgetpgrp(0) == command, found.wanted]
        made += [found.give(command), found.give(other), os.tcgetpgrp(0) == command]
        found.take_back()  # the last answer was no: nothing is known to be given
        made.append(os.tcgetpgrp(0) == command)
        os.tcsetpgrp(0, os.getpgrp())
        made += [found.give(os.getpgrp()), found.wanted]
        kill(command, other)
        return made

    assert leading(pty[1], work) == [True, True, True, True, False, True, True, True, True]


def test_nothing_fails_when_the_terminal_is_lost(pty: tuple[int, int]) -> None:
    """It was hung up: it is nobody's any more."""

    def work() -> list[bool]:
        found = _found()
        found.began()
        fcntl.ioctl(0, termios.TIOCNOTTY)  # as its other end being closed
        made = [found.is_ours(), found.give(os.getpid())]
        found.take_back()
        os.setpgid(0, 0) if os.getsid(0) != os.getpid() else None
        command = forked(found.join)
        return [*made, os.waitpid(command, 0)[1] == 0]

    assert leading(pty[1], work) == [False, False, True]


def test_terminal_is_taken_when_it_is_on_stdin(pty: tuple[int, int]) -> None:
    """By a new session, unless it is another's."""

    def work() -> list[bool]:
        os.setsid()
        os.dup2(pty[1], 0)
        acquire = terminal.acquirer()
        acquire()
        made = [os.tcgetpgrp(0) == os.getpgrp()]

        def another() -> bool:
            os.setsid()
            os.setuid(4321) if os.geteuid() == 0 else None
            acquire()
            return terminal._controls(0)

        return [*made, in_child(another)]

    assert in_child(work) == [True, False]
