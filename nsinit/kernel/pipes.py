"""Pipes that services write to. pipe(2), pipe(7)."""

from __future__ import annotations

import errno
import os

from nsinit.kernel import fds, seam
from nsinit.lean import suppress

_MODE = 0o622  # who has a descriptor of it may write to it by /dev/stdout


def make_pipe(owner: int | None) -> tuple[int, int]:
    """A pipe to read from without waiting, which a service of that user can open by its name."""
    reader, writer = seam.pipe(os.O_CLOEXEC)
    try:
        if fds.is_nearly_last(writer):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))  # noqa: TRY301
        os.set_blocking(reader, False)
        with suppress(OSError):  # a program may drop its privileges by itself, as nginx does
            seam.fchmod(writer, _MODE)
        if owner is not None:
            with suppress(OSError):  # without CAP_CHOWN it is root's, and its mode lets others in
                seam.fchown(writer, owner, -1)
    except OSError:
        os.close(reader)
        os.close(writer)
        raise
    return reader, writer
