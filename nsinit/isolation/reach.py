"""Which files and TCP ports a service may reach, as steps: Landlock.

It holds for good and for all that the service starts. Each path and port is a step of its own, so
that a failure names it.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

from nsinit.errors import SpawnError
from nsinit.isolation.filters import Lasting
from nsinit.kernel import landlock
from nsinit.model.tuning import OPTIONAL
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nsinit.model.confinement import Landlock
    from nsinit.process.steps import Step

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


class CreateRuleset(_Shared, Lasting):
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


class AllowPath(_Beneath, Lasting):
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


class AllowPort(_Port, Lasting):
    """Allow a TCP port."""

    def describe(self) -> str:
        """For people."""
        return f"allow the port {self.port} by Landlock"

    def apply(self) -> None:
        """landlock_add_rule(2)."""
        landlock.allow_port(self.rules.fd, self.port, self.access)


class RestrictSelf(_Shared, Lasting):
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
