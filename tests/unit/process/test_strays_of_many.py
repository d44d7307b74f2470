"""What a look for strays costs: what there is beside the processes that init has made."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nsinit.kernel import proc, seam
from nsinit.process.strays import Strays

if TYPE_CHECKING:
    from collections.abc import Container

    import pytest

    Sent = list[tuple[int, int]]

MANY = 500
FIRST = 5_000_000  # beyond all pids that Linux has, so none of them is that of this process


def _there(monkeypatch: pytest.MonkeyPatch, others: dict[int, proc.Stat]) -> list[int]:
    """A kernel with many main processes from FIRST on, and others; the pids that are read."""
    read: list[int] = []

    def processes(known: Container[int]) -> dict[int, proc.Stat]:
        there = [pid for pid in (*range(FIRST, FIRST + MANY), *others) if pid not in known]
        read.extend(there)
        return {pid: others[pid] for pid in there if pid in others}

    monkeypatch.setattr(proc, "processes", processes)
    monkeypatch.setattr(proc, "stat", others.get)
    return read


def _many() -> Strays:
    strays = Strays(None)
    for n in range(MANY):
        strays.began(FIRST + n, f"s{n}")
    return strays


def _signals(monkeypatch: pytest.MonkeyPatch) -> Sent:
    sent: Sent = []
    monkeypatch.setattr(seam, "killpg", lambda group, number: sent.append((group, number)))
    return sent


def test_only_others_are_read_when_all_services_are_signalled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One look for all, and none at what leads its group anyway."""
    me = os.getpid()
    child = proc.Stat(7, "S", FIRST + 3, FIRST + 3, FIRST + 3, 99)
    stranger = proc.Stat(8, "S", me, 8, 8, 99)
    read, sent = _there(monkeypatch, {7: child, 8: stranger}), _signals(monkeypatch)
    strays = _many()
    for n in range(MANY):
        strays.signal_group(FIRST + n, 15)
    assert read == [7, 8]
    assert sent == [(FIRST + n, 15) for n in range(MANY)]
    assert strays.owner(7) == "s3"
    assert strays.owner(8) is None


def test_child_is_found_when_its_parent_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a session of its own, which is remembered from the look before; then it is forgotten."""
    me, others = os.getpid(), {7: proc.Stat(7, "S", FIRST + 3, 7, 7, 99)}
    _there(monkeypatch, others)
    sent = _signals(monkeypatch)
    strays = _many()
    strays.signal_group(FIRST + 3, 15)
    strays.ended(FIRST + 3)
    strays.refresh()
    others[7] = proc.Stat(7, "S", me, 7, 7, 99)
    monkeypatch.setattr(proc, "children_for_certain", lambda: [7, *range(FIRST, FIRST + MANY)])
    assert (strays.left("s3"), strays.left("s4")) == (1, 0)
    sent.clear()
    strays.signal_all("s3", 9)
    assert (7, 9) in sent
    strays.forget("s3")
    strays.refresh()
    assert strays.owner(7) is None


def test_leaders_are_known_again_when_another_init_has_made_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first look reads them, the next one does not."""
    me = os.getpid()
    others = {
        5: proc.Stat(5, "S", me, 5, 5, 99),
        6: proc.Stat(6, "S", me, 5, 5, 99),  # a daemon: in a session that another has made
    }
    read = _there(monkeypatch, others)
    strays = Strays(None)
    strays.adopt({5: "a", 6: "b"}, {}, [])
    for _ in range(2):
        strays.refresh()
        strays.look()
    assert read.count(5) == 1
    assert read.count(6) == 2
    assert strays.export()[0] == {5: "a", 6: "b"}
