"""Signals that reach all the processes of a service, and no others."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.kernel import proc, seam
from nsinit.process.strays import Strays
from tests.kernel.process.conftest import forked, lead, sleeper, zombie
from tests.kernel.process.services import alone, orphans, run, settled, state
from tests.support.live import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping


def test_all_of_a_service_is_killed_when_it_is_signalled() -> None:
    """In sessions of their own, and after their parents; nothing else is."""

    def work(strays: Strays) -> list[int]:
        main = run("sleep 60 & setsid sh -c 'sleep 60 & setsid sleep 60 & exec sleep 60' &", strays)
        other = run("sleep 60 &", strays, "other")
        stranger = sleeper()
        settled(8)
        strays.refresh()
        strays.look()
        left = orphans(strays, main)
        strays.signal_all("web", signal.SIGKILL)
        rest = [pid for pid in left if pid not in (other, stranger)]
        for pid in rest:
            os.waitpid(pid, 0)
        while len(proc.children() or ()) > 2:
            os.waitpid(-1, 0)
        strays.refresh()
        return [strays.left("web"), len(settled(3)), len(rest)]

    assert alone(work) == [0, 3, 2]


def _with_groups() -> None:
    """Lead a session with a job of it in a group of its own, and another session."""

    def job() -> None:
        os.setpgid(0, 0)
        signal.pause()

    os.setsid()
    forked(job)
    forked(lead)
    signal.pause()


def test_each_process_is_hit_once_when_all_are_signalled() -> None:
    """Sessions by their groups, at one stroke; what has left that group by itself."""

    def work(strays: Strays) -> list[object]:
        main = forked(_with_groups)
        strays.began(main, "web")

        def groups() -> set[int]:
            found = [proc.stat(pid) for pid in proc.descendants()]
            return {one.group for one in found if one is not None}

        eventually(lambda: len(groups()) == 3, "three groups")
        heard: list[tuple[str, int]] = []
        _note(heard, "killpg")
        _note_processes(heard)
        strays.signal_all("web", signal.SIGSTOP)
        eventually(lambda: {state(pid) for pid in proc.descendants()} == {"T"}, "all have stopped")
        return [*heard]

    stop = signal.SIGSTOP
    assert alone(work) == [("killpg", stop), ("killpg", stop), ("process", stop)]


def _note(heard: list[tuple[str, int]], name: str) -> None:
    real = getattr(seam, name)

    def call(whom: int, number: int) -> None:
        if number:
            heard.append((name, number))
        real(whom, number)

    setattr(seam, name, call)  # of a child that ends


def _note_processes(heard: list[tuple[str, int]]) -> None:
    real = proc.signal_process

    def call(found: proc.Stat, number: int) -> bool:
        heard.append(("process", number))
        return real(found, number)

    setattr(proc, "signal_process", call)  # noqa: B010  (of a child that ends)


def test_signalling_ends_when_a_service_forks_without_end() -> None:
    """After some rounds it is left for the next time; zombies are none of them."""

    def work(strays: Strays) -> list[int]:
        main = run("", strays)
        seen: list[int] = []
        real = strays.look

        def look() -> Any:
            made = dict(real())
            number = 1 << 22 | len(seen)
            made[number] = (proc.Stat(number, "S", 1, 1, 1, len(seen)), "web")
            made[number + 99] = (proc.Stat(number + 99, "Z", 1, 1, 1, 5), "web")
            return made

        def hit(found: proc.Stat, _: int) -> bool:
            seen.append(found.pid)
            return True

        strays.look = look  # type: ignore[method-assign]  # of this one
        setattr(proc, "signal_process", hit)  # noqa: B010  (the same)
        strays.signal_all("web", signal.SIGCONT)
        return [len(seen), len({*seen}), int(state(main) != "Z")]

    assert alone(work) == [5, 5, 1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_main_process_is_hit_when_it_has_no_group_yet(number: int) -> None:
    """Between its fork and its setsid."""

    def work(strays: Strays) -> int:
        pid = forked(signal.pause)
        strays.began(pid, "web")
        strays.signal_group(pid, number)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    assert alone(work) == -number


def test_group_of_a_daemon_is_hit_when_another_leads_it() -> None:
    """Found by a look; but never our own group."""

    def work(strays: Strays) -> list[int]:
        leader = run("sleep 60 &")
        member = next(pid for pid in settled(2) if pid != leader)
        strays.became(member, "web")
        strays._sessions.give(leader, "web")
        strays.signal_group(member, signal.SIGTERM)
        made = [os.waitstatus_to_exitcode(os.waitpid(leader, 0)[1])]
        made.append(os.waitstatus_to_exitcode(os.waitpid(member, 0)[1]))
        ours = forked(signal.pause)
        strays.became(ours, "web")
        strays.refresh()
        strays.signal_group(ours, signal.SIGTERM)
        return [*made, os.waitstatus_to_exitcode(os.waitpid(ours, 0)[1])]

    assert alone(work) == [-signal.SIGTERM] * 3


def test_nothing_fails_when_what_is_signalled_has_gone() -> None:
    """The pid is ours until it is reaped, so this is one that was there before us."""

    def work(strays: Strays) -> list[int]:
        pid = zombie()
        os.waitpid(pid, 0)
        strays.signal_main(pid, signal.SIGTERM)
        strays.signal_group(pid, signal.SIGTERM)
        strays.joined(pid, "web")
        strays.signal_all("web", signal.SIGTERM)
        return [strays.left("web")]

    assert alone(work) == [0]


def test_group_exists_when_it_may_not_be_signalled(failing: Callable[[str], None]) -> None:
    """It is somebody else's now: something is left."""

    def work(strays: Strays) -> list[int]:
        pid = zombie()
        os.waitpid(pid, 0)
        strays.joined(pid, "web")
        failing("kill:EPERM")
        strays.left_session(pid)
        kept = len(strays.export()[1])
        failing("")
        strays.left_session(pid)
        return [kept, len(strays.export()[1])]

    assert alone(work) == [1, 0]


# --- Cgroups --------------------------------------------------------------------------------------


class Groups:
    """Cgroups of services that note what is asked of them."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.of: dict[int, str] = {}
        self.error: OSError | None = None

    def owners(self) -> Mapping[int, str]:
        self.asked.append("owners")
        return self.of

    def kill(self, service: str) -> bool:
        self.asked.append(("kill", service))
        return True

    def forget(self, service: str) -> None:
        self.asked.append(("forget", service))

    def tidy(self, living: Collection[str]) -> None:
        self.asked.append(("tidy", sorted(living)))

    def freeze(self, service: str, *, on: bool) -> None:
        self.asked.append(("freeze", service, on))
        if self.error is not None:
            raise self.error


def _grouped(strays: Strays) -> Groups:
    groups: Any = Groups()
    strays.groups = groups
    made: Groups = groups
    return made


def test_processes_are_a_services_when_they_are_in_its_group() -> None:
    """Whatever else they are; the groups are read once until time has passed."""

    def work(strays: Strays) -> list[object]:
        groups = _grouped(strays)
        pid = sleeper()
        groups.of = {pid: "web"}
        made: list[object] = [strays.owner(pid), strays.left("web"), groups.asked[:]]
        strays.refresh()
        groups.of = {}
        strays.began(os.getpid(), "main")
        strays.refresh()
        return [*made, groups.asked[1:]]

    assert alone(work) == ["web", 1, ["owners"], [("tidy", []), ("tidy", ["main"])]]


def test_group_is_killed_when_a_service_gets_a_kill() -> None:
    """By the kernel, at one stroke; other signals go to processes."""

    def work(strays: Strays) -> list[object]:
        groups = _grouped(strays)
        strays.signal_all("web", signal.SIGTERM)
        strays.signal_all("web", signal.SIGKILL)
        strays.forget("web")
        return [one for one in groups.asked if isinstance(one, tuple) and one[0] != "tidy"]

    assert alone(work) == [("kill", "web"), ("forget", "web")]


def test_processes_are_frozen_when_they_have_a_group() -> None:
    """Without one that can't be, and there is nothing to thaw."""
    strays = Strays()
    none = "cannot freeze its processes: it has no cgroup of its own"
    assert strays.freeze("web", on=True) == none
    assert strays.freeze("web", on=False) == ""
    groups = _grouped(strays)
    assert strays.freeze("web", on=True) == ""
    assert strays.freeze("web", on=False) == ""
    assert groups.asked == [("freeze", "web", True), ("freeze", "web", False)]
    groups.error = OSError(16, "Device or resource busy")
    assert strays.freeze("a", on=True) == "cannot freeze its processes: Device or resource busy"
    groups.error = OSError("odd")
    assert strays.freeze("a", on=False) == "cannot thaw its processes: odd"
