"""What is done to make a sandbox, for all sorts of people and kernels."""

from __future__ import annotations

import pytest

from nsinit.errors import SandboxError
from nsinit.isolation.idmaps import MapIds
from nsinit.kernel import libc
from nsinit.kernel.namespaces import FLAGS
from nsinit.model.idmaps import IdMap, Row
from nsinit.model.mounting import Overlay
from nsinit.model.network import Interface, Network
from nsinit.model.publish import Publish
from nsinit.model.sandboxes import NamespaceKind, Sandbox, Users
from nsinit.model.types import Names
from nsinit.sandbox.plan import Facts, make_plan
from nsinit.sandbox.users import Caller

ALL = dict.fromkeys(FLAGS, True)
# What init keeps for itself and for services that ask for nothing.
KEPT = (
    "CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW,"
    " SYS_CHROOT, SYS_PTRACE, AUDIT_WRITE, SETFCAP"
)
ROOT = Facts(Caller(0, 0, may_map=True), privileged=True, supported=ALL)
USER = Facts(Caller(1000, 100, may_map=False), privileged=False, supported=ALL)
CAPABLE = Facts(Caller(1000, 100, may_map=False), privileged=True, supported=ALL)
# Of a container without capabilities.
FAKE_ROOT = Facts(Caller(0, 0, may_map=False), privileged=False, supported=ALL)


@pytest.mark.parametrize(
    ("sandbox", "facts", "lines"),
    [
        (Sandbox(), ROOT, [
            "split   make namespaces: ipc, uts, pid, mount",
            "child   make all mounts private",
            "child   mount proc on /proc",
        ]),
        (Sandbox(), USER, [
            "split   make namespaces: user, ipc, uts, pid, mount",
            "parent  map uids: 0 1000 1; gids: 0 100 1; deny setgroups",
            "child   become uid 0, gid 0",
            "child   make all mounts private",
            "child   mount proc on /proc",
        ]),
        (Sandbox(), FAKE_ROOT, [
            "split   make namespaces: user, ipc, uts, pid, mount",
            "parent  map uids: 0 0 1; gids: 0 0 1; deny setgroups",
            "child   become uid 0, gid 0",
            "child   make all mounts private",
            "child   mount proc on /proc",
        ]),
        (Sandbox(namespaces={"user": "new"}), ROOT, [
            "split   make namespaces: user, ipc, uts, pid, mount",
            "parent  map uids: 0 0 4294967295; gids: 0 0 4294967295",
            "child   leave all groups, become uid 0, gid 0",
            "child   make all mounts private",
            "child   mount proc on /proc",
        ]),
        (Sandbox(users=Users(map="none")), ROOT, [
            "host    leave all supplementary groups",
            "split   make namespaces: user, ipc, uts, pid, mount",
            "parent  map uids: none; gids: none",
            "child   make all mounts private",
            "child   mount proc on /proc",
        ]),
        (Sandbox(users=Users(nested=False)), USER, [
            "split   make namespaces: user, ipc, uts, pid, mount",
            "parent  map uids: 0 1000 1; gids: 0 100 1; deny setgroups",
            "child   become uid 0, gid 0",
            "child   forbid further user namespaces",
            "child   make all mounts private",
            "child   mount proc on /proc",
        ]),
        (Sandbox(namespaces={"user": "new"}), CAPABLE, [
            "split   make namespaces: user, ipc, uts, pid, mount",
            "parent  map uids: 0 1000 1; gids: 0 100 1; deny setgroups",
            "child   become uid 0, gid 0",
            "child   make all mounts private",
            "child   mount proc on /proc",
        ]),
        (Sandbox(namespaces={"user": "shared"}), USER, [
            "split   make namespaces: ipc, uts, pid, mount",
            "child   make all mounts private",
            "child   mount proc on /proc",
        ]),
        (Sandbox(hostname="box", domainname="lan"), ROOT, [
            "split   make namespaces: ipc, uts, pid, mount",
            "child   set the host name to box",
            "child   set the domain name to lan",
            "child   make all mounts private",
            "child   mount proc on /proc",
        ]),
        (Sandbox(namespaces={"pid": "shared", "ipc": "shared"}), ROOT, [
            "split   make namespaces: uts, mount",
            "child   make all mounts private",
        ]),
        (Sandbox(namespaces={"pid": "shared", "mount": "shared"}, hostname="h"), ROOT, [
            "split   make namespaces: ipc, uts",
            "child   set the host name to h",
        ]),
        (Sandbox(namespaces={"pid": "new", "mount": "new", "uts": "shared"}), CAPABLE, [
            "split   make namespaces: ipc, pid, mount",
            "child   make all mounts private",
            "child   mount proc on /proc",
        ]),
    ],
)  # fmt: skip
def test_plan_reads_so_when_made_by(sandbox: Sandbox, facts: Facts, lines: list[str]) -> None:
    """Line by line, in the order in which it is done."""
    hardening = [
        "child   join a new session keyring",
        *["child   make init not dumpable"]
        * ("map uids" not in str(lines) and facts.caller.uid == 0),
        f"child   keep only the capabilities {KEPT}",
    ]
    assert make_plan(sandbox, "box", facts).describe() == [*lines, *hardening]


def test_user_namespace_is_first_when_it_is_made() -> None:
    """The others are made with its power; the flags are theirs together."""
    plan = make_plan(Sandbox(), "box", USER)
    assert plan.kinds[0] == "user"
    assert plan.flags == (
        libc.CLONE_NEWUSER | libc.CLONE_NEWIPC | libc.CLONE_NEWUTS | libc.CLONE_NEWPID
        | libc.CLONE_NEWNS
    )  # fmt: skip
    assert make_plan(Sandbox(), "box", ROOT).flags == plan.flags & ~libc.CLONE_NEWUSER
    assert plan.name == "box"


@pytest.mark.parametrize(("facts", "deny"), [(ROOT, False), (USER, True), (CAPABLE, True)])
def test_setgroups_is_denied_when_the_maps_are_an_ordinary_users(facts: Facts, deny: bool) -> None:
    """The kernel takes no gid_map of his before that (user_namespaces(7))."""
    plan = make_plan(Sandbox(namespaces={"user": "new"}), "box", facts)
    maps = next(step for step in plan.parent if isinstance(step, MapIds))
    assert maps.deny_setgroups is deny


def test_sandbox_is_refused_when_there_is_no_proc() -> None:
    """Which kinds of namespaces there are is read there: it is not the kernel that lacks them."""
    blind = ROOT._replace(supported=dict.fromkeys(FLAGS, False))
    with pytest.raises(SandboxError, match="there is no /proc here"):
        make_plan(Sandbox(), "box", blind)


@pytest.mark.row(57)
@pytest.mark.parametrize("kind", list(FLAGS))
def test_sandbox_is_refused_when_the_kernel_lacks_a_namespace(kind: NamespaceKind) -> None:
    """Before anything is done; one that is not asked for is not missed."""
    lacking = USER._replace(supported=ALL | {kind: False})
    with pytest.raises(SandboxError, match=f"this kernel has no {kind} namespaces"):
        make_plan(Sandbox(namespaces={kind: "new"}), "box", lacking)
    make_plan(Sandbox(namespaces={kind: "shared"}), "box", lacking)


MANY = Network(
    interfaces=[
        Interface(bridge="br0", gateway=Names(["10.0.0.1"])),
        Interface(type="macvlan", parent="eth0", address=Names(["10.0.0.2/24", "fd00::2/64"])),
        Interface(type="phys", parent="eth1", name="nic"),
    ]
)
PUBLISHED = Network(
    bridge="br0", address=Names(["10.0.0.2/24"]), nat=True, publish=Publish(Publish.read("8080:80"))
)
HOSTS = "child   mount it over /etc/hosts"
TOLD = "settled tell the sandboxes on the same bridge of each other"
ETH0 = "connect eth0 to the bridge br0; an address that is free; routes by 10.0.0.1"


@pytest.mark.parametrize(
    ("sandbox", "lines"),
    [
        (Sandbox(network=Network(mode="none")), ["child   set the interface lo up"]),
        (Sandbox(network=Network(mode="host")), []),
        (Sandbox(network=Network(dns=Names(["10.0.0.1"]), hosts={"a": Names(["10.0.0.2"])})), [
            "child   write /etc/resolv.conf (10.0.0.1) and /etc/hosts (a)",
        ]),
        (Sandbox(network=Network(join=7)), [
            "host    open the net namespace of process 7",
            "host    try whether these can be entered",
            "split   enter the namespaces net of process 7",
        ]),
        (Sandbox(network=Network(mode="bridge")), [
            "host    start a helper that makes the network",
            "parent  tell it the network namespace",
            "child   set the interface lo up",
            HOSTS,
            ("settled connect eth0 to the bridge nsinit0; an address that is free; routes by the"
            " bridge"),
            TOLD,
        ]),
        (Sandbox(network=MANY), [
            "host    start a helper that makes the network",
            "parent  move nic back as eth1 at the end",
            "parent  tell it the network namespace",
            "child   set the interface lo up",
            HOSTS,
            f"settled {ETH0}",
            "settled connect eth1 over eth0; 10.0.0.2/24, fd00::2/64",
            "settled move eth1 in as nic",
            TOLD,
        ]),
        (Sandbox(network=Network(interfaces=MANY.interfaces[:1]), sysctls={"net.x": 1}), [
            "host    start a helper that makes the network",
            f"parent  tell it the network namespace; {ETH0}",
            "child   set the interface lo up",
            "child   set the sysctl net.x to 1",
            HOSTS,
            TOLD,
        ]),
        (Sandbox(network=PUBLISHED, namespaces={"mount": "shared", "pid": "shared"}), [
            "host    start a helper that makes the network",
            "parent  publish 8080:80/tcp",
            "parent  tell it the network namespace",
            "child   set the interface lo up",
            "settled connect eth0 to the bridge br0; 10.0.0.2/24; routes by the bridge",
            "settled give what leaves the address of the host; lead 8080:80/tcp to the sandbox",
        ]),
        (Sandbox(network=Network(mode="pasta", publish=PUBLISHED.publish)), [
            "parent  start pasta, which publishes 8080:80/tcp",
            "child   set the interface lo up",
            "settled connect by pasta",
        ]),
    ],
)  # fmt: skip
def test_network_is_planned_when_there_is_one(sandbox: Sandbox, lines: list[str]) -> None:
    """The helper first, the interfaces when all else is done; unless a setting is of one."""
    facts = ROOT._replace(net_admin=True)
    plan = make_plan(sandbox, "n", facts).describe()
    words = (
        "network",
        "interface",
        "connect",
        "move ",
        "net ",
        "net.",
        "/etc/",
        "tell",
        "try",
        "publish",
        "lead",
    )
    assert [line for line in plan if any(word in line for word in words)] == lines


@pytest.mark.parametrize(("facts", "missing"), [
    (USER._replace(net_admin=True), "CAP_SYS_ADMIN and CAP_NET_ADMIN"), (ROOT, "CAP_NET_ADMIN"),
])  # fmt: skip
def test_network_is_refused_when_there_is_no_power(facts: Facts, missing: str) -> None:
    """Before anything is done, with the way that needs none."""
    with pytest.raises(SandboxError) as caught:
        make_plan(Sandbox(network=Network(mode="bridge")), "n", facts)
    assert caught.value.message == f"cannot connect eth0 to the bridge nsinit0 without {missing}"
    assert "pasta" in caught.value.hint


@pytest.mark.parametrize(
    ("outside", "image", "mapped"),
    [(300000, "a:1", True), (0, "a:1", False), (300000, None, False)],
)
def test_layers_are_mapped_when_root_of_an_image_is_somebody_else(
    outside: int, image: str | None, mapped: bool
) -> None:
    """Its files belong to root of the machine, whom such a sandbox does not have."""
    rows = IdMap((Row(0, outside, 65536),))
    sandbox = Sandbox(
        image=image,
        overlay=Overlay(lower=["/l/two", "/l/one"], ephemeral=True),
        users=Users(uid_map=rows, gid_map=rows),
    )
    lines = make_plan(sandbox, "box", ROOT).describe()
    found = [line for line in lines if "map the ids of /l/" in line]
    words = f"g:0:{outside}:65536 u:0:{outside}:65536"
    told = [f"host    map the ids of /l/{name} as {words}" for name in ("two", "one")]
    assert sorted(found) == sorted(told if mapped else [])
