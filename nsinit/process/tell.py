"""What the init of a single command says on stderr; a full or dead one costs nothing but the line.

Imports `os` only until there is something to say: most inits never speak.
"""

from __future__ import annotations

import errno
import os

_AT_ONCE = 4096  # bytes: what poll(2) finds room for is at least this in a pipe (PIPE_BUF)


def tell(text: str) -> None:
    """Write a line to stderr, unless nobody reads there at the moment."""
    import select  # noqa: PLC0415  (most inits never speak)

    data = f"nsinit: {text}\n".encode("utf-8", "backslashreplace")[:_AT_ONCE]
    try:
        poll = select.poll()
        poll.register(2, select.POLLOUT)
        if not any(event & select.POLLOUT for _, event in poll.poll(0)):
            return
        # Between the question and the write others may fill the pipe, so ask not to wait.
        os.pwritev(2, [data], -1, os.RWF_NOWAIT)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ESPIPE):
            _write(data)


def _write(data: bytes) -> None:
    """For what does not know the flag: terminals, sockets, old kernels."""
    try:
        os.write(2, data)
    except OSError:
        return


def tell_surely(text: str) -> None:
    """Write a line to stderr, however long that takes: for who has nothing else to do any more."""
    _write(f"nsinit: {text}\n".encode("utf-8", "backslashreplace"))
