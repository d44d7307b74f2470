"""Whose the processes are that services have made."""

from __future__ import annotations

import errno
import os
import signal

from nsinit.kernel import proc, seam
from nsinit.process.strays import Strays
from tests.kernel.process.conftest import kill, sleeper
from tests.kernel.process.services import alone, orphans, run, settled


def test_processes_are_a_services_when_they_descend_from_it() -> None:
    """Also in sessions of their own, while their parents live; others are nobody's."""

    def work(strays: Strays) -> bool:
        main = run("sleep 60 & setsid sh -c 'sleep 60 & exec sleep 60' &", strays)
        other = sleeper()
        found = settled(5)
        seen = proc.processes() or {}
        below = {pid: "web" for pid in found if pid != other}
        strays.refresh()
        return (
            strays.owners({pid: seen[pid] for pid in found}) == below
            and {pid: who for pid, (_, who) in strays.look().items()}
            == {pid: who for pid, who in below.items() if pid != main}
            and [strays.owner(pid) for pid in (main, *found)] == ["web", *map(below.get, found)]
            and [strays.owner_of(pid) for pid in found] == [*map(below.get, found)]
            and sorted(strays.processes(seen)) == sorted((pid, "web", pid == main) for pid in below)
            and strays.strangers() == [other]
            and strays.left("web") == 0
        )

    assert alone(work)


def test_orphans_are_a_services_when_its_main_process_has_ended() -> None:
    """By their session, or because they were seen before, or by what they descend from."""

    def work(strays: Strays) -> bool:
        main = run("sleep 60 & setsid sh -c 'sleep 60 & exec sleep 60' &", strays)
        other = run("sleep 60 &", strays, "other")
        settled(6)
        strays.refresh()
        strays.look()
        left = orphans(strays, main)
        assert strays.left("web") == 2
        assert strays.left("other") == 0
        own = {pid for pid, (_, who) in strays.look().items() if who == "web"}
        return (
            len(own) == 3
            and strays.strangers() == [pid for pid in left if pid != other]
            and strays.left("web") == 2
        )

    assert alone(work)


def test_orphans_are_not_believed_gone_when_descriptors_run_out() -> None:
    """Another look may tell; of those of nobody there is one at least."""

    def work(strays: Strays) -> list[int | None]:
        run("sleep 60 &", strays)
        settled(2)
        seam.inject(seam.Plan("open:EMFILE"))
        told: int | None = None
        try:
            strays.left("web")
        except OSError as error:
            told = error.errno
        return [told, strays.left(None)]

    assert alone(work) == [errno.EMFILE, 1]


def test_orphan_is_nobodys_when_it_made_a_session_unseen() -> None:
    """Unless its environment says whose it is, and that may be looked at."""

    def work(strays: Strays) -> list[int]:
        main = run("setsid sleep 60 &", strays, NSINIT_SOCKET="/s", NSINIT_SERVICE="web")
        settled(2)
        orphans(strays, main)
        orphan = settled(1)[0]
        return [
            strays.left("web"),
            strays.left("other"),
            int(strays.owner(orphan) == "web"),
            int(strays.owner_of(orphan) == "web"),
        ]

    assert alone(work) == [0, 0, 0, 0]
    assert alone(work, "/s") == [1, 0, 1, 1]
    assert alone(work, "/other") == [0, 0, 0, 0]
    assert alone(work, "") == [0, 0, 0, 0]


def test_orphan_is_nobodys_when_its_environment_names_no_service() -> None:
    """An init without a socket marks its own by none; what has no name is not one of them."""

    def work(strays: Strays) -> list[str | None]:
        os.environ.pop("NSINIT_SOCKET", None)
        os.environ.pop("NSINIT_SERVICE", None)
        run("", NSINIT_SERVICE="web")
        run("", NSINIT_SERVICE="")
        run("")
        return [strays.owner_of(pid) for pid in settled(3)]

    assert alone(work, "") == ["web", None, None]


def test_zombies_are_no_orphans_when_they_are_counted() -> None:
    """They are reaped in a moment; so is what is gone by then."""

    def work(strays: Strays) -> bool:
        main = run("", strays)
        os.kill(main, signal.SIGKILL)
        os.waitid(os.P_PID, main, os.WEXITED | os.WNOWAIT)
        strays.ended(main)  # it leads a session of the service, and has ended
        return strays.left("web") == 0 and strays._owner_of_orphan(1 << 22) is None

    assert alone(work)


def test_group_is_looked_at_when_there_is_no_proc() -> None:
    """Whether anything of it is left is all that the kernel tells then."""

    def work(strays: Strays) -> list[object]:
        main = run("sleep 60 &", strays)
        (child,) = (pid for pid in settled(2) if pid != main)
        seam.inject(seam.Plan("open:ENOENT,waitid:EPERM"))
        made: list[object] = [strays.left("web"), strays.left("other"), strays.look()]
        made += [strays.strangers(), strays.owner_of(main), strays.owner(main)]
        kill(main)
        strays.ended(main)
        strays.refresh()
        made.append(strays.left("web"))
        kill(child)
        strays.refresh()
        return [*made, strays.left("web")]

    assert alone(work) == [1, 0, {}, [], None, "web", 1, 0]


def test_session_is_remembered_when_something_is_left_of_it() -> None:
    """That of a hook or a probe; the session of a main process is another matter."""

    def work(strays: Strays) -> list[object]:
        hook = run("sleep 60 &")
        strays.joined(hook, "web")
        settled(2)
        made: list[object] = [strays.owner(hook), strays.left("web")]
        kill(hook)
        strays.left_session(hook)
        strays.refresh()
        orphan = settled(1)[0]
        made += [strays.left("web"), strays.owner(orphan) == "web"]
        kill(orphan)
        strays.left_session(hook)
        made.append(dict(strays.export()[1]))
        main = run("", strays)
        strays.joined(main, "web")
        kill(main)
        strays.left_session(main)
        return [*made, dict(strays.export()[1]) == {main: "web"}]

    assert alone(work) == ["web", 1, 1, True, {}, True]


def test_process_of_others_is_a_main_one_when_it_became_that() -> None:
    """A daemon: not made by init, so it need not lead a session."""

    def work(strays: Strays) -> list[object]:
        leader = run("sleep 60 &")
        pid = next(pid for pid in settled(2) if pid != leader)
        kill(leader)
        strays.became(pid, "web")
        made: list[object] = [strays.owner(pid), strays.strangers(), strays.left("web")]
        strays.refresh()
        made.append([who for _, who in strays.look().values()])
        made.append(strays.export()[:2] == ({pid: "web"}, {leader: "web"}))
        kill(pid)
        return [*made, strays.ended(pid), strays.ended(pid), strays.export()[0]]

    assert alone(work) == ["web", [], 0, ["web"], True, "web", None, {}]


def test_another_init_knows_all_when_it_goes_on() -> None:
    """Which lead their sessions it sees by itself; what was remembered it remembers."""

    def work(strays: Strays) -> bool:
        main = run("setsid sleep 60 &", strays)
        gone = run("setsid sleep 60 & sleep 60 &", strays, "other")
        settled(5)
        strays.refresh()
        strays.look()
        kill(gone)
        strays.ended(gone)
        strays.refresh()
        first = {pid: who for pid, (_, who) in strays.look().items()}
        another = Strays()
        another.adopt(*strays.export())
        second = {pid: who for pid, (_, who) in another.look().items()}
        assert second == first | {main: "web"}
        assert another.left("other") == 2
        another.refresh()
        assert {pid: who for pid, (_, who) in another.look().items()} == first
        assert another.export() == strays.export()
        assert {who for pid, (_, who) in another.look().items()} == {"web", "other"}
        strays.forget("other")
        mains, sessions, members = strays.export()
        return (
            mains == {main: "web"}
            and set(sessions.values()) == {"web"}
            and {who for _, _, who in members} == {"web"}
            and strays.left("other") == 0
        )

    assert alone(work)


def test_tree_is_left_alone_when_it_is_too_deep() -> None:
    """To ask who asks takes no more than so many looks; what is gone is nobody's."""

    def work(strays: Strays) -> list[str | None]:
        parents = {n: proc.Stat(n, "S", n - 1, n, n, 1) for n in range(1_000_000, 1_000_100)}
        strays.became(1_000_000, "web")
        strays._sessions.give(1_000_000, "web")
        before, proc.stat = proc.stat, parents.get  # type: ignore[assignment]  # restored below
        try:
            return [strays.owner_of(1_000_000 + n) for n in (0, 1, 63, 64, 99)]
        finally:
            proc.stat = before

    assert alone(work) == ["web", "web", "web", None, None]
