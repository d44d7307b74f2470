"""Checks of `resources`, as far as they need no look at the machine. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.resources import IoLimit, Resources
    from nsinit.model.spec import Config

    Finding = tuple[KeyPath, str, str]  # where, what is wrong, what to do
    Check = Callable[[Config], Iterator[Finding]]

MEMORY_MIN: Final = 1 << 20  # bytes: with less a program is killed before it begins
_RATES: Final = ("read", "write", "read_ops", "write_ops")


def each(config: Config) -> Iterator[tuple[KeyPath, Resources, bool]]:
    """Where there are `resources`, what they are, and whether it may be done without them."""
    if config.sandbox is not None and config.sandbox.resources is not None:
        path: KeyPath = ("sandbox", "resources")
        yield path, config.sandbox.resources, config.sandbox.resources_optional
    for name, spec in config.services.items():
        if spec.resources is not None:
            yield ("services", name, "resources"), spec.resources, spec.resources_optional


def limits_can_be_lived_with(config: Config) -> Iterator[Finding]:
    """There is something to live of, and what belongs together fits."""
    for path, resources, _ in each(config):
        for key in ("memory", "memory_high"):
            value = getattr(resources, key)
            if value is not None and value < MEMORY_MIN:
                yield (*path, key), f"expected at least 1 MiB, got {value} bytes", ""
        high, most = resources.memory_high, resources.memory
        if high is not None and most is not None and high > most:
            yield (*path, "memory_high"), "is above memory, and would never be reached", ""
        if resources.cpuset is not None and not resources.cpuset:
            yield (*path, "cpuset"), "expected CPUs, got none", ""
        limits = resources.io.limits if resources.io is not None else []
        for index, limit in enumerate(limits):
            yield from _io(limit, (*path, "io", "limits", index))


def _io(limit: IoLimit, path: KeyPath) -> Iterator[Finding]:
    first, colon, second = limit.device.partition(":")
    numbers = bool(colon) and first.isascii() and first.isdigit() and second.isdigit()
    if not numbers and not limit.device.startswith("/"):
        expected = 'expected "/dev/NAME", "MAJOR:MINOR" or an absolute path'
        yield (*path, "device"), f"{expected}, got {limit.device!r}", ""
    given = [key for key in _RATES if getattr(limit, key) is not None]
    if not given:
        yield path, "limits nothing", f"give one of {', '.join(_RATES)}"
    for key in ("read", "write"):
        if getattr(limit, key) == 0:
            yield (*path, key), "nothing could ever be done with the device", ""


def parent_is_a_group(config: Config) -> Iterator[Finding]:
    """The same path in each hierarchy."""
    parent = config.sandbox.cgroup_parent if config.sandbox is not None else None
    if parent is not None and (not parent.startswith("/") or ".." in parent.split("/")):
        path = ("sandbox", "cgroup_parent")
        yield path, f"expected the absolute path of a group such as /batch, got {parent!r}", ""


def services_fit_into_the_sandbox(config: Config) -> Iterator[Finding]:
    """What a service may use is no more than all together may."""
    whole = config.sandbox.resources if config.sandbox is not None else None
    if whole is None:
        return
    for name, spec in config.services.items():
        for key in ("cpu", "memory", "pids"):
            most = getattr(whole, key)
            mine = getattr(spec.resources, key) if spec.resources is not None else None
            if most is not None and mine is not None and mine > most:
                path = ("services", name, "resources", key)
                yield path, "has no effect: it is more than the sandbox has", ""


def groups_are_needed(config: Config) -> Iterator[Finding]:
    """A key that says what happens without limits says nothing where there are none."""
    keys: list[tuple[KeyPath, bool, bool]] = []
    if config.sandbox is not None:
        one = config.sandbox
        keys.append((("sandbox",), one.resources_optional, one.resources is not None))
    for name, spec in config.services.items():
        keys.append((("services", name), spec.resources_optional, spec.has_group))
    for path, is_optional, is_used in keys:
        if is_optional and not is_used:
            yield (*path, "resources_optional"), "has no effect: there are no resources", ""


STRICT: Final[tuple[Check, ...]] = (limits_can_be_lived_with, parent_is_a_group)
ADVICE: Final[tuple[Check, ...]] = (services_fit_into_the_sandbox, groups_are_needed)
