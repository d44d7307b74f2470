"""A root file system in the making, and how anything in it is found.

Whatever is in that root may be anybody's: a target is looked up with the root as its "/", by
descriptor, and missing ones are made one name at a time where the last one was found. So no
symbolic link leads out of it. See openat2(2), RESOLVE_IN_ROOT.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import Final

from nsinit.errors import SyscallError
from nsinit.kernel import idmaps, libc, mounts, seam

_LINKS_MAX: Final = 40  # as the kernel has it
_NULL: Final = os.makedev(1, 3)
_FIRST_USER_NAMESPACE: Final = 0xEFFF_FFFD  # PROC_USER_INIT_INO in the kernel's proc_ns.h


class Stage:
    """What the steps of one root share while they build it.

    `store` is a small file system of our own, over the old root, in which the new one is mounted
    and which holds the contents of inline files. It goes with the old root, out of every sight.
    """

    def __init__(self, *, create: bool) -> None:
        """Without `create` missing targets are made only in file systems that we made."""
        self.root = -1
        self.store = -1
        self.proc = -1  # an own /proc, for what must not be read through a path in the root
        self.dev: int | None = None  # the device number of an own /dev
        self._create = create
        self._devices: set[int] = set()
        self._made: list[tuple[int, str, bool]] = []
        self._files = 0

    # --- Looking ----------------------------------------------------------------------------------

    def find(self, path: str, flags: int = os.O_PATH) -> int:
        """A descriptor of what is there; FileNotFoundError if nothing is."""
        return mounts.open_beneath(self.root, path, flags)

    def place(self, path: str, *, directory: bool) -> int:
        """A descriptor of the target of a mount, which is made if it is missing."""
        for _ in range(_LINKS_MAX):
            try:
                fd = self.find(path)
            except FileNotFoundError:
                path = self._make(path, directory=directory)
                continue
            if stat.S_ISDIR(os.fstat(fd).st_mode) is directory:
                return fd
            os.close(fd)
            raise SyscallError(errno.ENOTDIR if directory else errno.EISDIR, "mount on", path)
        raise SyscallError(errno.ELOOP, "find", path)

    def parent(self, path: str) -> tuple[int, str]:
        """The directory that a name is to be in, which is made if it is missing, and the name."""
        above, name = os.path.split(path.rstrip("/"))
        return self.place(above or "/", directory=True), name

    def _make(self, path: str, *, directory: bool) -> str:
        """Make all that is missing; where a link leads to nothing, the path that it stands for."""
        words = [word for word in path.split("/") if word not in ("", ".")]
        above = self.find("/")
        try:
            for index, word in enumerate(words):
                here = "/".join(words[: index + 1])
                try:
                    below = self.find(here)
                except FileNotFoundError:
                    if leads_to := _link(above, word):
                        rest = words[index + 1 :]
                        return os.path.join("/", *words[:index], leads_to, *rest)
                    self._make_one(above, word, directory=directory or index + 1 < len(words))
                    below = self.find(here)
                os.close(above)
                above = below
        finally:
            os.close(above)
        return path

    def _make_one(self, above: int, name: str, *, directory: bool) -> None:
        if not self._create and os.fstat(above).st_dev not in self._devices:
            raise SyscallError(errno.ENOENT, "find", name)  # it would be made on the host
        if directory:
            seam.ask("mkdir")
            os.mkdir(name, 0o755, dir_fd=above)
        else:
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
            os.close(seam.open_fd(name, flags, 0o644, dir_fd=above))
        self._made.append((os.dup(above), name, directory))

    # --- Mounting ---------------------------------------------------------------------------------

    def attach(self, mount: int, path: str, *, directory: bool) -> None:
        """Attach a detached mount at a path in the root; it stays open with the caller."""
        target = self.place(path, directory=directory)
        try:
            found = os.fstat(target)
            if os.path.samestat(found, os.fstat(self.root)):  # which it would cover
                raise OSError(errno.ELOOP, f"{path} leads to the root itself")
            if not f"{path}/".startswith("/proc/") and self._is_in_proc(found):
                raise OSError(errno.ELOOP, f"{path} leads into /proc")  # CVE-2019-19921
            mounts.attach(mount, target)
        finally:
            os.close(target)

    def _is_in_proc(self, found: os.stat_result) -> bool:
        """Below it; that it is covered itself is seen in the end, see `check_places`."""
        if self.proc < 0:
            return False
        proc = os.fstat(self.proc)
        return proc.st_dev == found.st_dev and not os.path.samestat(proc, found)

    def owns(self, mount: int) -> None:
        """A file system that was made here: missing targets can be made in it."""
        self._devices.add(os.fstat(mount).st_dev)

    def keep(self, content: bytes, mode: int) -> int:
        """A detached mount of a file of ours with that content."""
        self._files += 1
        name = f"file{self._files}"
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        fd = seam.open_fd(name, flags, 0o600, dir_fd=self.store)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[seam.write(fd, rest) :]
            os.fchmod(fd, mode)
        finally:
            os.close(fd)
        return mounts.clone_tree(self.store, name)

    def check_places(self) -> None:
        """OSError if /proc and /dev in the root are not those made here, which init relies on."""
        made = {"/proc": os.fstat(self.proc).st_dev if self.proc >= 0 else None, "/dev": self.dev}
        for path, device in made.items():
            found = None
            with suppress(FileNotFoundError):
                fd = self.find(path)
                found = os.fstat(fd).st_dev
                os.close(fd)
            if device is not None and found != device:
                raise OSError(errno.EBUSY, f"a link or a mount has taken the place of its {path}")

    # --- The end ----------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of everything; what was made stays."""
        for fd in (self.root, self.store, self.proc, *(fd for fd, _, _ in self._made)):
            if fd >= 0:
                os.close(fd)
        self.root = self.store = self.proc = -1
        self._made.clear()

    def take_down(self) -> None:
        """Unmount all, and remove the targets that were made for it."""
        if self.store >= 0:
            here = seam.open_fd(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            os.fchdir(self.store)
            with suppress(OSError):
                libc.umount2(".", libc.MNT_DETACH)
            os.fchdir(here)
            os.close(here)
        for above, name, directory in reversed(self._made):
            with suppress(OSError):
                (os.rmdir if directory else os.unlink)(name, dir_fd=above)
        self.close()


def _link(above: int, name: str) -> str:
    try:
        return os.readlink(name, dir_fd=above)
    except OSError:
        return ""


def open_null() -> int:
    """/dev/null, and nothing that only has its name; it is what covers a masked file."""
    fd = seam.open_fd("/dev/null", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    found = os.fstat(fd)
    if stat.S_ISCHR(found.st_mode) and found.st_rdev == _NULL:
        return fd
    os.close(fd)
    raise SyscallError(errno.ENODEV, "use", "/dev/null, which is another file")


def is_in_user_namespace() -> bool:
    """Whether not all ids of the machine are ids here (user_namespaces(7))."""
    rows = idmaps.read_map("self", "uid").split()
    return bool(rows) and rows != ["0", "0", "4294967295"]


def needs_user_attributes() -> bool:
    """Whether an overlay that is mounted here can't read or write the attributes trusted.*.

    They are for the first user namespace alone, whatever ids another one has (xattr(7)).
    """
    try:
        return seam.stat("/proc/self/ns/user").st_ino != _FIRST_USER_NAMESPACE
    except OSError:
        return is_in_user_namespace()


def set_propagation(flags: int, *, recursive: bool = True) -> None:
    """mount(2) on "/", with all mounts below it or not."""
    libc.mount("", "/", "", (libc.MS_REC if recursive else 0) | flags)
