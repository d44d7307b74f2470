"""Whatever is written as an address is read to one spelling, or refused with a ValueError."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nsinit.model.addresses import Endpoint, overlap, parse

HOSTS = (
    st.just("")
    | st.ip_addresses(v=4).map(str)
    | st.ip_addresses(v=6).map(str)
    | st.sampled_from(["::", "0.0.0.0", "::1", "127.0.0.1", "fe80::1%lo"])
)
PATHS = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=20)
ENDPOINTS = st.one_of(
    st.builds(
        Endpoint, st.sampled_from(["tcp", "udp"]), HOSTS, st.integers(1, 65_535), st.just("")
    ),
    st.builds(
        lambda kind, mark, path: Endpoint(kind, path=mark + path),
        st.sampled_from(["unix", "unix-dgram"]),
        st.sampled_from(["/", "@"]),
        PATHS.filter(lambda path: path not in (".", "..")),
    ),
)
NEARLY = st.text("tcpudunix-gram:[]/@.%*0123456789af", max_size=24)


@given(ENDPOINTS)
def test_endpoint_is_the_same_when_it_is_written_and_read(endpoint: Endpoint) -> None:
    """What `str` writes, `parse` reads."""
    assert parse(str(endpoint)) == endpoint


@given(st.text() | NEARLY)
def test_text_is_read_or_refused_when_it_is_anything(text: str) -> None:
    """Reading what was read gives it again."""
    try:
        made = parse(text)
    except ValueError:
        return
    assert parse(str(made)) == made


@given(ENDPOINTS, ENDPOINTS, st.booleans(), st.booleans())
def test_overlap_is_mutual_when_two_are_compared(
    one: Endpoint, other: Endpoint, left: bool, right: bool
) -> None:
    """And everything overlaps with itself."""
    there = overlap(one, other, ipv6_only=(left, right))
    assert there == overlap(other, one, ipv6_only=(right, left))
    assert overlap(one, one, ipv6_only=(left, left))
