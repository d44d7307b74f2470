"""Addresses as they are written, and as they are shown."""

from __future__ import annotations

import pytest

from nsinit.model.addresses import Endpoint, parse


@pytest.mark.parametrize(
    ("text", "endpoint", "shown"),
    [
        ("tcp:80", Endpoint("tcp", "", 80), "tcp:80"),
        ("tcp:*:80", Endpoint("tcp", "", 80), "tcp:80"),
        ("tcp:127.0.0.1:8080", Endpoint("tcp", "127.0.0.1", 8080), "tcp:127.0.0.1:8080"),
        ("udp:0.0.0.0:53", Endpoint("udp", "0.0.0.0", 53), "udp:0.0.0.0:53"),
        ("tcp:[::]:65535", Endpoint("tcp", "::", 65_535), "tcp:[::]:65535"),
        ("tcp:[0:0::1]:1", Endpoint("tcp", "::1", 1), "tcp:[::1]:1"),
        ("tcp:[fe80::1%eth0]:1", Endpoint("tcp", "fe80::1%eth0", 1), "tcp:[fe80::1%eth0]:1"),
        ("/run/x.sock", Endpoint("unix", path="/run/x.sock"), "unix:/run/x.sock"),
        ("unix:/run/./x//y", Endpoint("unix", path="/run/x/y"), "unix:/run/x/y"),
        ("@a:b", Endpoint("unix", path="@a:b"), "unix:@a:b"),
        ("unix-dgram:@x", Endpoint("unix-dgram", path="@x"), "unix-dgram:@x"),
        ("/" + "a" * 106, Endpoint("unix", path="/" + "a" * 106), "unix:/" + "a" * 106),
    ],
)
def test_address_is_read_when_it_is_written_in_a_known_way(
    text: str, endpoint: Endpoint, shown: str
) -> None:
    """And has one spelling, which reads as the same."""
    assert parse(text) == endpoint
    assert str(endpoint) == shown
    assert parse(shown) == endpoint


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "expected an address"),
        ("80", "expected an address"),
        ("http:80", "expected an address"),
        ("tcp", "expected an address"),
        ("tcp:", "expected a port"),
        ("tcp:0", "expected a port"),
        ("tcp:65536", "expected a port"),
        ("tcp:8\u0660", "expected a port"),
        ("tcp:localhost:80", "expected a numeric IPv4 address"),
        ("tcp:1.2.3:80", "expected a numeric IPv4 address"),
        ("tcp:::1:80", "an IPv6 address stands in brackets"),
        ("tcp:[::1]", "expected an address"),
        ("tcp:[::g]:80", "expected an IPv6 address"),
        ("tcp:[127.0.0.1]:80", "expected an IPv6 address"),
        ("tcp:[::1%]:80", "expected an IPv6 address"),
        ("tcp:[::1%a/b]:80", "expected an IPv6 address"),
        ("unix:x", "expected an absolute path"),
        ("/", "expected an absolute path"),
        ("@", "expected an absolute path"),
        ("/a\0b", "expected an absolute path"),
        ("/" + "a" * 107, "at most 107 bytes"),
        ("@" + "ä" * 54, "at most 107 bytes"),
    ],
)
def test_address_is_refused_when_it_is_none(text: str, why: str) -> None:
    """With what was expected."""
    with pytest.raises(ValueError, match=why):
        parse(text)
