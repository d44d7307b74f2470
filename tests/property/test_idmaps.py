"""Maps of ids: what is wrong with one is found, whatever the rows; and nothing else is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nsinit.model.idmaps import IDS, IdMap, Row, faults, text
from nsinit.sandbox.users import parse_own_ids, parse_subordinate

SMALL = st.integers(-1, 12)
ROWS = st.lists(st.builds(Row, SMALL, SMALL, st.integers(-1, 4)), max_size=6)
EDGE = st.integers(IDS - 4, IDS + 2)


@given(ROWS)
def test_map_is_refused_when_an_id_would_be_mapped_twice(rows: list[Row]) -> None:
    """Compared with sets of ids, which are slow and plainly right."""
    wrong = any(row.size < 1 or row.inside < 0 or row.outside < 0 for row in rows)
    for side in ("inside", "outside"):
        ids = [getattr(row, side) + n for row in rows for n in range(row.size)]
        wrong = wrong or len(set(ids)) < len(ids)
    found = list(faults(rows))
    assert bool(found) == wrong
    assert all(index is not None and 0 <= index < len(rows) for index, _, _ in found)


@given(EDGE, EDGE, st.integers(1, 6))
def test_map_is_refused_when_it_goes_beyond_the_last_id(
    inside: int, outside: int, size: int
) -> None:
    """(uid_t) -1 is no id, so the last one is 4294967294."""
    found = list(faults([Row(inside, outside, size)]))
    assert bool(found) == (max(inside, outside) + size > IDS)


@given(ROWS)
def test_map_is_the_same_when_its_text_is_read(rows: list[Row]) -> None:
    """What is written to the kernel is what a configuration could hold."""
    right = [row for row in rows if min(row) >= 0]
    assert IdMap.read(text(right).splitlines()) == right
    assert IdMap.read([list(row) for row in rows]) == rows


@given(st.text(), st.text(), st.integers(0, IDS))
def test_files_are_read_when_they_hold_anything(content: str, name: str, uid: int) -> None:
    """A line that is none is passed over; a range is never empty or negative."""
    for span in parse_subordinate(content, name, uid):
        assert span.first >= 0
        assert span.size > 0
    assert parse_subordinate(f"{content}\n{uid}:5:6", name, uid)[-1] == (5, 6)


@given(st.lists(st.tuples(st.integers(0, IDS), st.integers(0, IDS), st.integers(1, IDS))))
def test_own_ids_are_all_there_when_read(rows: list[tuple[int, int, int]]) -> None:
    """As the kernel prints them, in columns."""
    shown = "".join(f"{a:10d} {b:10d} {c:10d}\n" for a, b, c in rows)
    assert [(span.first, span.size) for span in parse_own_ids(shown)] == [
        (a, c) for a, _, c in rows
    ]
