"""The kernel's BPF machine for filters of system calls, as far as seccomp(2) lets them go."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ALL = 0xFFFF_FFFF


def run(program: bytes, arch: int, number: int, args: Sequence[int] = ()) -> tuple[int, int]:
    """What a program answers to a call, and how many instructions it took."""
    filled = [*args, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("=IIQ6Q", number & _ALL, arch, 0, *filled)
    code = list(struct.iter_unpack("=HBBI", program))
    accumulator, at, steps = 0, 0, 0
    while True:
        opcode, jt, jf, k = code[at]
        at += 1
        steps += 1
        match opcode:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, k)
            case 0x54:
                accumulator &= k
            case 0x05:
                at += k
            case 0x15:
                at += jt if accumulator == k else jf
            case 0x25:
                at += jt if accumulator > k else jf
            case 0x35:
                at += jt if accumulator >= k else jf
            case 0x06:
                return k, steps
            case _:
                raise AssertionError(f"the kernel knows no {opcode:#x}")
