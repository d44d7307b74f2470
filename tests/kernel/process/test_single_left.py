"""What the init of one command adopts, reaps and ends."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Any

import pytest

from nsinit.kernel.namespaces import flags_of
from nsinit.process import single
from nsinit.process.single import DEBUG, INFO, Settings
from tests.kernel.conftest import in_child
from tests.kernel.process.conftest import forked, kill, sleeper, zombie
from tests.kernel.process.inits import Init, killed
from tests.support.live import eventually, is_alive, status_field

WAITS = "while :; do sleep 60 & wait $!; done"
ISOLATED = flags_of(["pid", "mount"])


def _state(pid: int) -> str:
    return status_field(pid, "State")[:1]


# --- Orphans and stragglers -----------------------------------------------------------------------


def test_orphans_get_a_signal_when_asked() -> None:
    """While the command runs; not what init had before, nor what still has its parent."""
    pids: list[int] = []
    reader, writer = os.pipe()

    def have() -> None:
        os.write(writer, b"%d\n" % sleeper())

    script = "sh -c 'sleep 60 & echo $!'; sleep 60 & echo $!; wait"
    init = Init("sh", "-c", script, before=have, orphans=signal.SIGTERM, verbosity=INFO)
    orphan, own = int(init.line()), int(init.line())
    older = int(os.read(reader, 99))
    pids += [older, own]
    eventually(lambda: not is_alive(orphan), "it is ended")
    assert all(map(is_alive, pids))
    os.kill(own, signal.SIGKILL)
    code, _, told = init.end()
    assert code == 0
    assert told.count(" gets TERM\n") == 2
    assert f"nsinit: orphan {orphan} (sleep) gets TERM\n" in told
    assert "nsinit: what the command left behind gets TERM\n" in told
    assert not any(map(is_alive, pids))
    for fd in (reader, writer):
        os.close(fd)


def test_orphans_are_looked_for_when_a_term_waits() -> None:
    """Both are looked after in time, whichever comes first."""
    script = f"trap 'echo term' TERM; sh -c 'sleep 60 & echo $!'; {WAITS}"
    init = Init("sh", "-c", script, orphans=signal.SIGKILL, delay=0.2, group=False)
    orphan = int(init.line())
    init.signal(signal.SIGTERM)
    assert init.line() == "term"
    eventually(lambda: not is_alive(orphan), "it is ended")
    killed(init)


@pytest.mark.parametrize("settings", [{"warn_reaped": True}, {"verbosity": DEBUG}])
def test_what_is_reaped_is_told_when_asked(settings: dict[str, Any]) -> None:
    """By pid and name; stops are no ends."""
    end, write = os.pipe()
    script = "sh -c 'sleep 60 & echo $!'; echo go; read x; exit 0"
    init = Init("sh", "-c", script, before=lambda: os.dup2(end, 0), **settings)
    orphan = int(init.line())
    assert init.line() == "go"
    eventually(lambda: status_field(orphan, "PPid") == str(init.pid), "it is adopted")
    eventually(lambda: status_field(orphan, "Name") == "sleep", "it has its name")
    os.kill(orphan, signal.SIGSTOP)
    eventually(lambda: _state(orphan) == "T", "it has stopped")
    init.signal(signal.SIGCONT)
    os.kill(orphan, signal.SIGKILL)
    eventually(lambda: not os.path.exists(f"/proc/{orphan}"), "it is reaped")
    os.write(write, b"\n")
    reaped = [line for line in init.end()[2].splitlines() if "reaped" in line]
    # The shell that was its parent is the command's own child.
    assert reaped == [f"nsinit: reaped process {orphan} (sleep), which is not the command"]
    os.close(end)
    os.close(write)


def test_nothing_is_named_when_a_process_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is looked at, or while it is."""
    assert single._comm(1 << 22) == ""
    pid = zombie()

    def gone(*_: object) -> bytes:
        raise ProcessLookupError

    with monkeypatch.context() as patch:
        patch.setattr(os, "read", gone)
        assert single._comm(pid) == ""
    assert single._comm(pid).startswith(" (")
    os.waitpid(pid, 0)


LEAVES = "(setsid sh -c '{}' &); sleep 0.01; read x"
STAYS = f'trap " " TERM; echo $$; {WAITS}'


def _leaving(script: str, **settings: Any) -> tuple[Init, int, int]:
    """An init whose command has left a process in another session; its pid, and what ends all."""
    end, write = os.pipe()
    first = settings.pop("before_it", None)

    def before() -> None:
        os.dup2(end, 0)
        if first is not None:
            first()

    init = Init("sh", "-c", LEAVES.format(script), before=before, **settings)
    os.close(end)
    return init, int(init.line()), write


@pytest.mark.parametrize("flags", [0, ISOLATED], ids=["subreaper", "pid1"])
@pytest.mark.usefixtures("needs_root")
def test_what_is_left_gets_term_when_the_command_has_ended(flags: int) -> None:
    """In whatever session it is, also if it is stopped; the code is that of the command."""
    init, pid, write = _leaving("echo $$; exec sleep 60", flags=flags, verbosity=INFO)
    if not flags:
        os.kill(pid, signal.SIGSTOP)
    os.close(write)
    code, out, told = init.end()
    assert (code, out) == (1, "")
    assert told.count("what the command left behind gets TERM\n") == 1
    assert "KILL" not in told


@pytest.mark.parametrize("again", [False, True])
def test_what_is_left_is_killed_when_it_does_not_end(*, again: bool) -> None:
    """After the grace; whoever asks again does not want to wait."""
    init, pid, write = _leaving(STAYS, verbosity=INFO, grace=3600.0 if again else 0.2)
    command = init.child()
    began = time.monotonic()
    os.close(write)
    if again:
        eventually(lambda: not is_alive(command), "the command has ended")
        while is_alive(pid):
            init.signal(signal.SIGTERM)
            time.sleep(0.01)
    code, _, told = init.end()
    assert code == 1
    left = [line for line in told.splitlines() if "left behind" in line]
    assert [line.rpartition(" ")[2] for line in left] == ["TERM", "KILL"]
    assert again or time.monotonic() - began >= 0.2
    assert not is_alive(pid)


def test_kill_is_waited_for_when_somebody_asks_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being killed is not said to be something that can't be."""
    monkeypatch.setattr(single, "_let_go", lambda _: None)

    def work() -> list[bool]:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        made = []
        for number in (signal.SIGTERM, signal.SIGKILL):
            init = single.Init(Settings(["x"]), 1 << 22, None, set())
            pid = forked(lambda: time.sleep(0.2))
            os.kill(os.getpid(), signal.SIGTERM)
            made.append(init._all_gone(time.monotonic() + 60, number))
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        return made

    assert in_child(work) == [False, True]


@pytest.mark.usefixtures("needs_root")
def test_init_ends_when_something_can_not_be_killed() -> None:
    """It is told, and what can be killed is."""
    reader, writer = os.pipe()

    def have() -> None:
        os.write(writer, b"%d\n" % sleeper())
        os.setresuid(4321, 4321, 4321)

    init, pid, write = _leaving(STAYS, before_it=have, grace=0.1, verbosity=INFO)
    others = int(os.read(reader, 99))
    os.close(write)
    os.waitid(os.P_PID, init.pid, os.WEXITED | os.WNOWAIT)
    os.kill(others, signal.SIGKILL)  # it has the same stdout
    code, _, told = init.end()
    assert code == 1
    assert told.splitlines()[-2:] == [
        "nsinit: what the command left behind gets KILL",
        "nsinit: something that the command left behind can't be killed",
    ]
    assert not is_alive(pid)


def test_nobody_is_waited_for_when_nothing_is_left() -> None:
    """Only one's own children count, until they are reaped."""

    def work() -> list[object]:
        running = sleeper()
        made: list[object] = [single._peek(), single._has_no_child()]
        dead = zombie()
        made += [single._peek()[0] == dead, set(single._children()) == {running, dead}]
        os.waitpid(dead, 0)
        kill(running)
        return [*made, single._has_no_child(), single._children()]

    assert in_child(work) == [(-1, ""), False, True, True, True, []]
