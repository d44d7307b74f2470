"""What the init of one command passes on, and when it stops with it."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.process import single
from nsinit.process.single import DEBUG, INFO, Settings
from tests.kernel.process.conftest import forked, kill, put, sleeper
from tests.kernel.process.inits import Init, killed
from tests.support.live import eventually, status_field

if TYPE_CHECKING:
    from collections.abc import Callable

WAITS = "while :; do sleep 60 & wait $!; done"
# Says what it gets, and goes on; so does a child in its group, with another name.
HEARS = """
for n in TERM USR1 USR2 QUIT; do trap "echo $0 $n" $n; done
[ "$0" = child ] || {{ sh -c "$1" child "$1" & }}
echo $0 ready
while :; do sleep 60 & wait $!; done
""".replace("{{", "{").replace("}}", "}")


def hearing(**settings: Any) -> Init:
    """One whose command and its child tell what they get."""
    made = Init("sh", "-c", HEARS, "parent", HEARS, grace=0.05, **settings)
    assert {made.line(), made.line()} == {"parent ready", "child ready"}
    return made


def lines(init: Init, count: int) -> set[str]:
    """The next ones, in any order."""
    return {init.line() for _ in range(count)}


# --- Signals --------------------------------------------------------------------------------------


def test_signals_reach_the_group_when_they_are_passed_on() -> None:
    """Each once; nothing is said of it."""
    init = hearing()
    for name in ("USR1", "USR2"):
        init.signal(signal.Signals[f"SIG{name}"])
        assert lines(init, 2) == {f"parent {name}", f"child {name}"}
    assert killed(init)[0] == 137


def test_signals_reach_the_command_alone_when_asked() -> None:
    """Its child hears nothing, and each is told."""
    init = hearing(group=False, rewrite={10: 12, 2: 0}, verbosity=DEBUG)
    init.signal(signal.SIGUSR1)
    assert init.line() == "parent USR2"
    init.signal(signal.SIGINT)
    init.signal(signal.SIGQUIT)
    assert init.line() == "parent QUIT"
    code, _, told = killed(init)
    assert code == 137
    said = [line.removeprefix("nsinit: ") for line in told.splitlines()]
    assert [line for line in said if "USR" in line or "INT" in line or "QUIT" in line] == [
        "passing on USR1 as USR2",
        "got INT, which is not passed on",
        "passing on QUIT",
    ]


def test_term_comes_later_when_it_is_delayed() -> None:
    """Others do not wait for it; whoever asks again need not wait either."""
    init = hearing(group=False, delay=0.3, verbosity=INFO)
    before = time.monotonic()
    init.signal(signal.SIGTERM)
    init.signal(signal.SIGUSR1)
    assert init.line() == "parent USR1"
    assert init.line() == "parent TERM"
    assert time.monotonic() - before >= 0.3
    init.signal(signal.SIGTERM)
    assert init.line() == "parent TERM"
    assert "nsinit: got TERM, which is passed on later\n" in killed(init)[2]
    init = hearing(group=False, delay=3600.0)
    init.signal(signal.SIGTERM)
    eventually(lambda: int(status_field(init.pid, "ShdPnd"), 16) == 0, "init has taken it")
    init.signal(signal.SIGTERM)
    assert init.line() == "parent TERM"
    init.signal(signal.SIGUSR1)
    assert init.line() == "parent USR1"
    killed(init)


def test_nothing_is_passed_on_when_nobody_reads_what_init_says() -> None:
    """The kernel sends it a PIPE for that, which is no business of the command."""

    def dead() -> None:
        reader, writer = os.pipe()
        os.close(reader)
        os.dup2(writer, 2)

    script = "trap 'echo pipe' PIPE; trap 'echo usr1; exit 7' USR1; echo ready; sleep 60 & wait"
    init = Init("sh", "-c", script, before=dead, verbosity=DEBUG)
    assert init.line() == "ready"
    init.signal(signal.SIGUSR1)
    assert init.end() == (7, "usr1\n", "")


def test_pipe_is_passed_on_when_somebody_sends_it() -> None:
    """As any other."""
    init = Init("sh", "-c", "trap 'echo pipe; exit 7' PIPE; echo ready; sleep 60 & wait")
    init.line()
    init.signal(signal.SIGPIPE)
    assert init.end() == (7, "pipe\n", "")


class _Sent:
    """An init whose command is a process of ours; what it sends is noted, and sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, child: int, **settings: object) -> None:
        monkeypatch.setattr(single, "_let_go", lambda _: None)  # it would close what pytest has
        self.sent: list[tuple[str, int, int]] = []
        for name in ("kill", "killpg"):
            monkeypatch.setattr(os, name, self._noting(name, getattr(os, name)))
        made = Settings(["x"])
        for key, value in settings.items():
            setattr(made, key, value)
        self.init = single.Init(made, child, None, set())

    def _noting(self, name: str, real: Callable[[int, int], None]) -> Callable[[int, int], None]:
        def call(pid: int, number: int) -> None:
            self.sent.append((name, pid, number))
            real(pid, number)

        return call

    def get(self, number: int, code: int = 0, pid: int = 1) -> list[tuple[str, int, int]]:
        """What is sent when that comes."""
        self.sent.clear()
        self.init._handle(signal.struct_siginfo((number, code, 0, pid, 0, 0, 0)))
        return self.sent[:]


def test_signals_of_the_kernel_stay_when_they_are_for_init(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of its own terminal and its own children; others' are passed on."""
    pid = sleeper()
    given = _Sent(monkeypatch, pid)
    try:
        assert given.get(signal.SIGCHLD, 1) == []
        assert given.get(signal.SIGTTIN, 128) == given.get(signal.SIGTTOU, 128) == []
        assert given.get(signal.SIGTTIN, 0) == [("killpg", pid, signal.SIGTTIN)]
        assert given.get(signal.SIGTTOU, 0) == [("killpg", pid, signal.SIGTTOU)]
        assert given.get(signal.SIGWINCH, 128) == [("killpg", pid, signal.SIGWINCH)]
        assert given.get(signal.SIGPIPE, 0, os.getpid()) == []
        assert given.get(signal.SIGURG, 0, os.getpid()) == [("killpg", pid, signal.SIGURG)]
        alone = _Sent(monkeypatch, pid, group=False)
        assert alone.get(signal.SIGWINCH)[0] == ("kill", pid, signal.SIGWINCH)
        assert alone.get(signal.SIGCONT)[0] == ("killpg", pid, signal.SIGCONT)
    finally:
        monkeypatch.undo()
        kill(pid)


def test_command_is_signalled_when_it_has_no_group_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its fork and its setsid; what has ended is no trouble."""
    pid = forked(signal.pause)
    given = _Sent(monkeypatch, pid)
    wanted = [("killpg", pid, signal.SIGCONT), ("kill", pid, signal.SIGCONT)]
    assert given.get(signal.SIGCONT) == wanted
    kill(pid)
    assert given.get(signal.SIGCONT) == wanted


@pytest.mark.usefixtures("needs_root")
def test_nothing_fails_when_the_command_runs_as_somebody_else() -> None:
    """Its group may not be signalled then."""
    pid = sleeper()

    def other() -> None:
        os.setresuid(4321, 4321, 4321)
        with pytest.MonkeyPatch.context() as patch:
            sent = _Sent(patch, pid).get(signal.SIGTERM)
        assert sent == [("killpg", pid, signal.SIGTERM)]

    status = os.waitpid(forked(other), 0)[1]
    kill(pid)
    assert status == 0


def test_error_is_told_when_nobody_thought_of_it() -> None:
    """It does not end an init."""

    def wrong(*_: object) -> None:
        raise ValueError("odd")

    reader, writer = os.pipe()

    def before() -> None:
        os.dup2(reader, 0)
        put(single.Init, "_handle", wrong)

    init = Init("sh", "-c", "echo ready; read x; exit 4", before=before)
    init.line()
    init.signal(signal.SIGUSR1)
    eventually(lambda: int(status_field(init.pid, "ShdPnd"), 16) == 0, "init has taken it")
    os.write(writer, b"x\n")
    code, _, told = init.end()
    os.close(reader)
    os.close(writer)
    assert code == 4
    assert told.splitlines()[0] == "nsinit: internal error: ValueError('odd')"


# --- Stops ----------------------------------------------------------------------------------------


def _state(pid: int) -> str:
    return status_field(pid, "State")[:1]


def test_init_stops_with_its_command_when_asked_to_stop_it() -> None:
    """Whoever sent that will also send CONT."""
    # A group that no shell looks after is not stopped by TSTP itself (setpgid(2)).
    stop = {signal.SIGTSTP: signal.SIGSTOP}
    init = Init("sh", "-c", "echo ready; exec sleep 60", verbosity=DEBUG, rewrite=stop)
    init.line()
    child = init.child()
    init.signal(signal.SIGTSTP)
    assert os.WIFSTOPPED(os.waitpid(init.pid, os.WUNTRACED)[1])
    assert _state(child) == "T"
    init.signal(signal.SIGCONT)
    eventually(lambda: _state(child) == "S", "it goes on")
    os.kill(child, signal.SIGSTOP)  # not by init: that goes on
    eventually(lambda: _state(child) == "T", "it has stopped")
    init.signal(signal.SIGCONT)
    eventually(lambda: _state(child) == "S", "it goes on")
    told = killed(init)[2]
    assert told.count("nsinit: the command was stopped by STOP\n") == 2


def test_init_goes_on_when_its_command_stops_later() -> None:
    """Another signal came meanwhile: the stop is not the one that was asked for."""
    script = f"trap 'echo tstp' TSTP; trap 'echo usr1' USR1; echo ready; {WAITS}"
    init = Init("sh", "-c", script, group=False)
    init.line()
    for number, word in ((signal.SIGTSTP, "tstp"), (signal.SIGUSR1, "usr1")):
        init.signal(number)
        assert init.line() == word
    os.kill(init.child(), signal.SIGTSTP)
    assert init.line() == "tstp"
    os.kill(init.child(), signal.SIGSTOP)
    eventually(lambda: _state(init.child()) == "T", "it has stopped")
    assert _state(init.pid) == "S"
    assert killed(init)[0] == 137
