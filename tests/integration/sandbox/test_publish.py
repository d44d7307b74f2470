"""Published ports and masquerade: three networks, "elsewhere", "the host" and the sandboxes'."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.live import ROOT
from tests.support.namespaces import toml
from tests.support.outer import Outer, outer
from tests.support.ports import ask, command, elsewhere, inside, need

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.boxes import Box

    Make = Callable[..., Box]

ROOT_ONLY = pytest.mark.parametrize("user", ["rootful"], indirect=True)
BOTH = '"10.9.0.{0}/24", "fd09::{0}/64"'
SUBNETS = 'subnet = ["10.9.0.0/24", "fd09::/64"]'


@pytest.fixture
def host(nothing_left: None) -> Iterator[Outer]:
    """The host; nothing of nftables is left in it."""
    need("nft")
    with outer() as made:
        yield made
        assert made.run("nft", "list", "ruleset") == ""


@pytest.fixture
def client(host: Outer) -> Iterator[Outer]:
    """Another machine."""
    with elsewhere(host) as made:
        yield made


def config(name: str, network: str, *ports: str) -> str:
    """A sandbox with a server on these ports."""
    service = "[services.a]\nmin_uptime = 0\nready = {log = 'serving'}\n"
    words = toml(command(*(ports or ("80",))))
    return f'[sandbox]\nname = "{name}"\nnetwork = {{{network}}}\n{service}command = {words}\n'


def among(first: Box, other: Box) -> Box:
    """Another sandbox in the same list."""
    other.env["NSINIT_RUN_DIR"] = first.env["NSINIT_RUN_DIR"]
    return other


def begin(host: Outer, box: Box) -> Box:
    """Start a sandbox there, until it serves."""
    host.holds(box).start()
    box.wait_for_line("serving")
    return box


def refusal(host: Outer, box: Box) -> str:
    """What a sandbox says that can't be made."""
    done = host.holds(box).run()
    assert done.returncode == 125, (done.stdout, done.stderr)
    return done.stderr


def names_in(box: Box) -> list[str]:
    """What stands below the mark in its /etc/hosts."""
    text = (box.root() / "etc/hosts").read_text()
    assert text.startswith(pathlib.Path("/etc/hosts").read_text())
    return text.partition("by nsinit.\n")[2].split()


def setting(host: Outer, path: str) -> str:
    """A sysctl of the host's network."""
    return host.run("cat", f"/proc/sys/net/{path}").strip()


@ROOT_ONLY
@pytest.mark.row(34, 40, 41)
def test_ports_lead_in_when_they_are_published(host: Outer, client: Outer, box: Make) -> None:
    """From everywhere that there is, to two sandboxes which both use port 80."""
    host.run("ip", "addr", "add", "10.77.0.1/32", "dev", "lo")
    ports = (
        '"8080:80", "5353:53/udp", "8000-8002:80-82", "127.0.0.1:9090:80", "10.77.0.1:7070:80",'
        '"[2001:db8::1]:6060:80", "600-601:600-601/udp"'
    )
    served = ("80", "81", "82", "53/udp", "600/udp", "601/udp")
    one = box(config("one", f"{SUBNETS}, nat = true, publish = [{ports}]", *served))
    begin(host, one)
    assert "net.ipv4.ip_forward has been set to 1" in one.said()
    steady = "udp 192.0.2.1 5454 4000"  # the kernel remembers that nobody was there
    assert ask(client.enter, steady, wait=0.3) != ["53 192.0.2.9"]
    ports = 'publish = ["8081:80", "5454:53/udp"]'
    two = begin(host, among(one, box(config("two", ports, "80", "53/udp"))))
    assert ask(client.enter, steady) == ["53 192.0.2.9"]
    assert ask(
        client.enter,
        *("tcp 192.0.2.1 8080", "tcp 192.0.2.1 8081", "tcp 192.0.2.1 8002"),
        *("tcp 2001:db8::1 8080", "tcp 2001:db8::1 8001", "tcp 2001:db8::1 6060"),
        *("udp 192.0.2.1 5353", "udp 2001:db8::1 5353", "udp 192.0.2.1 601", "tcp 192.0.2.1 9090"),
    ) == [
        *("80 192.0.2.9", "80 192.0.2.9", "82 192.0.2.9"),
        *("80 2001:db8::9", "81 2001:db8::9", "80 2001:db8::9"),
        *("53 192.0.2.9", "53 2001:db8::9", "601 192.0.2.9", "refused"),
    ]
    assert ask(
        host.enter,
        *("tcp 127.0.0.1 8080", "tcp 127.0.0.1 9090", "udp 127.0.0.1 5353", "tcp 192.0.2.1 8080"),
        *("tcp 127.0.0.1 8001", "tcp 2001:db8::1 8080", "tcp 10.77.0.1 7070", "tcp 127.0.0.1 7070"),
        *("tcp ::1 8080", "tcp 127.0.0.1 8081"),
    ) == [
        *("80 10.9.0.1", "80 10.9.0.1", "53 10.9.0.1", "80 192.0.2.1"),
        *("81 10.9.0.1", "80 2001:db8::1", "80 10.77.0.1", "refused"),
        *("refused", "80 10.9.0.1"),
    ]
    for sandbox in (one, two):  # by its own port too
        assert ask(
            inside(sandbox.pid),
            *("tcp 192.0.2.1 8080", "udp 192.0.2.1 5353", "tcp 10.9.0.1 8080"),
            *("tcp 2001:db8::1 8080", "tcp 192.0.2.1 8081"),
        ) == ["80 10.9.0.1", "53 10.9.0.1", "80 10.9.0.1", "80 fd09::1", "80 10.9.0.1"]
    out = ("tcp 192.0.2.9 80", "udp 192.0.2.9 53", "tcp 2001:db8::9 80")
    assert ask(inside(one.pid), *out) == ["80 192.0.2.1", "53 192.0.2.1", "80 2001:db8::1"]
    client.run("ip", "route", "add", "10.9.0.0/24", "via", "192.0.2.1")
    near = ("tcp 10.9.0.2 80", "tcp 10.9.0.3 80")  # one has nat, so it is behind the host
    assert ask(client.enter, *near, wait=1) == ["nothing", "80 192.0.2.9"]
    assert ask(inside(two.pid), "tcp 10.9.0.2 80", "tcp 192.0.2.9 80") == [
        *("80 10.9.0.3", "80 10.9.0.3"),  # which the client has a route to
    ]
    shown = json.loads(two.run("net", "show", "--json").stdout)
    assert [row["published"][0] for row in shown] == ["8080:80/tcp", "8081:80/tcp"]
    assert "8081:80/tcp" in two.run("net", "show", "two").stdout
    assert names_in(two) == ["10.9.0.2", "one", "fd09::2", "one"]
    assert names_in(one) == ["10.9.0.3", "two", "fd09::3", "two"]
    assert one.stop() == 0
    assert names_in(two) == []
    assert "nsinit-one" not in host.run("nft", "list", "tables")
    assert setting(host, "ipv4/conf/nsinit0/route_localnet") == "1"
    assert ask(client.enter, "tcp 192.0.2.1 8080", "tcp 192.0.2.1 8081") == [
        *("refused", "80 192.0.2.9"),
    ]
    assert two.stop() == 0


@ROOT_ONLY
def test_ports_are_free_again_when_the_launcher_was_killed(host: Outer, box: Make) -> None:
    """The next command that looks removes the rules; somebody else's bridge stays as it was."""
    host.run("ip", "link", "add", "br0", "type", "bridge")
    host.run("ip", "addr", "add", "10.9.0.1/24", "dev", "br0")
    host.run("ip", "link", "set", "br0", "up")
    one = begin(host, box(config("one", 'bridge = "br0", nat = true, publish = ["8080:80"]')))
    two = begin(host, among(one, box(config("two", 'bridge = "br0", publish = ["8081:80"]'))))
    assert setting(host, "ipv4/conf/br0/route_localnet") == "1"
    assert ask(host.enter, "tcp 127.0.0.1 8080") == ["80 10.9.0.1"]
    for sandbox, left in ((one, "1"), (two, "0")):
        assert sandbox.process is not None
        os.kill(sandbox.process.pid, signal.SIGKILL)
        sandbox.wait()
        assert ask(host.enter, "tcp 127.0.0.1 8080", wait=0.2) != ["80 10.9.0.1"]
        look = host.holds(among(one, box()))
        name = "one" if sandbox is one else "two"
        assert name not in look.run("list").stdout.replace(str(two.directory), "")
        assert setting(host, "ipv4/conf/br0/route_localnet") == left
        if sandbox is one:
            assert names_in(two) == []
            assert "nsinit-one" not in host.run("nft", "list", "tables")
    host.run("ip", "link", "delete", "br0")


@ROOT_ONLY
def test_nothing_is_done_when_a_port_is_taken(host: Outer, box: Make) -> None:
    """By another sandbox or by a program; nor when nft is missing, or refuses."""
    one = begin(host, box(config("one", f'{SUBNETS}, publish = ["8080:80"]')))
    other = 'publish = ["8079-8081:80-82"]'
    said = refusal(host, among(one, box(config("two", other))))
    assert "the sandbox 'one' has published 8080/tcp" in said
    with subprocess.Popen([*host.enter, *command("7000/udp")], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"serving\n"
        said = refusal(host, among(one, box(config("two", 'publish = ["127.0.0.1:7000:1/udp"]'))))
        assert "a program of this host has 7000/udp already" in said
        assert "ss -tulnp" in said
        program.kill()
    said = refusal(host, among(one, box(config("two", 'publish = ["192.0.2.77:80:80"]'))))
    assert "no interface of this host has the address 192.0.2.77" in said
    said = refusal(
        host, among(one, box(config("two", 'publish = ["[::]:80:80"], address = "10.9.0.9/24"')))
    )
    assert "[::]:80:80/tcp can't be published: the sandbox has no IPv6 address" in said
    missing = among(one, box(config("two", "nat = true"))).with_faults("memfd_create:ENOSYS")
    assert "cannot give what leaves the address of the host" in refusal(host, missing)
    assert names_in(one) == []
    assert host.run("nft", "list", "tables") == "table inet nsinit-one\n"
    assert len([name for name in host.links() if name.startswith("nsv")]) == 1
    assert one.stop() == 0


@ROOT_ONLY
@pytest.mark.row(34)
def test_names_are_known_when_sandboxes_are_on_one_bridge(
    host: Outer, box: Make, rootfs: pathlib.Path
) -> None:
    """In a root of its own too, and of interfaces that come later; whatever they are told of."""
    more = 'hosts = {db = "10.1.2.3"}'
    text = config("one", f"{SUBNETS}, {more}").partition("command")[0]
    text = text.replace("[services", f'hostname = "first"\nrootfs = "{rootfs}"\n[services')
    one = box(f'{text}command = ["sh", "-c", "echo serving; exec sleep 1000"]\n')
    begin(host, one)
    two = begin(host, among(one, box(config("two", 'bridge = "nsinit0"'))))
    hosts = one.root() / "etc/hosts"
    assert hosts.read_text().splitlines()[2:] == [
        *("127.0.1.1\tfirst", "10.1.2.3\tdb"),
        "# Sandboxes on the same bridge; kept up to date by nsinit.",
        *("10.9.0.3\ttwo", "fd09::3\ttwo"),
    ]
    done = one.run("enter", "one", "--", "sh", "-c", "echo x >/etc/hosts")
    assert "Read-only" in done.stderr
    found = two.run("enter", "two", "--", "getent", "ahostsv4", "one").stdout
    assert found.split()[0] == "10.9.0.2"
    added = two.run("net", "add", "two", "--address", "10.9.0.77/24")
    assert added.returncode == 0, added.stderr
    assert "10.9.0.77\ttwo\n" in hosts.read_text()
    assert two.run("net", "remove", "two", "eth1").returncode == 0
    assert "10.9.0.77" not in hosts.read_text()
    assert two.stop() == 0
    assert hosts.read_text().endswith("by nsinit.\n")
    assert one.stop() == 0


@ROOT_ONLY
def test_example_works_when_it_is_run(host: Outer, box: Make) -> None:
    """config/publish.toml."""
    one = host.holds(box((ROOT / "config" / "publish.toml").read_text()))
    assert one.run("run", "--detach", str(one.config)).returncode == 0
    try:
        page = host.run("curl", "-sf", "http://127.0.0.1:8080/")
        assert "Directory listing" in page
    finally:
        assert one.run("stop", "publish").returncode == 0
