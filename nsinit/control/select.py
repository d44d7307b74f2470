"""Which services a client means: names, patterns, replicas, tags. Pure."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from nsinit.control.routes import Refusal
from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nsinit.model.plan import Rules

_WILD = frozenset("*?[")


def select(patterns: list[str], services: Mapping[str, Rules]) -> list[str]:
    """The services that the patterns name, in starting order; all for no patterns.

    Refusal names the first pattern that fits nothing. `NAME@1` is the first replica of NAME.
    """
    if not patterns:
        return list(services)
    chosen: set[str] = set()
    for pattern in patterns:
        found = _matches(pattern, services)
        if not found:
            message = f"no service is called {pattern!r}"
            if pattern.startswith("tag:"):
                message = f"no service has the tag {pattern[4:]!r}"
            raise Refusal(404, "unknown-name", message, did_you_mean(pattern, services))
        chosen |= found
    return [name for name in services if name in chosen]


def _matches(pattern: str, services: Mapping[str, Rules]) -> set[str]:
    if pattern.startswith("tag:"):
        return {name for name, rules in services.items() if pattern[4:] in rules.tags}
    if _WILD.isdisjoint(pattern):
        instances = {name for name, rules in services.items() if pattern == rules.replica_of != ""}
        return instances or {pattern, pattern.removesuffix("@1")} & services.keys()
    return {
        name
        for name, rules in services.items()
        if fnmatchcase(name, pattern)
        or (not rules.replica_of and fnmatchcase(f"{name}@1", pattern))
    }
