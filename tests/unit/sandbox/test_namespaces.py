"""How the keys of `namespaces` become flags, files and steps."""

from __future__ import annotations

import pytest

from nsinit.errors import SandboxError
from nsinit.kernel import libc, namespaces
from nsinit.kernel.namespaces import FLAGS
from nsinit.model.sandboxes import Clocks, Origin, Sandbox, origin, origins
from nsinit.sandbox.plan import Facts, make_plan
from nsinit.sandbox.users import Caller

ALL = dict.fromkeys(FLAGS, True)
ROOT = Facts(Caller(0, 0, True), True, ALL, find_sandbox={"web": 77}.__getitem__)
USER = ROOT._replace(caller=Caller(1000, 100, False), privileged=False)


@pytest.mark.row(1, 57, 58, 59)
def test_kinds_have_their_flags_and_files_when_asked() -> None:
    """User first, as the others can be made with its power; names are those of /proc/PID/ns."""
    assert list(FLAGS) == ["user", "ipc", "uts", "net", "pid", "mount", "cgroup", "time"]
    assert [namespaces.path_of(kind, 7) for kind in FLAGS] == [
        f"/proc/7/ns/{name}"
        for name in ("user", "ipc", "uts", "net", "pid", "mnt", "cgroup", "time")
    ]
    assert namespaces.path_of("net", "self") == "/proc/self/ns/net"
    assert FLAGS == {
        "user": 0x10000000, "ipc": 0x08000000, "uts": 0x04000000, "net": 0x40000000,
        "pid": 0x20000000, "mount": 0x00020000, "cgroup": 0x02000000, "time": 0x80,
    }  # fmt: skip
    assert namespaces.flags_of(()) == 0
    assert namespaces.flags_of(["uts", "pid"]) == 0x24000000


@pytest.mark.row(56, 59)
@pytest.mark.parametrize(
    ("value", "means"),
    [
        ("new", Origin("new")),
        ("shared", Origin("shared")),
        ("/run/netns/a", Origin("path", "/run/netns/a")),
        (1234, Origin("pid", "1234")),
        ("1234", Origin("pid", "1234")),
        ("sandbox:web", Origin("sandbox", "web")),
        ("", None), ("old", None), (0, None), (-3, None), ("٣", None), ("run/a", None),
        ("sandbox:", None), ("sandbox:../x", None), ("/a\0b", None), (10**11, None),
    ],
)  # fmt: skip
def test_value_means_this_when_read(value: int | str, means: Origin | None) -> None:
    """New, shared, or whose it is."""
    assert origin(value) == means


@pytest.mark.row(56, 59)
def test_kinds_are_shared_when_not_listed() -> None:
    """But for the four that are new; what is listed takes their place."""
    new = Origin("new")
    assert origins(Sandbox()) == {"ipc": new, "uts": new, "pid": new, "mount": new}
    listed = origins(Sandbox(namespaces={"uts": "shared", "net": 5}, time_offsets=Clocks()))
    assert listed == {
        "ipc": new, "uts": Origin("shared"), "pid": new, "mount": new, "time": new,
        "net": Origin("pid", "5"),
    }  # fmt: skip


@pytest.mark.row(60)
def test_clone_has_flags_of_new_namespaces_alone_when_others_are_joined() -> None:
    """Joined ones are passed apart, and one that comes later is not in it."""
    sandbox = Sandbox(
        namespaces={"pid": 7, "net": "/x", "uts": "shared", "cgroup": "new", "mount": "new"}
    )
    plan = make_plan(sandbox, "box", ROOT)
    assert plan.flags == libc.CLONE_NEWNS | libc.CLONE_NEWIPC
    assert plan.kinds == ("ipc", "mount", "cgroup")
    assert len(plan.split) == 1
    assert not make_plan(Sandbox(namespaces=dict.fromkeys(FLAGS, "new")), "box", ROOT).split


PLANS = [
    (Sandbox(namespaces=dict.fromkeys(FLAGS, "new"), hostname="h"), ROOT, """\
split   make namespaces: user, ipc, uts, net, pid, mount, time
parent  map uids: 0 0 4294967295; gids: 0 0 4294967295
child   leave all groups, become uid 0, gid 0
child   make a cgroup namespace
child   set the interface lo up
child   set the host name to h
child   make all mounts private
child   mount proc on /proc"""),
    (Sandbox(namespaces={"net": "/run/netns/a", "ipc": "/run/ipc"}), ROOT, """\
host    open the ipc namespace /run/ipc
host    open the net namespace /run/netns/a
host    try whether these can be entered
split   enter the namespaces ipc /run/ipc; net /run/netns/a
split   make namespaces: uts, pid, mount
child   make all mounts private
child   mount proc on /proc"""),
    (Sandbox(namespaces={"net": "sandbox:web", "user": "sandbox:web", "pid": 9}), USER, """\
host    open the user namespace of the sandbox web
host    open the net namespace of the sandbox web
host    open the pid namespace of process 9
host    try whether these can be entered
split   enter the namespaces user, net of the sandbox web; pid of process 9
split   make namespaces: ipc, uts, mount
child   be root in the joined user namespace
child   make all mounts private
child   mount proc on /proc"""),
    (Sandbox(namespaces={"pid": 9, "mount": 9, "uts": "shared", "ipc": "shared"}), ROOT, """\
host    read all of nsinit, as there may be no Python in the root
host    open the pid namespace of process 9
host    open the mount namespace of process 9
host    try whether these can be entered
split   enter the namespaces pid, mount of process 9
split   make namespaces: none
child   see that /proc is of this pid namespace"""),
    (Sandbox(time_offsets=Clocks(monotonic=-5, boottime=86400.5)), USER, """\
host    open /proc
split   make a user namespace and a time namespace with monotonic -5 s, boottime +86400.5 s
split   make namespaces: ipc, uts, pid, mount
parent  map uids: 0 1000 1; gids: 0 100 1; deny setgroups
child   become uid 0, gid 0
child   make all mounts private
child   mount proc on /proc"""),
    (Sandbox(time_offsets=Clocks(), namespaces={"net": 5}), ROOT, """\
host    open the net namespace of process 5
host    try whether these can be entered
host    open /proc
split   enter the namespaces net of process 5
split   make a time namespace with monotonic +0 s, boottime +0 s
split   make namespaces: ipc, uts, pid, mount
child   make all mounts private
child   mount proc on /proc"""),
]  # fmt: skip


@pytest.mark.row(58, 60, 61)
@pytest.mark.parametrize(("sandbox", "facts", "text"), PLANS)
def test_plan_of_namespaces_reads_so_when_made(sandbox: Sandbox, facts: Facts, text: str) -> None:
    """Opened and tried first; entered and set on the way; the rest by the clone; then by init."""
    lines = make_plan(sandbox, "box", facts).describe()
    hardening = lines.index("child   join a new session keyring")  # what follows is in test_plan
    assert "\n".join(lines[:hardening]) == text


@pytest.mark.row(60)
@pytest.mark.parametrize(
    "sandbox",
    [
        Sandbox(namespaces={"net": 5}),
        Sandbox(namespaces={"net": 5, "user": "new"}),
        Sandbox(namespaces={"net": 5, "user": "shared"}),
    ],
)
def test_join_is_refused_when_an_ordinary_user_has_no_power_over_it(sandbox: Sandbox) -> None:
    """He has it in a user namespace that he joins too."""
    with pytest.raises(SandboxError, match="cannot join the net namespace of process 5 without"):
        make_plan(sandbox, "box", USER)


def test_sandbox_that_is_named_is_missing_when_there_is_none() -> None:
    """As whoever keeps the list says."""
    with pytest.raises(SandboxError, match="there is no sandbox 'x'"):
        make_plan(
            Sandbox(namespaces={"net": "sandbox:x"}), "b", Facts(Caller(0, 0, True), True, ALL)
        )
