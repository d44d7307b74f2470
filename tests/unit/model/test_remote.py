"""What is found about `[init].listen`."""

from __future__ import annotations

import pytest

from nsinit.errors import ConfigError
from nsinit.model.differ import differ
from nsinit.model.load import load, parse_source

SERVICE = "[services.a]\ncommand = 'x'\n"


def _problems(text: str) -> list[str]:
    try:
        loaded = load([parse_source("n", text)], {})
    except ConfigError as error:
        return [f"{p.path}: {p.message}" for p in error.problems]
    return [f"{p.path}: {p.message}" for p in loaded.warnings]


@pytest.mark.parametrize(
    ("listen", "problem"),
    [
        ("'127.0.0.1:9150'", ""),
        ("'[::1]:9150'", ""),
        ("'*:9150'", ""),
        ("'tcp:0.0.0.0:80'", ""),
        ("'9150'", "address: expected an address such as"),
        ("':9150'", "address: expected an address such as"),
        ("'/run/x.sock'", "address: expected an address such as"),
        ("'unix:/run/x.sock'", "address: expected an address such as"),
        ("'localhost:9150'", "address: expected a numeric IPv4 address"),
        ("'::1:9150'", "address: an IPv6 address stands in brackets"),
        ("'127.0.0.1:0'", "address: expected a port"),
        ("{status_page = false}", 'the key "address" is missing'),
        ("{address = '*:1', port = 3}", "port: unknown key"),
        ("{address = '*:1', actions = true}", "actions: whoever reaches the port"),
        ("{address = '127.0.0.1:1', actions = true, token_file = 't'}", ""),
        ("{address = '*:1', token_file = 't'}", "the token is sent in the clear"),
        ("{address = '*:1', hosts = ['a.example', 'b:3']}", "hosts[1]: expected a name"),
        ("3", "expected"),
    ],
)
def test_listener_is_checked_when_loaded(listen: str, problem: str) -> None:
    """One place where, one thing that is wrong, or nothing."""
    found = _problems(f"[init]\nlisten = {listen}\n{SERVICE}")
    assert len(found) == bool(problem), found
    assert problem in "".join(found)


def test_listener_is_refused_when_a_service_has_its_address() -> None:
    """Also by a wildcard."""
    found = _problems(f"[init]\nlisten = '*:80'\n{SERVICE}sockets = ['tcp:127.0.0.1:80']\n")
    assert found == [
        "init.listen.address: tcp:80 is taken by a socket of a service: tcp:127.0.0.1:80"
    ]


def test_listener_counts_at_once_when_it_changes() -> None:
    """Nothing restarts, and nothing waits for another init."""
    old, new = (
        load([parse_source("n", f"[init]\nlisten = '{address}'\n{SERVICE}")], {}).config
        for address in ("127.0.0.1:1", "127.0.0.1:2")
    )
    assert differ(old, new).is_empty
