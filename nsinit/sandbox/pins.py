"""Keeping a namespace without a process in it: a bind mount of its file (namespaces(7))."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.errors import ControlError, DeniedError
from nsinit.kernel import libc, mountinfo, namespaces, proc, seam
from nsinit.sandbox import census

if TYPE_CHECKING:
    from nsinit.kernel.namespaces import Kind

_MS_BIND: Final = 0x1000


def pin(pid: int, kind: Kind, path: str) -> None:
    """Let a file hold a namespace of a process; ControlError says why it can't.

    The file is made if there is none. A process that has ended is refused, though a zombie still
    shows its pid namespace: without process 1 that is dead, and nobody can be in it again.
    """
    path = os.path.abspath(path)
    what = f"cannot pin the {kind} namespace of process {pid}"
    if not namespaces.is_supported(kind):
        raise ControlError(f"{what}: this kernel has no {kind} namespaces")
    found = proc.stat(pid)
    if found is None or found.state in "ZX":
        dead = ", and with process 1 its pid namespace: nobody can be in it any more"
        raise ControlError(f"{what}: it has ended{dead if kind == 'pid' else ''}")
    inode = census.inode_of(pid, census.file_of(kind))
    if inode is None:
        raise DeniedError(f"{what}: it is the process of another user")
    if any(path in paths for paths in census.find_pins().values()):
        raise ControlError(f"{what}: {path} holds a namespace already", hint="nsinit ns unpin")
    made = _make(path, what)
    try:
        libc.mount(namespaces.path_of(kind, pid), path, "", _MS_BIND)
    except OSError as error:
        if made:
            with suppress(OSError):
                seam.unlink(path)
        _refuse(what, kind, error)


def _make(path: str, what: str) -> bool:
    """Whether the file had to be made."""
    try:
        os.close(seam.open_fd(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o444))
    except FileExistsError:
        if not os.path.isfile(path):
            raise ControlError(f"{what}: {path} is no plain file") from None
        return False
    except PermissionError as error:
        raise DeniedError(f"{what}: cannot make {path}: {error.strerror}") from None
    except OSError as error:
        raise ControlError(f"{what}: cannot make {path}: {error.strerror}") from None
    return True


def _refuse(what: str, kind: Kind, error: OSError) -> None:
    if error.errno == errno.EPERM:
        raise DeniedError(
            f"{what}: this needs CAP_SYS_ADMIN in the user namespace of our mounts",
            hint="as root; or in a user and mount namespace of one's own: unshare -Urm",
        ) from None
    hint = ""
    if kind == "mount" and error.errno == errno.EINVAL:
        hint = "only below a private mount, and of a mount namespace that is younger than ours"
    raise ControlError(f"{what}: {error.strerror}", hint=hint) from None


def unpin(path: str) -> None:
    """Let go of a namespace, and remove the file that held it; ControlError says why it can't."""
    path = os.path.abspath(path)
    mount = next((one for one in reversed(mountinfo.read()) if one.target == path), None)
    if mount is None or mount.kind != "nsfs":
        hint = "nsinit ns list shows the files that do"
        raise ControlError(f"cannot unpin {path}: it holds no namespace", hint=hint)
    try:
        libc.umount2(path, 0)
    except OSError as error:
        if error.errno == errno.EPERM:
            raise DeniedError(f"cannot unpin {path}: this needs CAP_SYS_ADMIN") from None
        raise ControlError(f"cannot unpin {path}: {error.strerror}") from None
    with suppress(OSError):
        if os.path.isfile(path) and not os.path.getsize(path):
            seam.unlink(path)
