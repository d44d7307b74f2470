"""Into a sandbox that runs, without a word from its init: where that is, as whom, with its power.

Rules that hold here:

1. All is opened before anything is entered: what the paths of the host lead to is elsewhere then.
2. The namespaces are entered together, by one setns(2) with the pidfd of init: the kernel asks for
   the power that the caller had before, so that the user namespace comes neither first nor last.
3. Whoever enters is not dumpable from the beginning: its program is a file of the host, and guests
   may see it. It keeps no capability that init has not.
4. Only the children of whoever enters are in the pid namespace (setns(2)).
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.isolation.basics import Inside
from nsinit.isolation.imports import forbid
from nsinit.isolation.init import KeepOnly
from nsinit.kernel import creds, libc, mountinfo, namespaces, proc, seam

if TYPE_CHECKING:
    from collections.abc import Iterator

_GONE: Final = "its init has ended"
_SIZE: Final = 1 << 16  # bytes of a file of /proc/PID


class OpenInit(Inside):
    """Open all by which the init of a sandbox is known: first of all steps."""

    def __init__(self, pid: int, started: int) -> None:
        self._pid, self._started = pid, started
        self.pidfd = self.root = self._proc = -1
        self.kinds: list[namespaces.Kind] = []  # in which it is elsewhere than the caller

    def describe(self) -> str:
        """For people."""
        return "look at the init of the sandbox"

    def apply(self) -> None:
        """pidfd_open(2), then /proc/PID: both are of the process that was started then."""
        creds.set_dumpable(dumpable=False)
        try:
            self.pidfd = seam.pidfd_open(self._pid)
            directory = f"/proc/{self._pid}"
            self._proc = seam.open_fd(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except (ProcessLookupError, FileNotFoundError):
            raise ProcessLookupError(errno.ESRCH, _GONE) from None
        found = proc.stat(self._pid)
        if found is None or found.started != self._started or found.state in "ZX":
            raise ProcessLookupError(errno.ESRCH, _GONE)
        flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
        self.root = seam.open_fd("root", flags, dir_fd=self._proc)
        for kind in filter(namespaces.is_supported, namespaces.FLAGS):
            theirs = seam.stat(namespaces.path_of(kind, self._pid))
            if not os.path.samestat(theirs, seam.stat(namespaces.path_of(kind, "self"))):
                self.kinds.append(kind)

    def read(self, name: str) -> str:
        """A file of its /proc/PID, in the ids of whoever reads it."""
        fd = seam.open_fd(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc)
        try:
            return seam.read(fd, _SIZE).decode("utf-8", "surrogateescape")
        finally:
            os.close(fd)

    def status(self) -> dict[str, str]:
        """Its /proc/PID/status by the names of the lines."""
        rows = (line.partition(":") for line in self.read("status").splitlines())
        return {name: value.strip() for name, _, value in rows}

    def remedy(self, number: int) -> str:
        """Who may look at it."""
        if number in (errno.EACCES, errno.EPERM):
            return "root may, and who started it unless a service has the capability SYS_PTRACE"
        return ""


class JoinCgroups(Inside):
    """Count, and be limited, with init; a cgroup that can't be joined is told and no obstacle."""

    def __init__(self, init: OpenInit) -> None:
        self._init = init
        self.refused: list[str] = []

    def describe(self) -> str:
        """For people."""
        return "join the cgroups of init"

    def apply(self) -> None:
        """Write to the cgroup.procs of each that is another than our own; see cgroups(7)."""
        with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
            ours = dict(_cgroups(file.read()))
        mounts = [one for one in mountinfo.read() if one.kind in ("cgroup", "cgroup2")]
        for controllers, path in _cgroups(self._init.read("cgroup")):
            if ours.get(controllers) == path or controllers.startswith("name="):
                continue  # what has a name only groups processes, it limits nothing
            try:
                _join(next(_places(mounts, controllers, path), ""))
            except OSError as error:
                self.refused.append(f"{path} ({controllers or 'v2'}): {error.strerror}")


class EnterAll(Inside):
    """Be in all of its namespaces."""

    def __init__(self, init: OpenInit) -> None:
        self._init = init

    def describe(self) -> str:
        """For people."""
        return f"enter its namespaces {', '.join(self._init.kinds) or '(which are ours)'}"

    def apply(self) -> None:
        """setns(2) with a pidfd, Linux 5.8; from now on nothing is loaded, if the files differ."""
        if self._init.kinds:
            libc.setns(self._init.pidfd, namespaces.flags_of(self._init.kinds))
        os.fchdir(self._init.root)
        if not os.path.samestat(os.stat("/"), os.fstat(self._init.root)):
            seam.chroot(".")
        seam.chdir("/")
        if "mount" in self._init.kinds:
            forbid()

    def remedy(self, number: int) -> str:
        """Who may enter."""
        if number == errno.EPERM:
            return "root may, and the user who started it"
        return ""


class BeAsInit(Inside):
    """Have its ids and no more of its power than it has itself."""

    def __init__(self, init: OpenInit) -> None:
        self._init = init

    def describe(self) -> str:
        """For people."""
        return "be who init is, and as powerful"

    def apply(self) -> None:
        """setgroups(2), setresgid(2), setresuid(2), umask(2), capset(2), as status tells them."""
        told = self._init.status()
        groups = sorted(map(int, told["Groups"].split()))
        if groups != sorted(os.getgroups()):
            with suppress(PermissionError):  # a map with setgroups denied: nobody has lost any
                seam.setgroups(groups)
        gid, uid = (tuple(map(int, told[name].split()[:3])) for name in ("Gid", "Uid"))
        if gid != os.getresgid():
            seam.setresgid(*gid)
        if uid != os.getresuid():
            seam.setresuid(*uid)
        os.umask(int(told.get("Umask", "022"), 8))
        creds.set_dumpable(dumpable=False)  # it was reset with the ids, prctl(2)
        if told.get("NoNewPrivs") == "1":
            creds.set_no_new_privs()
        KeepOnly(int(told["CapPrm"], 16)).apply()


def _cgroups(text: str) -> Iterator[tuple[str, str]]:
    """Controllers and path of each line of /proc/PID/cgroup; cgroup v2 has none written there."""
    for line in text.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        yield controllers, path


def _places(mounts: list[mountinfo.Mount], controllers: str, path: str) -> Iterator[str]:
    """Where the directory of a cgroup can be seen."""
    wanted = set(filter(None, controllers.split(",")))
    for one in mounts:
        is_v2 = one.kind == "cgroup2"
        if is_v2 == bool(wanted) or not wanted <= set(one.super_options):
            continue
        root = one.root.rstrip("/")
        if path == root or path.startswith(f"{root}/"):
            yield f"{one.target}{path.removeprefix(root)}"


def _join(directory: str) -> None:
    if not directory:
        raise FileNotFoundError(errno.ENOENT, "it is not mounted here")
    fd = seam.open_fd(f"{directory}/cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
    try:
        seam.write(fd, b"0")
    finally:
        os.close(fd)
