"""A filter does what its profile says: compiled and run, or read rule by rule, it is the same."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nsinit import syscalls
from nsinit.isolation.assembly import assemble
from nsinit.kernel import bpf
from nsinit.model.callfilter import Machine, resolve
from nsinit.model.callgroups import GROUPS, calls
from nsinit.model.confinement import Calls, Seccomp
from nsinit.model.dockerprofile import evaluate, parse_profile
from tests.support.bpf import run

NAMES = ["read", "openat", "clone", "clone3", "socket", "mount", "futex", "stat", "mseal"]
CAPABILITIES = ["SYS_ADMIN", "SYS_TIME", "BPF"]
ARCHES = {"x86_64": "amd64", "aarch64": "arm64"}
VALUES = st.sampled_from([0, 1, 38, 40, 0x1000_0000, 0xFFFF_FFFF, 1 << 32, (1 << 64) - 1])
ACTIONS = {
    "SCMP_ACT_ALLOW": bpf.ALLOW,
    "SCMP_ACT_LOG": bpf.LOG,
    "SCMP_ACT_KILL": bpf.KILL_THREAD,
    "SCMP_ACT_KILL_PROCESS": bpf.KILL_PROCESS,
    "SCMP_ACT_TRAP": bpf.TRAP,
    "SCMP_ACT_ERRNO": bpf.ERRNO,
}
ERRNOS = st.sampled_from([None, 1, 22, 38])
CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "caps": st.lists(st.sampled_from([f"CAP_{name}" for name in CAPABILITIES]), max_size=2),
        "arches": st.lists(st.sampled_from([*ARCHES.values(), "s390x"]), max_size=2),
        "minKernel": st.sampled_from(["4.8", "5.10", "6.2"]),
    },
)
COMPARISONS = st.fixed_dictionaries(
    {
        "index": st.integers(0, 2),
        "op": st.sampled_from(["EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ"]).map(
            "SCMP_CMP_{}".format
        ),
        "value": VALUES,
    },
    optional={"valueTwo": VALUES},
)
RULES = st.fixed_dictionaries(
    {
        "names": st.lists(st.sampled_from([*NAMES, "none_such"]), min_size=1, max_size=3),
        "action": st.sampled_from(sorted(ACTIONS)),
    },
    optional={
        "args": st.none() | st.lists(COMPARISONS, max_size=2),
        "errnoRet": ERRNOS,
        "includes": CONDITIONS,
        "excludes": CONDITIONS,
    },
)
PROFILES = st.fixed_dictionaries(
    {"defaultAction": st.sampled_from(sorted(ACTIONS)), "syscalls": st.lists(RULES, max_size=8)},
    optional={"defaultErrnoRet": ERRNOS},
)
MACHINES = st.builds(
    Machine,
    st.sampled_from(sorted(ARCHES)),
    st.sampled_from([(4, 4), (5, 10), (6, 18)]),
    st.frozensets(st.sampled_from(CAPABILITIES)),
)


def answer(action: str, number: int | None, default: int | None) -> int:
    """What the kernel is to answer."""
    numbers = [one for one in (number, default, 1) if one is not None]
    return ACTIONS[action] | (numbers[0] if action == "SCMP_ACT_ERRNO" else 0)


def holds(one: dict[str, Any], args: list[int]) -> bool:
    """One comparison, as it is written."""
    value: int = args[one["index"]]
    first: int = one["value"]
    second: int = one.get("valueTwo", 0)
    answers = {
        "EQ": value == first,
        "NE": value != first,
        "LT": value < first,
        "LE": value <= first,
        "GT": value > first,
        "GE": value >= first,
        "MASKED_EQ": value & first == second,
    }
    return answers[one["op"].removeprefix("SCMP_CMP_")]


def applies(rule: dict[str, Any], machine: Machine) -> bool:
    """Whether a rule is for this machine and service."""

    def version(text: str) -> tuple[int, ...]:
        return tuple(map(int, text.split(".")))

    needs, never = rule.get("includes", {}), rule.get("excludes", {})
    have = {f"CAP_{name}" for name in machine.capabilities}
    arch = ARCHES[machine.arch]
    return (
        set(needs.get("caps", [])) <= have
        and (not needs.get("arches") or arch in needs["arches"])
        and ("minKernel" not in needs or machine.kernel >= version(needs["minKernel"]))
        and not set(never.get("caps", [])) & have
        and arch not in never.get("arches", [])
        and not ("minKernel" in never and machine.kernel >= version(never["minKernel"]))
    )


def reading(profile: dict[str, Any], machine: Machine, name: str, args: list[int]) -> int:
    """What the profile says, read as a person does."""
    fallback = profile.get("defaultErrnoRet")
    default = answer(profile["defaultAction"], None, fallback)
    table = syscalls.numbers(machine.arch)
    rules = [
        (answer(rule["action"], rule.get("errnoRet"), fallback), rule)
        for rule in profile["syscalls"]
        if applies(rule, machine)
    ]
    rules = [(what, rule) for what, rule in rules if what != default]
    known = max((table[n] for _, r in rules for n in r["names"] if n in table), default=0)
    unknown = bpf.ERRNO | 38
    strict = profile["defaultAction"] not in ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG")
    if table[name] > known and strict and default != unknown:
        return unknown
    mine = [(what, rule.get("args") or []) for what, rule in rules if name in rule["names"]]
    for what, tests in mine:
        if not tests:
            return what
    for what, tests in mine:
        same = len({one["index"] for one in tests}) < len(tests)
        if (any if same else all)(holds(one, args) for one in tests):
            return what
    return default


@given(PROFILES, MACHINES, st.lists(VALUES, min_size=3, max_size=3))
def test_profile_means_what_it_says_when_it_is_compiled(
    profile: dict[str, Any], machine: Machine, args: list[int]
) -> None:
    """Each call of each machine, for services with and without capabilities."""
    program = assemble(evaluate(parse_profile(json.dumps(profile)), machine))
    table = syscalls.numbers(machine.arch)
    for name in (name for name in NAMES if name in table):
        got, _ = run(program, bpf.AUDIT_ARCHES[machine.arch], table[name], args)
        assert got == reading(profile, machine, name, args), name


WORDS = st.lists(st.sampled_from([*GROUPS, *NAMES]), max_size=4).map(Calls)


@given(WORDS, WORDS, st.sampled_from(["allow", "errno"]), st.sampled_from(sorted(ARCHES)))
def test_lists_mean_what_they_say_when_they_are_compiled(
    allow: Calls, deny: Calls, default: Any, arch: str
) -> None:
    """A call that stands in both is an exception; what every program needs is always there."""
    asked = Seccomp(default=default, allow=allow, deny=deny)
    made = resolve(asked, Machine(arch, (6, 1), frozenset()))
    assert made is not None
    program = assemble(made)
    if default == "allow":
        refused = calls(deny) - calls(allow)
    else:
        refused = syscalls.names() - (calls(allow) | calls(("@default",))) | calls(deny)
    for name, number in syscalls.numbers(arch).items():
        got, _ = run(program, bpf.AUDIT_ARCHES[arch], number)
        assert got == (bpf.ERRNO | 1 if name in refused else bpf.ALLOW), name
