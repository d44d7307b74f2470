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
            if name not in state.leaving:
                state.leaving.append(name)
    state.leaving = [name for name in state.leaving if name not in new.services]
    for name in services:
        if name not in state.services:
            state.services[name] = ServiceState(name=name)
    merged = {name: _among(rules, services) for name, rules in services.items()}
    for name in state.leaving:
        for other in (*merged[name].needs, *merged[name].after):
            base = merged[other]
            if name not in base.dependents:
                merged[other] = structs.replace(base, dependents=(*base.dependents, name))
    return structs.replace(new, services=merged)


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
        if (s := state.services.get(name)) is not None
        and s.want
        and s.state not in (State.WAITING, State.STOPPED)
    ]


def forget(state: CoreState, plan: Plan) -> None:
    """Drop what has left and is at rest."""
    for name in list(state.leaving):
        s = state.services[name]
        if s.state in AT_REST and not order.alive(s) and not s.tasks:
            state.leaving.remove(name)
            del state.services[name], plan.services[name]
            for other, rules in plan.services.items():
                plan.services[other] = _among(rules, plan.services)
