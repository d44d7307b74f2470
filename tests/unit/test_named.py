"""Tuples with named fields behave as those of `typing` do."""

from __future__ import annotations

import copy
import inspect
import pickle
import types
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pytest

from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Callable


class Ours(Named):
    a: int
    b: str
    c: tuple[str, ...] = ()

    @property
    def twice(self) -> int:
        return self.a * 2


class Theirs(NamedTuple):
    a: int
    b: str
    c: tuple[str, ...] = ()

    @property
    def twice(self) -> int:
        return self.a * 2


class OursWithMore(Ours):
    def thrice(self) -> int:
        return self.a * 3


class TheirsWithMore(Theirs):
    def thrice(self) -> int:
        return self.a * 3


CALLS: list[Callable[[Any], object]] = [
    lambda kind: kind(1, "x"),
    lambda kind: kind(1, b="x", c=("y",)),
    lambda kind: kind(b="x", a=1),
    lambda kind: kind(1, "x", ("y",)),
    lambda kind: kind(1, "x").twice,
    lambda kind: kind(1, "x").c,
    lambda kind: [*kind(1, "x")],
    lambda kind: kind(1, "x")[1],
    lambda kind: kind(1, "x") == (1, "x", ()),
    lambda kind: hash(kind(1, "x")),
    lambda kind: sorted([kind(2, "x"), kind(1, "y")]),
    lambda kind: kind(1, "x")._replace(b="z"),
    lambda kind: kind(1, "x")._asdict(),
    lambda kind: copy.deepcopy(kind(1, "x", (["y"],))),
    lambda kind: pickle.loads(pickle.dumps(kind(1, "x"))),
    lambda kind: msgspec.msgpack.decode(msgspec.msgpack.encode(kind(1, "x")), type=kind),
    lambda kind: msgspec.convert([1, "x"], kind),
    lambda kind: (kind._fields, kind._field_defaults, kind.__match_args__, kind.__slots__),
    lambda kind: isinstance(kind(1, "x"), tuple),
]
WRONG: list[Callable[[Any], object]] = [
    lambda kind: kind(1),
    lambda kind: kind(),
    lambda kind: kind(1, "x", (), 4),
    lambda kind: kind(1, "x", a=1),
    lambda kind: kind(1, "x", d=1),
    lambda kind: kind(1, "x", (), d=1),
    lambda kind: kind(1, "x")._replace(d=1),
    lambda kind: setattr(kind(1, "x"), "a", 2),
    lambda kind: setattr(kind(1, "x"), "d", 2),
]


def _name(call: Callable[[Any], object]) -> str:
    return inspect.getsource(call).strip()


@pytest.mark.parametrize("call", CALLS, ids=_name)
def test_ours_is_as_theirs_when_it_is_used(call: Callable[[Any], object]) -> None:
    """But for the name of the class."""
    assert repr(call(Ours)).replace("Ours", "Theirs") == repr(call(Theirs))


@pytest.mark.parametrize("call", WRONG, ids=_name)
def test_ours_is_refused_as_theirs_when_it_is_used_wrongly(call: Callable[[Any], object]) -> None:
    """At the same places."""
    for kind in (Theirs, Ours):
        with pytest.raises((TypeError, AttributeError, ValueError)):
            call(kind)


def test_class_is_refused_when_a_default_is_before_a_field_without_one() -> None:
    """Nobody could tell which place is left out."""
    with pytest.raises(TypeError, match="without a default"):
        types.new_class(
            "Wrong", (Named,), {}, lambda body: body.update(a=1, __annotations__={"a": 1, "b": 2})
        )


def test_subclass_has_the_same_fields_when_it_adds_methods() -> None:
    """As steps do, which are values and have a base with what all steps have."""
    ours, theirs = OursWithMore(2, "x"), TheirsWithMore(2, "x")
    assert (ours.thrice(), ours._replace(a=3).thrice(), ours._fields) == (6, 9, theirs._fields)
    assert repr(ours).replace("Ours", "Theirs") == repr(theirs)
