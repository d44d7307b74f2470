"""The parsers of what groups count meet any text."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from nsinit.cgroups import counters

WORDS = st.sampled_from(
    ["some", "full", "avg10=1.5", "total=9", "8:0", "Read", "rbytes=4", "max", "12", "\n", " ", "="]
)
TEXT = st.text(max_size=80) | st.lists(WORDS, max_size=20).map(" ".join)


@given(TEXT)
def test_parser_gives_numbers_that_json_knows_when_the_text_is_anything(text: str) -> None:
    """And never raises."""
    found = [
        counters.number(text), counters.table(text), counters.quota(text),
        counters.pressure(text), counters.transfers(text), counters.operations(text),
    ]  # fmt: skip
    assert json.loads(json.dumps(found, allow_nan=False))
    assert found[0] is None or 0 <= found[0] < counters.UNLIMITED  # type: ignore[operator]  # an int


@given(st.dictionaries(st.from_regex(r"[a-z_.]{1,20}", fullmatch=True), st.integers(0, 1 << 61)))
def test_table_is_read_when_the_kernel_writes_it(rows: dict[str, int]) -> None:
    """Name by name."""
    assert counters.table("".join(f"{name} {value}\n" for name, value in rows.items())) == rows


@given(st.lists(st.tuples(*[st.integers(0, 1 << 50)] * 4), max_size=5))
def test_transfers_are_the_sum_when_the_kernel_writes_them(rows: list[tuple[int, ...]]) -> None:
    """Of all devices."""
    names = ("rbytes", "wbytes", "rios", "wios")
    text = "".join(
        f"8:{at} " + " ".join(f"{n}={v}" for n, v in zip(names, row, strict=True)) + "\n"
        for at, row in enumerate(rows)
    )
    expected = {name: sum(row[at] for row in rows) for at, name in enumerate(names)}
    assert counters.transfers(text) == expected
