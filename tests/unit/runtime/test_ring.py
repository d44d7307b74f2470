"""What is remembered of the output of services."""

from __future__ import annotations

import pytest

from nsinit.runtime.lines import Block
from nsinit.runtime.ring import COST, GONE, PAUSE, Record, Rings, Wanted, last_of, lines


def rings(total: int = 1000, reads: int = 0, **limits: int) -> Rings:
    """Rings with a limit for each service, beyond what so many reads cost."""
    made = Rings(total)
    for service, size in limits.items():
        made.limit(service, size + reads * COST)
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
    assert record == Record(2, 1.5, "a", 3, "stderr", Block(b"x\n"))
    assert made.records() == [record]


def test_oldest_is_forgotten_when_a_ring_is_full() -> None:
    """The limit is in bytes, with newlines and what each read costs."""
    made = rings(a=9, reads=3)
    put(made, "a", "11", "22", "33")
    assert kept(made) == ["11", "22", "33"]
    put(made, "a", "44")
    assert kept(made) == ["22", "33", "44"]
    put(made, "a", "55555")
    assert kept(made) == ["44", "55555"]
    assert made.size == 9 + 2 * COST


def test_services_do_not_displace_each_other_when_they_have_room() -> None:
    """Each has its own ring."""
    made = rings(a=6, b=6, reads=3)
    put(made, "a", "1", "2")
    put(made, "b", "3", "4", "5", "6")
    put(made, "a", "7")
    assert kept(made) == ["1", "2", "4", "5", "6", "7"]
    assert kept(made, "a") == ["1", "2", "7"]
    assert kept(made, "b", "a") == ["1", "2", "4", "5", "6", "7"]
    assert kept(made, "c") == []


def test_writer_forgets_when_all_rings_together_are_full() -> None:
    """Its own oldest, and nobody else's."""
    made = rings(10 + 5 * COST, a=1000, b=1000)
    put(made, "a", "1", "2", "3")
    put(made, "b", "4", "5", "6")
    assert kept(made) == ["1", "2", "3", "5", "6"]
    assert made.size == 10 + 5 * COST


def test_services_that_are_no_more_are_forgotten_first_when_all_rings_are_full() -> None:
    """In the order in which they left; one that came again is like any."""
    made = rings(8 + 4 * COST, a=100, b=100, c=100)
    for service in ("a", "b", "c"):
        put(made, service, "1")
    made.forget_all_but({"a", "c"})
    made.forget_all_but({"c"})
    assert kept(made) == ["1", "1", "1"]
    made.limit("a", 100)
    put(made, "a", "2")
    put(made, "c", "3")
    assert [kept(made, name) for name in "abc"] == [["1", "2"], [], ["1", "3"]]
    assert made.size == 8 + 4 * COST
    put(made, "a", "4")
    assert [kept(made, name) for name in "ac"] == [["2", "4"], ["1", "3"]]


def test_only_the_last_are_kept_when_many_services_have_gone() -> None:
    """Each ring costs something, however little is in it."""
    made = rings(1_000_000, **{f"s{number:03}": 100 for number in range(GONE + 2)})
    for number in range(GONE + 2):
        put(made, f"s{number:03}", "1")
    made.forget_all_but({"s000"})
    assert made.services == ["s000", *(f"s{number:03}" for number in range(2, GONE + 2))]
    assert made.size == (GONE + 1) * (2 + COST)


def test_nothing_is_kept_when_a_service_has_no_ring() -> None:
    """Its listeners hear it all the same."""
    made = rings(a=0)
    put(made, "a", "1")
    put(made, "b", "2")
    assert kept(made) == []
    assert made.size == 0


def test_end_is_kept_when_a_block_is_over_the_limit() -> None:
    """A burst is when somebody wants to see the last lines; the ring must not be empty then."""
    made = rings(a=6, reads=1)
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


@pytest.mark.parametrize(
    ("count", "kept"),
    [
        (0, []),
        (1, ["5"]),
        (2, ["4 5"]),
        (3, ["3", "4 5"]),
        (5, ["1 2 3", "4 5"]),
        (99, ["1 2 3", "4 5"]),
    ],
)
def test_last_lines_are_found_when_not_all_are_asked_for(count: int, kept: list[str]) -> None:
    """Whole lines, the newest."""
    made = rings(a=1000)
    for data in (b"1\n2\n3\n", b"4\n5\n"):
        made.add(1.5, "a", 1, "stdout", Block(data))
    found = [" ".join(r.block.data.decode().split()) for r in made.last("a", count)]
    assert found == kept


def test_marks_are_right_when_the_first_of_the_last_lines_was_cut_off() -> None:
    """What continues a line may go; what goes on stays."""
    record = Record(4, 1.5, "a", 1, "stdout", Block(b"1\n2\n", goes_on=True, continues=True))
    assert last_of(record, 2) == record
    assert last_of(record, 1).block == Block(b"2\n", goes_on=True)


def test_records_stay_when_they_are_forgotten_while_somebody_reads() -> None:
    """A slow reader gets what there was when it came, and nothing that came later."""
    made = rings(100_000, a=100, reads=3)
    put(made, "a", "1", "2", "3")
    look = made.look(Wanted({"a"})).find()
    first = next(look)
    put(made, "a", *"456789", "x" * 90)
    assert first is not None
    texts = [r.block.data for r in [first, *look] if r is not None]
    assert texts == [b"1\n", b"2\n", b"3\n"]
    assert len(kept(made)) <= 3


def test_a_long_search_pauses_when_nothing_fits() -> None:
    """So that init can do something else meanwhile."""
    made = rings(10**6, a=10**6)
    put(made, "a", *["x"] * (3 * PAUSE))
    look = made.look(Wanted({"a"}, stream="stderr"))
    assert list(look.find()) == [None] * 3
    assert set(look.last(1)) == {None}


def test_nothing_old_is_looked_at_when_only_news_are_asked_for() -> None:
    """A question about the last minute costs the same, however much there is."""
    made = rings(10**7, a=10**7)
    for at in range(20_000):
        made.add(float(at), "a", 1, "stdout", Block(b"x\n"))
    look = made.look(Wanted({"a"}, since=19_990.0))
    (spans,) = look._spans
    assert sum(stop - start for _, start, stop in spans) == 10
    assert [r.at for r in look.find() if r] == [float(at) for at in range(19_990, 20_000)]
    (spans,) = made.look(Wanted({"a"}, after=39_998))._spans
    assert len(spans) == 1
