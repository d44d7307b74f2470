"""Rings against a plain list of everything that was ever added."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from nsinit.runtime.lines import Block
from nsinit.runtime.ring import CHUNK, COST, Record, Rings, Wanted, lines

SERVICES = ["a", "b", "c"]
Line = tuple[int, float, str, int, str, bytes]  # number, time, service, run, stream, text


@given(
    st.lists(
        st.tuples(st.sampled_from(SERVICES), st.integers(0, 12) | st.just(CHUNK)), max_size=40
    ),
    st.lists(st.integers(0, 30 + 5 * COST), min_size=3, max_size=3),
    st.integers(0, 60 + 5 * COST),
    st.booleans(),
)
def test_limits_and_order_hold_when_anything_is_added(
    added: list[tuple[str, int]], limits: list[int], total: int, wide: bool
) -> None:
    """Every ring within its limit, all within theirs, and each the newest part of what came."""
    limits = [limit + wide * 3 * CHUNK for limit in limits]
    rings = Rings(total + wide * 6 * CHUNK)
    for service, limit in zip(SERVICES, limits, strict=True):
        rings.limit(service, limit)
    came: dict[str, list[int]] = {service: [] for service in SERVICES}
    for service, size in added:
        record = rings.add(0.0, service, 1, "stdout", Block(b"x" * size + b"\n"))
        came[service].append(record.number)
        sizes = {s: sum(len(r.block.data) + COST for r in rings.records({s})) for s in SERVICES}
        assert all(sizes[s] <= limit for s, limit in zip(SERVICES, limits, strict=True))
        assert sum(sizes.values()) == rings.size <= rings.total
    numbers = [record.number for record in rings.records()]
    assert numbers == sorted(numbers)
    for service in SERVICES:
        own = [record.number for record in rings.records({service})]
        assert own == came[service][len(came[service]) - len(own) :]


def told(records: list[Record]) -> list[Line]:
    """Each line with its number."""
    made: list[Line] = []
    for r in records:
        number = r.number - len(r.block.data)
        for text, _, _ in lines(r):
            number += len(text) + 1
            made.append((number, r.at, r.service, r.run, r.stream, text))
    return made


@given(
    st.lists(
        st.tuples(
            st.sampled_from(SERVICES),
            st.integers(1, 3),
            st.sampled_from(["stdout", "stderr"]),
            st.lists(st.binary(max_size=4), min_size=1, max_size=4),
        ),
        max_size=30,
    ),
    st.none() | st.sets(st.sampled_from(SERVICES)),
    st.integers(0, 30) | st.just(-math.inf),
    st.integers(0, 30) | st.just(math.inf),
    st.integers(0, 200),
    st.sampled_from([None, "stdout", "stderr"]),
    st.integers(0, 12),
)
def test_what_is_found_is_what_was_wanted_when_there_are_many(
    added: list[tuple[str, int, str, list[bytes]]],
    services: set[str] | None,
    since: float,
    until: float,
    after: int,
    stream: str | None,
    count: int,
) -> None:
    """By service, time, number, run and stream; the last lines are the end of all lines."""
    rings = Rings()
    for service in SERVICES:
        rings.limit(service, 1 << 20)
    for at, (service, run, name, texts) in enumerate(added):
        data = b"".join(text.replace(b"\n", b"") + b"\n" for text in texts)
        rings.add(float(at), service, run, name, Block(data))
    wanted = Wanted(services, since, until, after, {"a": (2, 2)}, (0, 2), stream)
    expected = [
        line
        for line in told(rings.records())
        if (services is None or line[2] in services)
        and since <= line[1] <= until
        and line[0] > after
        and (line[3] == 2 if line[2] == "a" else line[3] <= 2)
        and stream in (None, line[4])
    ]
    look = rings.look(wanted)
    assert told([r for r in look.find() if r]) == expected
    last = told([r for r in look.last(count) if r])
    assert last == expected[len(expected) - min(count, len(expected)) :]
