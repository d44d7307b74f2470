"""Sandboxes on one bridge know each other by name: in their /etc/hosts, which is kept up to date.

Each has a file of its own in the registry, mounted read-only over its /etc/hosts. Whoever comes or
goes, and whoever finds that somebody was killed, writes all of them anew: what stands above a mark
stays, the names of the others on the same bridge come below it. The lock is that of the ledger of
the network namespace. A mount leads to a file and not to its name, so each is written in place; in
one piece, so that no reader sees half a line.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.isolation.basics import Inside
from nsinit.isolation.files import host_lines, own_hosts, write_rows
from nsinit.kernel import mounts, seam
from nsinit.network.ledger import Ledger
from nsinit.places import RECORD_NAME
from nsinit.sandbox import record as records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.model.sandboxes import Sandbox
    from nsinit.sandbox.record import Record
    from nsinit.sandbox.state import Registration

FILE: Final = "hosts"
_TARGET: Final = "/etc/hosts"
_MARK: Final = "# Sandboxes on the same bridge; kept up to date by nsinit.\n"
_MOST: Final = 1 << 20  # bytes
_SAFE: Final = mounts.RDONLY | mounts.NOSUID | mounts.NODEV | mounts.NOEXEC


class HostsFile:
    """Write the file, and hold it for init, which may see another root than ours."""

    def __init__(self, sandbox: Sandbox, entry: Registration | None) -> None:
        self._sandbox, self._entry = sandbox, entry
        self._mount = -1

    def describe(self) -> str:
        """For people."""
        return "keep a file with the names of the sandboxes on the same bridge"

    def apply(self) -> None:
        """With what the sandbox would find there without the others."""
        assert self._entry is not None  # noqa: S101  (only a dry run has none)
        assert self._sandbox.network is not None  # noqa: S101  (else nobody is on a bridge)
        lines = own_hosts(self._sandbox.hostname) if self._sandbox.has_own_root else host_lines()
        lines += write_rows(self._sandbox.network.hosts)
        path = f"{self._entry.directory}/{FILE}"
        records.write(path, (lines + _MARK).encode("utf-8", "surrogateescape"))
        with suppress(OSError):  # no power over these mounts: init has it over its copy
            self._hold(path)

    def hold(self) -> None:
        """In init, before it is in its root: unless the launcher holds it already."""
        if self._mount < 0 and self._entry is not None:
            with suppress(OSError):
                self._hold(f"{self._entry.directory}/{FILE}")

    def _hold(self, path: str) -> None:
        fd = seam.open_fd(path, os.O_PATH | os.O_CLOEXEC)
        try:
            self._mount = mounts.clone_tree(fd)
            mounts.set_attributes(self._mount, add=_SAFE)
        finally:
            os.close(fd)

    def put(self) -> None:
        """Mount it, in init; a root where that can't be goes without."""
        if self._mount < 0:
            return
        try:
            with suppress(OSError):
                target = seam.open_fd(_TARGET, os.O_PATH | os.O_CLOEXEC)
                try:
                    mounts.attach(self._mount, target)
                finally:
                    os.close(target)
        finally:
            self.undo()

    def undo(self) -> None:
        """The file goes with the directory that it is in."""
        if self._mount >= 0:
            os.close(self._mount)
            self._mount = -1

    def remedy(self, number: int) -> str:
        """None is known."""
        del number
        return ""


class HostsHeld(Inside):
    """The part of init while it still sees the file."""

    def __init__(self, file: HostsFile) -> None:
        self._file = file

    def describe(self) -> str:
        """For people."""
        return "hold that file"

    def apply(self) -> None:
        """open_tree(2)."""
        self._file.hold()


class HostsMounted(Inside):
    """The part of init, in its root."""

    def __init__(self, file: HostsFile) -> None:
        self._file = file

    def describe(self) -> str:
        """For people."""
        return f"mount it over {_TARGET}"

    def apply(self) -> None:
        """move_mount(2)."""
        self._file.put()


class NamesTold(Inside):
    """Tell all who are on the same bridge; at the end too."""

    def __init__(self, file: HostsFile, entry: Registration | None) -> None:
        self._file, self._entry = file, entry

    def describe(self) -> str:
        """For people."""
        return "tell the sandboxes on the same bridge of each other"

    def apply(self) -> None:
        """Its address is known by now."""
        assert self._entry is not None  # noqa: S101  (only a dry run has none)
        self._file.undo()
        registry = os.path.dirname(self._entry.directory)
        self._entry.clean_up_later("names", registry)
        tell_all(registry, self._entry.record)

    def undo(self) -> None:
        """Without it."""
        if self._entry is not None and self._entry.directory:
            registry = os.path.dirname(self._entry.directory)
            tell_all(registry, self._entry.record, gone=True)


def tell_all(registry: str, who: Record, *, gone: bool = False) -> None:
    """Write the files of all that are in the same network as `who`; never raises.

    What can't be written stays as it was: a name more or less is no reason to end anybody.
    """
    ledger = _ledger(who)
    if not ledger:
        return
    with suppress(OSError), Ledger(ledger, who.owner).held():
        near = [
            (directory, record)
            for directory, record in _records(registry)
            if _ledger(record) == ledger and not (gone and record.name == who.name)
        ]
        for directory, record in near:
            with suppress(OSError, TypeError, AttributeError):  # whatever a record holds
                others = "".join(_rows(record, [one for _, one in near]))
                _write_below_mark(f"{directory}/{FILE}", others.encode())


def _ledger(record: Record) -> str:
    """The directory that stands for its network namespace."""
    return next((path for kind, path in record.cleanup if kind == "network"), "")


def _records(registry: str) -> Iterator[tuple[str, Record]]:
    """Those that run; what is left of others is for somebody else to remove."""
    for name in sorted(seam.list_subdirectories(registry)):
        found = records.read(f"{registry}/{name}/{RECORD_NAME}")
        if found is not None and found.name == name and found.is_alive():
            yield f"{registry}/{name}", found


def _rows(record: Record, near: list[Record]) -> Iterator[str]:
    """A line for each address of the others on a bridge of this one."""
    bridges = {one.get("bridge") for one in record.network} - {None}
    for other in near:
        if other.name == record.name:
            continue
        for one in other.network:
            if one.get("bridge") in bridges:
                for address in one.get("address", ()):
                    yield f"{address.partition('/')[0]}\t{other.name}\n"


def _write_below_mark(path: str, names: bytes) -> None:
    fd = seam.open_fd(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        old = seam.read(fd, _MOST)
        mark = _MARK.encode()
        above, found, _ = old.partition(mark)
        new = above + mark + names
        if found and new != old:
            seam.pwrite(fd, new.ljust(len(old), b"\n"), 0)
            seam.ftruncate(fd, len(new))
    finally:
        os.close(fd)
