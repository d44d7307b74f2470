"""Where groups can be made here, and what can be limited in them. Looks, and changes nothing.

In version 1 that is in the group that we are in. In version 2 a group with processes gives no
controllers to groups in it ("no internal processes"): then it is the one above it, as runc has it,
or our own if there is nobody else in it, who then has to leave it.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.cgroups.group import SUBTREE
from nsinit.cgroups.settings import CONTROLLERS, NEEDED, controller_name, unsupported
from nsinit.kernel import cgroups
from nsinit.model.resources import asked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nsinit.cgroups.group import Group
    from nsinit.kernel.cgroups import Place
    from nsinit.model.resources import Resources

# Made where they can be, also without a limit: for statistics, to pause and to kill. In version 1
# a cpuset can be in the way of whoever has none, so there is one only for whoever asks for it.
USUAL: Final = frozenset({"cpu", "cpuacct", "memory", "pids", "freezer", "io"})
_WITHOUT: Final = "resources_optional = true does without"


class Spot(NamedTuple):
    """Where a group can be made in one hierarchy, or why not."""

    version: int
    controllers: frozenset[str]  # by their names of version 2, that a group there can have
    directory: str
    moves: bool = False  # whether we have to leave it first (version 2)
    why: str = ""  # it can't be
    hint: str = ""
    asleep: frozenset[str] = frozenset()  # controllers that are there, but not for such a group
    chain: tuple[str, ...] = ()  # the directories from the mount on, in version 2


class Spots(NamedTuple):
    """All of them."""

    spots: tuple[Spot, ...] = ()
    given: bool = False  # within a group that is there, which will not become another

    def of(self, controller: str) -> Spot | None:
        """The one with a controller, usable or not."""
        found = [one for one in self.spots if controller in one.controllers | one.asleep]
        return next((one for one in found if controller in one.controllers), None) or next(
            iter(found), None
        )

    def usable_of(self, controllers: Iterable[str]) -> frozenset[str]:
        """Those that a group can have."""
        have = {name for one in self.usable for name in one.controllers}
        return frozenset(controllers) & have

    @property
    def usable(self) -> list[Spot]:
        """Where something can be made."""
        return [one for one in self.spots if not one.why]


def find_spots(wanted: Iterable[str], parent: str | None = None) -> Spots:
    """Where to make a group that is to have these controllers; below `parent` if that is given."""
    places = cgroups.places()
    first = {controller_name(c) for place in places for c in place.controllers}
    rest = frozenset(wanted) - first
    return Spots(tuple(
        _spot_1(place, parent) if place.version == 1 else _spot_2(place, rest, parent)
        for place in places
    ))  # fmt: skip


def _spot_1(place: Place, parent: str | None) -> Spot:
    controllers = frozenset(map(controller_name, place.controllers))
    directory = place.directory if parent is None else place.mount + parent.rstrip("/")
    why, hint = _why_not(place, directory)
    return Spot(1, controllers, directory, why=why, hint=hint)


def _spot_2(place: Place, wanted: frozenset[str], parent: str | None) -> Spot:
    if parent is not None:
        below = [parent.rstrip("/")]
    else:
        below = [place.below]
        below += [place.below.rpartition("/")[0]] if place.below else []
    found = [_look(place, path, own=path == place.below) for path in below]
    return max(found, key=lambda one: (not one.why, len(wanted & one.controllers)))


def _look(place: Place, below: str, *, own: bool) -> Spot:
    """What a group below this one would have."""
    directory = place.mount + below
    why, hint = _why_not(place, directory)
    names = below.split("/")[1:]
    chain = tuple("/".join((place.mount, *names[:count])) for count in range(len(names) + 1))
    known = found = frozenset[str]()  # by the group above, or as soon as that gives them
    moves = False
    for path in chain:
        with suppress(OSError), _Opened(path) as group:
            have = _named(group, "cgroup.controllers")
            known, found = known | have, found | have
            inside = [] if cgroups.is_root(group) else _processes(group)
            moves = own and path == directory and inside == [os.getpid()]
            if (inside and not moves) or not os.access(f"{path}/{SUBTREE}", os.W_OK):
                found = _named(group, SUBTREE)
    return Spot(2, found, directory, moves, why, hint, known - found, chain)


def _processes(group: int) -> list[int]:
    """Those in it, also those that have no pid here (0)."""
    return [int(word) for word in cgroups.words(group, cgroups.PROCS) if word.isdigit()]


class _Opened:
    def __init__(self, path: str) -> None:
        self._fd = cgroups.open_group(path)

    def __enter__(self) -> int:
        return self._fd

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def _why_not(place: Place, directory: str) -> tuple[str, str]:
    if not place.writable:
        hint = "in Docker: --security-opt writable-cgroups=true (since 28), or --privileged"
        return f"{place.mount} is mounted read-only", hint
    if os.access(directory, os.W_OK | os.X_OK, effective_ids=True):
        return "", ""
    if not os.path.isdir(directory):
        return f"there is no {directory}", ""
    hint = "have one delegated: systemd-run --user --scope -p Delegate=yes nsinit ..., or chown"
    return f"{directory} can't be written to", hint


def spots_within(group: Group) -> Spots:
    """What can be limited in a group that is there."""
    path = "/proc/self/fd/{}".format
    found = (Spot(one.version, one.controllers, path(one.fd)) for one in group.branches)
    return Spots(tuple(found), given=True)


# --- What is missing ------------------------------------------------------------------------------


class Lack(NamedTuple):
    """A key that can't be done here."""

    key: str
    why: str
    hint: str


def lacking(resources: Resources, spots: Spots, *, devices: bool = True) -> Iterator[Lack]:
    """What can't be limited in a group that is made in these places.

    `devices` are looked for, unless their paths are those of another root.
    """
    for key in asked(resources):
        controller = CONTROLLERS[key]
        spot = spots.of(controller)
        if spot is None and key == "device_access" and any(s.version == 2 for s in spots.usable):
            if why := _no_filter():
                yield Lack(key, why, _WITHOUT)
        elif spot is None:
            yield Lack(key, *_missing(controller, spots))
        elif spot.why:
            yield Lack(key, spot.why, f"{spot.hint}; {_WITHOUT}" if spot.hint else _WITHOUT)
        elif controller not in spot.controllers:
            why = f"the controller {controller} can't be enabled in {spot.directory}"
            hint = "others are in it: run nsinit alone in a cgroup, as systemd-run --scope does"
            yield Lack(key, why, f"{hint}; {_WITHOUT}")
        else:
            why, hint = unsupported(key, spot.version, resources)
            if why:
                yield Lack(key, why, f"{hint}; or {_WITHOUT}")
            elif why := _no_file(key, spot):
                yield Lack(key, why, _WITHOUT)
    if devices:
        yield from _unknown_devices(resources)


def no_group(spots: Spots) -> Lack | None:
    """Why there can't be any group at all; None if there can be one."""
    if spots.usable:
        return None
    why = next((one.why for one in spots.spots), "no cgroups are mounted here")
    hint = next((f"{one.hint}; {_WITHOUT}" for one in spots.spots if one.hint), _WITHOUT)
    return Lack("", why, hint)


def _missing(controller: str, spots: Spots) -> tuple[str, str]:
    if not spots.spots:
        hint = "mount -t cgroup2 none /sys/fs/cgroup"
        return "no cgroups are mounted here", f"{hint}; {_WITHOUT}"
    name = "io (blkio)" if controller == "io" else controller
    if spots.given:
        hint = "it has what was asked for when it was made: stop it, and run it anew"
        return f"the cgroup of the sandbox has no controller {name}", f"{hint}; {_WITHOUT}"
    return f"there is no cgroup controller {name} here", f"see /proc/cgroups; {_WITHOUT}"


def _no_file(key: str, spot: Spot) -> str:
    """The file may be missing where the controller is; at the root there are few of them."""
    names = NEEDED.get((key, spot.version), ())
    if not names:
        return ""
    with suppress(OSError), _Opened(spot.directory) as group:
        if spot.version == 2 and cgroups.is_root(group):
            return ""
        if spot.version == 2 and CONTROLLERS[key] not in _named(group, "cgroup.controllers"):
            return ""  # not to be seen before it is enabled
        if key == "io.weight" and not cgroups.has(group, "blkio.weight"):
            inner = _any_inside(group, names)
            return "" if inner else f"this kernel has no {' or '.join(names)}"
        if not any(cgroups.has(group, name) for name in names):
            return f"this kernel has no {' or '.join(names)}"
    return ""


def _no_filter() -> str:
    from nsinit.kernel.devicefilter import can_attach  # noqa: PLC0415  (few limit devices)

    return "" if can_attach() else "only root of the machine can, by a program for the kernel"


def _named(group: int, file: str) -> frozenset[str]:
    return frozenset(map(controller_name, cgroups.words(group, file)))


def _any_inside(group: int, names: tuple[str, ...]) -> bool:
    """Whether the group or one in it has such a file; the root of version 1 has none of weights."""
    inside = cgroups.groups_in(group)
    for name in (".", *inside[:1]):
        with suppress(OSError):
            fd = cgroups.open_group(name, group)
            try:
                if any(cgroups.has(fd, file) for file in names):
                    return True
            finally:
                os.close(fd)
    return not inside  # nobody can tell


def _unknown_devices(resources: Resources) -> Iterator[Lack]:
    from nsinit.cgroups.devices import device_numbers  # noqa: PLC0415  (few limit any)

    limits = resources.io.limits if resources.io is not None else []
    for index, limit in reversed(list(enumerate(limits))):  # each can be taken out by its index
        try:
            device_numbers(limit.device)
        except OSError as error:
            hint = "name the device itself" if error.errno == errno.ENOTBLK else ""
            why = f"cannot find the device of {limit.device}: {error.strerror}"
            yield Lack(f"io.limits.{index}", why, hint)
