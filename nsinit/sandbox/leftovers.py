"""What a sandbox that died leaves on the host, and its removal: only what is its own.

The caller holds the lock of the sandbox. Nothing here raises: what can't be removed stays.
"""

from __future__ import annotations

import _socket
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.kernel import libc, seam

if TYPE_CHECKING:
    from collections.abc import Collection

    from nsinit.sandbox.record import Record

_DEPTH_MAX: Final = 8  # of directories in the one of a sandbox


def remove_all(directory: str, record: Record | None, keep: Collection[str] = ()) -> None:
    """Everything but the directory itself and the files to keep."""
    remove_outside(record)
    _empty(directory, keep, _device(directory), 0)


def remove_directory(directory: str) -> None:
    """A sandbox's directory with all that is in it; the lock goes last."""
    _empty(directory, ("lock",), _device(directory), 0)
    with suppress(OSError):
        seam.unlink(f"{directory}/lock")
    with suppress(OSError):
        seam.rmdir(directory)


def _device(path: str) -> int:
    try:
        return seam.lstat(path).st_dev
    except OSError:
        return -1


def _empty(directory: str, keep: Collection[str], device: int, depth: int) -> None:
    """Remove what is in a directory, without a step into another file system or over a link."""
    try:
        names = seam.list_directory(directory)
    except OSError:
        return
    for name in names:
        if name in keep:
            continue
        path = f"{directory}/{name}"
        with suppress(OSError):
            found = seam.lstat(path)
            if not stat.S_ISDIR(found.st_mode):
                seam.unlink(path)
            elif found.st_dev == device and depth < _DEPTH_MAX:
                _empty(path, (), device, depth + 1)
                seam.rmdir(path)


def remove_outside(record: Record | None) -> None:
    """What the record names outside of the sandbox's directory, last made first."""
    if record is None:
        return
    if record.control:
        _remove("socket", record.control, record)
    entries = list(reversed(record.cleanup))
    entries.sort(key=_is_later)
    for kind, path in entries:
        _remove(kind, path, record)


def _is_later(entry: tuple[str, str]) -> bool:
    """All but the group that can thaw: what version 1 has frozen does not die in any other."""
    kind, path = entry
    if kind == "cgroup":
        with suppress(OSError):
            seam.stat(f"{path}/freezer.state")
            return False
    return True


def _remove(kind: str, path: str, record: Record) -> None:
    with suppress(OSError):
        if kind == "mount":
            libc.umount2(path, libc.MNT_DETACH)
            _unlink_or_rmdir(path)
        elif kind == "directory":
            seam.rmdir(path)
        elif kind == "cgroup":
            from nsinit.cgroups.top import remove_path  # noqa: PLC0415  (few have left any)

            remove_path(path)
        elif kind == "network":
            from nsinit.network.ledger import Ledger  # noqa: PLC0415  (most have none)

            Ledger(path, record.owner).sweep()
        elif kind in ("nft", "localnet"):
            from nsinit.sandbox.firewall import remove_entry  # noqa: PLC0415  (the same)

            remove_entry(kind, path)
        elif kind == "names":
            from nsinit.sandbox.names import tell_all  # noqa: PLC0415  (the same)

            tell_all(path, record, gone=True)
        elif _is_own(kind, path, record):
            seam.unlink(path)


def _is_own(kind: str, path: str, record: Record) -> bool:
    """Whether the file is still that of this sandbox."""
    if kind == "socket":
        return not _is_answered(path)
    return kind == "file" or _first_line(path) == str(record.pid)


def _unlink_or_rmdir(path: str) -> None:
    if stat.S_ISDIR(seam.lstat(path).st_mode):
        seam.rmdir(path)
    else:
        seam.unlink(path)


def _is_answered(path: str) -> bool:
    """Whether it is no socket, or one that somebody listens on."""
    if not stat.S_ISSOCK(seam.lstat(path).st_mode):
        return True
    probe = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    try:
        probe.setblocking(False)
        probe.connect(path)
    except ConnectionRefusedError:
        return False
    finally:
        probe.close()
    return True


def _first_line(path: str) -> str:
    with open(path, "rb") as file:
        return file.read(64).decode("ascii", "replace").strip()
