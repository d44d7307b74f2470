"""Whose things are, looked up from both sides."""

from __future__ import annotations

import pytest

from nsinit.process.owned import Owned


def _sides(owned: Owned[int]) -> dict[str, list[int]]:
    """What is whose, which both sides have to say alike."""
    made = {who: sorted(owned.of(who)) for who in owned.owners}
    assert {key: who for who, keys in made.items() for key in keys} == dict(owned.items())
    assert len(owned) == sum(map(len, made.values()))
    return made


@pytest.mark.parametrize("count", [1, 2, 4, 5, 6, 20])
def test_each_thing_is_dropped_once_when_there_are_many(count: int) -> None:
    """Few are kept otherwise than many."""
    owned: Owned[int] = Owned()
    for key in range(count):
        owned.give(key, "a")
        owned.give(100 + key, "b")
        assert _sides(owned) == {"a": [*range(key + 1)], "b": [*range(100, 101 + key)]}
    for key in range(count):
        assert key in owned
        assert owned.drop(key) == "a"
        assert owned.drop(key) is None
        assert key not in owned
        rest = {"a": [*range(key + 1, count)]} if key + 1 < count else {}
        assert _sides(owned) == {**rest, "b": [*range(100, 100 + count)]}
    assert owned.of("a") == ()
    owned.give(7, "a")
    assert _sides(owned)["a"] == [7]


def test_thing_has_one_owner_when_it_is_given_to_another() -> None:
    """The one before has it no more; given again to the same it is still there once."""
    owned: Owned[int] = Owned()
    for key in (1, 2):
        owned.give(key, "a")
    owned.give(1, "b")
    owned.give(1, "b")
    assert _sides(owned) == {"a": [2], "b": [1]}
    assert [owned.get(key) for key in (1, 2, 3)] == ["b", "a", None]


def test_nothing_is_left_when_a_service_is_forgotten() -> None:
    """What is others' stays; to forget what has nothing is no mistake."""
    owned: Owned[int] = Owned()
    for key in range(8):
        owned.give(key, "a" if key < 6 else "b")
    owned.forget("a")
    owned.forget("a")
    assert _sides(owned) == {"b": [6, 7]}


def test_there_is_what_was_said_when_owners_become_others() -> None:
    """Kept, moved, new and gone."""
    owned: Owned[int] = Owned()
    for key in (1, 2, 3):
        owned.give(key, "a")
    owned.become({1: "a", 2: "b", 4: "c"})
    assert _sides(owned) == {"a": [1], "b": [2], "c": [4]}
    owned.become({})
    assert _sides(owned) == {}
    assert len(owned) == 0
