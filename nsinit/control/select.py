"""Which services a client means: names, patterns, replicas, tags. Pure."""

from __future__ import annotations

from fnmatch import filter as fitting
from typing import TYPE_CHECKING, Final

from nsinit.control.routes import Refusal
from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nsinit.model.plan import Rules

_WILD: Final = frozenset("*?[")
WILD_MAX: Final = 32  # patterns of one request: each is compared with every name


def select(patterns: list[str], services: Mapping[str, Rules]) -> list[str]:
    """The services that the patterns name, in starting order; all for no patterns.

    Refusal names the first pattern that fits nothing. `NAME@1` is the first replica of NAME.
    """
    if not patterns:
        return list(services)
    chosen = matches(patterns, services)
    return [name for name in services if name in chosen]


def matches(
    patterns: list[str],
    services: Mapping[str, Rules],
    others: Callable[[str], set[str]] = lambda _: set(),
    *,
    strict: bool = True,
) -> set[str]:
    """What at least one pattern fits; `others` are such as are no services, or no more.

    Refusal for a pattern that fits nothing, if that is `strict`.
    """
    chosen: set[str] = set()
    different = list(dict.fromkeys(patterns))
    if sum(not _WILD.isdisjoint(pattern) for pattern in different) > WILD_MAX:
        raise Refusal(400, "bad-parameter", f"names: expected at most {WILD_MAX} patterns")
    known = _Known(services)
    for pattern in different:
        found = known.matches(pattern) | others(pattern)
        if not found and strict:
            message = f"no service is called {pattern[:200]!r}"
            if pattern.startswith("tag:"):
                message = f"no service has the tag {pattern[4:204]!r}"
            raise Refusal(404, "unknown-name", message, did_you_mean(pattern, services))
        chosen |= found
    return chosen


class _Known:
    """The services by what they can be meant by; gone through once, however many are meant."""

    def __init__(self, services: Mapping[str, Rules]) -> None:
        self._services = services
        self._is_sorted = False
        self._tags: dict[str, set[str]] = {}
        self._replicas: dict[str, set[str]] = {}
        self._firsts: dict[str, str] = {}  # NAME@1 of what has no replicas

    def _sort(self) -> None:
        """Go through them; who means one service by its name does not wait for that."""
        if self._is_sorted:
            return
        self._is_sorted = True
        for name, rules in self._services.items():
            for tag in rules.tags:
                self._tags.setdefault(tag, set()).add(name)
            if rules.replica_of:
                self._replicas.setdefault(rules.replica_of, set()).add(name)
            else:
                self._firsts[f"{name}@1"] = name

    def matches(self, pattern: str) -> set[str]:
        """Those that fit."""
        if pattern in self._services and f"{pattern}@1" not in self._services:
            return {pattern}
        self._sort()
        if pattern.startswith("tag:"):
            return self._tags.get(pattern[4:], set())
        if _WILD.isdisjoint(pattern):
            instances = self._replicas.get(pattern, set())
            return instances or {pattern, pattern.removesuffix("@1")} & self._services.keys()
        found = set(fitting(self._services, pattern))
        return found.union(self._firsts[one] for one in fitting(self._firsts, pattern))
