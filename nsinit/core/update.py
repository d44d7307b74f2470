"""Another plan for a running init: what is new comes, what is gone leaves, the rest stays.

A run that has begun ends by the rules that it was started with (`outdated`). A service that is gone
stays in the plan until it is at rest (`leaving`), so it stops in order like any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from nsinit.core import order, service
from nsinit.core.state import ACTIVE, AT_REST, ServiceState, State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nsinit.core.state import CoreState
    from nsinit.core.turn import Turn
    from nsinit.model.plan import Plan, Rules


def merge(turn: Turn, state: CoreState, old: Plan, new: Plan, changed: tuple[str, ...]) -> Plan:
    """The plan from now on; services that left are told to stop, and to keep their old rules."""
    services = dict(new.services)
    for name, rules in old.services.items():
        s = state.services[name]
        if name in services:
            if name in changed and s.state in ACTIVE:
                state.outdated.setdefault(name, rules)
        elif s.state in AT_REST and not order.to_undo(s, rules) and not s.tasks:
            del state.services[name]
        else:
            service.stop(turn, s, rules, by_hand=False)
            services[name] = rules
            state.leaving.add(name)
    state.leaving.difference_update(new.services)
    for name in services:
        if name not in state.services:
            state.services[name] = ServiceState(name=name)
    merged = {name: _among(rules, services) for name, rules in services.items()}
    more: dict[str, dict[str, None]] = {}
    for name in services:  # in their order, since dependents are looked at in theirs
        if name in state.leaving:
            for other in (*merged[name].needs, *merged[name].after):
                more.setdefault(other, dict.fromkeys(merged[other].dependents))[name] = None
    for name, dependents in more.items():
        merged[name] = structs.replace(merged[name], dependents=tuple(dependents))
    for name in state.leaving:
        _keep_order(state, merged, name, changed)
    return structs.replace(new, services=merged)


def _keep_order(
    state: CoreState, merged: dict[str, Rules], name: str, changed: tuple[str, ...]
) -> None:
    """Let a service that leaves wait for those that end and needed it until now, and for no others.

    They do not need it by their new rules, so they have to come after it by these: who waits for a
    service is looked at when that ends.
    """
    kept = []
    for other in merged[name].dependents:
        if state.services[other].asked or other in changed:
            kept.append(other)
            rules = merged[other]
            if name not in (*rules.needs, *rules.after):
                merged[other] = structs.replace(rules, after=(*rules.after, name))
    merged[name] = structs.replace(merged[name], dependents=tuple(kept))


def _among(rules: Rules, known: dict[str, Rules]) -> Rules:
    """The rules without what names a service that is no more."""
    return structs.replace(
        rules,
        needs={name: how for name, how in rules.needs.items() if name in known},
        wants=tuple(name for name in rules.wants if name in known),
        after=tuple(name for name in rules.after if name in known),
        dependents=tuple(name for name in rules.dependents if name in known),
    )


def to_restart(state: CoreState, changed: tuple[str, ...]) -> list[str]:
    """Of the services that changed, those that are wanted: what has failed gets a new chance."""
    return [
        name
        for name in changed
        if (s := state.services.get(name)) is not None and s.want and s.state is not State.WAITING
    ]


def forget(state: CoreState, plan: Plan, names: Iterable[str]) -> None:
    """Drop those of the names that have left and are at rest.

    They stay among the dependents of others, who ask whether a dependent is there: to take them out
    would be a look at every dependent of what is shared by many, for each of these.
    """
    for name in names:
        if name not in state.leaving:
            continue
        s = state.services[name]
        if not order.alive(s) and not s.tasks:
            state.leaving.discard(name)
            del state.services[name]
            for other in plan.services.pop(name).dependents:
                if other in plan.services:
                    plan.services[other] = _among(plan.services[other], plan.services)
