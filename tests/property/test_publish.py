"""Published ports: what is read is what was written, and rubbish is refused, not stumbled over."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from nsinit.model.publish import Port, Publish, faults, overlap

HOSTS = st.one_of(
    st.just(""),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str).filter(lambda text: "ffff" not in text),  # none that is an IPv4
)


@st.composite
def ports(draw: st.DrawFn) -> Port:
    """Any port that can be published."""
    count = draw(st.integers(1, 20))
    numbers = st.integers(1, 65_536 - count)
    protocol = draw(st.sampled_from(["tcp", "udp"]))
    return Port(draw(HOSTS), draw(numbers), draw(numbers), count, protocol)  # type: ignore[arg-type]  # one of the two


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
NEARLY = st.text("0123456789:-/[].tcpud", max_size=24)


@given(st.lists(ports(), max_size=5))
def test_ports_are_the_same_when_they_are_read_again(some: list[Port]) -> None:
    """From their text, from a table, and from what they are encoded to."""
    assert Publish.read([str(port) for port in some]) == some
    assert Publish.read([list(port) for port in some]) == some
    tables = [
        {
            "published": f"{port.port}-{port.port + port.many - 1}",
            "target": port.to if port.many == 1 else f"{port.to}-{port.to + port.many - 1}",
            "host_ip": port.host,
            "protocol": port.protocol,
        }
        for port in some
    ]
    assert Publish.read(tables) == some


@given(JUNK | NEARLY | st.dictionaries(st.sampled_from(["target", "published", "host_ip"]), JUNK))
def test_rubbish_is_refused_when_it_is_no_port(value: object) -> None:
    """Whatever is read is sound; whatever is not raises ValueError with few words."""
    found: list[Port] = []
    why = ""
    try:
        found = Publish.read(value)
    except ValueError as error:
        why = str(error)
    assert len(why) < 400
    for port in found:
        assert Publish.read(str(port)) == [port]
        assert 0 < port.port <= port.port + port.many - 1 <= 65_535
        assert 0 < port.to <= port.to + port.many - 1 <= 65_535
        assert not port.host or ipaddress.ip_address(port.host)


@given(ports(), ports())
def test_overlap_is_found_when_one_packet_would_fit_both(one: Port, other: Port) -> None:
    """Compared with sets, which are slow and plainly right."""

    def fits(port: Port) -> set[tuple[int, str, int]]:
        hosts = ["192.0.2.1", "2001:db8::1", one.host, other.host]
        return {
            (4 if "." in host else 6, host, number)
            for host in hosts
            if host and (4 if "." in host else 6) in port.versions
            for number in range(port.port, port.port + port.many)
            if port.is_everywhere or host == port.host
        }

    expected = one.protocol == other.protocol and bool(fits(one) & fits(other))
    assert overlap(one, other) == overlap(other, one) == expected
    assert bool(list(faults([one, other]))) == expected
