"""Checks of `[sandbox]`: it can be made, and the host is not changed by it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.model.naming import bad_name
from nsinit.model.sandboxes import origin, origins
from nsinit.model.types import show
from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.spec import Config

    Finding = tuple[KeyPath, str, str]  # where, what is wrong, what to do
    Check = Callable[[Config], Iterator[Finding]]

HOST_NAME_MAX: Final = 64  # sethostname(2)
CLOCK_MAX: Final = 4_600_000_000  # s: half of what 63 bits of nanoseconds hold


def names_fit(config: Config) -> Iterator[Finding]:
    """Host and domain names fit the kernel; the sandbox's own name can stand in a path."""
    if config.sandbox is None:
        return
    if config.sandbox.name is not None and (bad := bad_name(config.sandbox.name)):
        yield ("sandbox", "name"), bad, ""
    for key in ("hostname", "domainname"):
        name = getattr(config.sandbox, key)
        if name is not None and not 0 < len(name.encode("utf-8", "replace")) <= HOST_NAME_MAX:
            yield ("sandbox", key), f"a {key} has 1 to {HOST_NAME_MAX} bytes", ""


def namespaces_are_known(config: Config) -> Iterator[Finding]:
    """Each is new, shared, or one that can be named."""
    if config.sandbox is None:
        return
    for kind, value in config.sandbox.namespaces.items():
        if origin(value) is None:
            hint = did_you_mean(value, ("new", "shared")) if isinstance(value, str) else ""
            expected = '"new", "shared", "/path", a pid or "sandbox:NAME"'
            yield ("sandbox", "namespaces", kind), f"expected {expected}, got {show(value)}", hint


def clocks_can_be_set(config: Config) -> Iterator[Finding]:
    """Those of an own time namespace, by as much as the kernel takes (time_namespaces(7))."""
    if config.sandbox is None or config.sandbox.time_offsets is None:
        return
    path = ("sandbox", "time_offsets")
    if origins(config.sandbox)["time"].way != "new":
        yield path, "only the clocks of a new time namespace can be set", 'use time = "new"'
    for clock in ("monotonic", "boottime"):
        if not abs(getattr(config.sandbox.time_offsets, clock)) <= CLOCK_MAX:
            yield (*path, clock), f"an offset has at most {CLOCK_MAX} seconds", ""


def host_is_left_alone(config: Config) -> Iterator[Finding]:
    """Nothing that the sandbox sets would be set for the host, or for another sandbox."""
    if config.sandbox is None:
        return
    found = origins(config.sandbox)
    whose = {kind: "joined" if one.joined else one.way for kind, one in found.items()}
    path = ("sandbox", "namespaces")
    if whose["uts"] != "new":
        owner = "host" if whose["uts"] == "shared" else "other sandbox"
        for key in ("hostname", "domainname"):
            if getattr(config.sandbox, key) is not None:
                message = f"with a {whose['uts']} uts namespace the {owner}'s {key} changes"
                yield ("sandbox", key), message, 'use uts = "new"'
    if whose["mount"] != "new" and whose["pid"] == "new":
        yield path, "a new pid namespace needs its own /proc", 'use mount = "new"'
    if whose["mount"] == "shared" and whose["pid"] == "joined":
        hint = 'use mount = "new", or join the mount namespace too'
        yield path, "a joined pid namespace needs its own /proc", hint
    if whose["pid"] == "joined" and whose.get("user") == "new":
        message = "the /proc of a joined pid namespace can't be mounted in a new user namespace"
        yield path, message, "join the user namespace that it belongs to"
    if all(word == "shared" for word in whose.values()):
        yield path, "every namespace is shared", "leave [sandbox] out"


STRICT: Final[tuple[Check, ...]] = (
    names_fit,
    namespaces_are_known,
    clocks_can_be_set,
    host_is_left_alone,
)
ADVICE: Final[tuple[Check, ...]] = ()
