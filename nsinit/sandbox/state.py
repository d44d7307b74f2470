"""The sandboxes that there are: a directory for each, with a lock that its processes hold.

    /run/nsinit/NAME/     or below $XDG_RUNTIME_DIR, or the private directory in /tmp
        lock              held by the launcher and by init, as long as one of them lives
        record.json       what is known of the sandbox (nsinit.sandbox.record)
        control.sock      unless the configuration puts it elsewhere
        log               what a detached sandbox wrote last

Who holds the lock alone may write or remove the rest. A launcher that is killed removes nothing;
the kernel takes its lock away, and the next command that looks finds a directory without owner,
takes the lock itself, and removes what the record names. A file that is removed may still be open:
a lock counts only while its path leads to it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from nsinit.errors import SandboxError, UnknownNameError
from nsinit.kernel import seam
from nsinit.named import Named
from nsinit.nearest import did_you_mean
from nsinit.places import RECORD_NAME, SOCKET_NAME, is_private, roots
from nsinit.process import alive
from nsinit.sandbox import leftovers
from nsinit.sandbox import record as records
from nsinit.sandbox.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LOCK: Final = "lock"
_PATIENCE: Final = 1.0  # s that somebody who only tidies up may hold a lock
_PAUSE_MS: Final = 10
_TRIES: Final = 100
_NUMBER_MAX: Final = 1000


class NameTakenError(SandboxError):
    """A sandbox of that name runs."""


class Found(Named):
    """A sandbox that runs, or whose directory another user owns."""

    directory: str
    record: Record


class Registration:
    """The entry of one sandbox, owned by its launcher. Without a directory it is in no list."""

    def __init__(self, record: Record, directory: str, lock: int, *, made_root: bool) -> None:
        self.record = record
        self.directory = directory
        self._lock = lock
        self._made_root = made_root
        self.notes: tuple[str, ...] = ()  # what did not work, for people

    @property
    def control(self) -> str | None:
        """Where the control socket should be."""
        return f"{self.directory}/{SOCKET_NAME}" if self.directory else None

    def update(self, **changes: Any) -> str:  # noqa: ANN401  (fields of the record)
        """Change the record; why it could not be written, or nothing."""
        self.record = self.record._replace(**changes)
        if not self.directory:
            return ""
        try:
            records.write(f"{self.directory}/{RECORD_NAME}", self.record.encode())
        except OSError as error:
            return f"cannot write the record of the sandbox in {self.directory}: {error.strerror}"
        return ""

    def clean_up_later(self, kind: str, path: str) -> str:
        """Have something outside removed when the sandbox has died; as `update`."""
        return self.update(cleanup=(*self.record.cleanup, (kind, path)))

    def clean_up_groups(self, paths: Iterable[str]) -> str:
        """The same with cgroups, which are about to be made."""
        return self.update(cleanup=(*self.record.cleanup, *(("cgroup", path) for path in paths)))

    def close(self) -> None:
        """The sandbox has ended in order: nothing is left of its entry."""
        if self.directory:
            # As it was written last: others may have added to it (nsinit net add).
            last = records.read(f"{self.directory}/{RECORD_NAME}")
            leftovers.remove_outside(last or self.record)
            leftovers.remove_directory(self.directory)
            os.close(self._lock)
            if self._made_root:
                with suppress(OSError):  # others may be in it
                    seam.rmdir(os.path.dirname(self.directory))
            self.directory = ""


def register_somehow(record: Record, env: Mapping[str, str]) -> Registration:
    """As `register`, under a name that nobody chose: NAME, NAME-2, NAME-3 ..."""
    for number in range(2, _NUMBER_MAX):
        try:
            return register(record, env)
        except NameTakenError:
            base = record.name if number == 2 else record.name.rpartition("-")[0]
            record = record._replace(name=f"{base}-{number}")
    return register(record, env)


def register(record: Record, env: Mapping[str, str]) -> Registration:
    """Enter a sandbox that is about to be made; NameTakenError if there is one of its name.

    Where nothing can be written the sandbox has no entry, and `notes` say so.
    """
    record = record._replace(
        launcher=os.getpid(),
        launcher_started=alive.start_time(os.getpid()),
        uid=os.geteuid(),
        created_at=seam.wall(),
        boot=alive.boot_id(),
        pids_of=alive.own_pids(),
    )
    reasons: list[str] = []
    _refuse_if_taken(record.name, env)
    for root in roots(env, os.geteuid()):
        directory = f"{root}/{record.name}"
        try:
            made_root, lock = _own(root, directory)
        except OSError as error:
            reasons.append(f"{directory}: {error.strerror or error}")
            continue
        if lock is None:
            raise _taken(record.name, directory)
        leftovers.remove_all(directory, records.read(f"{directory}/{RECORD_NAME}"), keep=(_LOCK,))
        made = Registration(record, directory, lock, made_root=made_root)
        note = made.update()
        made.notes = (note,) if note else ()
        return made
    made = Registration(record, "", -1, made_root=False)
    made.notes = (f"the sandbox is in no list ({'; '.join(reasons)})",)
    return made


def _refuse_if_taken(name: str, env: Mapping[str, str]) -> None:
    """A sandbox of ours in another directory, because this one could not be written then."""
    for one in running(env):
        if one.record.name == name and one.record.uid == os.geteuid():
            raise _taken(name, one.directory)


def _taken(name: str, directory: str) -> NameTakenError:
    return NameTakenError(
        f"cannot make the sandbox {name!r}: one of that name runs (see {directory})",
        hint=f"nsinit stop {name}, or another name: --name NAME",
    )


def _own(root: str, directory: str) -> tuple[bool, int | None]:
    """Make a directory and hold its lock, if nobody else does; OSError if there is no place.

    The first says whether the root is new too.
    """
    made_root = False
    for _ in range(_TRIES):
        try:
            made_root |= _make_directory(root, private=is_private(root))
            is_new = _make_directory(directory, private=is_private(root))
            fd = _open_lock(directory, os.O_CREAT)
        except FileNotFoundError:
            if not os.path.isdir(os.path.dirname(root)):
                raise
            continue  # removed in that moment
        try:
            is_held = _hold(fd, _PATIENCE)
        except OSError:
            os.close(fd)
            if is_new:
                leftovers.remove_directory(directory)
            raise
        if not is_held:
            os.close(fd)
            return made_root, None
        if _leads_to(f"{directory}/{_LOCK}", fd):
            return made_root, fd
        os.close(fd)
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))


def _make_directory(path: str, *, private: bool) -> bool:
    """Whether it is new; others may pass through it but not write there."""
    try:
        seam.mkdir(path, 0o711 if private else 0o755)
    except FileExistsError:
        if not _is_ours(path):
            raise PermissionError(errno.EPERM, "it is not ours alone") from None
        return False
    return True


def _is_ours(path: str) -> bool:
    """Whether it is a directory where nobody else can put anything."""
    try:
        found = seam.lstat(path)
    except FileNotFoundError:
        return True  # removed in that moment; the next try will tell
    except OSError:
        return False
    ours = found.st_uid == os.geteuid() and not found.st_mode & 0o022
    return found.st_mode & 0o170000 == 0o040000 and ours


def _open_lock(directory: str, flags: int = 0) -> int:
    flags |= os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    return seam.open_fd(f"{directory}/{_LOCK}", flags, 0o600)


def _hold(fd: int, patience: float) -> bool:
    """Whether the lock is ours now (flock(2)); it stays until the last copy of `fd` is closed."""
    until = seam.monotonic() + patience
    while True:
        try:
            seam.ask("flock")
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if seam.monotonic() >= until:
                return False
            select.select([], [], [], _PAUSE_MS / 1000)
        else:
            return True


def _leads_to(path: str, fd: int) -> bool:
    try:
        there, here = seam.stat(path), seam.fstat(fd)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)


# --- Looking --------------------------------------------------------------------------------------


def running(env: Mapping[str, str] | None = None) -> list[Found]:
    """All sandboxes that run, by name; what dead ones left is removed on the way."""
    env = os.environ if env is None else env
    made: list[Found] = []
    for root in roots(env, os.geteuid()):
        if is_private(root) and not _is_ours(root):
            continue
        try:
            names = seam.list_subdirectories(root)
        except OSError:
            continue
        for name in sorted(names):
            if not name.startswith("."):
                found = _look(f"{root}/{name}", name)
                made += [found] if found else []
    return sorted(made, key=lambda one: one.record.name)


def _look(directory: str, name: str) -> Found | None:
    record = _read(directory, name)
    if record is not None and record.is_alive():
        return Found(directory, record)
    try:
        fd = _open_lock(directory)
    except FileNotFoundError:
        return None  # no sandbox: the directory of an init that needs none
    except OSError:  # another user's: if its pids mean nothing here it may run
        known = record is not None and not record.countable()
        return Found(directory, record) if record and known else None
    try:
        if not _hold(fd, 0):
            return Found(directory, record or Record(name))  # alive, though we can't see how
        if _is_ours(directory) and _leads_to(f"{directory}/{_LOCK}", fd):
            again = _read(directory, name)
            if again is not None and again.is_alive():
                return Found(directory, again)
            leftovers.remove_outside(again)
            leftovers.remove_directory(directory)
    except OSError:
        pass
    finally:
        os.close(fd)
    return None


def _read(directory: str, name: str) -> Record | None:
    found = records.read(f"{directory}/{RECORD_NAME}")
    return found if found is not None and found.name == name else None


def find(name: str, env: Mapping[str, str] | None = None) -> Found:
    """The sandbox of that name, ours first; UnknownNameError if none runs."""
    everything = running(env)
    same = [one for one in everything if one.record.name == name]
    if same:
        return min(same, key=lambda one: one.record.uid != os.geteuid())
    hint = did_you_mean(name, sorted({one.record.name for one in everything}))
    if not hint:
        hint = "nsinit list" if everything else "no sandbox runs; see nsinit run --help"
    raise UnknownNameError(f"there is no sandbox {name!r}", hint=hint)


def find_sandbox_pid(name: str) -> int:
    """The pid of the init of a running sandbox, for joining it; SandboxError if there is none."""
    try:
        found = find(name)
    except UnknownNameError as error:
        raise SandboxError(error.message, hint=error.hint) from None
    if not found.record.pid or not found.record.countable():
        reason = "is still being made" if not found.record.pid else "runs in another pid namespace"
        raise SandboxError(f"cannot join the sandbox {name!r}: it {reason}")
    return found.record.pid


def wait_until_gone(found: Found, seconds: float) -> bool:
    """Whether its processes, launcher and init, have ended in that time."""
    until = seam.monotonic() + seconds
    one = found.record
    both = ((one.pid, one.started), (one.launcher, one.launcher_started))
    while True:
        listed = _look(found.directory, one.name) is not None
        pids = [pid for pid, started in both if one.countable() and alive.runs(pid, started)]
        if not listed and not pids:
            return True
        left = until - seam.monotonic()
        if left <= 0:
            return False
        if pids:
            _await_end(pids[0], left)
        else:
            select.select([], [], [], _PAUSE_MS / 1000)  # not to be seen from here, or half gone


def _await_end(pid: int, seconds: float) -> None:
    try:
        handle = seam.pidfd_open(pid)
    except OSError:
        return
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll(seconds * 1000)
    finally:
        os.close(handle)
