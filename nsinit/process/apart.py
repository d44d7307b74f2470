"""A fork into namespaces of the child's own. Loaded only for services that have some."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from nsinit.errors import EXIT_NOT_EXECUTABLE
from nsinit.kernel import libc, namespaces, seam
from nsinit.process.steps import Born, Bound, Taken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.kernel.namespaces import Kind
    from nsinit.process.steps import ParentStep


def fork_apart(kinds: Sequence[Kind], outside: Sequence[ParentStep]) -> int:
    """fork(2) into new namespaces of these kinds; 0 in the child. OSError if there is none.

    The child waits until `outside` has been done for its pid: id maps are written by the parent
    (user_namespaces(7)). If one of these fails, a StepError says so and the child ends by itself.
    """
    reader, writer = seam.pipe(os.O_CLOEXEC)
    try:
        pid, pidfd = libc.clone3(namespaces.flags_of(kinds), signal.SIGCHLD)
    except OSError:
        os.close(reader)
        os.close(writer)
        raise
    if pid == 0:
        goes_on = False
        try:
            os.close(writer)
            goes_on = bool(seam.read(reader, 1))
            os.close(reader)
        finally:  # whatever it was, a forked copy of init must not live on
            if not goes_on:
                os._exit(EXIT_NOT_EXECUTABLE)
        return 0
    os.close(reader)
    try:
        Taken().take([Bound(step, Born(pid, pidfd)) for step in outside])
        seam.write(writer, b"\n")
    finally:
        os.close(writer)
        os.close(pidfd)
    return pid
