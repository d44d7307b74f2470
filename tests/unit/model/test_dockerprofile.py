"""Profiles in JSON mean what docker and runc make of them."""

from __future__ import annotations

import json
import pathlib

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
)
from nsinit.model.dockerprofile import ProfileError, evaluate, parse_profile

FILE = pathlib.Path(__file__).parents[2] / "support" / "docker_profile.json"
TEXT = FILE.read_text()


def machine(*capabilities: str, arch: str = "x86_64", kernel: tuple[int, int] = (6, 1)) -> Machine:
    """What a profile is read for."""
    return Machine(arch, kernel, frozenset(capabilities))


def allowed(made: CallFilter) -> set[str]:
    """What may be called, if only with some arguments."""
    return {name for entry in made.entries if entry.answer == ALLOWED for name in entry.names}


def read(**keys: object) -> CallFilter:
    """A small profile, for x86-64."""
    return evaluate(
        parse_profile(json.dumps({"defaultAction": "SCMP_ACT_ERRNO", **keys})), machine()
    )


def call(*names: str, action: str = "SCMP_ACT_ALLOW", **keys: object) -> dict[str, object]:
    """A rule."""
    return {"names": list(names), "action": action, **keys}


def test_profile_is_read_as_it_is_when_it_is_dockers() -> None:
    """Rules that do not apply are left out; so are calls that nobody has."""
    made = evaluate(parse_profile(TEXT), machine())
    assert made.default == REFUSED
    assert made.arches == ("x86_64", "i386")
    assert {"read", "ptrace", "clone", "modify_ldt"} <= allowed(made)
    assert not {"mount", "setns", "chroot", "clone3", "bpf", "breakpoint"} & allowed(made)
    assert "no_such_call_anywhere" not in allowed(made)
    clone = [entry for entry in made.entries if "clone" in entry.names]
    assert [entry.comparisons for entry in clone] == [((0, "MASKED_EQ", 0x7E02_0000, 0),)]
    clone3 = [entry for entry in made.entries if "clone3" in entry.names]
    assert [entry.answer for entry in clone3] == [UNKNOWN]


def test_rules_for_a_capability_count_when_the_service_has_it() -> None:
    """And those for services without it do not."""
    made = evaluate(parse_profile(TEXT), machine("SYS_ADMIN", "SYS_CHROOT"))
    assert {"mount", "setns", "unshare", "clone3", "chroot"} <= allowed(made)
    assert not any(entry.comparisons for entry in made.entries if "clone" in entry.names)


def test_rules_for_a_machine_count_when_it_is_that() -> None:
    """By Go's names, and by the version of the kernel."""
    arm = evaluate(parse_profile(TEXT), machine(arch="aarch64"))
    assert arm.arches == ("aarch64",)
    assert "modify_ldt" not in allowed(arm)
    old = evaluate(parse_profile(TEXT), machine("BPF", kernel=(4, 7)))
    assert "ptrace" not in allowed(old)
    assert "bpf" in allowed(old)
    assert "bpf" not in allowed(evaluate(parse_profile(TEXT), machine("BPF", kernel=(5, 10))))


def test_form_of_the_runtime_specification_is_read_when_given() -> None:
    """`architectures` and `flags`; the older single `name`; null for nothing."""
    made = read(
        architectures=["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_MIPS"],
        flags=["SECCOMP_FILTER_FLAG_LOG"],
        syscalls=[{"name": "read", "action": "SCMP_ACT_ALLOW", "args": None, "includes": None}],
        listenerPath="",
    )
    assert made.arches == ("x86_64", "i386")
    assert made.flags == {"LOG"}
    assert allowed(made) == {"read"}
    assert read(syscalls=None).arches == ("x86_64",)


@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("SCMP_ACT_KILL", Answer("KILL_THREAD")),
        ("SCMP_ACT_KILL_PROCESS", Answer("KILL_PROCESS")),
        ("SCMP_ACT_TRAP", Answer("TRAP")),
        ("SCMP_ACT_LOG", Answer("LOG")),
        ("SCMP_ACT_TRACE", Answer("TRACE", 7)),
        ("SCMP_ACT_ERRNO", Answer("ERRNO", 7)),
    ],
)
def test_action_is_known_when_libseccomp_has_it(action: str, answer: Answer) -> None:
    """A number is only for those that take one."""
    made = read(syscalls=[call("read", action=action, errnoRet=7)])
    assert [entry.answer for entry in made.entries] == [answer]


def test_default_errno_counts_when_a_rule_has_none() -> None:
    """EPERM where nobody says anything."""
    made = read(defaultErrnoRet=38, syscalls=[call("read", action="SCMP_ACT_ERRNO", errnoRet=1)])
    assert made.default == UNKNOWN
    assert [entry.answer for entry in made.entries] == [REFUSED]
    assert read().default == REFUSED


def test_rule_is_passed_over_when_it_says_the_default() -> None:
    """So a later one counts, as under runc."""
    made = read(syscalls=[call("read", action="SCMP_ACT_ERRNO"), call("read")])
    assert [entry.answer for entry in made.entries] == [ALLOWED]


def test_comparisons_are_rules_of_their_own_when_they_share_an_argument() -> None:
    """Any of them is enough, as under runc; of different arguments all have to hold."""
    one = {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}
    two = {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}
    other = {"index": 1, "value": 2, "op": "SCMP_CMP_EQ", "valueTwo": 3}
    split = read(syscalls=[call("read", args=[one, two, other])])
    assert [len(entry.comparisons) for entry in split.entries] == [1, 1, 1]
    whole = read(syscalls=[call("read", args=[one, other])])
    assert [entry.comparisons for entry in whole.entries] == [((0, "EQ", 1, 0), (1, "EQ", 2, 3))]


def test_newer_calls_are_unknown_when_the_profile_is_older() -> None:
    """ENOSYS over the last one that it names, where the rest is refused; as runc does it."""
    table = syscalls.numbers("x86_64")
    assert last_known(read(syscalls=[call("read", "openat")]), "x86_64") == table["openat"]
    assert last_known(read(), "x86_64") == 0
    permissive = evaluate(parse_profile('{"defaultAction": "SCMP_ACT_ALLOW"}'), machine())
    assert last_known(permissive, "x86_64") is None
    assert last_known(read(defaultErrnoRet=38), "x86_64") is None


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "", "not JSON"),
        ("{", "", "not JSON"),
        ("[]", "", "expected `object`, got `array`"),
        ("{}", "", "missing required field `defaultAction`"),
        ('{"defaultAction": "SCMP_ACT_ALOW"}', "defaultAction", "did you mean"),
        ('{"defaultAction": "x"}', "defaultAction", "invalid enum value 'x'"),
        (
            '{"defaultAction": "SCMP_ACT_NOTIFY"}',
            "defaultAction",
            "nsinit knows no SCMP_ACT_NOTIFY",
        ),
        (
            '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_ERRNO"}]}',
            "syscalls[0]",
            '"names" is missing',
        ),
        (
            json.dumps(
                {
                    "defaultAction": "SCMP_ACT_ALLOW",
                    "syscalls": [
                        call("read"),
                        call("write", args=[{"index": 0, "value": 1, "op": "SCMP_CMP_EQUAL"}]),
                    ],
                }
            ),
            "syscalls[1].args[0].op",
            "nsinit knows no SCMP_CMP_EQUAL",
        ),
        (
            json.dumps(
                {
                    "defaultAction": "SCMP_ACT_ALLOW",
                    "syscalls": [call("a", args=[{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}])],
                }
            ),
            "syscalls[0].args[0].index",
            "expected `int` <= 5",
        ),
        (
            json.dumps(
                {
                    "defaultAction": "SCMP_ACT_ALLOW",
                    "syscalls": [
                        call("a", args=[{"index": 0, "value": 1 << 64, "op": "SCMP_CMP_EQ"}])
                    ],
                }
            ),
            "syscalls[0].args[0]",
            "an argument has 64 bits",
        ),
        (
            json.dumps(
                {
                    "defaultAction": "SCMP_ACT_ALLOW",
                    "architectures": ["SCMP_ARCH_X86"],
                    "archMap": [{"architecture": "SCMP_ARCH_X86"}],
                }
            ),
            "archMap",
            "use one of them",
        ),
        (
            json.dumps(
                {
                    "defaultAction": "SCMP_ACT_ALLOW",
                    "syscalls": [call("a", includes={"minKernel": "new"})],
                }
            ),
            "syscalls[0].includes.minKernel",
            "matching regex",
        ),
    ],
)
def test_place_is_told_when_a_profile_is_wrong(text: str, place: str, message: str) -> None:
    """Which key of which rule."""
    with pytest.raises(ProfileError) as caught:
        parse_profile(text)
    assert caught.value.place == place
    assert message in str(caught.value)
