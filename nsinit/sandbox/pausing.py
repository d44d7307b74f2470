"""Freezing a whole sandbox from outside: all that is in its cgroup, its init included.

The group is found by the paths that the entry of the sandbox has, which its launcher wrote there
before it made it. A frozen init answers nobody, so whoever asks something of it looks here first.
"""

from __future__ import annotations

import os
import select
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from nsinit.cgroups import freezing
from nsinit.errors import ControlError, DeniedError, TimedOutError
from nsinit.kernel import cgroups, seam

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.cgroups.group import Group
    from nsinit.sandbox.record import Record

_LOOK_AGAIN: Final = 0.01  # s


def pause(record: Record, timeout: float) -> None:
    """Freeze it, and wait until all of it stands still; TimedOutError with it going on again."""
    until = seam.monotonic() + timeout
    with _group(record) as group:
        if group is None or not freezing.can_freeze(group):
            hint = "[sandbox] resources = {}, or any limit: nsinit run --pids 1000 ..."
            reason = "its cgroup can't be frozen" if group is not None else "it has no cgroup"
            raise ControlError(f"cannot pause the sandbox {record.name!r}: {reason}", hint=hint)
        try:
            freezing.freeze(group)
            while not freezing.is_frozen(group):
                if seam.monotonic() >= until:
                    freezing.thaw(group)
                    what = f"cannot pause the sandbox {record.name!r}"
                    raise TimedOutError(f"{what}: a process of it does not freeze")
                select.select([], [], [], _LOOK_AGAIN)
        except OSError as error:
            raise _failed("pause", record, error) from None


def unpause(record: Record) -> None:
    """Let it go on, if it is paused."""
    with _group(record) as group:
        try:
            if group is not None:
                freezing.thaw(group)
        except OSError as error:
            raise _failed("unpause", record, error) from None


def is_paused(record: Record) -> bool:
    """Whether all of it stands still."""
    with _group(record) as group:
        return group is not None and freezing.is_frozen(group)


def thaw_if_paused(record: Record) -> None:
    """So that it can act on what it is asked or sent next; what can't be stays. Never raises.

    In version 1 its services too, where they are paused: their init could not end without them.
    """
    with _group(record) as group, suppress(OSError):
        if group is None:
            return
        if (freezer := group.branch("freezer")) is not None:
            freezing.thaw_all(freezer.fd)
        if freezing.is_frozen(group):
            freezing.thaw(group)


@contextmanager
def _group(record: Record) -> Iterator[Group | None]:
    """The group of the sandbox as far as it is there, by new descriptors; None if it has none."""
    paths = [path for kind, path in record.cleanup if kind == "cgroup"]
    if not paths:
        yield None
        return
    from nsinit.cgroups.group import Branch, Group  # noqa: PLC0415  (most have none)
    from nsinit.cgroups.top import PREFIX  # noqa: PLC0415  (the same)

    branches = []
    for path in paths:
        name = path.rpartition("/")[2]
        if not name.startswith(PREFIX) or name.endswith(".outside"):  # that one is its launcher's
            continue
        with suppress(OSError):
            fd = cgroups.open_group(path)
            version = 2 if cgroups.has(fd, "cgroup.controllers") else 1
            freezer = frozenset({"freezer"} if cgroups.has(fd, freezing.STATE) else ())
            branches.append(Branch(version, freezer, -1, fd, path))
    try:
        yield Group(record.name, branches) if branches else None
    finally:
        for one in branches:
            os.close(one.fd)


def _failed(verb: str, record: Record, error: OSError) -> ControlError:
    kind = DeniedError if isinstance(error, PermissionError) else ControlError
    return kind(f"cannot {verb} the sandbox {record.name!r}: {error.strerror or error}")
