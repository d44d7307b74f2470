"""Memory of our own, and bytes in a sealed file that only memory holds.

memfd_create(2), F_ADD_SEALS of fcntl(2): what is sealed can't be changed by anybody any more, not
even by who made it.
"""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING, Final

from nsinit.kernel import seam

if TYPE_CHECKING:
    from collections.abc import Iterable

_MFD_EXEC: Final = 0x10
_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def keep_freed(size: int) -> None:
    """Let the C library keep so much of what is freed, twice that at most, for what comes next.

    Whoever takes and frees large blocks in turn otherwise gets each page of them from the kernel
    anew. By malloc(3) of glibc, as mallopt(3) tells of M_MMAP_THRESHOLD: what is freed for the
    first time raises its thresholds. It is not touched, so no memory is taken. musl does nothing.
    """
    bytes(size)


def unsealed(name: str) -> int:
    """An empty file in memory that others may write to; its descriptor."""
    seam.ask("memfd_create")
    return os.memfd_create(name, os.MFD_CLOEXEC)


def sealed(name: str, pieces: Iterable[bytes], *, program: bool = False) -> int:
    """A sealed file with these bytes; its descriptor. OSError when memory is short.

    A `program` can be executed, also where the sysctl vm.memfd_noexec wants that to be said.
    """
    seam.ask("memfd_create")
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        fd = os.memfd_create(name, flags | _MFD_EXEC if program else flags)
    except OSError as error:
        if not program or error.errno != errno.EINVAL:
            raise
        fd = os.memfd_create(name, flags)  # Linux 6.2 and older: all can be executed
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                rest = rest[seam.write(fd, rest) :]
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
    except BaseException:
        os.close(fd)
        raise
    return fd


def is_sealed(fd: int) -> bool:
    """Whether a descriptor leads to such a file."""
    try:
        seam.ask("fcntl")
        return fcntl.fcntl(fd, fcntl.F_GET_SEALS) & _SEALS == _SEALS
    except OSError:
        return False


def read_at(fd: int, size: int, offset: int) -> bytes:
    """So many bytes from there, fewer at the end; the position of the file does not matter."""
    parts: list[bytes] = []
    size = min(size, seam.fstat(fd).st_size - offset)  # memory is taken for what is there alone
    while size > 0:
        part = seam.pread(fd, size, offset)
        if not part:
            break
        parts.append(part)
        size -= len(part)
        offset += len(part)
    return b"".join(parts)
