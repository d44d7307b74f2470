"""Why a service is as it is, in sentences, down to the service that is the cause. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nsinit.control.health import IN_WORDS
from nsinit.core import order
from nsinit.core.state import State
from nsinit.model.types import UNLIMITED
from nsinit.units import format_signal

if TYPE_CHECKING:
    from nsinit.core.state import CoreState, ServiceState
    from nsinit.model.plan import Plan, Rules

_STAGES: Final = {
    "pre_start": "its pre_start runs",
    "daemon": "its daemon has not been found yet",
    "post_start": "its post_start runs",
    "post_stop": "its post_stop runs",
}
LINKS: Final = 100  # of a chain: where thousands wait, the answer would have no end
_TRIGGERS: Final = {"schedule": "its schedule", "socket": "a connection to its socket"}


class Why:
    """Explains services at one instant (monotonic s)."""

    def __init__(self, plan: Plan, state: CoreState, now: float) -> None:
        self._plan = plan
        self._state = state
        self._now = now

    def explain(self, name: str) -> dict[str, Any]:
        """The sentences about a service itself, and the chain of those that it waits for."""
        s, rules = self._state.services[name], self._plan.services[name]
        sentences = [self._state_of(s, rules), *self._waits(s, rules), *self._history(s, rules)]
        return {
            "name": name,
            "state": s.state,
            "sentences": sentences + self._says(s),
            "chain": self._chain(name),
        }

    # --- Whom it waits for ------------------------------------------------------------------------

    def _chain(self, name: str) -> list[dict[str, Any]]:
        """Everybody that it waits for, directly or not, each after who waits for it."""
        made: list[dict[str, Any]] = []
        seen, todo = {name}, [(name, 0)]
        while todo and len(made) < LINKS:
            current, depth = todo.pop()
            blockers = self._blockers(current)
            fresh = [(o, why) for o, why in blockers.items() if o not in seen]
            if current != name:
                made.append(self._link(current, depth, is_root=not blockers))
            seen |= {other for other, _ in fresh}
            todo += [(other, depth + 1) for other, _ in reversed(fresh)]
        return made

    def _blockers(self, name: str) -> dict[str, str]:
        s, rules = self._state.services[name], self._plan.services[name]
        if s.state is State.WAITING or (s.state is State.BACKOFF and s.due):
            return order.blockers(self._plan, self._state, rules)
        if s.state is State.FAILED and s.result == "dependency":
            others = order.blockers(self._plan, self._state, rules)
            return {o: c for o, c in others.items() if o in rules.needs}
        if s.asked and s.state is not State.STOPPING:
            return dict.fromkeys(order.late_dependents(self._state, rules), "to stop first")
        return {}

    def _link(self, name: str, depth: int, *, is_root: bool) -> dict[str, Any]:
        s, rules = self._state.services[name], self._plan.services[name]
        parts = [self._state_of(s, rules)]
        if is_root:
            parts += self._history(s, rules)
        return {
            "name": name,
            "state": s.state,
            "depth": depth,
            "text": "; ".join(part.removeprefix("it ") for part in parts),
        }

    # --- Sentences --------------------------------------------------------------------------------

    def _state_of(self, s: ServiceState, rules: Rules) -> str:
        since = f" for {_span(self._now - s.since_at)}" if s.since_at else ""
        health = f" and {s.health}" if s.health and s.state is State.RUNNING else ""
        text = f"it is {IN_WORDS.get(s.state, s.state)}{health}{since}"
        pid = f" as pid {s.pid}" if s.pid else ""
        detail = "" if s.state is State.WAITING else s.reason  # others tell whom it waits for
        if s.state is State.STARTING:
            detail = self._starting(s, rules)
        elif s.state is State.STOPPING:
            detail = _STAGES.get(s.stage, s.reason)
        elif s.state is State.STOPPED:
            detail = s.reason or ("" if s.run else "it was never started")
        return f"{text}{pid}: {detail}" if detail else f"{text}{pid}"

    def _starting(self, s: ServiceState, rules: Rules) -> str:
        if s.stage in _STAGES:
            return _STAGES[s.stage]
        limit = s.timers.get("start")
        left = f", {max(0.0, limit - self._now):.1f}s are left for that" if limit else ""
        if not rules.waits_for_ready:
            return f"it has to live for {rules.min_uptime:g}s to be taken for running"
        if "ready" in rules.tasks:
            last = f" (last answer: {s.reason})" if s.reason else ""
            return f"its readiness probe has not succeeded yet{last}{left}"
        how = "by sd_notify " if rules.says_ready else ""
        return f"it has not said {how}that it is ready{left}"

    def _waits(self, s: ServiceState, rules: Rules) -> list[str]:
        made = []
        for other, condition in self._blockers(s.name).items():
            now = self._state.services[other].state
            if condition == "to stop first":
                made.append(f"it is to stop, and waits for {other} to stop first ({now})")
            elif s.state is State.FAILED:
                made.append(f"it needs {other} to be {condition}, and {other} is {now}")
            elif condition:
                made.append(f"it waits for {other} to be {condition} ({now})")
            else:
                made.append(f"it comes after {other}, which has not started yet ({now})")
        if s.state is State.WAITING and rules.trigger and not s.triggered and not made:
            made.append(f"it waits for {_TRIGGERS[rules.trigger]}")
        return made

    def _history(self, s: ServiceState, rules: Rules) -> list[str]:
        return [
            *self._by_hand(s),
            *([f"it is pinned {s.pinned}"] if s.pinned else []),
            *self._last_end(s),
            *self._retry(s, rules),
        ]

    def _last_end(self, s: ServiceState) -> list[str]:
        if not s.run or s.result in ("", "dependency"):
            return []
        status = s.last_status
        how = "ended"
        if status is not None:
            how = f"ended with exit code {status}" if status >= 0 else ""
            how = how or f"was killed by {format_signal(-status)}"
        ago = f", {_span(self._now - s.ended_at)} ago" if s.ended_at else ""
        why = f": {s.why}" if s.why and s.why != s.reason else ""
        return [f"its last run {how} (result {s.result}){ago}{why}"]

    def _retry(self, s: ServiceState, rules: Rules) -> list[str]:
        made = []
        if s.fails or s.result == "start-limit":
            most = "" if rules.restart_limit == UNLIMITED else f" of at most {rules.restart_limit}"
            times = "once" if s.fails == 1 else f"{s.fails} times"
            made.append(f"it was restarted {times} in a row{most}")
        if (at := s.timers.get("backoff")) is not None:
            made.append(f"the next try is in {max(0.0, at - self._now):.1f}s")
        return made

    def _by_hand(self, s: ServiceState) -> list[str]:
        if s.by_hand and not s.want:
            return ["it was stopped by hand, and stays so until it is started"]
        if not s.want and s.state is State.STOPPED and self._state.phase == "up":
            return ["nobody wants it up"]
        return []

    def _says(self, s: ServiceState) -> list[str]:
        made = [f"it says: {s.message}"] if s.message else []
        if s.paused:
            made.append("it is paused: its processes are frozen until nsinit ctl unpause")
        if s.reloading:
            made.append("it reads its configuration again")
        return made


def _span(seconds: float) -> str:
    return f"{seconds:.1f}s" if seconds < 60 else f"{int(seconds) // 60}m {int(seconds) % 60}s"
