"""What is in a directory, copied into an empty file system that is going to cover it.

The directory is part of a root that may be anybody's: everything is opened by the name in its own
directory, and no link is followed.
"""

from __future__ import annotations

import os
import stat

from nsinit.kernel import seam

_PIECE = 1 << 20
_LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def copy_tree(source: int, target: int) -> None:
    """With modes, owners and links; devices, sockets and FIFOs are left out."""
    top = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=source)
    try:
        _copy_below(top, target)
    finally:
        os.close(top)


def _copy_below(source: int, target: int) -> None:
    with os.scandir(source) as entries:
        names = [entry.name for entry in entries]
    for name in names:
        found = os.stat(name, dir_fd=source, follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
            os.chown(name, found.st_uid, found.st_gid, dir_fd=target, follow_symlinks=False)
        elif stat.S_ISDIR(found.st_mode):
            seam.ask("mkdir")
            os.mkdir(name, 0o700, dir_fd=target)
            _copy_directory(source, target, name)
        elif stat.S_ISREG(found.st_mode):
            _copy_file(source, target, name)


def _copy_directory(source: int, target: int, name: str) -> None:
    theirs = seam.open_fd(name, _LOOK | os.O_DIRECTORY, dir_fd=source)
    try:
        ours = seam.open_fd(name, _LOOK | os.O_DIRECTORY, dir_fd=target)
        try:
            _copy_below(theirs, ours)
            _same(theirs, ours)
        finally:
            os.close(ours)
    finally:
        os.close(theirs)


def _copy_file(source: int, target: int, name: str) -> None:
    theirs = seam.open_fd(name, _LOOK, dir_fd=source)
    try:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        ours = seam.open_fd(name, flags, 0o600, dir_fd=target)
        try:
            while piece := os.read(theirs, _PIECE):
                while piece:
                    piece = piece[seam.write(ours, piece) :]
            _same(theirs, ours)
        finally:
            os.close(ours)
    finally:
        os.close(theirs)


def _same(theirs: int, ours: int) -> None:
    """Owner first: a change of it takes set-user-ID bits away."""
    found = os.fstat(theirs)
    os.fchown(ours, found.st_uid, found.st_gid)
    seam.fchmod(ours, stat.S_IMODE(found.st_mode))
