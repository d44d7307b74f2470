"""Profiles of system calls as Docker and the OCI runtime specification write them, in JSON. Pure.

Sources: the fields of runtime-spec (config-linux, seccomp) and of docker's own form, which adds
`archMap` and, to each rule, `includes` and `excludes`. What a machine does not have (calls and
architectures) is passed over, as docker does; keys that nobody knows are too.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct, field

from nsinit import syscalls
from nsinit.model.callfilter import ENOSYS, EPERM, Answer, CallFilter, Entry, Machine

_WORD_MAX: Final = (1 << 64) - 1
_Errno = Annotated[int, Meta(ge=0, le=4095)]
_Action = Literal[
    "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP",
]  # fmt: skip
_Op = Literal[
    "SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_GT", "SCMP_CMP_GE",
    "SCMP_CMP_MASKED_EQ",
]  # fmt: skip

# libseccomp's names of architectures, and Go's, which `includes` and `excludes` have.
_ARCHES: Final = {
    "SCMP_ARCH_X86_64": "x86_64",
    "SCMP_ARCH_X86": "i386",
    "SCMP_ARCH_AARCH64": "aarch64",
}
_GO_ARCHES: Final = {"x86_64": "amd64", "i386": "x86", "aarch64": "arm64"}
_32_BITS: Final = {"x86_64": ("i386",)}  # what else a kernel runs that nsinit has a table for


class _Arg(Struct, rename="camel"):
    index: Annotated[int, Meta(ge=0, le=5)]
    op: _Op
    value: int
    value_two: int = 0


class _Condition(Struct, rename="camel"):
    caps: list[str] | None = None
    arches: list[str] | None = None
    min_kernel: Annotated[str, Meta(pattern=r"^\d{1,5}\.\d{1,5}$")] | None = None


class _Call(Struct, rename="camel"):
    action: _Action
    names: list[str] = field(default_factory=list)
    name: str = ""  # in old profiles
    args: list[_Arg] | None = None
    errno_ret: _Errno | None = None
    includes: _Condition | None = None
    excludes: _Condition | None = None


class _Arch(Struct, rename="camel"):
    architecture: str
    sub_architectures: list[str] | None = None


class Profile(Struct, rename="camel"):
    """The whole of it."""

    default_action: _Action
    default_errno_ret: _Errno | None = None
    architectures: list[str] | None = None
    arch_map: list[_Arch] | None = None
    flags: list[str] | None = None
    syscalls: list[_Call] | None = None


class ProfileError(ValueError):
    """What is no profile; `place` is where in it, as "syscalls[3].args[0].op"."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.place = place


def parse_profile(text: str) -> Profile:
    """From JSON; ProfileError."""
    try:
        made = msgspec.json.decode(str(text), type=Profile)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        raise ProfileError(place.rstrip("`").lstrip("."), _in_words(message)) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProfileError("", f"not JSON: {error}") from None
    if made.architectures and made.arch_map:
        raise ProfileError("archMap", 'is given beside "architectures": use one of them')
    for index, call in enumerate(made.syscalls or []):
        place = f"syscalls[{index}]"
        if not call.names and not call.name:
            raise ProfileError(place, 'the key "names" is missing or empty')
        for at, arg in enumerate(call.args or []):
            if not (0 <= arg.value <= _WORD_MAX and 0 <= arg.value_two <= _WORD_MAX):
                raise ProfileError(f"{place}.args[{at}]", "an argument has 64 bits")
    return made


def _in_words(message: str) -> str:
    """What msgspec says, in the manner of our own messages."""
    if message.startswith("Invalid enum value"):
        word = message.removeprefix("Invalid enum value ").strip("'")
        known = _Action if "ACT" in word else _Op if "CMP" in word else None
        if known is not None:
            from typing import get_args  # noqa: PLC0415  (after an error)

            from nsinit.nearest import did_you_mean  # noqa: PLC0415

            hint = did_you_mean(word, get_args(known))
            more = f" ({hint})" if hint else ""
            return f"nsinit knows no {word}{more}"
    return message[:1].lower() + message[1:]


def evaluate(profile: Profile, machine: Machine) -> CallFilter:
    """What the profile says for a service on a machine.

    A rule whose answer is the default one says nothing and is passed over, as runc does it. Two
    comparisons of the same argument in one rule are two rules, likewise.
    """
    default = _answer(profile.default_action, profile.default_errno_ret)
    entries: list[Entry] = []
    for call in profile.syscalls or []:
        number = call.errno_ret if call.errno_ret is not None else profile.default_errno_ret
        answer = _answer(call.action, number)
        if answer == default or not _applies(call, machine):
            continue
        names = frozenset(call.names or [call.name]) & syscalls.names()
        comparisons = [
            (arg.index, arg.op.removeprefix("SCMP_CMP_"), arg.value, arg.value_two)
            for arg in call.args or []
        ]
        if len({index for index, *_ in comparisons}) < len(comparisons):
            entries += [Entry(names, answer, (one,)) for one in comparisons]
        else:
            entries.append(Entry(names, answer, tuple(comparisons)))
    known = "" if default.lets_pass or default.number == ENOSYS else "entries"
    prefix = "SECCOMP_FILTER_FLAG_"
    flags = frozenset(word.removeprefix(prefix) for word in profile.flags or [])
    return CallFilter(tuple(entries), default, _arches(profile, machine), known, flags)


def _answer(action: str, number: int | None) -> Answer:
    word = action.removeprefix("SCMP_ACT_")
    if word == "KILL":
        word = "KILL_THREAD"
    numbered = word in ("ERRNO", "TRACE")
    return Answer(word, (EPERM if number is None else number) if numbered else 0)


def _applies(call: _Call, machine: Machine) -> bool:
    """Whether all that it includes is there, and nothing that it excludes."""
    arch = _GO_ARCHES[machine.arch]
    needs, never = call.includes or _Condition(), call.excludes or _Condition()
    if needs.arches and arch not in needs.arches:
        return False
    if not machine.capabilities.issuperset(map(_bare, needs.caps or [])):
        return False
    if needs.min_kernel and machine.kernel < _version(needs.min_kernel):
        return False
    if never.min_kernel and machine.kernel >= _version(never.min_kernel):
        return False
    return arch not in (never.arches or []) and machine.capabilities.isdisjoint(
        map(_bare, never.caps or [])
    )


def _bare(capability: str) -> str:
    return capability.upper().removeprefix("CAP_")


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def _arches(profile: Profile, machine: Machine) -> tuple[str, ...]:
    """The machine's own, and of what else it can run that is listed and has a table."""
    listed = set(profile.architectures or [])
    for row in profile.arch_map or []:
        if _ARCHES.get(row.architecture) == machine.arch:
            listed |= set(row.sub_architectures or [])
    named = {_ARCHES.get(word, "") for word in listed}
    return (machine.arch, *(a for a in _32_BITS.get(machine.arch, ()) if a in named))
