"""What a configuration asks of cgroups, and what of it can't be done here."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from nsinit.cgroups.here import Spots, find_spots, lacking, no_group, spots_within
from nsinit.cgroups.settings import CONTROLLERS
from nsinit.errors import SandboxError
from nsinit.model.report import Report
from nsinit.model.resources import UNLIMITED, Io, asked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from nsinit.cgroups.group import Group
    from nsinit.cgroups.here import Lack
    from nsinit.model.lines import KeyPath
    from nsinit.model.load import Loaded
    from nsinit.model.resources import Resources
    from nsinit.model.sandboxes import Sandbox
    from nsinit.model.spec import Service
    from nsinit.problem import Problem


class Want(NamedTuple):
    """One table that wants a group."""

    path: KeyPath
    resources: Resources | None  # None: only a group
    optional: bool
    elsewhere: bool = False  # in a root of its own, where paths lead somewhere else


def wants(sandbox: Sandbox | None, services: Mapping[str, Service]) -> list[Want]:
    """All that ask for one."""
    made: list[Want] = []
    if sandbox is not None and sandbox.resources is not None:
        made.append(Want(("sandbox",), sandbox.resources, sandbox.resources_optional))
    for name, spec in services.items():
        if spec.has_group:
            path = ("services", name.partition("@")[0])
            elsewhere = sandbox is not None and sandbox.has_own_root
            made.append(Want(path, spec.resources, spec.resources_optional, elsewhere))
    return made


def controllers(found: Iterable[Want]) -> frozenset[str]:
    """The controllers that are asked for, by their names of version 2."""
    keys = {key for want in found if want.resources is not None for key in asked(want.resources)}
    return frozenset(CONTROLLERS[key] for key in keys)


def problems(found: Iterable[Want], spots: Spots) -> Iterator[tuple[Want, Lack]]:
    """What can't be done, table by table."""
    for want in found:
        none = no_group(spots)
        lacks: list[Lack] = []
        if want.resources is not None:
            lacks = list(lacking(want.resources, spots, devices=not want.elsewhere))
        if none is not None and not lacks:
            lacks = [none]
        for lack in lacks:
            yield want, lack


def check(loaded: Loaded) -> list[Problem]:
    """Warnings of what a configuration does without here; ConfigError of what it can't."""
    config = loaded.config
    found = wants(config.sandbox, config.services)
    parent = config.sandbox.cgroup_parent if config.sandbox is not None else None
    return _report(loaded, found, find_spots(controllers(found), parent) if found else Spots())


def check_services(loaded: Loaded, group: Group | None) -> list[Problem]:
    """The same of the services, by an init that runs, and has this group of its sandbox."""
    found = wants(None, loaded.config.services)
    within = spots_within(group) if group is not None else find_spots(controllers(found))
    return _report(loaded, found, within)


def _report(loaded: Loaded, found: Iterable[Want], spots: Spots) -> list[Problem]:
    report = Report(loaded.sources)
    for want, lack in problems(found, spots):
        path = (*want.path, *_key(want, lack.key))
        if want.optional:
            report.warning(path, f"is not limited: {lack.why}" if lack.key else lack.why)
        else:
            what = "cannot be limited" if lack.key else "cannot have a cgroup"
            report.error(path, f"{what}: {lack.why}", lack.hint)
    report.raise_if_wrong()
    return report.warnings


def _key(want: Want, key: str) -> tuple[str | int, ...]:
    if want.resources is None:
        return ("kill_mode",)
    parts = key.split(".") if key else []
    return ("resources", *(int(part) if part.isdigit() else part for part in parts))


def possible(resources: Resources, spots: Spots, *, optional: bool) -> Resources:
    """What of it can be set; SandboxError if that is not all, and it has to be."""
    made = resources
    for lack in lacking(resources, spots):
        if not optional:
            raise SandboxError(f"cannot limit {lack.key}: {lack.why}", hint=lack.hint)
        made = without(made, lack.key)
    return made


def without(resources: Resources, key: str) -> Resources:
    """The same without one key ("memory", "io.weight", "io.limits.0")."""
    first, _, rest = key.partition(".")
    if first != "io":
        return structs.replace(resources, **{first: None})
    io = resources.io or Io()
    if rest == "weight":
        return structs.replace(resources, io=structs.replace(io, weight=None))
    index = rest.partition(".")[2]
    limits = [limit for at, limit in enumerate(io.limits) if index and str(at) != index]
    return structs.replace(resources, io=structs.replace(io, limits=limits))


def is_empty(resources: Resources | None) -> bool:
    """Whether nothing is limited."""
    return resources is None or resources == UNLIMITED
