"""All services together: who may start, who may stop, and when init ends.

Rules that hold after every event:
1. A change of one service makes its neighbours be looked at through a queue, never by recursion.
2. A service starts when what it needs holds and what it comes after has had its first attempt.
3. A service that is to stop waits for those of its dependents that are to stop too.
4. A shutdown has one deadline. Each stop gets the share of it that the longest chain below leaves;
   shortly before it everything is killed, and what even that does not end is left to the kernel.
5. Init ends when a shutdown is done, or by itself when nothing could run any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.core import policy, service
from nsinit.core.messages import (
    Action,
    Arm,
    Boot,
    Event,
    Finish,
    Fired,
    Lingering,
    Noted,
    Restart,
    RunEvent,
    Shutdown,
    Start,
    Stop,
)
from nsinit.core.service import Turn
from nsinit.core.state import ACTIVE, AT_REST, CoreState, ServiceState, State

if TYPE_CHECKING:
    from nsinit.model.plan import Plan, Rules

# Parts of the whole shutdown: by GRACE stop sequences are over, at LAST everything is killed.
GRACE: Final = 0.9
LAST: Final = 0.95


class ImpossibleError(Exception):
    """An event met a state that it can't meet; raised only when `strict`."""


class Supervisor:
    """Turns events into actions; the same events give the same actions."""

    def __init__(self, plan: Plan, state: CoreState | None = None, *, strict: bool = False) -> None:
        self.plan = plan
        self.state = state or CoreState()
        self.strict = strict
        self._busy: ServiceState | None = None  # a reason to go on; found anew when it is gone
        for name in plan.services:
            if name not in self.state.services:
                self.state.services[name] = ServiceState(name=name)

    def handle(self, event: Event, now: float, jitter: float = 0.0) -> list[Action]:
        """What to do about one event at this monotonic instant; `jitter` is from 0 to 1."""
        turn = Turn(now, jitter)
        match event:
            case Fired(service="", at=at):
                if at == self.state.shutdown_at:
                    self._out_of_time(turn)
            case RunEvent():
                self._run_event(turn, event)
            case Boot():
                self.state.phase = "up"
                self._start(turn, [n for n, r in self.plan.services.items() if r.autostart])
            case Start(names):
                self._start(turn, names)
            case Stop(names):
                for s in self._named(names):
                    service.stop(turn, s, by_hand=True)
            case Restart(names):
                self._restart(turn, names)
            case Shutdown(code, hurry):
                self._shut_down(turn, code, hurry=hurry)
        self._look_round(turn)
        return turn.actions

    def _restart(self, turn: Turn, names: tuple[str, ...]) -> None:
        if self.state.phase != "up":
            return
        services = self._named(names)
        for s in services:
            if s.state in ACTIVE:
                service.restart(turn, s)
        self._start(turn, [s.name for s in services if s.state not in ACTIVE])

    def _named(self, names: tuple[str, ...]) -> list[ServiceState]:
        return [self.state.services[name] for name in names if name in self.plan.services]

    def _run_event(self, turn: Turn, event: RunEvent) -> None:
        s = self.state.services.get(event.service)
        rules = self.plan.services.get(event.service)
        if s is None or rules is None:
            return  # of a service that is no more
        if self.state.phase == "stopping" and isinstance(event, Lingering):
            s.stop_scale = min(s.stop_scale, self._scale(turn, s.name))
        if not service.handle(turn, s, rules, event):
            text = f"{type(event).__name__} in state {s.state}"
            if self.strict:
                raise ImpossibleError(f"{event.service}: {text}")
            turn.actions.append(Noted(event.service, text))

    # --- Starting ---------------------------------------------------------------------------------

    def _start(self, turn: Turn, names: tuple[str, ...] | list[str]) -> None:
        """Want services up, and with them what they need and want."""
        if self.state.phase != "up":
            return
        todo, seen = list(names), set(names)
        while todo:
            name = todo.pop()
            rules = self.plan.services.get(name)
            if rules is None:
                continue
            for other, condition in [
                *rules.needs.items(),
                *((want, "started") for want in rules.wants),
            ]:
                if other not in seen and not self._holds(other, condition):
                    seen.add(other)
                    todo.append(other)
        for name in self.plan.services:  # in starting order, whatever the order of the names
            s = self.state.services[name]
            # What is only pulled in, and about to have ended as it should, need not run again.
            ending = s.state is State.STOPPING and s.want and not s.asked
            if name in seen and (name in names or not ending):
                service.start(turn, s)

    def _holds(self, name: str, condition: str) -> bool:
        """Whether the condition of a dependency is met now."""
        s, rules = self.state.services[name], self.plan.services[name]
        staying = s.want and not s.asked
        match condition:
            case "completed":
                return s.state is State.EXITED
            case "exited":
                return s.state in (State.EXITED, State.FAILED)
            case "ready":
                up = s.state is State.RUNNING and staying
                return up or (rules.oneshot and s.state is State.EXITED)
            case _:  # started
                going = s.state is State.RUNNING or (s.state is State.STARTING and s.begun)
                return (going and staying) or (rules.oneshot and s.state is State.EXITED)

    def _verdict(self, rules: Rules) -> tuple[str, str]:
        """Whether a service may start: "go", "wait" or "never", and why not."""
        for name, condition in rules.needs.items():
            if self._holds(name, condition):
                continue
            other = self.state.services[name]
            if other.state is State.FAILED:
                return "never", f"{name} failed"
            if other.state is State.EXITED:
                return "never", f"{name} has exited and will not be {condition}"
            return "wait", f"for {name} to be {condition} ({other.state})"
        for name in rules.after:
            if not self._had_its_attempt(name):
                other = self.state.services[name]
                return "wait", f"for {name} to start first ({other.state})"
        return "go", ""

    def _had_its_attempt(self, name: str) -> bool:
        s, rules = self.state.services[name], self.plan.services[name]
        if s.state is State.WAITING:
            return self._is_stuck(rules)
        if rules.oneshot:
            return s.state in AT_REST or s.state is State.BACKOFF
        return s.state is not State.STARTING

    def _is_stuck(self, rules: Rules) -> bool:
        """Whether it waits for something that somebody stopped by hand."""
        todo, seen = [rules], {rules.name}
        while todo:
            for name in todo.pop().needs:
                other = self.state.services[name]
                if other.state is State.STOPPED and not other.want:
                    return True
                if other.state is State.WAITING and name not in seen:
                    seen.add(name)
                    todo.append(self.plan.services[name])
        return False

    # --- Stopping ---------------------------------------------------------------------------------

    def _may_stop(self, rules: Rules) -> bool:
        """Whether no dependent that is to stop still has to."""
        if self.state.hurry:
            return True
        others = (self.state.services[name] for name in rules.dependents)
        return not any(s.state in ACTIVE and (s.asked or not s.want) for s in others)

    def _scale(self, turn: Turn, name: str) -> float:
        if self.state.phase != "stopping":
            return 1.0
        left = self.state.deadline - self.plan.shutdown_timeout * (1 - GRACE) - turn.now
        return policy.stop_scale(left, self.state.chains.get(name, 0.0))

    def _shut_down(self, turn: Turn, code: int | None, *, hurry: bool) -> None:
        state = self.state
        if state.code is None:
            state.code = code
        if state.phase in ("new", "up"):
            state.phase = "stopping"
            state.deadline = turn.now + self.plan.shutdown_timeout
            self._arm(turn, turn.now + self.plan.shutdown_timeout * LAST)
            state.chains = self._chains()
            for s in state.services.values():
                service.stop(turn, s, by_hand=False)
                if s.state is State.STOPPING:
                    service.shorten_stop(turn, s, scale=self._scale(turn, s.name))
        if hurry and not state.hurry:
            state.hurry = True
            for name, s in state.services.items():
                turn.touched.append(s)
                if s.state is State.STOPPING:
                    service.kill_now(turn, s, self.plan.services[name])

    def _arm(self, turn: Turn, at: float) -> None:
        self.state.shutdown_at = at
        turn.actions.append(Arm("", 0, "shutdown", at))

    def _out_of_time(self, turn: Turn) -> None:
        """Kill what is left; if that does not help until the deadline either, end without it."""
        if turn.now >= self.state.deadline:
            self._end(turn)
        else:
            self._arm(turn, self.state.deadline)
            self._shut_down(turn, None, hurry=True)

    def _chains(self) -> dict[str, float]:
        """For each service, how long it and what can only stop after it may take."""
        made: dict[str, float] = {}
        for name, rules in self.plan.services.items():  # what it depends on comes before it
            alive = self.state.services[name].state in ACTIVE
            own = sum(wait for _, wait in rules.stop_steps) if alive else 0.0
            made[name] = own + max((made[o] for o in (*rules.needs, *rules.after)), default=0.0)
        return made

    # --- After every event ------------------------------------------------------------------------

    def _look_round(self, turn: Turn) -> None:
        """Let every service whose neighbourhood changed start or stop, until all is still."""
        while turn.touched:
            touched, turn.touched = turn.touched, []
            for name in self._neighbours(touched):
                self._mark_ends(turn)  # first, so that nothing starts in the instant of the end
                self._look(turn, self.state.services[name], self.plan.services[name])
            self._mark_ends(turn)
        self._end_if_idle(turn)

    def _neighbours(self, touched: list[ServiceState]) -> dict[str, None]:
        made: dict[str, None] = {}
        for s in touched:
            rules = self.plan.services.get(s.name)
            if rules is not None:
                made |= dict.fromkeys((s.name, *rules.dependents, *rules.needs, *rules.after))
        return made

    def _look(self, turn: Turn, s: ServiceState, rules: Rules) -> None:
        if s.state is State.WAITING or (s.state is State.BACKOFF and s.due):
            verdict, reason = self._verdict(rules)
            if verdict == "go":
                service.may_start(turn, s, rules)
            elif verdict == "never":
                service.cannot_start(turn, s, reason)
            else:
                service.must_wait(turn, s, reason)
        elif s.asked and s.pid and s.state is not State.STOPPING and self._may_stop(rules):
            service.may_stop(turn, s, rules, scale=self._scale(turn, s.name))
            if self.state.hurry:
                service.kill_now(turn, s, rules)

    def _mark_ends(self, turn: Turn) -> None:
        """End init when that is what the end of a service means."""
        ended, turn.ended = turn.ended, []
        for s in ended:
            rules = self.plan.services.get(s.name)
            if rules is None or self.state.phase != "up":
                continue
            if s.state is State.FAILED and (rules.main or rules.essential):
                code = self._first_failure() if s.result == "dependency" else None
                self._shut_down(turn, code or policy.failure_code(s.last_status), hurry=False)
            elif s.state is State.EXITED and rules.main:
                self._shut_down(turn, policy.exit_code(s.last_status), hurry=False)

    def _end_if_idle(self, turn: Turn) -> None:
        if self._busy is not None and self._keeps_up(self._busy):
            return  # the one that was found last time; so this costs nothing per event
        services = self.state.services.values()
        self._busy = next((s for s in services if self._keeps_up(s)), None)
        idle = self._busy is None
        if idle and (self.state.phase == "stopping" or self._nothing_left()):
            self._end(turn)

    def _keeps_up(self, s: ServiceState) -> bool:
        """Whether init has to go on for the sake of this service."""
        if self.state.phase == "stopping":
            return s.state in ACTIVE
        return s.state not in AT_REST or s.by_hand

    def _nothing_left(self) -> bool:
        return self.state.phase == "up" and not self.plan.keep_running

    def _end(self, turn: Turn) -> None:
        state = self.state
        if state.phase == "done":
            return
        code = state.code
        if code is None and state.phase == "stopping":
            main = state.services.get(self.plan.main or "")
            code = policy.exit_code(main.last_status) if main and main.run else 0
        if code is None:
            code = self._first_failure()
        state.phase, state.code = "done", code
        turn.actions.append(Finish(code))

    def _first_failure(self) -> int:
        """The code of the first service that failed by itself; 0 if none did."""
        failed = [s for s in self.state.services.values() if s.state is State.FAILED]
        first = min(failed, key=lambda s: (s.result == "dependency", s.since_at), default=None)
        return policy.failure_code(first.last_status) if first else 0
