"""Maps of user and group ids between a user namespace and the one above it. Pure.

A row is (inside, outside, size), as user_namespaces(7) has it: the ids from `inside` on are those
from `outside` on, `size` of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.named import Named
from nsinit.units import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROWS_MAX: Final = 340  # since Linux 4.15
BYTES_MAX: Final = 4095  # less than a page, and all in one write
IDS: Final = 0xFFFF_FFFF  # how many there are; the last number is no id
_FORMS: Final = '"0 1000 1", [0, 1000, 1] or {inside = 0, outside = 1000, size = 1}'


class Row(Named):
    """Some ids and what they are above."""

    inside: int
    outside: int
    size: int

    def __str__(self) -> str:
        return f"{self.inside} {self.outside} {self.size}"


class IdMap(tuple[Row, ...]):
    """The rows of a map; one row may be written without the array around it."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[Row]:
        """From rows in any spelling: text as the kernel takes it, three numbers, or a table."""
        numbers = isinstance(value, (list, tuple)) and value and all(map(_is_number, value))
        one = numbers or isinstance(value, (str, dict))
        if not one and not isinstance(value, (list, tuple)):
            raise ValueError(f"expected rows such as {_FORMS}, got {kind_of(value)}")
        rows = [value] if one else value
        assert isinstance(rows, (list, tuple))  # noqa: S101  (for the type checker)
        return [_read_row(row) for row in rows]


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63


def _read_row(value: object) -> Row:
    parts: Sequence[object]
    if isinstance(value, str):
        words = value.replace(":", " ").split()
        parts = [int(word) if _is_short_number(word) else word for word in words]
    elif isinstance(value, dict):
        if not {"inside", "outside"} <= value.keys() <= {"inside", "outside", "size"}:
            raise ValueError(f"expected {_FORMS}, got the keys {', '.join(map(str, value))}")
        parts = [value["inside"], value["outside"], value.get("size", 1)]
    else:
        parts = value if isinstance(value, (list, tuple)) else ()
    if len(parts) != 3 or not all(map(_is_number, parts)):
        shown = repr(value) if isinstance(value, str) and len(value) <= 60 else kind_of(value)
        raise ValueError(f"expected {_FORMS}, got {shown}")
    inside, outside, size = parts
    assert isinstance(inside, int)  # noqa: S101  (all three are, for the type checker)
    assert isinstance(outside, int)  # noqa: S101  (the same)
    assert isinstance(size, int)  # noqa: S101  (the same)
    return Row(inside, outside, size)


def _is_short_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= 18


def text(rows: Sequence[Row]) -> str:
    """The map as the kernel takes it, in one write."""
    return "\n".join(map(str, rows))


def faults(rows: Sequence[Row]) -> Iterator[tuple[int | None, str, str]]:
    """What the kernel would refuse: the index of the row (None: all), what is wrong, a hint."""
    if len(rows) > ROWS_MAX:
        yield None, f"has {len(rows)} rows, the kernel takes {ROWS_MAX}", "join neighbouring rows"
    elif len(text(rows)) > BYTES_MAX:
        size = len(text(rows))
        yield None, f"is {size} bytes long, the kernel takes {BYTES_MAX}", "join neighbouring rows"
    good: list[tuple[int, Row]] = []
    for index, row in enumerate(rows):
        bad = _fault(row)
        if bad:
            yield index, *bad
        else:
            good.append((index, row))
    for side in ("inside", "outside"):
        yield from _overlaps(good, side)


def _fault(row: Row) -> tuple[str, str] | None:
    if row.size < 1:
        return f"a row has at least one id, not {row.size}", "inside, outside, size"
    if row.inside < 0 or row.outside < 0:
        return "an id is not negative", ""
    for side, first in (("inside", row.inside), ("outside", row.outside)):
        if first + row.size > IDS:
            hint = f"from {first} there are {IDS - first} left" if first < IDS else ""
            return f"the ids {side} end at {IDS - 1}", hint
    return None


def _overlaps(rows: Sequence[tuple[int, Row]], side: str) -> Iterator[tuple[int | None, str, str]]:
    """Each row that shares ids with one before it in the order of the ids."""
    ordered = sorted((getattr(row, side), index, row) for index, row in rows)
    end, last = 0, ""
    for first, index, row in ordered:
        if first < end:
            yield index, f"shares ids {side} with the row {last!r}", "each id is mapped once"
        if first + row.size > end:
            end, last = first + row.size, str(row)
