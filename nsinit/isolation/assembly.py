"""From what is asked of a filter of system calls to its program for this machine."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final, get_args

from nsinit.kernel import bpf, seccomp
from nsinit.model.callfilter import Machine, last_known, resolve
from nsinit.syscalls import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.model.callfilter import Answer, CallFilter, Entry
    from nsinit.model.confinement import Seccomp

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


def make(asked: Seccomp, arch: str, capabilities: frozenset[str]) -> tuple[bytes, int] | None:
    """The program and its flags, for a service that has these capabilities; None for no filter.

    KeyError for an architecture whose calls are not known, bpf.TooLongError for a program that
    the kernel would not take.
    """
    numbers(arch)
    made = resolve(asked, Machine(arch, _kernel_version(), capabilities))
    if made is None:
        return None
    flags = 0
    for word in made.flags:
        flags |= _FLAGS.get(word, 0)
    return assemble(made), flags


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
