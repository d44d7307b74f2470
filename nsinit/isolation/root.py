"""A root file system of its own: a directory, layers, and the change of root into it.

Order, and why: propagation before any mount, or the host would see them. Everything is mounted
before the pivot, as a new proc or sysfs needs one that can be seen uncovered. Then the old root is
detached, with the store over it (mount_namespaces(7), pivot_root(2)).
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

from nsinit.isolation.basics import Inside
from nsinit.isolation.stage import is_in_user_namespace, needs_user_attributes, set_propagation
from nsinit.kernel import libc, mounts, seam

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.isolation.layers import HoldUpper
    from nsinit.isolation.mounting import Opened
    from nsinit.isolation.stage import Stage

_FLAGS: Final = {
    "private": libc.MS_PRIVATE,
    "slave": libc.MS_SLAVE,
    "shared": libc.MS_SHARED,
    "unbindable": libc.MS_UNBINDABLE,
}


class Mounted(Inside):
    """A step whose effect is gone with the namespaces, or with what the stage takes down."""

    def remedy(self, number: int) -> str:
        """What holds for all that is mounted."""
        if number == errno.ENOSYS:
            return "file systems of its own need Linux 5.12"
        return super().remedy(number)


class Propagation(Mounted):
    """How what the host mounts later shows here; what is mounted here never shows there."""

    def __init__(self, kind: str, *, recursive: bool = True) -> None:
        self._kind, self._recursive = kind, recursive

    def describe(self) -> str:
        """For people."""
        return f"make {'all mounts' if self._recursive else 'the root'} {self._kind}"

    def apply(self) -> None:
        """mount(2), mostly with MS_REC."""
        set_propagation(_FLAGS[self._kind], recursive=self._recursive)


class PrepareStage(Mounted):
    """The store, over the old root; from here on everything can be taken down again."""

    def __init__(self, stage: Stage, path: str = "") -> None:
        """With a `path` a directory that is the root is until then to be seen there."""
        self._stage, self._path = stage, path

    def describe(self) -> str:
        """For people."""
        return "prepare a place for the new root"

    def apply(self) -> None:
        """A tmpfs that nobody else can enter."""
        made = mounts.make("tmpfs", ["mode=700"], mounts.NOSUID | mounts.NODEV)
        try:
            here = seam.open_fd("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                mounts.attach(made, here)
            finally:
                os.close(here)
        except BaseException:
            os.close(made)
            raise
        self._stage.store = made
        os.mkdir("root", 0o755, dir_fd=made)
        if self._path:
            here = seam.open_fd(self._path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                mounts.attach(self._stage.root, here)
            finally:
                os.close(here)
        elif self._stage.root >= 0:
            mounts.attach(self._stage.root, made, "root")

    def undo(self) -> None:
        """With all that was mounted in it."""
        self._stage.take_down()


class BindRoot(Mounted):
    """A directory as the root, with what is mounted below it; before there is a store over it."""

    def __init__(self, stage: Stage, path: str, *, nodev: bool) -> None:
        """With `nodev` its files are no devices: it may be anybody's, and gets its own /dev."""
        self._stage, self._path, self._nodev = stage, path, nodev

    def describe(self) -> str:
        """For people."""
        return f"take {self._path} as the root"

    def apply(self) -> None:
        """A recursive copy of the mount; one that isn't is refused where mounts are locked."""
        fd = seam.open_fd(self._path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._stage.root = mounts.clone_tree(fd, recursive=True)
            if self._nodev:
                mounts.set_attributes(self._stage.root, add=mounts.NODEV, recursive=True)
        finally:
            os.close(fd)

    def undo(self) -> None:
        """The copy is nowhere attached yet."""
        self._stage.close()

    def remedy(self, number: int) -> str:
        """A path that can't be entered."""
        if number == errno.EACCES:
            return "the user who starts the sandbox must be able to enter it"
        return super().remedy(number)


class OverlayRoot(Mounted):
    """Layers as the root. Without `upper` what is written goes to memory, and is thrown away."""

    def __init__(
        self,
        stage: Stage,
        lower: Sequence[str],
        held: HoldUpper | None,
        ready: Sequence[Opened] = (),
    ) -> None:
        """With `ready` the launcher has made mounts of the layers."""
        self._stage, self._lower, self._held, self._ready = stage, lower, held, ready

    def describe(self) -> str:
        """For people."""
        over = f" under {self._held.upper}" if self._held else ", and memory over them"
        return f"take the layers {', '.join(self._lower)}{over} as the root"

    def apply(self) -> None:
        """Overlayfs; the paths of layers in memory are short ones below the store."""
        lower = self._attached() if self._ready else [os.path.abspath(path) for path in self._lower]
        options = [f"lowerdir+={path}" for path in lower]
        if self._held is not None:
            self._held.forget()
            upper, work = os.path.abspath(self._held.upper), os.path.abspath(self._held.work)
        else:
            self._make_layers(lower[0])
            upper, work = "layers/upper", "layers/work"
        options += [f"upperdir={_escaped(upper)}", f"workdir={_escaped(work)}"]
        if needs_user_attributes():
            options.append("userxattr")  # no other place for its notes is allowed there
        here = seam.open_fd(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        os.fchdir(self._stage.store)
        try:
            self._stage.root = mounts.make("overlay", options, mounts.NODEV)
        finally:
            os.fchdir(here)
            os.close(here)
        mounts.attach(self._stage.root, self._stage.store, "root")

    def _attached(self) -> list[str]:
        """The mounts of the layers in the store, and where there."""
        made = []
        for number, opened in enumerate(self._ready):
            name = f"lower{number}"
            os.mkdir(name, 0o700, dir_fd=self._stage.store)
            fd = opened.take()
            try:
                mounts.attach(fd, self._stage.store, name)
            finally:
                os.close(fd)
            made.append(name)
        return made

    def _make_layers(self, highest: str) -> None:
        """An upper directory that looks as the root below it does."""
        memory = mounts.make("tmpfs", ["mode=755"], mounts.NODEV)
        try:
            os.mkdir("layers", 0o700, dir_fd=self._stage.store)
            mounts.attach(memory, self._stage.store, "layers")
            for name in ("upper", "work"):
                os.mkdir(name, 0o755, dir_fd=memory)
            top = seam.stat(highest, dir_fd=self._stage.store)
            os.chmod("upper", top.st_mode & 0o7777, dir_fd=memory)
            if top.st_uid != os.geteuid() and os.geteuid() == 0 and not is_in_user_namespace():
                os.chown("upper", top.st_uid, top.st_gid, dir_fd=memory)
        finally:
            os.close(memory)

    def remedy(self, number: int) -> str:
        """What overlayfs is particular about."""
        hints = {
            errno.ENODEV: "this kernel has no overlayfs",
            errno.EPERM: "overlays without root need Linux 5.11",
            errno.EINVAL: (
                "upper and work must be on one file system, which can't be an overlay itself and "
                "must keep extended attributes; the layers need Linux 6.8"
            ),
        }
        return hints.get(number) or super().remedy(number)


def _escaped(path: str) -> str:
    """As upperdir and workdir are read; a layer of lowerdir+ is taken as it is."""
    return path.replace("\\", "\\\\")


class ReadonlyRoot(Mounted):
    """Nothing can be written to the root; mounts in it are as they were made."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def describe(self) -> str:
        """For people."""
        return "make the root read-only"

    def apply(self) -> None:
        """mount_setattr(2), of that one mount."""
        mounts.set_attributes(self._stage.root, add=mounts.RDONLY)


class EnterRoot(Mounted):
    """Make it the root, and let nothing of the old one be reached any more."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def describe(self) -> str:
        """For people."""
        return "change into the new root, and detach the old one"

    def apply(self) -> None:
        """pivot_root(2); the old root becomes a slave first, so that no unmount gets out."""
        self._stage.check_places()
        old = seam.open_fd("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fchdir(self._stage.root)
            mounts.pivot_root_here()
            os.fchdir(self._stage.store)
            libc.umount2(
                ".", libc.MNT_DETACH
            )  # it lies over the old root, and would be taken for it
            os.fchdir(old)
            libc.mount("", ".", "", libc.MS_REC | libc.MS_SLAVE)
            libc.umount2(".", libc.MNT_DETACH)
        finally:
            os.close(old)
        os.chdir("/")
        self._stage.close()

    def remedy(self, number: int) -> str:
        """An initramfs has no root that could be left."""
        if number == errno.EINVAL:
            return "the root of an initramfs can't be left by pivot_root(2)"
        return super().remedy(number)
