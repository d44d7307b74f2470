"""What is known of one sandbox: a small JSON file beside its control socket.

A pid alone says little: the record has the start time of the process too, the boot in which it
was written, and the pid namespace in which the pids count. Whatever a file holds can be read:
rubbish is no record.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import Any, Final

from nsinit import jsontext
from nsinit.kernel import seam
from nsinit.named import Named
from nsinit.process.alive import boot_id, format_owner, own_pids, runs

_SIZE_MAX: Final = 1 << 20  # bytes
VERSION: Final = 1

# What a dead sandbox has left outside of its own directory: a kind and a path.
#   mount      a mount point to detach, and its file or directory to remove
#   file       a file to remove
#   directory  a directory to remove if it is empty
#   socket     a socket to remove if nobody listens on it
#   pid-file   a file to remove if it still has the pid of this sandbox
#   cgroup     a group to remove, after a KILL to all that is in it
#   network    a directory with the addresses and interfaces of sandboxes (nsinit.network.ledger)
#   nft        /INODE/NAME: a table of that network namespace (nsinit.sandbox.firewall)
#   localnet   /INODE/BRIDGE: that 127.0.0.1 is answered over a bridge
#   names      the registry whose sandboxes are told that this one is gone (nsinit.sandbox.names)
KINDS: Final = (
    "mount", "file", "directory", "socket", "pid-file", "cgroup", "network", "nft", "localnet",
    "names",
)  # fmt: skip


class Record(Named):
    """One sandbox. `created_at` is in seconds since the epoch, start times in clock ticks."""

    name: str
    pid: int = 0  # of init; 0 while it is made
    started: int = 0
    launcher: int = 0
    launcher_started: int = 0
    uid: int = 0
    config: str = ""
    command: tuple[str, ...] = ()
    created_at: float = 0.0
    control: str = ""  # the path of the control socket
    namespaces: dict[str, int] = {}  # noqa: RUF012  (never changed) by the names of /proc/PID/ns
    cleanup: tuple[tuple[str, str], ...] = ()
    published: tuple[str, ...] = ()  # ports of the host, as nsinit.model.publish writes them
    network: tuple[dict[str, Any], ...] = ()  # its interfaces (nsinit.network.plug)
    boot: str = ""
    pids_of: int = 0  # the pid namespace (inode) that pids are of
    version: int = VERSION

    def encode(self) -> bytes:
        """As the file has it."""
        return jsontext.encode(self._asdict(), indent=1) + b"\n"

    def is_alive(self) -> bool:
        """Whether its init runs, or its launcher while there is no init yet; as the pids tell."""
        if self.boot != boot_id() or self.pids_of != own_pids():
            return False
        if self.pid:
            return runs(self.pid, self.started)
        return runs(self.launcher, self.launcher_started)

    @property
    def owner(self) -> str:
        """One line that stands for this sandbox and for no other (nsinit.network.ledger)."""
        started = self.launcher_started
        return format_owner(self.name, self.launcher, started, self.pids_of, self.boot)

    def countable(self) -> bool:
        """Whether its pids mean anything here."""
        return self.boot == boot_id() and self.pids_of == own_pids()


def decode(data: bytes) -> Record | None:
    """The record in a file; None for anything else."""
    try:
        found = jsontext.decode(data)
        if not isinstance(found, dict) or found.get("version") != VERSION:
            return None
        made = Record(**found)
        made = made._replace(
            command=tuple(made.command),
            network=tuple(made.network),
            published=tuple(made.published),
            cleanup=tuple((kind, path) for kind, path in made.cleanup),
        )
    except (ValueError, TypeError, RecursionError):
        return None
    return made if _is_sound(made) else None


def _is_sound(record: Record) -> bool:
    for name, kind in _TYPES.items():
        value: Any = getattr(record, name)
        if not isinstance(value, kind) or isinstance(value, bool):
            return False
    numbers = (record.pid, record.launcher, *record.namespaces.values())
    return (
        all(isinstance(number, int) and 0 <= number < 1 << 63 for number in numbers)
        and all(isinstance(word, str) for word in record.command)
        and all(isinstance(one, dict) for one in record.network)
        and all(isinstance(one, str) for one in record.published)
        and all(kind in KINDS and is_plain(path) for kind, path in record.cleanup)
        and (not record.control or is_plain(record.control))
    )


_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(("name", "config", "control", "boot"), str),
    **dict.fromkeys(("pid", "started", "launcher", "launcher_started", "uid", "pids_of"), int),
    "created_at": (int, float),
    "namespaces": dict,
}


def is_plain(path: object) -> bool:
    """Whether it is an absolute path."""
    return isinstance(path, str) and path.startswith("/") and "\0" not in path


def read(path: str) -> Record | None:
    """The record in a file of our own or of root's; None if there is none."""
    try:
        fd = seam.open_fd(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        found = seam.fstat(fd)
        if found.st_uid not in (0, os.geteuid()) or found.st_size > _SIZE_MAX:
            return None
        return decode(seam.read(fd, _SIZE_MAX))
    except OSError:
        return None
    finally:
        os.close(fd)


def write(path: str, data: bytes, mode: int = 0o644) -> None:
    """Replace a file by one that has this in it: never half of it. OSError if that can't be."""
    draft = f"{path}.{os.getpid()}"
    fd = seam.open_fd(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        try:
            seam.fchmod(fd, mode)
            while data:
                written = seam.write(fd, data)
                if not written:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                data = data[written:]
        finally:
            os.close(fd)
        seam.rename(draft, path)
    except OSError:
        with suppress(OSError):
            seam.unlink(draft)
        raise


def namespaces_of(pid: int) -> dict[str, int]:
    """The namespaces (inodes) of a process, by their names in /proc/PID/ns; 0 is this one."""
    made: dict[str, int] = {}
    who = pid or "self"
    try:
        names = seam.list_directory(f"/proc/{who}/ns")
    except OSError:
        return made
    for name in sorted(names):
        if name.endswith("_for_children"):
            continue
        with suppress(OSError):
            made[name] = seam.stat(f"/proc/{who}/ns/{name}").st_ino
    return made
