"""The values of configuration keys: what is accepted, what is refused, and what comes of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from nsinit.model import types
from nsinit.model.types import decode_hook, encode_hook

if TYPE_CHECKING:
    from nsinit.model.types import Environment, Needs

NAN = math.nan

ACCEPTED: list[tuple[type[Any], object, object]] = [
    (types.Seconds, "1m", 60.0),
    (types.Seconds, 3, 3.0),
    (types.Size, "64KiB", 65_536),
    (types.Signal, "HUP", 1),
    (types.Mode, "022", 0o22),
    (types.Limit, 0, 0),
    (types.Limit, 1_000_000, 1_000_000),
    (types.Limit, "unlimited", -1),
    (types.Limit, -1, -1),
    (types.Words, "a 'b c' d", ("a", "b c", "d")),
    (types.Words, ["a", "b c", ""], ("a", "b c", "")),
    (types.Words, ("a",), ("a",)),
    (types.Words, "a # b", ("a", "#", "b")),
    (types.Names, "web", ("web",)),
    (types.Names, ["b", "a", "b"], ("b", "a")),
    (types.Names, [], ()),
    (types.Needs, "db", {"db": ""}),
    (types.Needs, ["db", "db"], {"db": ""}),
    (types.Needs, {"db": "completed", "mq": "started"}, {"db": "completed", "mq": "started"}),
    (types.Needs, {"db": ""}, {"db": ""}),
    (types.Environment, {"A": "x", "B": 1, "C": 1.5}, {"A": "x", "B": "1", "C": "1.5"}),
    (types.Environment, {"A": True, "B": False}, {"A": "true", "B": "false"}),
    (types.Environment, ["A=x", "B=", "C=x=y"], {"A": "x", "B": "", "C": "x=y"}),
    (types.StopSequence, "TERM", ((15, None),)),
    (types.StopSequence, 15, ((15, None),)),
    (types.StopSequence, ["TERM", "5s", "INT", "3s"], ((15, 5.0), (2, 3.0))),
    (types.StopSequence, ["QUIT", "TERM", "1m"], ((3, None), (15, 60.0))),
    (types.StopSequence, ["15"], ((15, None),)),
    (types.StopSequence, [[15, 5.0], [2, None]], ((15, 5.0), (2, None))),
    (types.Codes, 3, frozenset({3})),
    (types.Codes, "3", frozenset({3})),
    (types.Codes, "TERM", frozenset({-15})),
    (types.Codes, [0, "2", "SIGINT", -15], frozenset({0, 2, -2, -15})),
    (types.Codes, [], frozenset()),
    (types.Rlimit, 1024, (1024, 1024)),
    (types.Rlimit, "1K", (1024, 1024)),
    (types.Rlimit, "unlimited", (-1, -1)),
    (types.Rlimit, "1024:4096", (1024, 4096)),
    (types.Rlimit, "1K:unlimited", (1024, -1)),
    (types.Rlimit, [0, "unlimited"], (0, -1)),
    (types.Rlimit, -1, (-1, -1)),
]


@pytest.mark.parametrize(("kind", "written", "value"), ACCEPTED)
def test_value_is_read_when_it_is_spelt_in_an_accepted_way(
    kind: type[Any], written: object, value: object
) -> None:
    """As an instance of the type, equal to the plain builtin."""
    made = decode_hook(kind, written)
    assert made == value
    assert type(made) is kind


@pytest.mark.parametrize(("kind", "written", "value"), ACCEPTED)
def test_value_is_the_same_when_it_is_written_out_and_read_again(
    kind: type[Any], written: object, value: object
) -> None:
    """A spec goes to bytes and back, for re-exec and for sandboxes."""
    data = msgspec.msgpack.encode(decode_hook(kind, written), enc_hook=encode_hook)
    assert msgspec.msgpack.decode(data, type=kind, dec_hook=decode_hook) == value


REFUSED: list[tuple[type[Any], object, str]] = [
    (types.Seconds, "soon", "expected a duration"),
    (types.Size, "big", "expected a size"),
    (types.Signal, "FOO", "expected a signal"),
    (types.Mode, "rwx", "expected octal"),
    (types.Limit, -2, 'expected a number from 0 or "unlimited", got -2'),
    (types.Limit, 1_000_001, 'or "unlimited"'),
    (types.Limit, True, 'or "unlimited"'),
    (types.Limit, 1.5, 'or "unlimited"'),
    (types.Limit, "10", 'or "unlimited"'),
    (types.Limit, "Unlimited", 'or "unlimited"'),
    (types.Words, "", "expected a command, got nothing to run"),
    (types.Words, "   ", "expected a command"),
    (types.Words, [], "expected a command"),
    (types.Words, [""], "expected a command"),
    (types.Words, "''", "expected a command"),
    (types.Words, "a 'b", r"cannot split \"a 'b\" into words: No closing quotation"),
    (types.Words, ["a\0b"], "a command can't contain NUL"),
    (types.Words, 5, "expected a string or an array of strings, got 5"),
    (types.Words, ["a", 5], "expected a string or an array of strings"),
    (types.Words, {}, "expected a string or an array of strings"),
    (types.Names, 5, "expected an array of names"),
    (types.Names, [1], "expected an array of names"),
    (types.Names, {"a": 1}, "expected an array of names"),
    (types.Needs, {"db": "up"}, 'db: expected one of "started", "ready", "completed", "exited"'),
    (types.Needs, {"db": ["ready"]}, "db: expected one of"),
    (types.Needs, {"db": True}, "db: expected one of"),
    (types.Needs, 5, "expected an array of names or a table"),
    (types.Needs, [["db"]], "expected an array of names or a table"),
    (types.Environment, "A=x", "expected a table of variables"),
    (types.Environment, ["A"], 'expected "NAME=value"'),
    (types.Environment, ["=x"], "'' can't be the name"),
    (types.Environment, [1], "expected a table of variables"),
    (types.Environment, {"A=B": "x"}, "'A=B' can't be the name of a variable"),
    (types.Environment, {"": "x"}, "can't be the name of a variable"),
    (types.Environment, {"A\0": "x"}, "can't be the name of a variable"),
    (types.Environment, {"A": "x\0"}, "A: expected a string without NUL"),
    (types.Environment, {"A": ["x"]}, "A: expected a string without NUL"),
    (types.Environment, {"A": None}, "A: expected a string without NUL"),
    (types.StopSequence, [], "expected a signal or an array"),
    (types.StopSequence, "FOO", "expected a signal"),
    (types.StopSequence, ["5s"], "a wait must follow a signal"),
    (types.StopSequence, ["TERM", "5s", "5s"], "a wait must follow a signal"),
    (types.StopSequence, "5s", "a wait must follow a signal"),
    (types.StopSequence, ["TERM", "5x"], "expected a duration"),
    (types.StopSequence, [[15, -1]], "expected a duration"),
    (types.StopSequence, [[]], "expected a signal"),
    (types.StopSequence, {"TERM": 5}, "expected a signal"),
    (types.Codes, 256, "expected exit codes from 0 to 255 or signals, got 256"),
    (types.Codes, -65, "expected exit codes"),
    (types.Codes, True, "expected exit codes"),
    (types.Codes, 1.0, "expected exit codes"),
    (types.Codes, ["FOO"], "expected a signal"),
    (types.Codes, [[1]], "expected exit codes"),
    (types.Codes, {}, "expected exit codes"),
    (types.Rlimit, "1:2:3", 'expected one limit or "soft:hard"'),
    (types.Rlimit, [1], 'expected one limit or "soft:hard"'),
    (types.Rlimit, "2:1", "the soft limit is above the hard one"),
    (types.Rlimit, "unlimited:1", "the soft limit is above the hard one"),
    (types.Rlimit, "x", "expected a size"),
    (types.Rlimit, -2, "expected a size"),
    (types.Rlimit, True, "expected a size"),
    (types.Rlimit, [NAN, 1], "expected a size"),
    (types.Rlimit, [[1], 1], "expected a size"),
]


@pytest.mark.parametrize(("kind", "written", "message"), REFUSED)
def test_value_is_refused_when_it_is_spelt_in_another_way(
    kind: type[Any], written: object, message: str
) -> None:
    """With what was expected."""
    with pytest.raises(ValueError, match=message):
        decode_hook(kind, written)


@pytest.mark.parametrize("digits", ["²", "٣", "9" * 5000])
def test_code_is_refused_in_our_words_when_its_digits_are_not_ascii(digits: str) -> None:
    """Python's own words about int() do not show through, and ٣ is not taken for 3."""
    with pytest.raises(ValueError, match=r"^expected"):
        types.Codes.read(digits)


def test_order_of_needs_is_kept_when_they_are_read() -> None:
    """Ties are started in the order in which they were written."""
    needs: Needs = decode_hook(types.Needs, ["z", "a", "m"])
    assert list(needs) == ["z", "a", "m"]


def test_last_value_counts_when_an_array_names_a_variable_twice() -> None:
    """As in compose files."""
    made: Environment = decode_hook(types.Environment, ["A=1", "A=2"])
    assert made == {"A": "2"}


def test_other_types_are_refused_when_a_hook_meets_them() -> None:
    """Msgspec asks for types that it does not know; ours are the only ones."""
    with pytest.raises(NotImplementedError, match="no such type"):
        decode_hook(complex, 1)
    with pytest.raises(NotImplementedError, match="no such type"):
        encode_hook(object())


@pytest.mark.parametrize(
    ("value", "text"), [("x", "'x'"), ("y" * 70, "a string"), ([0] * 70, "an array")]
)
def test_value_is_shown_by_its_kind_when_it_is_long(value: object, text: str) -> None:
    """A message stays one line."""
    assert types.show(value) == text


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (200, [(200, 200)]),
        ("204", [(204, 204)]),
        ("200-299", [(200, 299)]),
        ([200, "300-399", [404, 404]], [(200, 200), (300, 399), (404, 404)]),
    ],
)
def test_statuses_are_ranges_when_read(value: object, read: list[tuple[int, int]]) -> None:
    """One, a range, or several of both."""
    assert types.Statuses.read(value) == read


@pytest.mark.parametrize(
    "value", [[], [[]], 99, 600, "299-200", "2xx", True, "200-", "-200", "200-250-299", None, 2.5]
)
def test_statuses_are_refused_when_they_are_none(value: object) -> None:
    """Only what HTTP has."""
    with pytest.raises(ValueError, match="expected statuses"):
        types.Statuses.read(value)
