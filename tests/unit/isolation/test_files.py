"""What is written into the files of names."""

from __future__ import annotations

import pytest

from nsinit.isolation.files import _reachable, own_hosts, write_rows


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("nameserver 127.0.0.53\n", ""),
        ("nameserver ::1\nnameserver 10.0.0.1\n", "nameserver 10.0.0.1\n"),
        ("# nameserver 10.0.0.9\n; x\nsearch a.test\n", "search a.test\n"),
        ("nameserver\nnameserver fd00::1", "nameserver\nnameserver fd00::1\n"),
        ("", ""),
    ],
)
def test_servers_of_the_host_are_left_out_when_they_answer_there_only(text: str, kept: str) -> None:
    """With all that is said besides."""
    assert _reachable(text) == kept


def test_hosts_come_after_ones_own_name_when_they_are_given() -> None:
    """One line for each address."""
    hosts = {"db": ["10.0.0.7", "fd00::7"], "cache": ["10.0.0.8"]}
    assert (own_hosts("shop") + write_rows(hosts)).splitlines() == [
        "127.0.0.1\tlocalhost",
        "::1\tlocalhost ip6-localhost ip6-loopback",
        "127.0.1.1\tshop",
        "10.0.0.7\tdb",
        "fd00::7\tdb",
        "10.0.0.8\tcache",
    ]
