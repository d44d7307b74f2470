"""posix_spawn(3), by ctypes.

The standard library's cannot name the two signals that glibc keeps for itself (32 and 33), and
glibc leaves those ignored in the child unless they are named; a service must not notice how it was
started. Made on the way: argument and environment blocks can be kept and used again.
"""

from __future__ import annotations

import ctypes
import os

from nsinit.errors import SyscallError
from nsinit.kernel import seam

TYPE_CHECKING = False  # as `typing` has it, which would be loaded before the first service
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Final

_libc: Final = ctypes.PyDLL(None)
_SETSIGDEF: Final = 0x04
_SETSIGMASK: Final = 0x08
_SETSID: Final = 0x80
_INTERNAL: Final = (32, 33)
_OPAQUE: Final = 1024  # more than any C library's attributes or file actions need
_SIGSET: Final = 128

_libc.posix_spawn.argtypes = [ctypes.c_void_p, ctypes.c_char_p, *[ctypes.c_void_p] * 4]
for _name, _types in {
    "posix_spawnattr_init": [ctypes.c_void_p],
    "posix_spawnattr_setflags": [ctypes.c_void_p, ctypes.c_short],
    "posix_spawnattr_setsigdefault": [ctypes.c_void_p, ctypes.c_void_p],
    "posix_spawnattr_setsigmask": [ctypes.c_void_p, ctypes.c_void_p],
    "posix_spawn_file_actions_init": [ctypes.c_void_p],
    "posix_spawn_file_actions_adddup2": [ctypes.c_void_p, ctypes.c_int, ctypes.c_int],
    "posix_spawn_file_actions_destroy": [ctypes.c_void_p],
}.items():
    getattr(_libc, _name).argtypes = _types


class Block:
    """Strings as execve(2) takes them: an array of pointers, ended by a null."""

    def __init__(self, items: Sequence[bytes]) -> None:
        self._array = (ctypes.c_char_p * (len(items) + 1))(*items, None)
        self.address = ctypes.addressof(self._array)


class Attributes:
    """A new session, an empty mask, and default dispositions for what is ignored here."""

    def __init__(self, ignored: Iterable[int]) -> None:
        bits = 0
        for number in (*ignored, *_INTERNAL):
            bits |= 1 << (number - 1)
        default = ctypes.create_string_buffer(bits.to_bytes(_SIGSET, "little"), _SIGSET)
        empty = ctypes.create_string_buffer(_SIGSET)
        self.buffer = ctypes.create_string_buffer(_OPAQUE)
        _libc.posix_spawnattr_init(self.buffer)
        _libc.posix_spawnattr_setflags(self.buffer, _SETSIGDEF | _SETSIGMASK | _SETSID)
        _libc.posix_spawnattr_setsigdefault(self.buffer, default)
        _libc.posix_spawnattr_setsigmask(self.buffer, empty)


def posix_spawn(
    path: str, argv: Block, env: Block, fds: Mapping[int, int], attributes: Attributes
) -> int:
    """Start a program with `fds` (its descriptor: ours); its pid. SyscallError as of exec."""
    seam.ask("fork")
    actions = ctypes.create_string_buffer(_OPAQUE)
    pid = ctypes.c_int(0)
    _libc.posix_spawn_file_actions_init(actions)
    try:
        for theirs, ours in fds.items():
            _libc.posix_spawn_file_actions_adddup2(actions, ours, theirs)
        number = _libc.posix_spawn(
            ctypes.byref(pid),
            os.fsencode(path),
            actions,
            attributes.buffer,
            argv.address,
            env.address,
        )
    finally:
        _libc.posix_spawn_file_actions_destroy(actions)
    if number:
        raise SyscallError(number, "execute", path)
    return pid.value


def strings(env: Mapping[str, str]) -> list[bytes]:
    """An environment as execve(2) takes it; values may hold any bytes."""
    return [os.fsencode(f"{name}={value}") for name, value in env.items()]
