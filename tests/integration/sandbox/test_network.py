"""Sandboxes with a network, on a host that is a network namespace of the test."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.namespaces import service, wait_for
from tests.support.outer import Outer, addresses, outer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.boxes import Box

    Make = Callable[..., Box]

ROOT_ONLY = pytest.mark.parametrize("user", ["rootful"], indirect=True)
PYTHON = sys.executable
BOTH = 'subnet = ["10.9.0.0/24", "fd09::/64"]'
# At port 80, with a word of whom it is.
SERVE = (
    'echo "[init] of $(basename $HERE)" > $HERE/who;'
    f" {PYTHON} -m http.server 80 --bind :: --directory $HERE >/dev/null 2>&1 &"
)


def fetch(ip: str) -> str:
    """Ask such a server until it answers."""
    return f"curl -sf --retry 50 --retry-delay 0 --retry-connrefused http://{ip}/who"


def beside(one: Box, other: Box) -> Box:
    """Another sandbox in the same list."""
    other.env["NSINIT_RUN_DIR"] = one.env["NSINIT_RUN_DIR"]
    return other


@pytest.fixture
def host(nothing_left: None) -> Iterator[Outer]:
    """The host of the sandboxes."""
    with outer() as made:
        yield made


def config(network: str, script: str = "", name: str = "") -> str:
    """A sandbox with a network, and a service that runs a script and stays."""
    named = f'name = "{name}"\n' if name else ""
    return f"[sandbox]\n{named}network = {network}\n{service(script)}"


def record(box: Box, name: str) -> dict[str, object]:
    """What `nsinit inspect` tells of its first interface."""
    done = box.run("inspect", name)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)["network"][0]
    return found


@ROOT_ONLY
@pytest.mark.row(34, 35, 37, 42)
def test_sandboxes_talk_when_they_are_on_one_bridge(host: Outer, box: Make) -> None:
    """Both at port 80, with addresses of its subnets, by IPv4 and IPv6."""
    one = host.holds(box(config(f"{{{BOTH}}}", SERVE, "one"))).start()
    wait_for(one)
    assert addresses(one) == ["10.9.0.2/24", "fd09::2/64"]
    look = (
        f"{SERVE} ping -c1 -W5 10.9.0.2 >/dev/null && echo four;"
        " ping -c1 -W5 fd09::2 >/dev/null && echo six;"
        f" {fetch('10.9.0.2')}; ip route show default"
    )
    two = host.holds(beside(one, box(config('"bridge"', look, "two")))).start()
    default = "default via 10.9.0.1 dev eth0 proto static"
    assert wait_for(two) == ["four", "six", "[init] of box1", default]
    assert host.run("sh", "-c", fetch("10.9.0.3")) == "[init] of box2\n"
    told = record(two, "two")
    assert told["address"] == ["10.9.0.3/24", "fd09::3/64"]
    assert told["gateway"] == ["10.9.0.1", "fd09::1"]
    (bridge,) = host.ip("-d", "link", "show", "nsinit0")
    assert bridge["linkinfo"]["info_data"]["stp_state"] == 0
    assert one.stop() == 0
    assert "nsinit0" in host.links()
    assert two.stop() == 0
    assert host.links() == host.before
    assert not list((one.directory / "run").iterdir())
