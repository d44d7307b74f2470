"""Who finds a place among many clients."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from nsinit.control.access import ADMIN, NOBODY
from nsinit.control.crowding import EACH, LEAST, OTHERS, STRANGER, FullError, find_place, places

READ = 0


class Seat(NamedTuple):
    """A client."""

    uid: int
    level: int
    idle_since: float | None


def many(count: int, uid: int, level: int, *, idle: bool = False) -> list[Seat]:
    """Clients of one user, the first of them idle for longest."""
    return [Seat(uid, level, 100.0 + n if idle else None) for n in range(count)]


def test_there_is_a_place_when_few_have_come() -> None:
    """Up to the last one, for each kind."""
    assert find_place([], 5, NOBODY) is None
    assert find_place(many(STRANGER - 1, 5, NOBODY), 5, NOBODY) is None
    assert find_place(many(EACH - 1, 5, READ), 5, READ) is None
    assert find_place(many(LEAST - 1, 0, ADMIN), 0, ADMIN) is None


@pytest.mark.parametrize(("most", "level"), [(STRANGER, NOBODY), (EACH, READ)])
def test_user_is_turned_away_when_it_has_its_share(most: int, level: int) -> None:
    """Others are not: neither another user nor an admin."""
    clients = many(most, 5, level)
    with pytest.raises(FullError, match=f"uid 5 has {most} connections, and all are busy"):
        find_place(clients, 5, level)
    assert find_place(clients, 6, level) is None
    assert find_place(clients, 0, ADMIN) is None


def test_own_idle_client_makes_room_when_a_user_has_its_share() -> None:
    """The one that has been idle for longest, and never that of another."""
    clients = [*many(9, 6, READ, idle=True), *many(EACH - 2, 5, READ)]
    clients += [Seat(5, READ, 300.0), Seat(5, READ, 200.0)]
    assert find_place(clients, 5, READ) == Seat(5, READ, 200.0)


def test_places_are_kept_for_admins_when_others_come() -> None:
    """However many users they are."""
    clients = [Seat(uid, READ, None) for uid in range(100, 100 + OTHERS)]
    with pytest.raises(FullError, match=f"there are {OTHERS} connections"):
        find_place(clients, 5, READ)
    assert find_place(clients, 0, ADMIN) is None
    assert find_place([*clients, Seat(7, READ, 1.0)], 5, READ) == Seat(7, READ, 1.0)


def test_idle_client_makes_room_when_an_admin_comes() -> None:
    """Of those who are not admin, if there are any; a busy one never."""
    admins = many(LEAST - 1, 0, ADMIN, idle=True)
    assert find_place([*admins, Seat(5, READ, 900.0)], 0, ADMIN) == Seat(5, READ, 900.0)
    assert find_place([*admins, Seat(5, READ, None)], 0, ADMIN) == admins[0]
    with pytest.raises(FullError, match=f"there are {LEAST} connections"):
        find_place(many(LEAST, 0, ADMIN), 0, ADMIN)


@pytest.mark.parametrize(
    ("files", "most"), [(256, 256), (1024, 256), (2048, 512), (1 << 20, 1024), (-1, 1024)]
)
def test_places_are_a_share_of_the_files_when_there_are_many(files: int, most: int) -> None:
    """Never less than a few hundred, and so many that subscribers can be counted by hundreds."""
    assert places(files) == most


def test_newcomer_is_turned_away_when_all_places_are_taken() -> None:
    """As many as there are."""
    with pytest.raises(FullError, match="there are 300 connections"):
        find_place(many(300, 0, ADMIN), 0, ADMIN, 300)
    assert find_place(many(299, 0, ADMIN), 0, ADMIN, 300) is None
