"""Paths that are watched: what has changed under them, however it was changed.

A directory is watched with all below it, but for what is excluded. Of a path the parent is watched
too, or the nearest directory above that is there: so a file that an editor replaces, a symbolic
link that is set elsewhere and a path that comes into being later are all seen. What is watched is
told by device, inode, size and time, not by the kernel's events alone.

Directories are gone through a few at a time, so that a large tree holds up nothing.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from nsinit.kernel import inotify, seam

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nsinit.kernel.inotify import FileEvent, Inotify
    from nsinit.runtime.reactor import Reactor

DIRECTORIES: Final = 8192  # below one path
BATCH: Final = 64  # of them at a time
# What programs and editors write beside what people write.
NOISE: Final = (
    ".git", ".hg", ".svn", "__pycache__", "node_modules", "*.py[co]", "*.sw?", "*.swpx", "*~",
    ".#*", "#*#", "4913",
)  # fmt: skip
_GONE: Final = inotify.DELETE_SELF | inotify.MOVE_SELF | inotify.IGNORED
_NEW: Final = inotify.CREATE | inotify.MOVED_TO

Mark = tuple[int, ...]


class Root:
    """One path that a service watches; `mark` tells what is there now, () for nothing."""

    __slots__ = ("count", "exclude", "mark", "path", "service")

    def __init__(self, service: str, path: str, exclude: Iterable[str]) -> None:
        self.service = service
        self.path = path
        self.exclude = (*NOISE, *exclude)
        self.mark: Mark = ()
        self.count = 0  # directories

    def has(self, path: str) -> bool:
        """Whether a path is in this tree, and not excluded."""
        if not path.startswith(self.path.rstrip("/") + "/"):
            return False
        inner = path[len(self.path.rstrip("/")) + 1 :]
        parts = inner.split("/")
        for pattern in self.exclude:
            if any(fnmatchcase(part, pattern) for part in parts):
                return False
            if "/" in pattern and any(
                fnmatchcase("/".join(parts[: n + 1]), pattern.rstrip("/"))
                for n in range(len(parts))
            ):
                return False
        return True


class Trees:
    """All watched paths; `changed(service, path)` is called for what changes."""

    def __init__(
        self,
        kernel: Inotify,
        reactor: Reactor,
        changed: Callable[[str, str], object],
        warn: Callable[[str], object],
    ) -> None:
        self._kernel = kernel
        self._reactor = reactor
        self._changed = changed
        self._warn = warn
        self._roots: list[Root] = []
        self._paths: dict[int, set[str]] = {}  # of each watch: links lead to one by many
        self._watches: dict[str, int] = {}
        self._todo: deque[tuple[Root, str]] = deque()  # directories still to go through
        self._told: set[str] = set()

    def add(self, root: Root) -> None:
        """Watch one more path."""
        self._roots.append(root)
        self._watch_root(root)
        root.mark = _mark(root.path)

    def forget(self, service: str) -> None:
        """Watch what a service watched no more."""
        self._roots = [root for root in self._roots if root.service != service]
        for path in [path for path in self._watches if not self._is_wanted(path)]:
            self._drop(path)

    def _is_wanted(self, path: str) -> bool:
        """Whether a directory is in a tree, or above a root."""
        below = path.rstrip("/") + "/"
        return any(
            root.path == path or root.path.startswith(below) or root.has(path)
            for root in self._roots
        )

    # --- What the kernel tells --------------------------------------------------------------------

    def hear(self, events: Iterable[FileEvent]) -> None:
        """Let services know what happened to their files."""
        for event in events:
            if event.what & inotify.Q_OVERFLOW:
                for root in list(self._roots):
                    self._changed(root.service, root.path)
                    self._look_at(root)
                continue
            for path in list(self._paths.get(event.watch, ())):
                if event.what & _GONE:
                    self._directory_gone(path)
                elif event.name:
                    self._entry(f"{path.rstrip('/')}/{event.name}", event.what)

    def _entry(self, path: str, what: int) -> None:
        is_directory = bool(what & inotify.ISDIR)
        if is_directory and what & inotify.MOVED_FROM:
            for old in [old for old in self._watches if f"{old}/".startswith(f"{path}/")]:
                self._drop(old)
        for root in list(self._roots):
            if root.has(path):
                if is_directory and what & inotify.ATTRIB:
                    continue
                if is_directory and what & _NEW:
                    self._go_through(root, path)
                self._changed(root.service, path)
            elif _is_below(root.path, os.path.dirname(path)):  # its own place, or one above
                self._look_at(root)

    def _directory_gone(self, path: str) -> None:
        self._drop(path)
        for root in list(self._roots):
            if root.path == path or _is_below(root.path, path):
                self._look_at(root)

    def _look_at(self, root: Root) -> None:
        """See whether what is at a path is still the same."""
        mark = _mark(root.path)
        if not mark or mark != root.mark:
            self._watch_root(root)
            mark = _mark(root.path)  # it may have come before the watch did
        if mark != root.mark:
            root.mark = mark
            self._changed(root.service, root.path)

    # --- Watches ----------------------------------------------------------------------------------

    def _watch_root(self, root: Root) -> None:
        root.count = 0
        above = os.path.dirname(root.path)
        while not self._watch(root, above) and above not in ("/", ""):
            above = os.path.dirname(above)
        self._watch(root, root.path)  # at once: who has just asked for it may change it next
        self._go_through(root, root.path)

    def _go_through(self, root: Root, directory: str) -> None:
        self._todo.append((root, directory))
        if len(self._todo) == 1:
            self._reactor.soon(self._walk)

    def _walk(self) -> None:
        """Watch some more directories, and find those below them."""
        for _ in range(min(BATCH, len(self._todo))):
            root, directory = self._todo.popleft()
            if root not in self._roots:
                continue
            if root.count >= DIRECTORIES:
                self._warn_once(
                    f"{root.service}: {root.path} has more than {DIRECTORIES} directories, the "
                    "rest is not watched; exclude what need not be"
                )
            elif self._watch(root, directory):
                root.count += 1
                names = _subdirectories(directory)
                inner = (f"{directory.rstrip('/')}/{name}" for name in names)
                self._todo += ((root, path) for path in inner if root.has(path))
        if self._todo:
            self._reactor.soon(self._walk)

    def _watch(self, root: Root, directory: str) -> bool:
        """Whether it is a directory that is watched now."""
        try:
            number = self._kernel.add(directory)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                self._warn_once(
                    f"{root.service}: not all of {root.path} is watched: the limit of "
                    "fs.inotify.max_user_watches is reached; raise it, or exclude something"
                )
            return False
        self._watches[directory] = number
        self._paths.setdefault(number, set()).add(directory)
        return True

    def _drop(self, path: str) -> None:
        number = self._watches.pop(path, None)
        if number is None:
            return
        self._paths[number].discard(path)
        if not self._paths[number]:
            del self._paths[number]
            self._kernel.remove(number)

    def _warn_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._warn(text)


def _is_below(path: str, directory: str) -> bool:
    return path.startswith(directory.rstrip("/") + "/")


def _mark(path: str) -> Mark:
    """What tells a change of a path: a directory's own entries are looked at by the kernel."""
    try:
        found = seam.stat(path)
    except OSError:
        return ()
    if stat.S_ISDIR(found.st_mode):
        return found.st_dev, found.st_ino
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _subdirectories(path: str) -> list[str]:
    try:
        return seam.list_subdirectories(path)
    except OSError:
        return []
