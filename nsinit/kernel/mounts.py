"""Mounts by descriptor, and files found beneath a directory.

A file system or a piece of the tree is made detached, its flags are set, and only then it is
attached to a target that was opened before: nobody can change between the two where that is.
Sources: fsopen(2), open_tree(2), move_mount(2), mount_setattr(2), openat2(2), pivot_root(2).
"""

from __future__ import annotations

import ctypes
import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.errors import SyscallError
from nsinit.kernel import seam

if TYPE_CHECKING:
    from collections.abc import Iterable

_libc: Final = ctypes.PyDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

# The same on every machine: they came after 2019.
_NR_OPEN_TREE: Final = 428
_NR_MOVE_MOUNT: Final = 429
_NR_FSOPEN: Final = 430
_NR_FSCONFIG: Final = 431
_NR_FSMOUNT: Final = 432
_NR_OPENAT2: Final = 437
_NR_MOUNT_SETATTR: Final = 442
_NR_PIVOT_ROOT: Final = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "loongarch64": 41}

_AT_FDCWD: Final = -100
_AT_EMPTY_PATH: Final = 0x1000
_AT_RECURSIVE: Final = 0x8000
_FSOPEN_CLOEXEC: Final = 1
_FSMOUNT_CLOEXEC: Final = 1
_FSCONFIG_SET_FLAG: Final = 0
_FSCONFIG_SET_STRING: Final = 1
_FSCONFIG_CMD_CREATE: Final = 6
_OPEN_TREE_CLONE: Final = 1
_MOVE_MOUNT_F_EMPTY_PATH: Final = 4
_MOVE_MOUNT_T_EMPTY_PATH: Final = 0x40
_LONGEST_OPTION: Final = 255  # of a string for fsconfig(2)

RESOLVE_NO_XDEV: Final = 0x01
RESOLVE_NO_MAGICLINKS: Final = 0x02
RESOLVE_BENEATH: Final = 0x08
RESOLVE_IN_ROOT: Final = 0x10
# The attributes of a mount, as fsmount(2) and mount_setattr(2) take them.
RDONLY: Final = 0x01
NOSUID: Final = 0x02
NODEV: Final = 0x04
NOEXEC: Final = 0x08
ATIME_MASK: Final = 0x70
NOATIME: Final = 0x10
STRICTATIME: Final = 0x20
NODIRATIME: Final = 0x80
IDMAP: Final = 0x0010_0000
NOSYMFOLLOW: Final = 0x0020_0000
# How what happens to a mount shows in its copies (mount_namespaces(7)); with mount_setattr(2).
UNBINDABLE: Final = 1 << 17
PRIVATE: Final = 1 << 18
SLAVE: Final = 1 << 19
SHARED: Final = 1 << 20


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


class _MountAttr(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def _call(name: str, target: str, number: int, *arguments: int | bytes | object) -> int:
    """One raw system call; SyscallError with its errno."""
    seam.ask(name)
    made = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = _libc.syscall(ctypes.c_long(number), *made)
    if result < 0:
        raise SyscallError(ctypes.get_errno(), name, target)
    return int(result)


def make(kind: str, options: Iterable[str] = (), attributes: int = 0, *, source: str = "") -> int:
    """A new file system of that kind, detached: the descriptor of its mount.

    `options` are "name" or "name=value" and those of the file system, not of the mount. A `source`
    is a device, or for a file system without one only shown. The error says what the kernel's own
    message does, where it has one.
    """
    context = _call("fsopen", kind, _NR_FSOPEN, os.fsencode(kind), _FSOPEN_CLOEXEC)
    try:
        for option in (f"source={source or kind}", *options):
            _configure(context, kind, option)
        _call("mount", kind, _NR_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0)
        return _call("fsmount", kind, _NR_FSMOUNT, context, _FSMOUNT_CLOEXEC, attributes)
    except SyscallError as error:
        if said := _message(context):
            error.strerror = f"{error.strerror} ({said})"
        raise
    finally:
        os.close(context)


def _configure(context: int, kind: str, option: str) -> None:
    name, mark, value = option.partition("=")
    what = f"{kind} option {option}"
    raw = os.fsencode(value)
    if len(raw) > _LONGEST_OPTION:
        raise SyscallError(errno.ENAMETOOLONG, "mount", what)
    if mark:
        command = _FSCONFIG_SET_STRING
        _call("mount", what, _NR_FSCONFIG, context, command, os.fsencode(name), raw, 0)
    else:
        command = _FSCONFIG_SET_FLAG
        _call("mount", what, _NR_FSCONFIG, context, command, os.fsencode(name), None, 0)


def _message(context: int) -> str:
    """What the kernel has to say about a failure, without its "e " for errors."""
    with suppress(OSError):
        return seam.read(context, 1024).decode("utf-8", "replace").strip().removeprefix("e ")
    return ""


def clone_tree(fd: int, path: str = "", *, recursive: bool = False) -> int:
    """A detached copy of a mount at `path` from the directory `fd`, or at `fd` itself.

    With `recursive`, of all mounts below it too.
    """
    flags = _OPEN_TREE_CLONE | os.O_CLOEXEC | (_AT_RECURSIVE if recursive else 0)
    if not path:
        flags |= _AT_EMPTY_PATH
    return _call("open_tree", path, _NR_OPEN_TREE, fd, os.fsencode(path), flags)


def attach(mount: int, target: int, name: str = "") -> None:
    """Attach a detached mount at the directory or file `target`, or at `name` in it."""
    flags = _MOVE_MOUNT_F_EMPTY_PATH | (0 if name else _MOVE_MOUNT_T_EMPTY_PATH)
    raw = os.fsencode(name)
    _call("move_mount", name, _NR_MOVE_MOUNT, mount, b"", target, raw, flags)


def set_attributes(
    mount: int,
    *,
    add: int = 0,
    clear: int = 0,
    propagation: int = 0,
    user_namespace: int = -1,
    recursive: bool = False,
) -> None:
    """mount_setattr(2), Linux 5.12: change the mount that `mount` is the root of.

    What is not named stays, so flags that the kernel has locked are kept (mount_namespaces(7)).
    With a `user_namespace`, its maps say who owns the files as they are seen through the mount.
    """
    if add & ATIME_MASK:
        clear |= ATIME_MASK
    if user_namespace >= 0:
        add |= IDMAP
    arguments = _MountAttr(add, clear, propagation, max(user_namespace, 0))
    flags = _AT_EMPTY_PATH | (_AT_RECURSIVE if recursive else 0)
    size = ctypes.sizeof(arguments)
    reference = ctypes.byref(arguments)
    _call("mount_setattr", "", _NR_MOUNT_SETATTR, mount, b"", flags, reference, size)


def open_beneath(
    root: int, path: str, flags: int, *, mode: int = 0, resolve: int = RESOLVE_IN_ROOT
) -> int:
    """openat2(2): `path` with `root` as its "/", whatever symbolic links say.

    Magic links, as in /proc/PID/fd, are never followed. Raises what os.open does.
    """
    how = _OpenHow(flags | os.O_CLOEXEC, mode, resolve | RESOLVE_NO_MAGICLINKS)
    arguments = (root, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how))
    while True:
        try:
            return _call("open", path, _NR_OPENAT2, *arguments)
        except SyscallError as error:
            if error.errno != errno.EAGAIN:  # a rename elsewhere; the kernel asks to try again
                raise OSError(error.errno, error.strerror, path) from None


def pivot_root_here() -> None:
    """pivot_root(".", "."): the current directory becomes the root, the old root lies over it."""
    machine = os.uname().machine
    number = _NR_PIVOT_ROOT.get(machine)
    if number is None:
        raise SyscallError(errno.ENOSYS, "pivot_root", f"on {machine}")
    _call("pivot_root", ".", number, b".", b".")
