"""Be root of one's own ids, as in a rootless sandbox: there files can be given to others of them.

What an ordinary user unpacks is owned by the ids that /etc/subuid and /etc/subgid grant, or by
nobody but the user where there are none; both need a user namespace, for file capabilities and to
remove it all again. Root does the same without one.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from nsinit.errors import EXIT_FAILED, ImageError, SandboxError, SpawnError
from nsinit.isolation import newidmap
from nsinit.kernel import libc, namespaces, proc, seam
from nsinit.model.sandboxes import Users
from nsinit.process.steps import Born
from nsinit.sandbox.callers import read_caller, read_subordinate
from nsinit.sandbox.users import make_maps

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.images.unpack import Ids
    from nsinit.isolation.idmaps import MapIds

    Work = Callable[[Ids, str], int]


class _RefusedError(Exception):
    """The maps were not written, so that nothing was done."""


def run(work: Work) -> int:
    """The exit code of `work`, which is told whose ids there are, and why there are no more.

    It may run in a child, so that all it does but files and output is lost; it tells its errors
    itself. ImageError if it can't be run at all.
    """
    if os.geteuid() == 0:
        return work("kept", "")
    maps, why = _ranges()
    if maps is not None:
        try:
            return _in_namespace(maps, lambda: work("mapped", ""))
        except _RefusedError as error:
            why = str(error)
    single = make_maps(Users(map="root"), read_caller(), read_subordinate).maps
    try:
        return _in_namespace(single, lambda: work("single", why))
    except _RefusedError as error:
        raise ImageError(f"cannot map your own ids: {error}", hint=single.remedy(0)) from None


def _ranges() -> tuple[MapIds | None, str]:
    """The maps with all that is granted; None and why there are none."""
    try:
        maps = make_maps(Users(map="auto"), read_caller(), read_subordinate).maps
        for which in maps.helped:
            newidmap.find(f"new{which}map")
    except SandboxError as error:
        return None, error.message
    except (SpawnError, OSError) as error:
        return None, str(getattr(error, "strerror", "") or error)
    return maps, ""


def _in_namespace(maps: MapIds, work: Callable[[], int]) -> int:
    """Run it in a child that has these ids; its exit code."""
    reader, writer = seam.pipe(os.O_CLOEXEC)
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        pid, pidfd = libc.clone3(libc.CLONE_NEWUSER, signal.SIGCHLD)
    except OSError as error:
        os.close(reader)
        os.close(writer)
        hint = namespaces.why_refused(error.errno or 0, ["user"])
        raise ImageError(f"cannot make a user namespace: {error.strerror}", hint=hint) from None
    if pid == 0:
        os.close(writer)
        _be_child(reader, parent, work)
    os.close(reader)
    os.close(pidfd)
    try:
        maps.apply(Born(pid, -1))
        os.write(writer, b"1")
    except OSError as error:
        os.close(writer)
        _await(pid)
        raise _RefusedError(error.strerror or str(error)) from None
    os.close(writer)
    return _await(pid)


def _await(pid: int) -> int:
    """The exit code of the child; an interrupt is its business, which gets it from the terminal."""
    while True:
        with suppress(KeyboardInterrupt):
            _, status = os.waitpid(pid, 0)
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _be_child(reader: int, parent: int, work: Callable[[], int]) -> NoReturn:
    code = EXIT_FAILED
    try:
        proc.die_with_parent(signal.SIGTERM)
        if os.getppid() == parent and os.read(reader, 1):
            code = work()
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BaseException as error:  # noqa: BLE001  (it must not unwind into the parent's code)
        with suppress(OSError):
            os.write(2, f"nsinit: internal error: {error!r}\n".encode())
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(code)
