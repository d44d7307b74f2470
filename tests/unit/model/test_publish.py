"""Published ports: how they are written, and what is refused."""

from __future__ import annotations

import pytest

from nsinit.cli.run_options import parse
from nsinit.errors import ConfigError, UsageError
from nsinit.model.load import load, parse_source
from nsinit.model.publish import Port, Publish

REST = '\n[services.a]\ncommand = "x"\n'


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("8080:80", Port("", 8080, 80)),
        ("127.0.0.1:8080:80/tcp", Port("127.0.0.1", 8080, 80)),
        ("[::1]:53:53/udp", Port("::1", 53, 53, 1, "udp")),
        ("[0::0]:1:65535", Port("::", 1, 65535)),
        ("8000-8010:9000-9010", Port("", 8000, 9000, 11)),
        ("0.0.0.0:8000-8001:80-81/udp", Port("0.0.0.0", 8000, 80, 2, "udp")),
        ({"published": "8080", "target": 80}, Port("", 8080, 80)),
        (
            {"published": "8-9", "target": "1-2", "host_ip": "::1", "protocol": "udp"},
            Port("::1", 8, 1, 2, "udp"),
        ),
    ],
)
def test_port_is_read_when_it_is_written_as_docker_and_compose_do(
    written: object, read: Port
) -> None:
    """One, or in an array."""
    assert Publish.read(written) == [read]
    assert Publish.read([written, written]) == [read, read]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("80", 'a published port names that of the host too, as in "80:80"'),
        ("127.0.0.1::80", 'a published port names that of the host too, as in "80:80"'),
        (":80", 'a published port names that of the host too, as in "80:80"'),
        (":8080:80", "expected an address before the first colon, got ':8080:80'"),
        (80, 'got an integer; write "80:80"'),
        ("8080:80/sctp", 'expected "tcp" or "udp", got \'sctp\''),
        ("8080:80/", 'expected "tcp" or "udp", got \'\''),
        ("0:80", "expected a port of the host from 1 to 65535, or a range, got '0'"),
        ("80:x", "expected a port of the sandbox from 1 to 65535, or a range, got 'x'"),
        ("9-8:1-2", "expected a port of the host from 1 to 65535, or a range, got '9-8'"),
        ("8000-8010:80", "both ranges have as many ports, got 11 of the host and 1 of the sandbox"),
        ("localhost:1:1", "expected a numeric address, got 'localhost'; write \"127.0.0.1\""),
        ("::1:8080:80", 'an IPv6 address stands in brackets, as in "[::1]:8080:80"'),
        ("[1.2.3.4]:1:1", "expected an IPv6 address in the brackets, got '1.2.3.4'"),
        ("[::1:1:1", "got '[::1:1:1'"),
        ("[fe80::1%eth0]:1:1", "an address has no zone here"),
        ("[::ffff:1.2.3.4]:1:1", 'write "1.2.3.4"'),
        ({"published": 1}, 'the key "target" is missing'),
        ({"published": 1, "target": 1, "mode": "host"}, "expected the keys host_ip"),
        ({"published": 1, "target": 1, "host_ip": 1}, "host_ip: expected an address"),
        ({"published": True, "target": 1}, "expected a port of the host"),
        (["", 1, 2, 0, "tcp"], "expected a port of the host"),
    ],
)
def test_port_is_refused_when_it_says_too_little_or_nonsense(written: object, told: str) -> None:
    """With what was expected."""
    with pytest.raises(ValueError) as error:
        Publish.read(written)
    assert told in str(error.value)


def test_ports_are_options_when_there_is_no_file() -> None:
    """As docker run has them; an IPv6 address is no array of TOML."""
    words = ["-p", "[::1]:53:53/udp", "-p8080:80", "--publish", "1:1,2:2", "-dp", "3:3", "--nat"]
    asked = parse(words, {})
    assert asked.detach
    assert asked.sandbox["network.publish"] == ["[::1]:53:53/udp", "8080:80", "1:1", "2:2", "3:3"]
    assert asked.sandbox["network.nat"] is True
    assert parse(["--publish", '["[::1]:8080:80"]'], {}).sandbox["network.publish"] == [
        "[::1]:8080:80"
    ]
    with pytest.raises(UsageError, match="-p needs a value"):
        parse(["-p"], {})


def problems(text: str) -> list[str]:
    """What is told about a network."""
    try:
        load([parse_source("n.toml", f"[sandbox]\nnetwork = {{{text}}}{REST}")], {})
    except ConfigError as error:
        return [f"{p.path.removeprefix('sandbox.network.')}: {p.message}" for p in error.problems]
    return []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('publish = "8080:80"', []),
        ('mode = "pasta", publish = ["[::1]:8080:80", "8080:80/udp"]', []),
        ('mode = "host", publish = "1:1"', ["publish: is of no use with the mode 'host'"]),
        ('mode = "none", publish = "1:1"', ["publish: is of no use with the mode 'none'"]),
        ('mode = "pasta", nat = true', ["nat: is of no use with the mode 'pasta'"]),
        (
            'mode = "macvlan", parent = "eth0", publish = "1:1"',
            ["publish: is of no use with the mode 'macvlan'"],
        ),
        (
            'publish = ["80:80", "127.0.0.1:79-81:79-81"]',
            [
                "publish[1]: 127.0.0.1:79-81:79-81/tcp shares ports of the host with 80:80/tcp",
            ],
        ),
        ('publish = ["1-5000:1-5000"]', ["publish: publishes 5000 ports, 4096 are possible"]),
        ('publish = ["[::1]:1:1"]', ["publish[0]: the kernel leads nothing from ::1 to a bridge"]),
        (
            'mode = "slirp4netns", publish = ["[::]:1:1"]',
            ["publish[0]: slirp4netns publishes on IPv4 only"],
        ),
    ],
)
def test_ports_are_refused_when_no_way_leads_in(text: str, told: list[str]) -> None:
    """By the mode, or because another has the port."""
    assert problems(text) == told
