"""Kills for lack of memory by the counters of this machine, and of services without such a one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nsinit.process import oom
from nsinit.process.oom import Blame, OomCounter
from nsinit.process.strays import Strays

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable


@pytest.fixture
def counter_file(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """The one counter that there is; another file may take its place."""
    path = tmp_path / "events"
    path.write_text("oom_kill 3\n")
    monkeypatch.setattr(oom, "_places", lambda: [str(tmp_path / "none"), str(path)])
    return path


def test_counter_of_the_machine_is_read_when_there_is_one(
    descriptors: Callable[[], list[str]],
) -> None:
    """Nothing is killed while we look: it stands still; its file alone stays open."""
    before = descriptors()
    counter = OomCounter()
    assert len(descriptors()) <= len(before) + 1
    assert counter.last >= 0
    assert not counter.rose()


def test_another_init_goes_on_when_it_knows_what_was_counted(counter_file: pathlib.Path) -> None:
    """What rose between the two is a rise."""
    assert OomCounter().last == 3
    assert OomCounter(2).rose()
    assert not OomCounter(3).rose()
    counter = OomCounter(5)  # the counter is another one now
    assert not counter.rose()
    assert counter.last == 3
    counter_file.write_text("oom_kill 4\n")
    assert counter.rose()


def test_counter_is_looked_for_again_when_it_can_not_be_read_any_more(
    counter_file: pathlib.Path, failing: Callable[[str], None], descriptors: Callable[[], list[str]]
) -> None:
    """A cgroup may be removed; its descriptor is closed."""
    before = descriptors()
    counter = OomCounter()
    assert len(descriptors()) == len(before) + 1
    counter_file.unlink()
    counter_file.write_text("oom_kill 9\n")
    assert not counter.rose()  # the one that it has open
    failing("read:ENODEV@1")
    assert counter.rose()
    assert counter.last == 9
    counter_file.write_text("nothing\n")
    assert not counter.rose()
    assert descriptors() == before
    assert counter.last == 0


def test_nothing_is_counted_when_own_groups_can_not_be_read(failing: Callable[[str], None]) -> None:
    """Neither can the others then."""
    failing("read:EIO")
    assert OomCounter().last == 0


def test_machine_counts_when_a_service_has_no_counter(
    counter_file: pathlib.Path,
) -> None:
    """A KILL that init has not sent, while the counter rose, is the kernel's; others are not."""
    blame = Blame(Strays())
    blame.began("a")
    blame.watch()
    assert blame.judge("a", -9) == (False, "")
    counter_file.write_text("oom_kill 4\n")
    blame.watch()  # again: it goes on with what it has
    assert blame.judge("a", -9) == (True, "")
    assert blame.judge("a", -9) == (False, "")
    counter_file.write_text("oom_kill 5\n")
    assert blame.judge("a", 1) == (False, "")
    assert blame.judge("a", -9) == (True, "")  # the rise is still there for what was killed
    counter_file.write_text("oom_kill 6\n")
    blame.sent_kill("a")
    assert blame.judge("a", -9) == (False, "")
    assert blame.judge("a", -9) == (False, "")


def test_nothing_is_known_when_nobody_watches() -> None:
    """A KILL is a KILL."""
    assert Blame(Strays()).judge("a", -9) == (False, "")


def test_kill_of_init_is_forgotten_when_the_run_is_over(counter_file: pathlib.Path) -> None:
    """It counts for the run that it was sent to."""
    blame = Blame(Strays())
    blame.watch()
    blame.sent_kill("a")
    blame.over("a")
    counter_file.write_text("oom_kill 4\n")
    assert blame.judge("a", -9) == (True, "")


def test_another_init_knows_all_when_it_goes_on(counter_file: pathlib.Path) -> None:
    """Whom it has killed, and how far the counter was."""
    blame = Blame(Strays())
    blame.adopt(["b", "a"], None, {"c": 2})
    assert blame.export() == (["a", "b"], None, {"c": 2})
    assert blame.judge("c", -9) == (False, "")
    blame.adopt(["b", "a"], 1, {})
    assert blame.export() == (["a", "b"], 1, {})
    assert blame.judge("a", -9) == (False, "")
    assert blame.export() == (["b"], 3, {})
    blame.adopt([], 1, {})
    assert blame.judge("a", -9) == (True, "")
    assert counter_file.exists()


class _Counts:
    """Groups of services, of which only the counters matter here."""

    def __init__(self) -> None:
        self.kills = {"a": 0}

    def oom_kills(self, service: str) -> int | None:
        return self.kills.get(service)

    def memory_limit(self, _: str) -> None:
        return None


def test_kill_is_nobody_elses_when_a_group_has_counted_it(counter_file: pathlib.Path) -> None:
    """The machine's counter rose by it, too: a service without a group is not blamed for that."""
    strays = Strays()
    counts: Any = _Counts()
    strays.groups = counts
    blame = Blame(strays)
    blame.watch()
    blame.began("a")
    blame.began("b")
    counts.kills["a"] = 2
    counter_file.write_text("oom_kill 5\n")
    text = "the kernel killed 2 of its processes for lack of memory: there was none left"
    assert blame.judge("a", -9) == (True, text)
    assert blame.judge("b", -9) == (False, "")
    counter_file.write_text("oom_kill 6\n")
    assert blame.judge("b", -9) == (True, "")
    counts.kills["a"] = 3
    blame.sent_kill("a")
    one = "the kernel killed one of its processes for lack of memory: there was none left"
    assert blame.judge("a", -9) == (False, one)
