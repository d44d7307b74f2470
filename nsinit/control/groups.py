"""What the cgroups of services, and that of the sandbox, have used: for `status` and `top`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nsinit.runtime.boot import Init

    Usages = dict[str, dict[str, Any]]

SANDBOX: Final = ""  # in the place of a service's name
LIMIT: Final = 50  # groups that are read for one answer: init has other things to do


def usages(init: Init, names: Iterable[str]) -> Usages:
    """Of the services that have a group, and of the sandbox if it has one."""
    groups = init.groups
    if groups is None:
        return {}
    from nsinit.cgroups.usage import usage  # noqa: PLC0415  (few inits have groups)

    made: Usages = {}
    if (above := groups.of_sandbox) is not None:
        made[SANDBOX] = usage(above)
    for name in names:
        group = groups.group_of(name)
        if group is not None and len(made) < LIMIT:
            made[name] = usage(group)
    return made


def add_rates(rows: list[dict[str, Any]], before: Usages, now: Usages, span: float) -> None:
    """Tell in each row of `top` what its group has used in `span` seconds.

    The CPU of a group counts processes that have ended meanwhile, too.
    """
    for row in rows:
        old, new = before.get(row["name"]), now.get(row["name"])
        row["group"] = None if new is None else new | rates(old, new, span)
        if row["group"] is not None and row["group"]["rates"]["cpu"] is not None:
            row["cpu"] = row["group"]["rates"]["cpu"]


def rates(old: dict[str, Any] | None, new: dict[str, Any], span: float) -> dict[str, Any]:
    """CPU and throttled time in per cent of one CPU, bytes read and written per second."""

    def rate(kind: str, key: str, scale: float) -> float | None:
        last, first = new[kind][key], old[kind][key] if old is not None else None
        if last is None or first is None or last < first:  # or another run has begun
            return None
        return round(float(scale * (last - first) / max(span, 0.001)), 1)

    return {
        "rates": {
            "cpu": rate("cpu", "usage", 100),
            "throttled": rate("cpu", "throttled", 100),
            "read": rate("io", "read", 1),
            "written": rate("io", "written", 1),
        }
    }
