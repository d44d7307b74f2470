"""Sandboxes with a network, on a host that is a network namespace of the test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.live import NSINIT, ROOT, eventually, have
from tests.support.namespaces import service, wait_for, written
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


SPY = """
import os, sys

class Spy:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "nsinit.network.plug":
            with open(os.environ["HERE"] + "/spied", "a") as file:
                print(os.getpid(), file=file)

sys.meta_path.insert(0, Spy)
from nsinit.__main__ import main
main()"""


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
    if os.geteuid() != 0:
        pytest.skip("needs root, for a network namespace that stands for the host")
    for program in ("ip", "ping", "curl", "nsenter"):
        if not have(program):
            pytest.skip(f"EngineUnavailable: the program {program} is not installed")
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
    assert one.client.status()["init"]["addresses"] == ["10.9.0.2/24", "fd09::2/64"]
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


@pytest.mark.row(33, 42)
def test_only_lo_is_there_when_nothing_is_connected(host: Outer, box: Make) -> None:
    """No interface of the host is seen, unless the network is the host's."""
    host.run("ip", "link", "add", "br9", "type", "bridge")
    look = "ip -o link | cut -d: -f2 | xargs; ip -o addr show dev lo | wc -l"
    apart = host.holds(box(config('"none"', look))).start()
    assert wait_for(apart) == ["lo", "2"]
    same = host.holds(box(config('"host"', look))).start()
    assert wait_for(same)[0] == "lo br9"
    assert apart.stop() == same.stop() == 0
    host.run("ip", "link", "del", "br9")


@ROOT_ONLY
@pytest.mark.row(37)
def test_interfaces_are_of_every_kind_when_there_are_several(host: Outer, box: Make) -> None:
    """On a bridge that was there, over an interface of the host, and one that is moved in."""
    for line in (
        "link add lan type bridge", "addr add 10.7.0.1/24 dev lan", "link set lan up",
        "link add p0 type veth peer name p1", "link set p0 up", "link set p1 up",
        "addr add 10.8.0.1/24 dev p1", "link add q0 type veth peer name q1",
        "addr add 10.11.0.1/24 dev q1", "link set q1 up",
    ):  # fmt: skip
        host.run("ip", *line.split())
    interfaces = """{interfaces = [
        {bridge = "lan"},
        {type = "macvlan", parent = "p0", name = "side", address = "10.8.0.2/24",
         mac = "02:00:00:00:00:09", mtu = 1400},
        {type = "phys", parent = "q0", name = "nic", address = "10.11.0.2/24"},
    ]}"""
    look = (
        "for ip in 10.7.0.1 10.8.0.1 10.11.0.1; do ping -c1 -W5 $ip >/dev/null && echo $ip; done;"
        " cat /sys/class/net/side/mtu; ip -o link show side | grep -o 02:00:00:00:00:09;"
        " ip route show default; ip -o link | wc -l"
    )
    table = interfaces.replace("\n", " ")
    made = host.holds(box(config(table, look, "many"), "--rootfs", "/")).start()
    assert wait_for(made) == [
        "10.7.0.1", "10.8.0.1", "10.11.0.1", "1400", "02:00:00:00:00:09",
        "default via 10.7.0.1 dev eth0 proto static", "4",
    ]  # fmt: skip
    shown = made.run("net", "show", "many", "--json").stdout
    assert {(one["name"], one["type"], *one["address"]) for one in json.loads(shown)} == {
        ("eth0", "bridge", "10.7.0.2/24"), ("side", "macvlan", "10.8.0.2/24"),
        ("nic", "phys", "10.11.0.2/24"),
    }  # fmt: skip
    assert "q0" not in host.links()
    assert made.stop() == 0
    assert host.links() == host.before | {"lan", "p0", "p1", "q0", "q1"}
    for name in ("lan", "p0", "q0"):
        host.run("ip", "link", "del", name)


@pytest.mark.row(34, 36)
def test_network_is_shared_when_it_is_joined(host: Outer, box: Make) -> None:
    """By the name of a sandbox, and by a file; one's own ports are the other's."""
    one = host.holds(box(config('"none"', SERVE, "one"))).start()
    wait_for(one)
    net = os.readlink(f"/proc/{one.pid}/ns/net")
    apart = os.readlink("/proc/self/ns/user") != one.namespace("user")
    user = f"namespaces = {{user = {one.pid}}}\n" if apart else ""
    for whose in ("sandbox:one", f"/proc/{one.pid}/ns/net"):
        text = f'[sandbox]\nnetwork = "{whose}"\n{user}'
        other = host.holds(beside(one, box(text + service(fetch("[::1]"))))).start()
        assert wait_for(other) == ["[init] of box1"]
        assert other.namespace("net") == net
        assert other.stop() == 0


@ROOT_ONLY
@pytest.mark.row(39)
def test_interface_comes_and_goes_when_the_sandbox_runs(host: Outer, box: Make) -> None:
    """As root types it; it is in the record, and goes with the sandbox."""
    made = host.holds(box(config('"none"', "", "shop"))).start()
    wait_for(made)
    added = made.run("net", "add", "shop", "--address", "10.9.9.2/24", "--gateway", "10.9.9.1")
    assert (added.returncode, added.stdout) == (0, "eth0 10.9.9.2/24\n"), added.stderr
    host.run("ping", "-c1", "-W5", "10.9.9.2")
    host.run("ip", "link", "add", "br0", "type", "bridge")
    host.run("ip", "link", "set", "br0", "up")
    words = ("--bridge", "br0", "--address", "192.168.10.12/24", "--name", "eth1", "--json")
    told = json.loads(made.run("net", "add", "shop", *words).stdout)
    assert (told["name"], told["address"]) == ("eth1", ["192.168.10.12/24"])
    assert addresses(made, "eth1") == ["192.168.10.12/24"]
    rows = [line.split() for line in made.run("net", "show").stdout.splitlines()]
    assert [row[:5] for row in rows[1:]] == [
        ["shop", "eth0", "bridge", "nsinit0", "10.9.9.2/24"],
        ["shop", "eth1", "bridge", "br0", "192.168.10.12/24"],
    ]
    assert "192.168.10.12" in made.run("list").stdout
    wrong: tuple[tuple[tuple[str, ...], str], ...] = (
        (("add", "shop", "--name", "eth1"), "there is an interface eth1 in it already"),
        (("add", "shop", "--address", "10.9.9.2/24"), "the sandbox shop has 10.9.9.2"),
        (("remove", "shop", "eth7"), "nsinit has made no interface 'eth7' for it"),
    )
    for typed, why in wrong:
        failed = made.run("net", *typed)
        assert failed.returncode != 0
        assert why in failed.stderr
    assert made.run("net", "remove", "shop", "eth0").returncode == 0
    assert host.links() == {*host.before, "br0", told["port"]}
    assert made.stop() == 0
    assert host.links() == {*host.before, "br0"}
    host.run("ip", "link", "del", "br0")


@ROOT_ONLY
def test_reason_is_told_when_an_interface_cant_be_made(host: Outer, box: Make) -> None:
    """With the step and what helps; nothing of the attempt is left."""
    first = host.holds(box(config('{address = "10.9.0.2/24"}', "", "first"))).start()
    wait_for(first)
    host.run("ip", "link", "add", "p0", "type", "veth", "peer", "name", "p1")
    host.run("ip", "link", "add", "lazy", "type", "bridge")
    before = host.links()
    for more, why in (
        ("--address 10.9.0.1/24", "10.9.0.1 is the address of the bridge nsinit0"),
        ("--bridge p0", "p0 is no bridge but a veth"),
        ("--bridge lazy", "the bridge lazy is down"),
        ("--type macvlan --parent p7", "there is no interface 'p7' here"),
    ):
        failed = first.run("net", "add", "first", *more.split())
        assert why in failed.stderr
        assert (failed.returncode, "hint: " in failed.stderr) == (1, True)
    host.run("ip", "addr", "add", "10.3.0.1/24", "dev", "lazy")
    host.run("ip", "link", "set", "lazy", "up")
    for network, why in (
        ('{address = "10.9.0.2/24"}', "the sandbox first has 10.9.0.2"),
        ('{interfaces = [{}, {type = "phys", parent = "p7"}]}', "eth1: there is no interface"),
        (
            '{bridge = "lazy", address = "10.4.0.2/24"}',
            "10.4.0.2/24 is not in the subnet of the bridge lazy: 10.3.0.0/24",
        ),
    ):
        done = host.holds(beside(first, box(config(network)))).run()
        assert why in done.stderr
        assert (done.returncode, "hint: " in done.stderr) == (125, True)
        assert host.links() == before
    assert first.stop() == 0
    for name in ("p0", "lazy"):
        host.run("ip", "link", "del", name)


@ROOT_ONLY
def test_interface_is_given_back_when_what_follows_fails(host: Outer, box: Make) -> None:
    """One that was moved in, at the start and later; a macvlan that can't be set up is removed."""
    for line in ("link add p0 type veth peer name p1", "link set p0 up"):
        host.run("ip", *line.split())
    before = host.links()
    text = config('{interfaces = [{type = "phys", parent = "p0"}, {type = "macvlan", '
                  'parent = "p7"}]}\nsysctls = {"net.ipv4.ip_forward" = 1}')  # fmt: skip
    failed = host.holds(box(text)).run()
    assert (failed.returncode, "there is no interface 'p7'" in failed.stderr) == (125, True)
    assert host.links() == before
    made = host.holds(box(config('{address = "10.9.0.2/24"}', "", "one"))).start()
    wait_for(made)
    host.run("ip", "link", "set", "p0", "up")
    before = host.links()
    given = ("--name", "x", "--parent", "p0", "--address", "10.8.0.2/24", "--gateway", "10.8.0.1")
    for kind in ("macvlan", "phys"):  # there is a default route already
        failed = made.run("net", "add", "one", "--type", kind, *given)
        assert (failed.returncode, "File exists" in failed.stderr) == (1, True)
        assert host.links() == before
        shown = made.run("net", "show", "one", "--json").stdout
        assert [row["name"] for row in json.loads(shown)] == ["eth0"]
    # What root inside has chosen as a name: a terminal gets nothing that can't be printed.
    add = ("ip", "link", "add", b"a\x1b[31mb", "type", "veth", "peer", "name", b"c\xff")
    subprocess.run(["nsenter", "-t", str(made.pid), "-n", *add], check=True)
    rows = made.run("net", "show", "one").stdout.splitlines()[1:]
    assert {row.split()[1] for row in rows} == {"eth0", "a\\x1b[31mb", "c\\udcff"}
    assert made.stop() == 0
    host.run("ip", "link", "del", "p0")


def _stands(box: Box) -> bool:
    """Whether its service runs; its end is waited for, if not."""
    process = box.process
    assert process is not None
    eventually(lambda: process.poll() is not None or "end" in written(box), "it stands, or fails")
    return process.poll() is None


@ROOT_ONLY
def test_nothing_is_left_when_a_request_of_the_helper_fails(host: Outer, box: Make) -> None:
    """Whichever it is: what was made by then is taken back, and the launcher says why."""
    for number in (1, 4, 8, 11, 50):
        made = host.holds(box(config('{address = "10.9.0.2/24"}')))
        made.with_faults(f"netlink:ENOBUFS@{number}")
        made.program = [*host.enter, *made.program]
        if _stands(made.start()):
            assert made.stop() == 0
            assert number == 50
            break
        assert "No buffer space available" in made.said()
        assert host.links() == host.before, number


@ROOT_ONLY
def test_addresses_differ_when_sandboxes_start_at_once(host: Outer, box: Make) -> None:
    """On one bridge that the first makes and the last removes; also when a launcher is killed."""
    boxes = [host.holds(box(config('"bridge"', "", f"n{number}"))) for number in range(4)]
    for one in boxes:
        beside(boxes[0], one).start()
    for one in boxes:
        wait_for(one)
    found = {text for one in boxes for text in addresses(one)}
    assert len(found) == 4
    assert len(host.links() - host.before) == 5
    for one in boxes[:3]:
        assert one.process is not None
        one.process.send_signal(signal.SIGTERM)
    assert [one.wait() for one in boxes[:3]] == [0, 0, 0]
    assert len(host.links() - host.before) == 2
    last = boxes[3]
    assert last.process is not None
    last.process.kill()
    last.wait()
    assert "nsinit0" in host.links()
    listed = last.run("list")
    assert (listed.returncode, listed.stdout) == (0, "")
    assert host.links() == host.before
    assert not list((boxes[0].directory / "run").iterdir())


@ROOT_ONLY
def test_only_the_helper_loads_what_makes_it_when_there_is_a_network(
    host: Outer, box: Make
) -> None:
    """Neither the launcher nor init carries it."""
    made = box(config('"bridge"'))
    made.program = [*host.enter, sys.executable, "-c", SPY]
    made.start()
    wait_for(made)
    assert made.process is not None
    (helper,) = set((made.directory / "spied").read_text().split())
    assert int(helper) not in (made.process.pid, made.pid)
    assert made.stop() == 0


@pytest.mark.parametrize("user", ["rootless"], indirect=True)
def test_bridge_needs_power_when_an_ordinary_user_asks(host: Outer, box: Make) -> None:
    """It names the way that needs none; in namespaces of his own he has that power."""
    look = "ip -o -4 addr show dev eth0 | grep -o '10.231[.0-9]*/24'"
    made = host.holds(box(config('"bridge"', look)))
    done = made.run()
    assert done.returncode == 125
    assert "eth0 to the bridge nsinit0 without CAP_SYS_ADMIN and CAP_NET_ADMIN" in done.stderr
    assert 'mode = "pasta"' in done.stderr
    made.program[-len(NSINIT) :] = ["unshare", "--user", "--map-root-user", "--net", *NSINIT]
    made.start()
    assert wait_for(made) == ["10.231.0.2/24"]
    assert made.stop() == 0


@pytest.mark.row(38)
def test_names_are_told_when_they_are_given(host: Outer, box: Make) -> None:
    """In files that nobody can write, in the host's root and in an own one; the host's stay."""
    network = '{mode = "none", dns = ["10.0.0.53", "fd00::53"], dns_search = "shop.test",'
    network += ' hosts = {db = ["10.0.0.7", "fd00::7"]}}'
    look = (
        "cat /etc/resolv.conf; getent hosts db | xargs; echo x 2>/dev/null >/etc/hosts || echo no;"
        " grep -c localhost /etc/hosts"
    )
    before = os.stat("/etc/resolv.conf"), os.stat("/etc/hosts")
    for root in ("", 'rootfs = "/"\n'):
        made = host.holds(box(config(network + "\n" + root, look))).start()
        lines = wait_for(made)
        assert lines[:3] == ["nameserver 10.0.0.53", "nameserver fd00::53", "search shop.test"]
        assert lines[3] in ("10.0.0.7 db", "fd00::7 db")
        assert lines[4] == "no"
        assert int(lines[5]) >= 1
        assert made.stop() == 0
    assert (os.stat("/etc/resolv.conf"), os.stat("/etc/hosts")) == before


@ROOT_ONLY
def test_network_example_works_when_run(host: Outer, box: Make) -> None:
    """Its address answers at port 80, by IPv4 and IPv6."""
    made = host.holds(box("", str(ROOT / "config" / "network.toml"))).start()
    made.wait_for_line("default via 10.231.90.1 dev eth0")
    assert written(made, "look")[0] == "shop"
    assert "10.231.90.3     db" in written(made, "look")
    for ip in ("10.231.90.2", "[fd90::2]"):
        assert "Directory listing" in host.run("curl", "-sf", f"http://{ip}/")
    assert made.stop() == 0
