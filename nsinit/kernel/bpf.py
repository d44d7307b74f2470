"""Filters of system calls as programs for the kernel's BPF machine. Pure; no libseccomp.

A program first looks at the architecture, then finds the number of the call by halving: runs of
numbers with one answer are one interval. Arguments are compared as the 64 bits that they are, half
by half. All jumps go forward, so the code is made from its end: then every target has its place
already, and one that a conditional jump (8 bits) can't reach gets a long jump beside it.
Sources: seccomp(2), Documentation/networking/filter.rst of the kernel.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, Literal

from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Compare = Literal["EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ"]

# Answers (seccomp(2)); the number of an errno is added to ERRNO, that of a tracer's to TRACE.
KILL_THREAD: Final = 0
KILL_PROCESS: Final = 0x8000_0000
TRAP: Final = 0x0003_0000
ERRNO: Final = 0x0005_0000
TRACE: Final = 0x7FF0_0000
LOG: Final = 0x7FFC_0000
ALLOW: Final = 0x7FFF_0000

AUDIT_ARCHES: Final = {  # linux/audit.h
    "x86_64": 0xC000_003E,
    "i386": 0x4000_0003,
    "aarch64": 0xC000_00B7,
}
X32_BIT: Final = 0x4000_0000  # in the numbers of calls of x86-64 that have pointers of 32 bits
LENGTH_MAX: Final = 4096  # BPF_MAXINSNS
ARGUMENTS: Final = 6

_LOAD, _AND, _RETURN = 0x20, 0x54, 0x06  # BPF_LD|W|ABS, BPF_ALU|AND|K, BPF_RET|K
_JUMP, _EQUAL, _GREATER, _AT_LEAST = 0x05, 0x15, 0x25, 0x35  # BPF_JMP|K and JA, JEQ, JGT, JGE
_NUMBER_AT, _ARCH_AT, _ARGS_AT = 0, 4, 16  # in struct seccomp_data
_NEAR: Final = 255
_ALL: Final = 0xFFFF_FFFF
_INSTRUCTION: Final = struct.Struct("=HBBI")  # struct sock_filter


class Arg(Named):
    """A comparison of one argument. MASKED_EQ: its bits in `value` are those of `second`."""

    place: int  # 0 to 5
    op: Compare
    value: int
    second: int = 0


class Rule(Named):
    """What is answered to a call when all comparisons hold; without any it always is."""

    action: int
    args: tuple[Arg, ...] = ()


class Table(Named):
    """The rules for one architecture; of those of a call the first that fits counts.

    A call without a fitting rule gets `default`, one with a number over `known` gets `beyond`.
    """

    arch: str
    rules: Mapping[int, Sequence[Rule]]
    default: int
    known: int = _ALL
    beyond: int = ALLOW


class TooLongError(ValueError):
    """The kernel takes at most LENGTH_MAX instructions."""


def assemble(tables: Iterable[Table], foreign: int) -> bytes:
    """The program, as struct sock_filter[]; `foreign` answers architectures without a table."""
    code = _Code()
    found = code.answer(foreign)
    for table in tables:
        entry = code.emit(_LOAD, _NUMBER_AT, code.search(_intervals(code, table)))
        found = code.branch(_EQUAL, AUDIT_ARCHES[table.arch], entry, found)
    code.emit(_LOAD, _ARCH_AT, found)
    return code.image()


def _intervals(code: _Code, table: Table) -> list[tuple[int, int]]:
    """Where each run of numbers with one answer begins, and the code that gives it."""
    default, beyond = code.answer(table.default), code.answer(table.beyond)
    starts = [(0, default)]
    for number in sorted(table.rules):
        if number > table.known:
            continue
        starts.append((number, code.chain(table.rules[number], default)))
        if number < _ALL:
            starts.append((number + 1, default))
    if table.known < _ALL:
        starts.append((table.known + 1, beyond))
    merged: list[tuple[int, int]] = []
    for start, label in starts:
        if merged and merged[-1][0] == start:
            merged.pop()
        if not merged or merged[-1][1] != label:
            merged.append((start, label))
    return merged


class _Code:
    """Instructions from the last to the first. A label is the count from the end."""

    def __init__(self) -> None:
        self._made: list[tuple[int, int, int, int]] = []  # code, jt, jf, k
        self._known: dict[tuple[object, ...], int] = {}  # what is there already

    def _push(self, code: int, jt: int, jf: int, k: int) -> int:
        self._made.append((code, jt, jf, k))
        if len(self._made) > LENGTH_MAX:
            raise TooLongError(f"the filter has more than {LENGTH_MAX} instructions")
        return len(self._made)

    def image(self) -> bytes:
        """All of it, the first instruction first."""
        return b"".join(_INSTRUCTION.pack(*one) for one in reversed(self._made))

    def answer(self, action: int) -> int:
        """Where that answer is given."""
        key = (_RETURN, action)
        if key not in self._known:
            self._known[key] = self._push(_RETURN, 0, 0, action)
        return self._known[key]

    def emit(self, code: int, k: int, following: int) -> int:
        """One instruction that goes on at a label."""
        key = (code, k, following)
        if key not in self._known:
            if following != len(self._made):
                self._push(_JUMP, 0, 0, len(self._made) - following)
            self._known[key] = self._push(code, 0, 0, k)
        return self._known[key]

    def branch(self, code: int, k: int, yes: int, no: int) -> int:
        """A conditional jump."""
        if yes == no:
            return yes
        key = (code, k, yes, no)
        if key not in self._known:
            if len(self._made) - min(yes, no) > _NEAR - 1:  # the other's long jump may come between
                yes, no = self._within_reach(yes), self._within_reach(no)
            here = len(self._made)
            self._known[key] = self._push(code, here - yes, here - no, k)
        return self._known[key]

    def _within_reach(self, label: int) -> int:
        distance = len(self._made) - label
        return label if distance < _NEAR else self._push(_JUMP, 0, 0, distance)

    # --- The number of the call -------------------------------------------------------------------

    def search(self, intervals: Sequence[tuple[int, int]]) -> int:
        """Find the interval of the number, which is loaded, and go on there."""
        if len(intervals) == 1:
            return intervals[0][1]
        middle = len(intervals) // 2
        upper = self.search(intervals[middle:])
        lower = self.search(intervals[:middle])
        return self.branch(_AT_LEAST, intervals[middle][0], upper, lower)

    # --- Its arguments ----------------------------------------------------------------------------

    def chain(self, rules: Sequence[Rule], otherwise: int) -> int:
        """The first rule that fits gives the answer."""
        label = otherwise
        for rule in reversed(rules):
            fits = self.answer(rule.action)
            for arg in reversed(rule.args):
                fits = self._compare(arg, fits, label)
            label = fits
        return label

    def _compare(self, arg: Arg, yes: int, no: int) -> int:
        if arg.op == "MASKED_EQ":
            return self._masked(arg.place, arg.value, arg.second, (yes, no))
        if arg.op in ("EQ", "NE"):
            ways = (yes, no) if arg.op == "EQ" else (no, yes)
            return self._masked(arg.place, (1 << 64) - 1, arg.value, ways)
        code = _GREATER if arg.op in ("GT", "LE") else _AT_LEAST
        ways = (yes, no) if arg.op in ("GT", "GE") else (no, yes)
        return self._ordered(arg.place, code, arg.value, ways)

    def _masked(self, place: int, mask: int, value: int, ways: tuple[int, int]) -> int:
        """Both halves are equal, as far as the mask goes."""
        yes, no = ways
        if value & ~mask:
            return no
        label = yes
        for half in (0, 1):  # the lower one is looked at last
            part, wanted = mask >> 32 * half & _ALL, value >> 32 * half & _ALL
            if not part:
                continue
            label = self.branch(_EQUAL, wanted, label, no)
            if part != _ALL:
                label = self.emit(_AND, part, label)
            label = self.emit(_LOAD, _at(place, half), label)
        return label

    def _ordered(self, place: int, code: int, value: int, ways: tuple[int, int]) -> int:
        """The upper half decides, unless it is equal; then the lower half does."""
        yes, no = ways
        lower = self.branch(code, value & _ALL, yes, no)
        lower = self.emit(_LOAD, _at(place, 0), lower)
        upper = value >> 32
        label = self.branch(_EQUAL, upper, lower, no)
        label = self.branch(_GREATER, upper, yes, label)
        return self.emit(_LOAD, _at(place, 1), label)


def _at(place: int, half: int) -> int:
    """Of half an argument in struct seccomp_data, on a little-endian machine."""
    return _ARGS_AT + 8 * place + 4 * half
