"""What a service may ask of the kernel, as steps: Landlock first, then the filter of system calls.

Both hold for good and for all that the service starts. Each path and port is a step of its own, so
that a failure names it. A filter is made once for each way it is asked for, before any fork.
"""

from __future__ import annotations

import errno
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Final, get_args

from nsinit.errors import SpawnError
from nsinit.kernel import bpf, landlock, seccomp
from nsinit.model.callfilter import Machine, last_known, resolve
from nsinit.model.confinement import BY_DEFAULT
from nsinit.model.tuning import OPTIONAL
from nsinit.named import Named
from nsinit.syscalls import numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nsinit.model.callfilter import Answer, CallFilter, Entry
    from nsinit.model.confinement import Landlock, Seccomp
    from nsinit.process.steps import Step

_FLAGS: Final = {"LOG": seccomp.FLAG_LOG, "SPEC_ALLOW": seccomp.FLAG_SPEC_ALLOW}
_ACTIONS: Final = {
    "ALLOW": bpf.ALLOW,
    "LOG": bpf.LOG,
    "ERRNO": bpf.ERRNO,
    "TRACE": bpf.TRACE,
    "TRAP": bpf.TRAP,
    "KILL_PROCESS": bpf.KILL_PROCESS,
    "KILL_THREAD": bpf.KILL_THREAD,
}


class _Final:
    """Ends with the process."""

    def undo(self) -> None:
        """Nothing to do."""

    def remedy(self, number: int) -> str:
        """What the kernel asks of those who restrict themselves."""
        if number in (errno.EACCES, errno.EPERM):
            return "without no_new_privs this needs CAP_SYS_ADMIN: leave no_new_privs on"
        return ""


# --- System calls ---------------------------------------------------------------------------------


class _Loaded(Named):
    program: bytes
    flags: int


class LoadFilter(_Loaded, _Final):
    """Put the process under the filter."""

    def describe(self) -> str:
        """For people."""
        return "load the filter of system calls"

    def apply(self) -> None:
        """seccomp(2)."""
        seccomp.load(self.program, self.flags)

    def remedy(self, number: int) -> str:
        """A kernel, or a filter around us, may know no filters."""
        if number in (errno.ENOSYS, errno.EINVAL):
            return (
                'this kernel has no filters of system calls; seccomp = "unconfined" asks for none'
            )
        return super().remedy(number)


def seccomp_steps(asked: Seccomp | None, capabilities: frozenset[str]) -> list[Step]:
    """The filter for a service that has these capabilities ("SYS_ADMIN"); none if None is asked.

    SpawnError on a machine whose calls nsinit doesn't know.
    """
    if asked is None:
        return []
    try:
        loaded = _prepare(asked, capabilities)
    except KeyError:
        if asked == BY_DEFAULT:
            return []  # nobody has written it
        reason = f"nsinit does not know the system calls of {seccomp.native_arch()}"
        raise SpawnError("a service", "filter", errno.ENOSYS, reason=reason) from None
    except bpf.TooLongError as error:
        raise SpawnError("a service", "filter", errno.E2BIG, reason=str(error)) from None
    return [] if loaded is None else [loaded]


@lru_cache(maxsize=64)
def _prepare(asked: Seccomp, capabilities: frozenset[str]) -> LoadFilter | None:
    machine = Machine(seccomp.native_arch(), _kernel_version(), capabilities)
    numbers(machine.arch)  # KeyError
    made = resolve(asked, machine)
    if made is None:
        return None
    flags = 0
    for word in made.flags:
        flags |= _FLAGS.get(word, 0)
    return LoadFilter(assemble(made), flags)


def _kernel_version() -> tuple[int, int]:
    major, minor, *_ = os.uname().release.split(".")
    digits = "".join(char for char in minor if char.isdigit())
    return int(major), int(digits)


def assemble(made: CallFilter) -> bytes:
    """The program of a filter."""
    unknown = bpf.ERRNO | errno.ENOSYS
    tables = []
    for arch in made.arches:
        last = last_known(made, arch)
        known = {} if last is None else {"known": last, "beyond": unknown}
        tables.append(bpf.Table(arch, _rules(made.entries, arch), _action(made.default), **known))
    return bpf.assemble(tables, bpf.LOG if made.default.action == "LOG" else bpf.KILL_PROCESS)


def _rules(entries: Sequence[Entry], arch: str) -> dict[int, list[bpf.Rule]]:
    """The rules of each call: one without comparisons stands alone."""
    table = numbers(arch)
    made: dict[int, list[bpf.Rule]] = {}
    for entry in entries:
        rule = bpf.Rule(_action(entry.answer), tuple(map(_comparison, entry.comparisons)))
        for name in entry.names & table.keys():
            rules = made.setdefault(table[name], [])
            if rules and not rules[0].args:
                continue
            if not rule.args:
                rules.clear()
            rules.append(rule)
    return made


def _action(answer: Answer) -> int:
    return _ACTIONS[answer.action] | answer.number


def _comparison(written: tuple[int, str, int, int]) -> bpf.Arg:
    index, op, value, second = written
    return bpf.Arg(index, next(word for word in get_args(bpf.Compare) if word == op), value, second)


# --- Files and ports ------------------------------------------------------------------------------

_READ: Final = landlock.READ_FILE | landlock.READ_DIR
_WRITE: Final = (
    landlock.WRITE_FILE | landlock.REMOVE_DIR | landlock.REMOVE_FILE | landlock.MAKE_CHAR
    | landlock.MAKE_DIR | landlock.MAKE_REG | landlock.MAKE_SOCK | landlock.MAKE_FIFO
    | landlock.MAKE_BLOCK | landlock.MAKE_SYM | landlock.REFER | landlock.TRUNCATE
    | landlock.IOCTL_DEV
)  # fmt: skip
_SCOPES: Final = {
    "abstract-unix": landlock.SCOPE_ABSTRACT_UNIX,
    "signal": landlock.SCOPE_SIGNAL,
}
_WORDS: Final = {  # what a kernel may be too old for
    "fs": {
        landlock.REFER: "renaming across directories",
        landlock.TRUNCATE: "truncating",
        landlock.IOCTL_DEV: "ioctl on devices",
    },
    "net": {landlock.BIND_TCP: "bind", landlock.CONNECT_TCP: "connect"},
    "scope": {bit: f"scope {word}" for word, bit in _SCOPES.items()},
}
_told: Final[set[str]] = set()
# What is in every root file system, holds nothing, and is opened by the simplest of scripts.
_DEVICES: Final = ("/dev/null?", "/dev/zero?", "/dev/full?", "/dev/random?", "/dev/urandom?")


class Ruleset:
    """The descriptor that the steps of one service share, in its child."""

    def __init__(self, fs: int, net: int, scope: int) -> None:
        self.wanted = (fs, net, scope)
        self.fd = -1


class _Shared(Named):
    rules: Ruleset


class CreateRuleset(_Shared, _Final):
    """Begin: everything of these kinds is forbidden."""

    def describe(self) -> str:
        """For people."""
        return "make rules for Landlock"

    def apply(self) -> None:
        """landlock_create_ruleset(2)."""
        self.rules.fd = landlock.create_ruleset(*self.rules.wanted)


class _Beneath(Named):
    rules: Ruleset
    path: str
    access: int


class AllowPath(_Beneath, _Final):
    """Allow a file, or what is below a directory."""

    def describe(self) -> str:
        """For people."""
        return f"allow {self.path.removesuffix(OPTIONAL)} by Landlock"

    def apply(self) -> None:
        """landlock_add_rule(2)."""
        path = self.path.removesuffix(OPTIONAL)
        try:
            landlock.allow_beneath(self.rules.fd, path, self.access & self.rules.wanted[0])
        except FileNotFoundError:
            if path == self.path:
                raise

    def remedy(self, number: int) -> str:
        """A missing path has to be called optional."""
        if number == errno.ENOENT:
            return f'"{self.path}?" may be missing'
        return ""


class _Port(Named):
    rules: Ruleset
    port: int
    access: int


class AllowPort(_Port, _Final):
    """Allow a TCP port."""

    def describe(self) -> str:
        """For people."""
        return f"allow the port {self.port} by Landlock"

    def apply(self) -> None:
        """landlock_add_rule(2)."""
        landlock.allow_port(self.rules.fd, self.port, self.access)


class RestrictSelf(_Shared, _Final):
    """From now on the rules hold."""

    def describe(self) -> str:
        """For people."""
        return "restrict files and ports by Landlock"

    def apply(self) -> None:
        """landlock_restrict_self(2)."""
        landlock.restrict_self(self.rules.fd)
        os.close(self.rules.fd)


def landlock_steps(asked: Landlock | None, tell: Callable[[str], object]) -> list[Step]:
    """The rules, as far as this kernel goes; what it can't do is told.

    SpawnError instead of that if it is asked for strictly.
    """
    if asked is None:
        return []
    wanted = _wanted(asked)
    able = landlock.known(landlock.abi())
    lacking = list(_lacking(wanted, able))
    if lacking and asked.strict:
        reason = f"this kernel's Landlock can't: {', '.join(lacking)}"
        raise SpawnError("a service", "restrict", errno.EOPNOTSUPP, reason=reason)
    text = f"Landlock restricts less than was asked for: this kernel can't {', '.join(lacking)}"
    if lacking and text not in _told:
        _told.add(text)  # once, not at each start
        tell(text)
    fs, net, scope = (bits & can for bits, can in zip(wanted, able, strict=True))
    if not (fs or net or scope):
        return []
    rules = Ruleset(fs, net, scope)
    return [CreateRuleset(rules), *_allowances(asked, rules), RestrictSelf(rules)]


def _wanted(asked: Landlock) -> tuple[int, int, int]:
    """What each key that is given restricts."""
    fs = net = 0
    for paths, bits in _paths(asked):
        fs |= bits if paths is not None else 0
    for ports, bit in _ports(asked):
        net |= bit if ports is not None else 0
    return fs, net, sum(_SCOPES[word] for word in set(asked.scope or []))


def _paths(asked: Landlock) -> tuple[tuple[Sequence[str] | None, int], ...]:
    return (asked.read, _READ), (asked.write, _WRITE), (asked.execute, landlock.EXECUTE)


def _ports(asked: Landlock) -> tuple[tuple[Sequence[int] | None, int], ...]:
    return (asked.bind, landlock.BIND_TCP), (asked.connect, landlock.CONNECT_TCP)


def _lacking(wanted: tuple[int, int, int], able: tuple[int, int, int]) -> Iterator[str]:
    if wanted[0] and not able[0]:
        yield "restrict files at all"
    else:
        yield from _named("fs", wanted[0] & ~able[0])
    yield from _named("net", wanted[1] & ~able[1])
    yield from _named("scope", wanted[2] & ~able[2])


def _named(kind: str, bits: int) -> list[str]:
    return [f"restrict {word}" for bit, word in _WORDS[kind].items() if bits & bit]


def _allowances(asked: Landlock, rules: Ruleset) -> Iterator[Step]:
    """What may be written or executed may also be read; a path that is named twice has both."""
    access: dict[str, int] = {}
    if rules.wanted[0]:
        access = dict.fromkeys(_DEVICES, _READ | _WRITE)
    for paths, bits in _paths(asked):
        for path in paths or ():
            access[path] = access.get(path, 0) | bits | _READ
    for path, bits in access.items():
        if bits & rules.wanted[0]:
            yield AllowPath(rules, path, bits)
    for ports, bit in _ports(asked):
        for port in (ports or ()) if bit & rules.wanted[1] else ():
            yield AllowPort(rules, port, bit)
