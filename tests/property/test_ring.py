"""Rings against a plain list of everything that was ever added."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nsinit.runtime.lines import Block
from nsinit.runtime.ring import Rings

SERVICES = ["a", "b", "c"]


@given(
    st.lists(st.tuples(st.sampled_from(SERVICES), st.integers(0, 12)), max_size=40),
    st.lists(st.integers(0, 30), min_size=3, max_size=3),
    st.integers(0, 60),
)
def test_limits_and_order_hold_when_anything_is_added(
    added: list[tuple[str, int]], limits: list[int], total: int
) -> None:
    """Every ring within its limit, all within theirs, and each the newest part of what came."""
    rings = Rings(total)
    for service, limit in zip(SERVICES, limits, strict=True):
        rings.limit(service, limit)
    came: dict[str, list[int]] = {service: [] for service in SERVICES}
    for service, size in added:
        record = rings.add(0.0, service, 1, "stdout", Block(b"x" * size + b"\n"))
        came[service].append(record.number)
        sizes = {s: sum(len(r.block.data) for r in rings.records({s})) for s in SERVICES}
        assert all(sizes[s] <= limit for s, limit in zip(SERVICES, limits, strict=True))
        assert sum(sizes.values()) == rings.size <= total
    numbers = [record.number for record in rings.records()]
    assert numbers == sorted(numbers)
    for service in SERVICES:
        own = [record.number for record in rings.records({service})]
        assert own == came[service][len(came[service]) - len(own) :]
