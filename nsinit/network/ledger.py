"""Who has which address and which port of a bridge, and which bridges nsinit has made.

    REGISTRY/.net/INODE/        of one network namespace; who changes anything holds its lock
        on.BRIDGE/
            made                the MAC of a bridge that nsinit has made: it is removed with the
                                last port
            10.231.0.2          whose that address is
            port.nsv0a1b2c3d    whose that interface of the host is

The file of an address or a port has one line that stands for a sandbox. What belongs to none that
runs is free. So two sandboxes never get the same address, and what a killed launcher left is found.
"""

from __future__ import annotations

import fcntl
import os
import select
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from nsinit.kernel import interfaces, seam
from nsinit.process.alive import owner_runs

if TYPE_CHECKING:
    from collections.abc import Iterator

_MADE: Final = "made"
_PORT: Final = "port."
_ON: Final = "on."
_PATIENCE: Final = 10.0  # s that somebody else may hold the lock: he talks to the kernel only
_PAUSE: Final = 0.005  # s
_LINE_MAX: Final = 512  # bytes


def here() -> int:
    """The network namespace of this process (inode)."""
    return seam.stat("/proc/self/ns/net").st_ino


def directory_of(registry: str) -> str:
    """Where the account of this network namespace is kept, beside the sandboxes of a registry."""
    return f"{registry}/.net/{here()}"


def _here_or_nothing() -> str:
    try:
        return str(here())
    except OSError:
        return ""


class Ledger:
    """The account of one network namespace, for one sandbox; to be changed while it is `held`."""

    def __init__(self, directory: str, owner: str) -> None:
        self.directory, self.owner = directory, owner

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock; OSError if somebody else does not let go of it."""
        fd = _lock(self.directory, make=True)
        try:
            yield
        finally:
            os.close(fd)

    def take(self, bridge: str, name: str) -> str:
        """Have an address to oneself; whose it is, if it is somebody else's, or nothing."""
        directory = f"{self.directory}/{_ON}{bridge}"
        path = f"{directory}/{name}"
        with suppress(FileExistsError):
            seam.mkdir(directory, 0o755)
        line = _read(path)
        if line and owner_runs(line):
            return line.split()[0]
        with suppress(FileNotFoundError):
            seam.unlink(path)
        _write(path, self.owner)
        return ""

    def take_port(self, bridge: str, name: str) -> None:
        """Enter an interface of the host that is about to be made."""
        self.take(bridge, _PORT + name)

    def give_back(self, bridge: str, names: list[str]) -> None:
        """Let go of addresses and ports ("port.NAME") that are one's own."""
        for name in names:
            path = f"{self.directory}/{_ON}{bridge}/{name}"
            if _read(path) == self.owner:
                seam.unlink(path)

    def port_names(self) -> dict[str, str]:
        """The interfaces of the host that are one's own, with their bridges."""
        found = {}
        for bridge, directory in _bridges(self.directory):
            for name in _names(directory):
                if name.startswith(_PORT) and _read(f"{directory}/{name}") == self.owner:
                    found[name.removeprefix(_PORT)] = bridge
        return found

    def has_made(self, bridge: str, mac: str) -> bool:
        """Whether nsinit has made the bridge with that name and MAC."""
        return bool(mac) and _read(f"{self.directory}/{_ON}{bridge}/{_MADE}") == mac

    def will_make(self, bridge: str, mac: str) -> None:
        """Enter a bridge that is about to be made."""
        directory = f"{self.directory}/{_ON}{bridge}"
        with suppress(FileExistsError):
            seam.mkdir(directory, 0o755)
        with suppress(FileNotFoundError):
            seam.unlink(f"{directory}/{_MADE}")
        _write(f"{directory}/{_MADE}", mac)

    def sweep(self, *, own: bool = True) -> None:
        """Remove all that is one's `own`, and bridges that nobody needs any more; never raises."""
        try:
            fd = _lock(self.directory, make=False)
        except OSError:
            return
        try:
            known = self.directory.rpartition("/")[2] == _here_or_nothing()
            for bridge, directory in _bridges(self.directory):
                with suppress(OSError):
                    self._sweep_bridge(bridge, directory, known=known, own=own)
            with suppress(OSError):
                seam.rmdir(self.directory)
                seam.rmdir(os.path.dirname(self.directory))
        finally:
            os.close(fd)

    def _sweep_bridge(self, bridge: str, directory: str, *, known: bool, own: bool) -> None:
        """What is on one bridge; `known`: whether it is of the network namespace that we are in."""
        found = {one.name: one for one in interfaces.list_all()} if known else {}
        needed = False
        for name in _names(directory):
            line = _read(f"{directory}/{name}")
            port = found.get(name.removeprefix(_PORT)) if name.startswith(_PORT) else None
            if name == _MADE:
                continue
            if (line != self.owner or not own) and owner_runs(line):
                needed = True
                continue
            if port is not None:
                with suppress(OSError):
                    interfaces.delete(port.number)
            seam.unlink(f"{directory}/{name}")
        if known and not needed and (mac := _read(f"{directory}/{_MADE}")):
            left = {one.name: one for one in interfaces.list_all()}
            made = left.get(bridge)
            if made is None or made.mac != mac:
                seam.unlink(f"{directory}/{_MADE}")
            elif not any(one.master == made.number for one in left.values()):
                interfaces.delete(made.number)
                seam.unlink(f"{directory}/{_MADE}")
        with suppress(OSError):
            seam.rmdir(directory)


def _lock(directory: str, *, make: bool) -> int:
    """A descriptor that holds the lock of a directory which may be removed at any time."""
    until = seam.monotonic() + _PATIENCE
    while True:
        try:
            if make:
                _make(directory)
            fd = seam.open_fd(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:  # or the one above, which somebody else has just removed
            if make and seam.monotonic() < until:
                continue
            raise
        try:
            seam.ask("flock")
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(seam.fstat(fd), seam.stat(directory)):
                return fd
        except BlockingIOError:
            if seam.monotonic() >= until:
                os.close(fd)
                raise
            select.select([], [], [], _PAUSE)
        except FileNotFoundError:
            pass
        except OSError:
            os.close(fd)
            raise
        os.close(fd)


def _make(directory: str) -> None:
    """With those above it: os.makedirs would leave it to the umask who may write to them."""
    with suppress(FileExistsError):
        try:
            seam.mkdir(directory, 0o755)
        except FileNotFoundError:
            _make(os.path.dirname(directory))
            seam.mkdir(directory, 0o755)


def _bridges(directory: str) -> list[tuple[str, str]]:
    names = sorted(_names(directory))
    return [
        (name.removeprefix(_ON), f"{directory}/{name}") for name in names if name.startswith(_ON)
    ]


def _names(directory: str) -> list[str]:
    try:
        return seam.list_directory(directory)
    except OSError:
        return []


def _read(path: str) -> str:
    try:
        fd = seam.open_fd(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return ""
    try:
        return seam.read(fd, _LINE_MAX).decode("utf-8", "replace").strip()
    finally:
        os.close(fd)


def _write(path: str, line: str) -> None:
    fd = seam.open_fd(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        seam.write(fd, line.encode() + b"\n")
    finally:
        os.close(fd)
