"""Laws of the capabilities' algebra, whatever is written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nsinit.capnames import NAMES, format_names, from_mask, parse_name, to_mask
from nsinit.model.security import DEFAULT, CapNames, CapWords, Security, grant

caps = st.frozensets(st.integers(0, len(NAMES) - 1))
names = st.lists(st.sampled_from([*NAMES, "ALL"]), max_size=6).map(CapNames)
words = st.lists(
    st.tuples(st.sampled_from(["", "-"]), st.sampled_from([*NAMES, "ALL"])).map("".join), max_size=6
).map(lambda made: CapWords(["KILL", *made]))
keys = st.builds(
    Security,
    capabilities=st.none() | words,
    cap_add=names,
    cap_drop=names,
    ambient=st.none() | names,
)


@given(keys, st.none() | keys, caps)
def test_nothing_is_granted_when_init_has_it_not(
    service: Security, sandbox: Security | None, have: frozenset[int]
) -> None:
    """And what is ambient is granted; what is missing was asked for by its name."""
    granted = grant(service, sandbox, have)
    assert granted.caps <= have
    assert granted.ambient <= granted.caps
    assert not granted.missing & have
    written = [
        word.removeprefix("-")
        for layer in (service, sandbox)
        if layer is not None
        for word in (*(layer.capabilities or ()), *layer.cap_add)
    ]
    assert {NAMES[cap] for cap in granted.missing} <= set(written)


@given(keys, st.none() | keys, caps)
def test_more_power_of_init_takes_nothing_when_it_grows(
    service: Security, sandbox: Security | None, have: frozenset[int]
) -> None:
    """What init has beyond it never makes a service's set smaller."""
    everything = frozenset(range(len(NAMES)))
    small, large = grant(service, sandbox, have), grant(service, sandbox, everything)
    assert small.caps == large.caps & have
    assert not large.missing


@given(st.none() | keys, names, caps)
def test_dropped_is_gone_when_nothing_adds_it(
    sandbox: Security | None, drop: CapNames, have: frozenset[int]
) -> None:
    """`cap_drop` of a service has the last word over its sandbox."""
    granted = grant(Security(cap_drop=drop), sandbox, have)
    assert not {NAMES[cap] for cap in granted.caps} & set(drop)
    assert "ALL" not in drop or not granted.caps
    if sandbox == Security():
        assert granted.caps <= DEFAULT


@given(caps)
def test_set_is_the_same_when_written_and_read(some: frozenset[int]) -> None:
    """As a mask, and as names in any spelling."""
    assert from_mask(to_mask(some)) == some
    if some:
        read = [parse_name(f" cap_{name.lower()}") for name in format_names(some).split(", ")]
        assert read == [NAMES[cap] for cap in sorted(some)]


@given(words)
def test_words_are_the_same_when_read_twice(made: CapWords) -> None:
    """As the journal needs it."""
    assert CapWords.read(CapWords.read(list(made))) == CapWords.read(list(made)) == list(made)
