"""A command that somebody at the other end of a stream looks at, and all that it leaves behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.errors import EXIT_DENIED, NsinitError, SpawnError, UsageError
from nsinit.kernel import proc, seam
from nsinit.process import warden
from nsinit.process.spawner import Spawner
from nsinit.process.warden import Warden, encode, row_of
from tests.kernel.conftest import in_child
from tests.kernel.process.conftest import FULL, forked, kill, lead, program, put, sleeper
from tests.support.live import eventually, is_alive, status_field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Asked:
    """A warden in a process of its own, and our end of its stream."""

    def __init__(
        self,
        script: str,
        before: Callable[[], object] = lambda: None,
        argv: tuple[str, ...] = (),
        **more: Any,
    ) -> None:
        self.init = sleeper()
        self.ours, theirs = socket.socketpair()
        self.ours.settimeout(60)
        self._rows = self.ours.makefile("r")
        out, writer = os.pipe()
        self.out = os.fdopen(out, "r")

        def work() -> None:
            self.close()
            made = program(*(argv or ("sh", "-c", script)), **more)
            made.fds[1] = writer
            before()
            one = Warden(theirs, os.pidfd_open(self.init))
            try:
                one.run(made, Spawner())
            except SpawnError as error:
                one.tell(row_of(error))

        self.pid = forked(work)
        theirs.close()
        os.close(writer)

    def row(self) -> dict[str, Any]:
        """The next one."""
        made: dict[str, Any] = json.loads(self._rows.readline())
        return made

    def send(self, *numbers: int) -> None:
        """Signals for its command."""
        self.ours.sendall(bytes(numbers))

    def close(self) -> None:
        """Our end of the stream."""
        self._rows.close()
        self.ours.close()

    def wait(self) -> int:
        """For the end of the warden; its status."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def ask() -> Iterator[Callable[..., Asked]]:
    """Starts some, and ends what is left of them."""
    made: list[Asked] = []

    def start(*arguments: Any, **more: Any) -> Asked:
        made.append(Asked(*arguments, **more))
        return made[-1]

    yield start
    for one in made:
        with contextlib.suppress(OSError):
            os.kill(one.pid, signal.SIGKILL)
            os.waitpid(one.pid, 0)
        with contextlib.suppress(OSError):
            kill(one.init)
        one.close()
        one.out.close()


@pytest.mark.parametrize("more", [{}, FULL], ids=["vfork", "fork"])
@pytest.mark.parametrize(
    ("script", "end"),
    [
        ("echo a; exit 3", {"exit_code": 3}),
        ("echo a", {"exit_code": 0}),
        ("echo a; kill -9 $$", {"exit_signal": 9}),
    ],
)
def test_pid_and_end_are_told_when_a_command_runs(
    ask: Callable[..., Asked], script: str, end: dict[str, int], more: dict[str, Any]
) -> None:
    """In two rows; its output is at an end then."""
    asked = ask(f"echo $$; {script}", **more)
    first = asked.row()
    assert asked.row() == end
    assert asked.out.read() == f"{first['pid']}\na\n"
    assert asked.ours.recv(99) == b""
    assert asked.wait() == 0


@pytest.mark.parametrize(
    ("argv", "code", "more"),
    [
        (("/nowhere",), 127, {}),
        (("/nowhere",), 127, FULL),
        (("/etc/passwd",), 126, {}),
        (("/etc/passwd",), 126, FULL),
        (("/bin/true",), 127, {"directory": "/nowhere"}),
    ],
)
def test_error_is_told_when_the_command_can_not_run(
    ask: Callable[..., Asked], argv: tuple[str, ...], code: int, more: dict[str, Any]
) -> None:
    """With the code of a shell, and what helps."""
    asked = ask("", argv=argv, **more)
    row = asked.row()
    if "pid" in row:
        assert more == FULL
        row = asked.row()
    assert row["exit_code"] == code
    assert row["error"]["code"] == "cannot-execute"
    assert row["error"]["message"].startswith("cannot ")
    assert ("hint" in row["error"]) == (code == 126)
    assert asked.wait() == 0


def test_signals_reach_the_whole_group_when_they_are_sent(ask: Callable[..., Asked]) -> None:
    """Each byte is one; what is no signal does no harm."""
    script = (
        "trap 'echo usr1' USR1; trap 'echo usr2; exit 5' USR2; "
        "sleep 60 & echo $!; while :; do sleep 60 & wait $!; done"
    )
    asked = ask(script)
    child = int(asked.out.readline())
    eventually(lambda: status_field(child, "Name") == "sleep", "it has no trap any more")
    asked.send(200, signal.SIGUSR1)
    assert asked.out.readline() == "usr1\n"
    eventually(lambda: not is_alive(child), "it had no trap")
    asked.send(signal.SIGUSR2)
    assert asked.out.readline() == "usr2\n"
    asked.row()
    assert asked.row() == {"exit_code": 5}
    assert asked.wait() == 0


def test_command_is_hung_up_when_nobody_is_there_any_more(ask: Callable[..., Asked]) -> None:
    """A stopped one is continued, so that it hears it."""
    asked = ask("trap 'echo hup; exit' HUP; echo ready; sleep 60 & wait")
    assert asked.out.readline() == "ready\n"
    pid = asked.row()["pid"]
    asked.send(signal.SIGSTOP)
    eventually(lambda: (found := proc.stat(pid)) is not None and found.state == "T", "it stops")
    asked.close()
    assert asked.out.read() == "hup\n"
    assert asked.wait() == 0


def test_command_is_hung_up_when_the_stream_is_broken(ask: Callable[..., Asked]) -> None:
    """As at its end."""

    def before() -> None:
        seam.inject(seam.Plan("recv:ECONNRESET"))

    asked = ask("trap 'echo hup; exit' HUP; echo ready; sleep 60 & wait", before)
    assert asked.out.readline() == "ready\n"
    asked.send(signal.SIGWINCH)
    assert asked.out.read() == "hup\n"
    assert asked.wait() == 0


def test_everything_ends_when_init_does(ask: Callable[..., Asked]) -> None:
    """No row tells of it: whoever asked sees the end of the stream."""
    asked = ask("setsid sleep 60 & echo $!; exec sleep 60")
    left = int(asked.out.readline())
    pid = asked.row()["pid"]
    kill(asked.init)
    asked.init = sleeper()
    assert asked.ours.recv(99) == b""
    assert asked.wait() == 0
    assert not is_alive(pid)
    assert not is_alive(left)


def test_what_is_left_gets_term_when_the_command_has_ended(ask: Callable[..., Asked]) -> None:
    """In whatever session it is, also if it is stopped."""
    stopped = 'trap "echo term; exit" TERM; echo $$; kill -STOP $$; sleep 1'
    script = f"setsid sh -c '{stopped}' & sleep 0.05; exit 4"
    asked = ask(script)
    pid = int(asked.out.readline())
    assert asked.row()["pid"] != pid
    assert asked.row() == {"exit_code": 4}
    assert asked.out.read() == "term\n"
    assert not is_alive(pid)


def test_what_is_left_is_killed_when_it_ignores_term(
    ask: Callable[..., Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its time; each is told once, and what it forks meanwhile, too."""
    monkeypatch.setattr(warden, "_LAST", ((signal.SIGTERM, 1.5), (signal.SIGKILL, 20.0)))
    loop = "while :; do sleep 60 & wait; done"
    asked = ask(f"setsid sh -c 'trap \"echo term\" TERM; echo $$; {loop}' & exec sleep 60")
    pid = int(asked.out.readline())
    began = time.monotonic()
    asked.send(signal.SIGKILL)
    asked.row()
    assert asked.row() == {"exit_signal": 9}
    assert time.monotonic() - began >= 1.5
    assert asked.wait() == 0
    assert asked.out.read() == "term\n"
    assert not is_alive(pid)


@pytest.mark.usefixtures("needs_root")
def test_end_is_told_when_something_can_not_be_ended(
    ask: Callable[..., Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not waited for without end."""
    monkeypatch.setattr(warden, "_LAST", ((signal.SIGTERM, 0.05), (signal.SIGKILL, 0.05)))
    reader, writer = os.pipe()

    def before() -> None:
        os.write(writer, b"%d" % sleeper())
        os.setresuid(4321, 4321, 4321)

    asked = ask("exit 3", before)
    asked.row()
    assert asked.row() == {"exit_code": 3}
    assert asked.wait() == 0
    pid = int(os.read(reader, 99))
    assert is_alive(pid)
    os.kill(pid, signal.SIGKILL)
    os.close(reader)
    os.close(writer)


def test_processes_are_found_when_they_are_below() -> None:
    """At any depth; none where there is no /proc, or where it is another's."""

    def work() -> list[object]:
        below = forked(lambda: lead(sleeper))
        eventually(lambda: len(proc.descendants()) == 2, "two below")
        made: list[object] = [{one.pid for one in warden._below()} == {*proc.descendants()}]
        seam.inject(seam.Plan("readlink:ENOENT"))
        made.append(warden._below())
        seam.inject(seam.Plan("open:ENOENT"))
        made.append(warden._below())
        seam.inject(None)
        put(seam, "readlink", lambda _: "self")
        made.append(warden._below())
        for pid in [*proc.descendants(), below]:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        return made

    assert in_child(work) == [True, [], [], []]


def test_nobody_else_is_hit_when_a_pid_was_given_out_again() -> None:
    """It is another one's by its start; what is gone is no trouble."""
    pid = sleeper()
    found = proc.stat(pid)
    assert found is not None
    warden._signal(found._replace(started=found.started + 1), signal.SIGKILL)
    warden._signal(found._replace(pid=1 << 22), signal.SIGKILL)
    assert is_alive(pid)
    warden._signal(found, signal.SIGSTOP)
    eventually(lambda: (now := proc.stat(pid)) is not None and now.state == "T", "it stops")
    warden._signal(found, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGTERM
    warden._signal(found, signal.SIGTERM)


def test_nothing_but_a_kill_continues_when_it_is_not_term() -> None:
    """What was stopped stays so."""
    pid = sleeper()
    found = proc.stat(pid)
    assert found is not None
    os.kill(pid, signal.SIGSTOP)
    warden._signal(found, signal.SIGWINCH)
    eventually(lambda: (now := proc.stat(pid)) is not None and now.state == "T", "it stops")
    kill(pid)


@pytest.mark.parametrize(
    ("error", "row"),
    [
        (
            SpawnError("x", "execute", 2),
            (127, "cannot-execute", "cannot execute x: No such file or directory", None),
        ),
        (
            SpawnError("x", "execute", 13, hint="do it"),
            (126, "cannot-execute", "cannot execute x: Permission denied", "do it"),
        ),
        (UsageError("odd", hint="h"), (2, "cannot-execute", "odd", "h")),
        (ValueError("odd"), (126, "cannot-execute", "odd", None)),
    ],
)
def test_row_says_why_when_there_is_no_command(
    error: Exception, row: tuple[int, str, str, str | None]
) -> None:
    """With a shell's code."""
    code, kind, message, hint = row
    told = {"code": kind, "message": message} | ({"hint": hint} if hint else {})
    assert row_of(error) == {"exit_code": code, "error": told}


def test_row_says_denied_when_it_was() -> None:
    """Others can't be told from each other."""
    error = NsinitError("no")
    error.exit_code = EXIT_DENIED
    made = row_of(error)
    assert made["exit_code"] == EXIT_DENIED
    assert made["error"] == {"code": "denied", "message": "no"}
    assert encode({"pid": 7}) == b'{"pid": 7}\n'
