"""The interpreter as a file that nobody can write: a sealed copy in memory, executed in its place.

/proc/PID/exe of the launcher, of init, and of every process before its exec leads to the program of
the interpreter. Whoever gets hold of that from inside could write to a file of the host
(CVE-2019-5736). The libraries that it maps are files too, but no /proc/PID/exe leads to them.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from nsinit.errors import SandboxError
from nsinit.isolation.basics import Inside
from nsinit.kernel import memory, seam

if TYPE_CHECKING:
    from collections.abc import Iterator

SELF: Final = "/proc/self/exe"
_NAME: Final = "nsinit-python"
_DONE: Final = (
    "NSINIT_SEALED"  # that it was tried; never again in one process, whatever comes of it
)
_PIECE: Final = 1 << 20


def is_sealed() -> bool:
    """Whether this process runs from such a copy."""
    try:
        fd = seam.open_fd(SELF, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return memory.is_sealed(fd)
    finally:
        os.close(fd)


def run_sealed() -> None:
    """Execute nsinit anew, from a copy; returns in that. SandboxError if it can't be made."""
    tried = os.environ.pop(_DONE, "")
    if is_sealed():
        return
    if tried or not sys.executable:
        raise SandboxError("cannot seal the interpreter: it does not run from its copy")
    try:
        fd = memory.sealed(_NAME, _pieces(SELF), program=True)
        seam.execve(fd, (sys.executable, *sys.orig_argv[1:]), {**os.environ, _DONE: "1"})
    except OSError as error:
        message = f"cannot seal the interpreter: {error.strerror}"
        raise SandboxError(message, hint="it is copied into memory, and executed there") from None


class Sealed(Inside):
    """That it is so, as a step of the plan; it has been done by then."""

    def describe(self) -> str:
        """For people."""
        return "run from a sealed copy of the interpreter"

    def apply(self) -> None:
        """Look again."""
        if not is_sealed():
            raise PermissionError(1, "it is not sealed")


def _pieces(path: str) -> Iterator[bytes]:
    fd = seam.open_fd(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while piece := seam.read(fd, _PIECE):
            yield piece
    finally:
        os.close(fd)
