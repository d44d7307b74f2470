"""Signals by descriptor: blocked from the first moment, read by signalfd(2). Knows no policy.

A signal that PID 1 has neither blocked nor handled is dropped by the kernel (signal(7)), and
Python handlers run late or never; a blocked one waits, with its sender, until it is read.
"""

from __future__ import annotations

import struct
from typing import Final

from nsinit.kernel import libc, seam
from nsinit.kernel.mask import HEARD
from nsinit.named import Named

SI_USER: Final = 0
SI_KERNEL: Final = 128

# A signalfd_siginfo begins with signo, errno, code, pid and uid; see signalfd(2).
_INFO: Final = struct.Struct("=IiiIIiIIIIi84x")
_BATCH: Final = 64


class Received(Named):
    """One signal: its number, why it was sent (si_code), by whom (0: unseen or the kernel)."""

    number: int
    code: int
    pid: int
    uid: int

    @property
    def from_kernel(self) -> bool:
        """Whether no process sent it: a terminal hung up, a timer ran out."""
        return self.code == SI_KERNEL


class SignalReader:
    """All signals that can be heard, as a descriptor."""

    def __init__(self) -> None:
        mask = 0
        for number in HEARD:
            mask |= 1 << (number - 1)
        self.fd = libc.signalfd(mask)

    def read(self) -> list[Received]:
        """What is there, without waiting."""
        made: list[Received] = []
        while True:
            try:
                data = seam.read(self.fd, _INFO.size * _BATCH)
            except (BlockingIOError, InterruptedError):
                return made
            for number, _, code, pid, uid, *_ in _INFO.iter_unpack(data):
                made.append(Received(number, code, pid, uid))
            if len(data) < _INFO.size * _BATCH:
                return made
