"""What the `seccomp` key comes to: lists, groups, the default profile."""

from __future__ import annotations

import pytest

from nsinit import syscalls
from nsinit.model.callfilter import (
    ALLOWED,
    REFUSED,
    UNKNOWN,
    Answer,
    CallFilter,
    Machine,
    last_known,
    resolve,
)
from nsinit.model.callgroups import GROUPS, calls, members
from nsinit.model.confinement import Calls, Profile, Seccomp

KILL = Answer("KILL_PROCESS")
ARCHES = ("x86_64", "i386", "aarch64")


def machine(*capabilities: str, arch: str = "x86_64") -> Machine:
    """What a filter is for."""
    return Machine(arch, (6, 1), frozenset(capabilities))


def asked(profile: str | None = None, **keys: object) -> Seccomp:
    """The key, as it is decoded."""
    for name in ("allow", "deny"):
        if name in keys:
            keys[name] = Calls(Calls.read(keys[name]))
    return Seccomp(profile=Profile(profile) if profile else None, **keys)  # type: ignore[arg-type]  # (as the decoder would)


def answer(made: CallFilter, name: str, *args: int) -> Answer:
    """What a call gets, read rule by rule."""
    filled = [*args, 0, 0, 0, 0, 0, 0]
    found = [entry for entry in made.entries if name in entry.names]
    alone = next((entry for entry in found if not entry.comparisons), None)
    if alone is not None:
        return alone.answer
    for entry in found:
        if all(_holds(filled[at], op, one, two) for at, op, one, two in entry.comparisons):
            return entry.answer
    return made.default


def _holds(value: int, op: str, one: int, two: int) -> bool:
    return {"NE": value != one, "MASKED_EQ": value & one == two}[op]


def default(*capabilities: str, arch: str = "x86_64") -> CallFilter:
    """The default profile for somebody with these capabilities."""
    made = resolve(asked("default"), machine(*capabilities, arch=arch))
    assert made is not None
    return made


# --- Groups ---------------------------------------------------------------------------------------


def test_every_call_is_in_a_group_when_the_tables_grow() -> None:
    """And no group names what no architecture has."""
    grouped = frozenset[str]().union(*(members(group) for group in GROUPS))
    assert grouped == syscalls.names()


def test_group_of_services_leaves_out_what_needs_privilege() -> None:
    """But for changing to another user, which daemons do."""
    dangerous = [
        "@mount", "@namespace", "@module", "@clock", "@reboot", "@swap", "@raw-io", "@bpf",
        "@keyring", "@accounting", "@obsolete",
    ]  # fmt: skip
    assert not members("@service") & calls(tuple(dangerous))
    assert members("@setuid") <= members("@service")


# --- Lists ----------------------------------------------------------------------------------------


def test_nothing_is_filtered_when_unconfined() -> None:
    """No filter at all."""
    assert resolve(asked("unconfined"), machine()) is None


def test_all_but_the_list_is_allowed_when_it_denies() -> None:
    """What is allowed beside it is an exception; newer calls are nobody's business."""
    made = resolve(asked(default="allow", deny=["@mount", "reboot"], allow="umount2"), machine())
    assert made is not None
    assert answer(made, "mount") == answer(made, "reboot") == REFUSED
    assert answer(made, "umount2") == answer(made, "read") == ALLOWED
    assert last_known(made, "x86_64") is None


def test_nothing_but_the_list_is_allowed_when_it_allows() -> None:
    """And what every program needs; what is denied beside it is an exception."""
    made = resolve(
        asked(default="errno", allow=["@io", "@mount"], deny="chroot", action="kill"), machine()
    )
    assert made is not None
    assert {answer(made, name) for name in ("read", "mount", "execve", "exit_group")} == {ALLOWED}
    assert {answer(made, name) for name in ("chroot", "openat")} == {KILL}
    assert last_known(made, "x86_64") == max(syscalls.numbers("x86_64").values())


def test_rest_follows_from_the_list_when_there_is_one() -> None:
    """All but what is denied, or nothing but what is allowed."""
    denying, allowing = (
        resolve(asked(deny="bpf"), machine()),
        resolve(asked(allow="bpf"), machine()),
    )
    assert denying is not None
    assert allowing is not None
    assert [answer(denying, name) for name in ("bpf", "read")] == [REFUSED, ALLOWED]
    assert [answer(allowing, name) for name in ("bpf", "read")] == [ALLOWED, REFUSED]


def test_least_that_runs_is_allowed_when_nothing_is() -> None:
    """`default = "errno"` alone."""
    made = resolve(asked(default="errno", action="log"), machine())
    assert made is not None
    assert answer(made, "execve") == ALLOWED
    assert answer(made, "openat") == Answer("LOG")


def test_lists_change_a_profile_when_both_are_given() -> None:
    """A name goes before what the profile says, and `deny` before `allow`."""
    made = resolve(asked("default", allow=["mount", "clone"], deny="@network-io"), machine())
    assert made is not None
    assert answer(made, "mount") == answer(made, "clone", 0x1000_0000) == ALLOWED
    assert answer(made, "umount2") == answer(made, "socket", 2) == REFUSED
    text = '{"defaultAction": "SCMP_ACT_ERRNO"}'
    made = resolve(asked(text, allow="@default", deny="getpid"), machine())
    assert made is not None
    assert answer(made, "execve") == ALLOWED
    assert answer(made, "getpid") == REFUSED


# --- The default profile --------------------------------------------------------------------------


@pytest.mark.parametrize("arch", ARCHES)
def test_ordinary_work_is_allowed_when_the_profile_is_the_default(arch: str) -> None:
    """All that services do, but for what the profile of docker refuses too."""
    made = default(arch=arch)
    refused = {name for name in members("@service") if answer(made, name) != ALLOWED}
    numa = members("@numa")
    ours = (
        members("@io-uring") | numa | members("@obsolete") | {"kcmp", "clone3", "process_madvise"}
    )
    assert refused - ours == set()


@pytest.mark.parametrize("arch", ARCHES)
@pytest.mark.parametrize(
    "name",
    [
        "kexec_load", "init_module", "finit_module", "delete_module", "bpf", "perf_event_open",
        "mount", "umount2", "fsopen", "move_mount", "open_tree", "pivot_root", "setns", "keyctl",
        "add_key", "request_key", "open_by_handle_at", "userfaultfd", "settimeofday",
        "clock_settime", "reboot", "swapon", "swapoff", "acct", "quotactl", "io_uring_setup",
        "sethostname", "syslog", "chroot", "lookup_dcookie", "fanotify_init", "mount_setattr",
    ],
)  # fmt: skip
def test_call_is_refused_when_it_reaches_for_the_machine(arch: str, name: str) -> None:
    """Without capabilities, on each architecture."""
    assert answer(default(arch=arch), name) == REFUSED


@pytest.mark.parametrize(
    ("capability", "name"),
    [
        ("SYS_ADMIN", "mount"), ("SYS_ADMIN", "setns"), ("SYS_ADMIN", "bpf"), ("BPF", "bpf"),
        ("PERFMON", "perf_event_open"), ("SYS_MODULE", "init_module"),
        ("SYS_TIME", "clock_settime"), ("SYS_BOOT", "reboot"),
        ("SYS_CHROOT", "chroot"), ("SYS_PACCT", "acct"),
        ("SYS_RAWIO", "iopl"), ("SYSLOG", "syslog"), ("SYS_NICE", "mbind"),
        ("DAC_READ_SEARCH", "open_by_handle_at"), ("SYS_PTRACE", "kcmp"),
        ("SYS_TTY_CONFIG", "vhangup"), ("SYS_ADMIN", "clone3"), ("SYS_ADMIN", "unshare"),
    ],
)  # fmt: skip
def test_call_is_allowed_when_the_capability_is_there_for_it(capability: str, name: str) -> None:
    """Who was given one is meant to use it."""
    assert answer(default(capability), name, 0x1000_0000) == ALLOWED


@pytest.mark.parametrize("name", ["keyctl", "kexec_load", "swapon", "userfaultfd"])
def test_call_is_refused_when_no_capability_helps(name: str) -> None:
    """Keys and swap are of no namespace."""
    from nsinit.capnames import NAMES

    assert answer(default(*NAMES), name) == REFUSED


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("clone", (0x0121_0F00,), ALLOWED),  # a thread
        ("clone", (0x0120_0011,), ALLOWED),  # a process
        ("clone", (0x1000_0011,), REFUSED),  # with a user namespace
        ("clone", (0x0002_0011,), REFUSED),
        ("clone", (0x4000_0000 | (5 << 32),), REFUSED),
        ("clone3", (), UNKNOWN),
        ("unshare", (0x200,), ALLOWED),  # CLONE_FS, as file servers do
        ("unshare", (0x1000_0000,), REFUSED),
        ("unshare", (0x80,), REFUSED),  # CLONE_NEWTIME
        ("socket", (2, 1), ALLOWED),
        ("socket", (40, 1), REFUSED),
        ("socket", (38, 1), REFUSED),
        ("socket", ((1 << 32) + 40, 1), REFUSED),
        ("ioctl", (0, 0x5401), ALLOWED),
        ("ioctl", (0, 0x5412), REFUSED),
        ("ioctl", (0, (7 << 32) + 0x5412), REFUSED),  # the kernel looks at 32 bits
        ("ioctl", (0, 0x541C), REFUSED),
        ("personality", (0xFFFF_FFFF,), ALLOWED),
        ("personality", (8,), ALLOWED),
        ("personality", (0x40000,), REFUSED),  # ADDR_NO_RANDOMIZE
        ("ptrace", (), ALLOWED),
    ],
)
def test_arguments_decide_when_a_call_has_two_sides(
    name: str, args: tuple[int, ...], expected: Answer
) -> None:
    """By the default profile, without capabilities."""
    assert answer(default(), name, *args) == expected


def test_unknown_calls_are_unknown_when_the_profile_is_the_default() -> None:
    """Nothing passes that nobody has looked at; and nobody makes it by another architecture."""
    made = default()
    assert last_known(made, "x86_64") == max(syscalls.numbers("x86_64").values())
    assert made.arches == ("x86_64", "i386")
    assert default(arch="aarch64").arches == ("aarch64",)
