"""Who waits for whom: whether a service may start or stop, given all others. Pure questions."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, Literal

from nsinit.core.state import ACTIVE, AT_REST, State
from nsinit.model import graph

if TYPE_CHECKING:
    from nsinit.core.state import CoreState, ServiceState
    from nsinit.model.plan import Plan, Rules

    Verdict = tuple[Literal["go", "wait", "never"], str]

TRIGGERS: Final = {"schedule": "for its schedule", "socket": "for a connection"}


def to_undo(s: ServiceState, rules: Rules) -> bool:
    """Whether it has ended, and what it did is to be undone before it is stopped."""
    return s.state is State.EXITED and rules.undo


def alive(s: ServiceState) -> bool:
    """Whether there is something to stop: processes, or what an exited oneshot is asked to undo.

    A stop or restart is asked only of these, until it is done.
    """
    return s.state in ACTIVE or bool(s.asked)


def _listens(s: ServiceState, rules: Rules) -> bool:
    """Whether its sockets take connections for it, though it does not run."""
    return rules.trigger == "socket" and s.state is State.WAITING


def _last_result(s: ServiceState, rules: Rules) -> str:
    """How the last run of what waits for its next one ended."""
    return s.result if rules.trigger and s.state is State.WAITING else ""


def holds(plan: Plan, state: CoreState, name: str, condition: str) -> bool:
    """Whether the condition of a dependency is met now."""
    s, rules = state.services[name], plan.services[name]
    if s.asked:  # it is to stop, or to be undone
        return False
    match condition:
        case "completed":
            return s.state is State.EXITED or _last_result(s, rules) == "success"
        case "exited":
            return s.state in (State.EXITED, State.FAILED) or bool(_last_result(s, rules))
        case "ready":
            up = s.state is State.RUNNING
        case _:  # started
            up = s.state is State.RUNNING or (s.state is State.STARTING and s.begun)
    done = rules.oneshot and s.state is State.EXITED
    return up or done or _listens(s, rules)


def verdict(plan: Plan, state: CoreState, rules: Rules) -> Verdict:
    """Whether a service may start: "go", "wait" or "never", and why not."""
    for name, condition in rules.needs.items():
        if holds(plan, state, name, condition):
            continue
        other = state.services[name]
        if other.state is State.FAILED:
            return "never", f"{name} failed"
        if other.state is State.EXITED and not other.asked:
            return "never", f"{name} has exited and will not be {condition}"
        return "wait", f"for {name} to be {condition} ({other.state})"
    for name in rules.after:
        if not _had_its_attempt(plan, state, name):
            other = state.services[name]
            return "wait", f"for {name} to start first ({other.state})"
    if rules.trigger and not state.services[rules.name].triggered:
        return "wait", TRIGGERS[rules.trigger]
    return "go", ""


def blockers(plan: Plan, state: CoreState, rules: Rules) -> dict[str, str]:
    """Whom a service that is to start waits for: the condition, "" for a first attempt."""
    made = {name: c for name, c in rules.needs.items() if not holds(plan, state, name, c)}
    return made | {name: "" for name in rules.after if not _had_its_attempt(plan, state, name)}


def late_dependents(state: CoreState, rules: Rules) -> list[str]:
    """Who has to stop before a service may."""
    return [name for name in rules.dependents if _is_late(state, name)]


def _is_late(state: CoreState, name: str) -> bool:
    """Whether a dependent is to stop, and has not; one that has left is no more."""
    s = state.services.get(name)
    return s is not None and bool(s.asked)


def _had_its_attempt(plan: Plan, state: CoreState, name: str) -> bool:
    s, rules = state.services[name], plan.services[name]
    if s.state is State.WAITING:
        return bool(rules.trigger) or _is_stuck(plan, state, rules)
    if rules.oneshot:
        return s.state in AT_REST or s.state is State.BACKOFF
    return s.state is not State.STARTING


def _is_stuck(plan: Plan, state: CoreState, rules: Rules) -> bool:
    """Whether it waits for something that somebody stopped by hand."""
    todo, seen = [rules], {rules.name}
    while todo:
        for name in todo.pop().needs:
            other = state.services[name]
            if other.state is State.STOPPED:
                return True
            if other.state is State.WAITING and name not in seen:
                seen.add(name)
                todo.append(plan.services[name])
    return False


def followers_of_stuck(plan: Plan, state: CoreState, name: str) -> dict[str, None]:
    """Who only comes after what waits for this service, which somebody has stopped by hand.

    For what waits nothing changes by the stop, however far away it is; for these it does.
    """
    todo, stuck, made = [name], {name}, dict[str, None]()
    while todo:
        other = todo.pop()
        for dependent in plan.services[other].dependents:
            s = state.services.get(dependent)  # None: it has left
            if s is None or s.state is not State.WAITING or dependent in stuck:
                continue
            if other in plan.services[dependent].needs:
                stuck.add(dependent)
                todo.append(dependent)
            else:
                made[dependent] = None
    return made


def may_stop(state: CoreState, rules: Rules, late: dict[str, int]) -> bool:
    """Whether no dependent that is to stop still has to.

    `late` is where one was found the last time, by name: it is looked at first, and those after it
    next. So the stops of all dependents look at each of them twice, not at all of them each time.
    """
    if state.hurry:
        return True
    first, others = late.pop(rules.name, 0), rules.dependents
    for place in chain(range(first, len(others)), range(min(first, len(others)))):
        if _is_late(state, others[place]):
            late[rules.name] = place
            return False
    return True


def chains(plan: Plan, state: CoreState) -> dict[str, float]:
    """For each service, how long (s) it and what can only stop after it may take."""
    weights: dict[str, float] = {}
    for name, rules in plan.services.items():
        s = state.services[name]
        to_stop = s.state in ACTIVE or to_undo(s, rules)
        weights[name] = rules.stop_total if to_stop else 0.0
    edges = {name: (*rules.needs, *rules.after) for name, rules in plan.services.items()}
    return graph.longest_chains(edges, weights)


def pulled_in(plan: Plan, state: CoreState, names: tuple[str, ...] | list[str]) -> set[str]:
    """These services, and what has to be started for them because they need or want it."""
    todo, seen = list(names), set(names)
    while todo:
        rules = plan.services.get(todo.pop())
        if rules is None:
            continue
        wanted = [*rules.needs.items(), *((want, "started") for want in rules.wants)]
        for other, condition in wanted:
            if other not in seen and not holds(plan, state, other, condition):
                seen.add(other)
                todo.append(other)
    return seen
