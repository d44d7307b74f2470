"""What is remembered of the output of services."""

from __future__ import annotations

import pytest

from nsinit.runtime.lines import Block
from nsinit.runtime.ring import Record, Rings, lines


def rings(total: int = 1000, **limits: int) -> Rings:
    """Rings with a limit for each service."""
    made = Rings(total)
    for service, size in limits.items():
        made.limit(service, size)
    return made


def kept(made: Rings, *services: str) -> list[str]:
    """The texts that are remembered, in order."""
    records = made.records(set(services) if services else None)
    return [record.block.data.decode().strip() for record in records]


def put(made: Rings, service: str, *texts: str) -> None:
    """Lines of a service, each read by itself."""
    for text in texts:
        made.add(1.5, service, 1, "stdout", Block(f"{text}\n".encode()))


def test_record_has_all_about_its_lines_when_it_is_added() -> None:
    """And is given back, for those who follow."""
    made = rings(a=100)
    record = made.add(1.5, "a", 3, "stderr", Block(b"x\n"))
    assert record == Record(1, 1.5, "a", 3, "stderr", Block(b"x\n"))
    assert made.records() == [record]


def test_oldest_is_forgotten_when_a_ring_is_full() -> None:
    """The limit is in bytes, with newlines."""
    made = rings(a=9)
    put(made, "a", "11", "22", "33")
    assert kept(made) == ["11", "22", "33"]
    put(made, "a", "44")
    assert kept(made) == ["22", "33", "44"]
    put(made, "a", "55555")
    assert kept(made) == ["44", "55555"]
    assert made.size == 9


def test_services_do_not_displace_each_other_when_they_have_room() -> None:
    """Each has its own ring."""
    made = rings(a=6, b=6)
    put(made, "a", "1", "2")
    put(made, "b", "3", "4", "5", "6")
    put(made, "a", "7")
    assert kept(made) == ["1", "2", "4", "5", "6", "7"]
    assert kept(made, "a") == ["1", "2", "7"]
    assert kept(made, "b", "a") == ["1", "2", "4", "5", "6", "7"]
    assert kept(made, "c") == []


def test_writer_forgets_when_all_rings_together_are_full() -> None:
    """Its own oldest, and nobody else's."""
    made = rings(10, a=100, b=100)
    put(made, "a", "1", "2", "3")
    put(made, "b", "4", "5", "6")
    assert kept(made) == ["1", "2", "3", "5", "6"]
    assert made.size == 10


def test_nothing_is_kept_when_a_service_has_no_ring() -> None:
    """Its listeners hear it all the same."""
    made = rings(a=0)
    put(made, "a", "1")
    put(made, "b", "2")
    assert kept(made) == []
    assert made.size == 0


def test_end_is_kept_when_a_block_is_over_the_limit() -> None:
    """A burst is when somebody wants to see the last lines; the ring must not be empty then."""
    made = rings(a=6)
    put(made, "a", "11")
    made.add(1.5, "a", 1, "stdout", Block(b"22\n33\n44\n"))
    assert kept(made)[-1].endswith("44")


@pytest.mark.parametrize(
    ("block", "rows"),
    [
        (Block(b"a\n"), [(b"a", False, False)]),
        (Block(b"\n"), [(b"", False, False)]),
        (Block(b"a\n\nb\n"), [(b"a", False, False), (b"", False, False), (b"b", False, False)]),
        (Block(b"a\n", goes_on=True), [(b"a", True, False)]),
        (Block(b"a\nb\n", continues=True), [(b"a", False, True), (b"b", False, False)]),
        (Block(b"a\n", goes_on=True, continues=True), [(b"a", True, True)]),
    ],
)
def test_lines_are_marked_when_they_are_pieces(
    block: Block, rows: list[tuple[bytes, bool, bool]]
) -> None:
    """Only the first may continue one, only the last may go on."""
    assert list(lines(Record(1, 0.0, "a", 1, "stdout", block))) == rows
