"""What is put into a root: binds, new file systems, files, directories and links."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.isolation.root import Mounted
from nsinit.isolation.stage import needs_user_attributes
from nsinit.kernel import mounts, seam
from nsinit.model.mounting import at
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nsinit.isolation.stage import Stage
    from nsinit.model.mounting import Mount

# What an option adds to the attributes of a mount, and what it takes away.
_ATTRIBUTES: Final[dict[str, tuple[int, int]]] = {
    "ro": (mounts.RDONLY, 0),
    "rw": (0, mounts.RDONLY),
    "nosuid": (mounts.NOSUID, 0),
    "suid": (0, mounts.NOSUID),
    "nodev": (mounts.NODEV, 0),
    "dev": (0, mounts.NODEV),
    "noexec": (mounts.NOEXEC, 0),
    "exec": (0, mounts.NOEXEC),
    "noatime": (mounts.NOATIME, 0),
    "strictatime": (mounts.STRICTATIME, 0),
    "relatime": (0, mounts.ATIME_MASK),
    "nodiratime": (mounts.NODIRATIME, 0),
    "diratime": (0, mounts.NODIRATIME),
    "nosymfollow": (mounts.NOSYMFOLLOW, 0),
    "symfollow": (0, mounts.NOSYMFOLLOW),
    "defaults": (0, 0),
    "bind": (0, 0),
    "rbind": (0, 0),
}
_PROPAGATION: Final = {
    "private": mounts.PRIVATE,
    "slave": mounts.SLAVE,
    "shared": mounts.SHARED,
    "unbindable": mounts.UNBINDABLE,
}


class Options(Named):
    """The options of a mount, sorted by who takes them."""

    add: int
    clear: int
    propagation: int
    rest: tuple[str, ...]  # for the file system


def sort_options(words: Iterable[str]) -> Options:
    """What each word is about; a later word goes before an earlier one."""
    add = clear = propagation = 0
    rest: list[str] = []
    for word in words:
        if word in _ATTRIBUTES:
            more, less = _ATTRIBUTES[word]
            add, clear = (add & ~less) | more, (clear & ~more) | less
        elif word.removeprefix("r") in _PROPAGATION:
            propagation = _PROPAGATION[word.removeprefix("r")]
        elif word in _PROPAGATION:
            propagation = _PROPAGATION[word]
        else:
            rest.append(word)
    return Options(add, clear, propagation, tuple(rest))


class _Put(Mounted):
    """One thing at one target."""

    def __init__(self, stage: Stage, mount: Mount) -> None:
        self._stage, self._mount, self._path = stage, mount, at(mount)

    def describe(self) -> str:
        """For people."""
        options = f" ({','.join(self._mount.options)})" if self._mount.options else ""
        return f"mount {self._mount.type} on {self._path}{options}"

    def apply(self) -> None:
        """Do it; nothing at all for what is optional and not there."""
        try:
            self._put()
        except OSError as error:
            if not (self._mount.optional and error.errno in (errno.ENOENT, errno.EACCES)):
                raise

    def _put(self) -> None:
        raise NotImplementedError

    def remedy(self, number: int) -> str:
        """Mostly it is about the target."""
        hints = {
            errno.EROFS: f"there is no {self._path} in the root, which is read-only: make it, "
            "or lay an overlay over that root",
            errno.EACCES: f"nothing can be made in that root by this user: make {self._path}",
            errno.ENOENT: "on the root of the host targets must exist",
            errno.ENOTDIR: f"what is in the root at {self._path} is no directory, or is below none",
            errno.EISDIR: f"what is in the root at {self._path} is a directory",
            errno.ELOOP: f"see the symbolic links of the root at {self._path}",
        }
        return hints.get(number) or super().remedy(number)


class Bind(_Put):
    """A directory or file of the host."""

    def __init__(self, stage: Stage, mount: Mount, ready: Opened | None = None) -> None:
        """With `ready` its mount was made by the launcher."""
        super().__init__(stage, mount)
        self._ready = ready

    def describe(self) -> str:
        """For people."""
        options = f" ({','.join(self._mount.options)})" if self._mount.options else ""
        return f"bind {self._mount.source} to {self._path}{options}"

    def _put(self) -> None:
        tree = self._ready.take() if self._ready else -1
        if tree < 0:
            tree = clone_source(self._mount)
        try:
            self._set(tree)
            directory = stat.S_ISDIR(os.fstat(tree).st_mode)
            self._stage.attach(tree, self._path, directory=directory)
        finally:
            os.close(tree)

    def _set(self, tree: int) -> None:
        """The attributes of the copy, before anybody sees it."""
        options = sort_options(self._mount.options)
        if options.add or options.clear or options.propagation:
            mounts.set_attributes(
                tree,
                add=options.add,
                clear=options.clear,
                propagation=options.propagation,
                recursive="bind" not in self._mount.options,
            )

    def remedy(self, number: int) -> str:
        """What binds can suffer from besides."""
        if number == errno.ENOENT:
            return f"there is no {self._mount.source}; with optional = true it may be missing"
        if number == errno.EPERM and sort_options(self._mount.options).clear:
            return "the kernel has locked flags of that mount: they can be added, not taken away"
        if number == errno.EINVAL and "bind" in self._mount.options:
            return 'in a user namespace mounts come with those below them: use "rbind"'
        return super().remedy(number)


def clone_source(mount: Mount) -> int:
    """A detached copy of what is to be bound."""
    fd = seam.open_fd(mount.source or "", os.O_PATH | os.O_CLOEXEC)
    try:
        return mounts.clone_tree(fd, recursive="bind" not in mount.options)
    finally:
        os.close(fd)


class Opened:
    """A descriptor that one step leaves for another."""

    def __init__(self) -> None:
        self.fd = -1

    def take(self) -> int:
        """Have it, once."""
        fd, self.fd = self.fd, -1
        return fd


# Whoever can write there can change the limits that hold for them.
_GUARDED: Final = ("cgroup", "cgroup2")


class FileSystem(_Put):
    """A new file system of the kind that the type says."""

    @property
    def kind(self) -> str:
        """As the kernel calls it."""
        return self._mount.type

    def _words(self, options: Iterable[str]) -> list[str]:
        words = [word for option in options for word in _written_out(self.kind, option)]
        if self.kind == "overlay" and needs_user_attributes() and "userxattr" not in words:
            words.append("userxattr")
        return words

    def _keep_proc(self, made: int) -> None:
        if self._stage.proc < 0:
            self._stage.proc = os.dup(made)

    def _put(self) -> None:
        kind = self.kind
        guarded = ["ro"] if kind in _GUARDED else []  # unless the options have "rw"
        options = sort_options([*guarded, *self._mount.options])
        made = mounts.make(kind, self._words(options.rest), options.add)
        try:
            if options.propagation:
                mounts.set_attributes(made, propagation=options.propagation)
            self._stage.attach(made, self._path, directory=True)
            if kind == "tmpfs":
                self._stage.owns(made)
            if kind == "proc":
                self._keep_proc(made)
        finally:
            os.close(made)

    def remedy(self, number: int) -> str:
        """Why a kernel refuses one."""
        kind = self.kind
        if number == errno.EPERM and kind in ("proc", "sysfs"):
            return (
                f"parts of /{kind.removesuffix('fs')} are masked here; in Docker: "
                "--security-opt systempaths=unconfined, or --cap-add SYS_ADMIN"
            )
        if number == errno.EPERM:
            return "the namespace that it belongs to must be the sandbox's own"
        if number == errno.ENODEV:
            return f"this kernel has no {kind}"
        return super().remedy(number)


def _written_out(kind: str, option: str) -> list[str]:
    """The layers of an overlay one by one, as fsconfig(2) takes them."""
    if kind == "overlay" and option.startswith("lowerdir="):
        return [f"lowerdir+={path}" for path in option.removeprefix("lowerdir=").split(":")]
    return [option]


class InlineFile(_Put):
    """A file whose content is written in the configuration; read-only unless it says "rw"."""

    def describe(self) -> str:
        """For people."""
        return f"put a file of {len((self._mount.content or '').encode())} bytes at {self._path}"

    def _put(self) -> None:
        mode = 0o644 if self._mount.mode is None else self._mount.mode
        put_file(
            self._stage, self._path, (self._mount.content or "").encode(), mode, self._mount.options
        )


def put_file(
    stage: Stage, path: str, content: bytes, mode: int = 0o644, options: Iterable[str] = ()
) -> None:
    """Mount a file with that content, read-only unless the options have "rw"."""
    made = stage.keep(content, mode)
    try:
        found = sort_options(["ro", *options])
        mounts.set_attributes(made, add=found.add)
        stage.attach(made, path, directory=False)
    finally:
        os.close(made)


class Directory(_Put):
    """A directory, made if there is none."""

    def describe(self) -> str:
        """For people."""
        return f"make the directory {self._path}"

    def _put(self) -> None:
        mode: int | None = self._mount.mode
        try:
            os.close(self._stage.find(self._path))
        except FileNotFoundError:
            mode = 0o755 if mode is None else mode
        os.close(self._stage.place(self._path, directory=True))
        if mode is None:
            return
        fd = self._stage.find(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            seam.fchmod(fd, mode)
        finally:
            os.close(fd)


class Symlink(_Put):
    """A symbolic link; one that is there with the same text will do."""

    def describe(self) -> str:
        """For people."""
        return f"link {self._path} to {self._mount.source}"

    def _put(self) -> None:
        above, name = self._stage.parent(self._path)
        try:
            with suppress(OSError):
                if os.readlink(name, dir_fd=above) == self._mount.source:
                    return
            os.symlink(self._mount.source or "", name, dir_fd=above)
        finally:
            os.close(above)


def put(stage: Stage, mount: Mount, ready: Opened | None = None) -> _Put:
    """The step that a mount of the configuration is; see Bind for what is `ready`."""
    if ready is not None:
        return Bind(stage, mount, ready)
    kinds: dict[str, type[_Put]] = {
        "bind": Bind, "file": InlineFile, "directory": Directory, "symlink": Symlink,
    }  # fmt: skip
    return kinds.get(mount.type, FileSystem)(stage, mount)
