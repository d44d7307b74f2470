"""Which devices the processes of a group of cgroup version 2 may use: a program of eBPF.

Version 1 has files for this; version 2 asks a program each time that a device is opened or made.
Sources: bpf(2), Documentation/bpf/instruction-set.rst and admin-guide/cgroup-v2.rst ("Device
controller"), linux/bpf.h (struct bpf_cgroup_dev_ctx).
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from nsinit.errors import SyscallError
from nsinit.kernel import libc

if TYPE_CHECKING:
    from collections.abc import Sequence

_NUMBERS: Final = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "loongarch64": 280}
_LOAD, _ATTACH, _DETACH, _BY_ID, _QUERY = 5, 8, 9, 13, 16  # commands
_CGROUP_DEVICE: Final = 15  # BPF_PROG_TYPE_CGROUP_DEVICE
_AT_DEVICES: Final = 6  # BPF_CGROUP_DEVICE
_ALLOW_MULTI: Final = 2  # those of the groups above have to agree as well
_MOST: Final = 64  # programs of one group

MKNOD: Final = 1
READ: Final = 2
WRITE: Final = 4
ALL: Final = MKNOD | READ | WRITE
_KINDS: Final = {"b": 1, "c": 2}

_INSTRUCTION: Final = struct.Struct("=BBhi")  # code, registers, offset, constant
_LOAD_WORD, _MOVE, _MOVE_CONST, _AND, _SHIFT = 0x61, 0xBC, 0xB4, 0x54, 0x74
_UNEQUAL, _UNEQUAL_REGISTER, _EXIT = 0x56, 0x5E, 0x95  # of 32 bits
_CONTEXT, _KIND, _ACCESS, _MAJOR, _MINOR, _WANTED = 1, 2, 3, 4, 5, 6  # registers


class Rule(NamedTuple):
    """Devices that may be used, and how; None is any."""

    kind: Literal["a", "b", "c"]  # all, block, character
    major: int | None
    minor: int | None
    access: int


_EVERYTHING: Final = Rule("a", None, None, ALL)


def program(rules: Sequence[Rule]) -> bytes:
    """Code that answers 1 if a rule allows all that is asked for, and else 0. Pure."""
    made = [
        _code(_LOAD_WORD, _KIND, _CONTEXT, 0),
        _code(_AND, _KIND, constant=0xFFFF),
        _code(_LOAD_WORD, _ACCESS, _CONTEXT, 0),
        _code(_SHIFT, _ACCESS, constant=16),
        _code(_LOAD_WORD, _MAJOR, _CONTEXT, 4),
        _code(_LOAD_WORD, _MINOR, _CONTEXT, 8),
    ]
    for rule in rules:
        made += _allow(rule)
        if rule == _EVERYTHING:  # nothing can come after that, and the kernel takes no dead code
            return b"".join(made)
    made += [_code(_MOVE_CONST, 0, constant=0), _code(_EXIT)]
    return b"".join(made)


def _allow(rule: Rule) -> list[bytes]:
    """Each test leads past the end of the rule if it fails."""
    tests: list[tuple[int, int, int]] = []  # code, register, constant
    if rule.kind != "a":
        tests.append((_UNEQUAL, _KIND, _KINDS[rule.kind]))
    tests += [
        (_UNEQUAL, register, number)
        for register, number in ((_MAJOR, rule.major), (_MINOR, rule.minor))
        if number is not None
    ]
    made = [_code(_MOVE_CONST, 0, constant=1), _code(_EXIT)]
    if rule.access != ALL:  # what is asked for must be a part of what is allowed
        made = [
            _code(_MOVE, _WANTED, _ACCESS),
            _code(_AND, _WANTED, constant=rule.access),
            _code(_UNEQUAL_REGISTER, _WANTED, _ACCESS, 2),
            *made,
        ]
    for code, register, constant in reversed(tests):
        made = [_code(code, register, offset=len(made), constant=constant), *made]
    return made


def _code(code: int, to: int = 0, source: int = 0, offset: int = 0, constant: int = 0) -> bytes:
    return _INSTRUCTION.pack(code, source << 4 | to, offset, constant)


def attach(group: int, rules: Sequence[Rule] | None) -> None:
    """Let only these be used in a group (a descriptor of it); None: all, as at first.

    What was attached to it before goes when the new one counts.
    """
    before = _attached(group)
    if rules is not None:
        fd = _load(program(rules))
        try:
            _bpf(_ATTACH, struct.pack("=IIII", group, fd, _AT_DEVICES, _ALLOW_MULTI))
        finally:
            os.close(fd)
    for number in before:
        fd = _bpf(_BY_ID, struct.pack("=III", number, 0, 0))
        try:
            _bpf(_DETACH, struct.pack("=III", group, fd, _AT_DEVICES))
        finally:
            os.close(fd)


def can_attach() -> bool:
    """Whether this process may, and the kernel can."""
    with suppress(OSError):
        os.close(_load(program([])))
        return True
    return False


def _attached(group: int) -> list[int]:
    """The numbers of the programs of a group."""
    numbers = (ctypes.c_uint32 * _MOST)()
    query = struct.pack("=IIIIQI4x", group, _AT_DEVICES, 0, 0, ctypes.addressof(numbers), _MOST)
    buffer = ctypes.create_string_buffer(query, len(query))
    _call(_QUERY, buffer)
    (count,) = struct.unpack_from("=I", buffer.raw, 24)
    return list(numbers[:count])


def _load(code: bytes) -> int:
    text = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"MIT")
    return _bpf(
        _LOAD,
        struct.pack(
            "=IIQQIIQII16s", _CGROUP_DEVICE, len(code) // _INSTRUCTION.size,
            ctypes.addressof(text), ctypes.addressof(licence), 0, 0, 0, 0, 0, b"nsinit_devices",
        ),
    )  # fmt: skip


def _bpf(command: int, words: bytes) -> int:
    return _call(command, ctypes.create_string_buffer(words, len(words)))


def _call(command: int, buffer: ctypes.Array[ctypes.c_char]) -> int:
    number = _NUMBERS.get(os.uname().machine)
    if number is None:
        raise SyscallError(errno.ENOSYS, "bpf", "")
    return libc.syscall("bpf", "", number, command, ctypes.addressof(buffer), len(buffer))
