"""What a `seccomp` key means on one machine for one service: calls and what is answered. Pure.

Rules are in an order. Of those of a call one without comparisons decides, whatever else there is
(as libseccomp, and so runc, has it); else the first whose comparisons hold; else the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit import syscalls
from nsinit.model.callgroups import calls
from nsinit.model.confinement import DEFAULT, UNCONFINED
from nsinit.named import Named

if TYPE_CHECKING:
    from nsinit.model.confinement import Seccomp

EPERM: Final = 1
ENOSYS: Final = 38

Comparison = tuple[int, str, int, int]  # the argument, "EQ", "NE" ... "MASKED_EQ", two values


class Answer(Named):
    """What happens: ALLOW, LOG, ERRNO, KILL_PROCESS, KILL_THREAD, TRAP, TRACE; and its number."""

    action: str
    number: int = 0

    @property
    def lets_pass(self) -> bool:
        """Whether the call is made."""
        return self.action in ("ALLOW", "LOG", "TRACE")


ALLOWED: Final = Answer("ALLOW")
REFUSED: Final = Answer("ERRNO", EPERM)
UNKNOWN: Final = Answer("ERRNO", ENOSYS)  # so that a C library does it the older way


class Entry(Named):
    """A rule for some calls."""

    names: frozenset[str]
    answer: Answer
    comparisons: tuple[Comparison, ...] = ()


class CallFilter(Named):
    """All rules. `newest`: numbers from its own table or entries on are answered by UNKNOWN."""

    entries: tuple[Entry, ...]
    default: Answer
    arches: tuple[str, ...]
    known: str = ""  # "table": what nsinit knows; "entries": the last one that is named; "": all
    flags: frozenset[str] = frozenset()


class Machine(Named):
    """What a filter is made for."""

    arch: str  # "x86_64", "i386", "aarch64"
    kernel: tuple[int, int]  # its version
    capabilities: frozenset[str]  # what the service has, as "SYS_ADMIN"


def resolve(asked: Seccomp, machine: Machine) -> CallFilter | None:
    """The filter, None for none."""
    if asked.profile == UNCONFINED:
        return None
    named = _named(asked)
    if asked.profile == DEFAULT:
        from nsinit.model.defaultcalls import default_filter  # noqa: PLC0415  (others need none)

        base = default_filter(machine)
    elif asked.profile is not None:
        from nsinit.model.dockerprofile import evaluate, parse_profile  # noqa: PLC0415

        base = evaluate(parse_profile(asked.profile), machine)
    else:
        return _from_lists(asked, machine)
    if not named:
        return base
    mentioned = frozenset(name for entry in named for name in entry.names)
    kept = [entry._replace(names=entry.names - mentioned) for entry in base.entries]
    return base._replace(entries=(*named, *(entry for entry in kept if entry.names)))


def _named(asked: Seccomp) -> list[Entry]:
    """What is said of calls by their names; `deny` goes before `allow`."""
    refused = calls(asked.deny)
    made = [Entry(refused, _refusal(asked))] if refused else []
    allowed = calls(asked.allow) - refused
    return [*made, Entry(allowed, ALLOWED)] if allowed else made


def _refusal(asked: Seccomp) -> Answer:
    return {"errno": REFUSED, "kill": Answer("KILL_PROCESS"), "log": Answer("LOG")}[asked.action]


def _from_lists(asked: Seccomp, machine: Machine) -> CallFilter:
    """Everything but what is denied, or nothing but what is allowed and what every program needs.

    A call that stands in both lists is an exception from what holds for the rest.
    """
    allow, deny = calls(asked.allow), calls(asked.deny)
    default = asked.default or ("errno" if asked.allow else "allow")
    if default == "allow":
        return CallFilter((Entry(deny - allow, _refusal(asked)),), ALLOWED, (machine.arch,))
    allow = (allow | calls(("@default",))) - deny
    return CallFilter((Entry(allow, ALLOWED),), _refusal(asked), (machine.arch,), "table")


def last_known(made: CallFilter, arch: str) -> int | None:
    """The highest number of a call that the rules know of; None if they mean all there are."""
    table = syscalls.numbers(arch)
    if made.known == "table":
        return max(table.values())
    if made.known == "entries":
        named = [table[name] for entry in made.entries for name in entry.names if name in table]
        return max(named, default=0)
    return None
