"""Checks of what a service has of its own: namespaces, a root, mounts. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.model.checks_root import bad_path, mount_wrong
from nsinit.model.sandboxes import origin
from nsinit.model.types import show
from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.spec import Config, Service

    Finding = tuple[KeyPath, str, str]  # where, what is wrong, what to do
    Check = Callable[[Config], Iterator[Finding]]

FD_MIN: Final = 3
FD_MAX: Final = 1023  # what every soft limit has room for


def own_namespaces(config: Config) -> Iterator[Finding]:
    """Each is new, init's, or one that a process can enter by itself."""
    for name, spec in config.services.items():
        for kind, value in spec.namespaces.items():
            path = ("services", name, "namespaces", kind)
            one = origin(value)
            if one is None:
                hint = did_you_mean(value, ("new", "shared")) if isinstance(value, str) else ""
                yield path, f'expected "new", "shared", "/path" or a pid, got {show(value)}', hint
            elif one.way == "sandbox":
                yield path, "a service can't join a sandbox by its name", "name a file or a pid"
            elif one.joined and kind == "pid":
                yield path, "a process can't move into another pid namespace", 'use "new"'
        yield from _mounts_of_its_own(name, spec)


def _mounts_of_its_own(name: str, spec: Service) -> Iterator[Finding]:
    one = origin(spec.namespaces.get("mount", "new"))
    if one is None or one.way == "new":
        return
    for key in ("rootfs", "mounts"):
        if getattr(spec, key):
            message = "others are in that mount namespace, and would see it"
            yield ("services", name, key), message, 'use namespaces = {mount = "new"}'
    if spec.namespaces.get("pid") == "new":
        path = ("services", name, "namespaces", "pid")
        yield path, "a new pid namespace needs its own /proc", 'use mount = "new"'


def own_mounts(config: Config) -> Iterator[Finding]:
    """Each has what its type needs, and no more."""
    for name, spec in config.services.items():
        if why := bad_path(spec.rootfs):
            yield ("services", name, "rootfs"), why, ""
        for index, mount in enumerate(spec.mounts):
            path = ("services", name, "mounts", index)
            for keys, message, hint in mount_wrong(mount):
                yield (*path, *keys), message, hint
            if mount.idmap is not None:
                yield (*path, "idmap"), "is for the mounts of a sandbox", ""


def probes_from_outside(config: Config) -> Iterator[Finding]:
    """Init asks from its own network, where a service with another one is not heard."""
    for name, spec in config.services.items():
        one = origin(spec.namespaces.get("net", "shared"))
        if one is None or one.way == "shared":
            continue
        for key in ("ready", "health"):
            table = getattr(spec, key)
            if table is not None and (table.http or table.tcp):
                hint = "use exec, which runs in the service's namespaces"
                yield ("services", name, key), "init can't ask in the network of this service", hint


def descriptors_to_pass(config: Config) -> Iterator[Finding]:
    """Each is above the first three, and its number is free in the service."""
    for name, spec in config.services.items():
        path = ("services", name, "pass_fds")
        told = spec.ready.fd if spec.ready is not None else None
        for index, fd in enumerate(spec.pass_fds):
            if not FD_MIN <= fd <= FD_MAX:
                yield (*path, index), f"expected a descriptor from {FD_MIN} to {FD_MAX}", ""
            elif fd in spec.pass_fds[:index]:
                yield (*path, index), f"{fd} is there twice", ""
            elif fd == told:
                yield (
                    (*path, index),
                    f"{fd} is what readiness is told by",
                    "give one another number",
                )
        if spec.pass_fds and (spec.sockets or spec.fd_store_max):
            yield path, "the numbers from 3 on are those of its sockets", "use one of them"


ADVICE: Final[tuple[Check, ...]] = (probes_from_outside,)
STRICT: Final[tuple[Check, ...]] = (own_namespaces, own_mounts, descriptors_to_pass)
