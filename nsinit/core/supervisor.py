"""All services together: who starts, who stops, and when init ends.

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

from nsinit.core import finale, order, policy, rolling, service, starting, stopping, update, upkeep
from nsinit.core import messages as m
from nsinit.core.state import ACTIVE, CoreState, ServiceState, State
from nsinit.core.turn import Turn, cancel_task

if TYPE_CHECKING:
    from nsinit.core.messages import Action, Event
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
        self._reasons = finale.Reasons()
        self._touched = dict.fromkeys(self.state.leaving)  # since `tidy`, if not earlier
        self._late: dict[str, int] = {}  # where a service has found whom it waits for
        self._places: dict[str, int] | None = None  # of services in the plan, once it is asked for
        for name in plan.services:
            if name not in self.state.services:
                self.state.services[name] = ServiceState(name=name)

    def handle(self, event: Event, now: float, jitter: float = 0.0) -> list[Action]:
        """What to do about one event at this monotonic instant; `jitter` is from 0 to 1.

        Call `tidy` when that is done.
        """
        turn = Turn(now, jitter)
        match event:
            case m.RunEvent(service=""):
                self._own_event(turn, event)
            case m.RunEvent():
                self._run_event(turn, event)
            case m.Boot():
                self._boot(turn)
            case m.Shutdown(code, hurry):
                self._shut_down(turn, code, hurry=hurry)
            case _:
                self._request(turn, event)
        self._look_round(turn)
        return turn.actions

    def tidy(self) -> None:
        """Forget services that have left, once the actions that name them are carried out."""
        if self.state.leaving:
            update.forget(self.state, self.plan, self._touched)
        self._touched = {}

    def _request(self, turn: Turn, event: Event) -> None:
        """What an operator asks for; `names` that are unknown are the caller's mistake."""
        match event:
            case m.Start(names) | m.Restart(names) | m.Stop(names) if self.state.phase == "new":
                self._keep_for_later(names, want=not isinstance(event, m.Stop))
            case m.Start(names):
                self._start(turn, names)
            case m.Restart(names):
                self._restart(turn, names)
            case m.Update(plan, changed) if self.state.phase == "up":
                self._update(turn, plan, changed)
            case m.Pause(names):
                for s, _ in self._named(names):
                    service.ask(turn, s, self._rules(s.name), event)
            case m.Stop() | m.Reload() | m.Reset() | m.Pin() | m.Trigger():
                for s, rules in self._named(event.names):
                    service.ask(turn, s, rules, event)

    def _keep_for_later(self, names: tuple[str, ...], *, want: bool) -> None:
        """What is asked for while init's own pre_start runs counts once that is done."""
        for s, rules in self._named(names):
            s.by_hand = not want and (rules.autostart or s.want)
            s.want = want

    def _update(self, turn: Turn, plan: Plan, changed: tuple[str, ...]) -> None:
        known = self.state.services.keys() - self.state.leaving
        self.plan = update.merge(turn, self.state, self.plan, plan, changed)
        self._places = None
        self._restart(turn, tuple(update.to_restart(self.state, changed)))
        self._start(turn, [n for n, r in plan.services.items() if r.autostart and n not in known])
        for name, s in self.state.services.items():
            upkeep.adjust(turn, s, self._rules(name))
        turn.touched += self.state.services.values()

    def _rules(self, name: str) -> Rules:
        """By what the present run of a service goes."""
        return self.state.outdated.get(name) or self.plan.services[name]

    def _named(self, names: tuple[str, ...]) -> list[tuple[ServiceState, Rules]]:
        """Those that there are; what an update has left out only comes to its end."""
        known, gone = self.plan.services, self.state.leaving
        there = [name for name in names if name in known and name not in gone]
        return [(self.state.services[name], known[name]) for name in there]

    def _run_event(self, turn: Turn, event: m.RunEvent) -> None:
        if event.service not in self.plan.services:
            return  # of a service that is no more
        s, rules = self.state.services[event.service], self._rules(event.service)
        before = s.state
        self._touched[s.name] = None  # a task of it may have been the last
        known = service.handle(turn, s, rules, event)
        by_itself = before is not State.STOPPING and s.state is State.STOPPING
        if by_itself and self.state.phase == "stopping":
            stopping.shorten_stop(turn, s, scale=self._scale(turn, s.name))
        if not known:
            text = f"{type(event).__name__} in state {s.state}"
            if self.strict:
                raise ImpossibleError(f"{event.service}: {text}")
            turn.actions.append(m.Noted(event.service, text))

    # --- Init's own hooks and deadline ------------------------------------------------------------

    def _boot(self, turn: Turn) -> None:
        if not finale.run_hook(turn, self.plan, self.state, "pre_start"):
            self._begin(turn)

    def _begin(self, turn: Turn) -> None:
        self.state.phase = "up"
        names: list[str] = []
        for name, rules in self.plan.services.items():
            s = self.state.services[name]
            if s.want or (rules.autostart and not s.by_hand):
                names.append(name)
            s.want = False
        self._start(turn, names)

    def _own_event(self, turn: Turn, event: m.RunEvent) -> None:
        state = self.state
        match event:
            case m.Fired(timer="shutdown", at=at):
                if at == state.shutdown_at:
                    self._out_of_time(turn)
            case m.Fired(timer=timer, at=at):
                if timer == state.hook and at == state.hook_at:
                    turn.actions.append(m.KillTask("", 0, state.hook))
                    self._hook_ended(turn, None, "")
            case m.TaskEnded(task=task, status=status, text=text) if task == state.hook:
                turn.actions.append(m.Disarm("", 0, task))
                self._hook_ended(turn, status, text)

    def _hook_ended(self, turn: Turn, status: int | None, text: str) -> None:
        task, self.state.hook = self.state.hook, ""
        if status != 0:
            turn.actions.append(m.Remark("", f"{task} {policy.how_it_ended(status, text)}"))
        if task == "post_stop":
            self._finish(turn)
        elif status == 0:  # its pre_start
            self._begin(turn)
        else:
            self._shut_down(turn, policy.failure_code(status), hurry=False)

    # --- Starting ---------------------------------------------------------------------------------

    def _start(self, turn: Turn, names: tuple[str, ...] | list[str]) -> None:
        """Want services up, and with them what they need and want."""
        if self.state.phase != "up":
            return
        asked = set(names) - self.state.leaving  # which nobody can want up again
        seen = order.pulled_in(self.plan, self.state, [*asked])
        for name in self._in_starting_order(seen):  # whatever was typed
            s, rules = self.state.services[name], self.plan.services[name]
            # What is only pulled in, and about to have ended as it should, need not run again.
            ending = s.state is State.STOPPING and not s.asked
            if name in asked or not ending:
                if s.state is State.WAITING and rules.trigger:
                    s.triggered = True  # an operator need not wait for the hour
                    turn.touched.append(s)
                service.start(turn, s)

    def _in_starting_order(self, names: set[str]) -> list[str]:
        """Those of them that the plan has; without a look at all others for a few."""
        if self._places is None:
            self._places = {name: place for place, name in enumerate(self.plan.services)}
        places = self._places
        return sorted(names & self.plan.services.keys(), key=lambda name: places[name])

    def _restart(self, turn: Turn, names: tuple[str, ...]) -> None:
        """Stop and start; of several replicas of one service one after the other."""
        if self.state.phase != "up":
            return
        down: list[str] = []
        replicas: dict[str, list[str]] = {}
        named = self._named(tuple(dict.fromkeys(names)))
        for s, rules in named:
            replicas.setdefault(rules.replica_of, []).append(s.name)
        for s, rules in named:
            if rules.replica_of and len(replicas[rules.replica_of]) > 1:
                continue
            if s.state in ACTIVE or order.to_undo(s, rules):
                service.restart(turn, s)
            else:
                down.append(s.name)
        self._start(turn, down)
        for base, mates in replicas.items():
            if base and len(mates) > 1:
                rolling.begin(self.state, base, mates)
                self._roll(turn, base)

    def _roll(self, turn: Turn, base: str) -> None:
        """Restart the next of the replicas that are to restart in turn, when it may."""
        name = rolling.next_replica(self.state, base)
        if name and self.state.services[name].state in ACTIVE:
            service.restart(turn, self.state.services[name])
        elif name:
            self._start(turn, [name])

    def _restart_dependents(self, turn: Turn) -> None:
        broken, turn.broken = turn.broken, []
        for s in broken:
            rules = self.plan.services[s.name]
            if rules.on_failure == "restart-dependents":
                for other, theirs in self._named(rules.dependents):
                    if s.name in theirs.needs and other.state in ACTIVE and other.want:
                        service.restart(turn, other)

    # --- Stopping ---------------------------------------------------------------------------------

    def _scale(self, turn: Turn, name: str) -> float:
        if self.state.phase != "stopping":
            return 1.0
        if self.state.hurry:
            return 0.0
        left = self.state.deadline - self.plan.shutdown_timeout * (1 - GRACE) - turn.now
        own = self.plan.tasks.get("post_stop", 0.0)  # comes after the last of them
        return policy.stop_scale(left, self.state.chains.get(name, 0.0) + own)

    def _shut_down(self, turn: Turn, code: int | None, *, hurry: bool) -> None:
        state = self.state
        if state.phase == "done":
            return
        if state.code is None:
            state.code = code
        if state.shutdown_at is None:
            state.deadline = turn.now + self.plan.shutdown_timeout
            self._arm(turn, turn.now + self.plan.shutdown_timeout * LAST)
        if state.phase != "stopping":
            finale.kill_hook(turn, self.state)
            state.phase = "stopping"
            state.chains = order.chains(self.plan, state)
            state.rolls.clear()
            for name, s in state.services.items():
                service.stop(turn, s, self.plan.services[name], by_hand=False)
                if s.state is State.STOPPING:
                    stopping.shorten_stop(turn, s, scale=self._scale(turn, s.name))
        if hurry and not state.hurry:
            state.hurry = True
            for name, s in state.services.items():
                turn.touched.append(s)
                stopping.kill_now(turn, s, self._rules(name))
                cancel_task(turn, s, "on_fail")
            finale.kill_hook(turn, self.state)

    def _arm(self, turn: Turn, at: float) -> None:
        self.state.shutdown_at = at
        turn.actions.append(m.Arm("", 0, "shutdown", at))

    def _out_of_time(self, turn: Turn) -> None:
        """Kill what is left; if that does not help until the deadline either, end without it."""
        if turn.now >= self.state.deadline:
            self._finish(turn)
        else:
            self._arm(turn, self.state.deadline)
            self._shut_down(turn, None, hurry=True)

    # --- After every event ------------------------------------------------------------------------

    def _look_round(self, turn: Turn) -> None:
        """Let every service whose neighbourhood changed start or stop, until all is still."""
        while turn.touched:
            if turn.broken:
                self._restart_dependents(turn)
            touched, turn.touched = turn.touched, []
            self._note(touched)
            for name in self._neighbours(touched):
                if turn.ended:  # first, so that nothing starts in the instant of the end
                    self._mark_ends(turn)
                if name in self.plan.services:  # dependents may have left
                    self._look(turn, self.state.services[name], self.plan.services[name])
            if turn.ended:
                self._mark_ends(turn)
            for base in list(self.state.rolls):
                self._roll(turn, base)
        self._end_if_idle(turn)

    def _note(self, touched: list[ServiceState]) -> None:
        names = dict.fromkeys(s.name for s in touched)
        self._reasons.note(names)
        self._touched.update(names)
        for s in touched:
            if s.state not in ACTIVE:
                self.state.outdated.pop(s.name, None)

    def _neighbours(self, touched: list[ServiceState]) -> dict[str, None]:
        made: dict[str, None] = {}
        for s in touched:
            rules = self.plan.services[s.name]
            made |= dict.fromkeys((s.name, *rules.dependents, *rules.needs, *rules.after))
            if s.state is State.STOPPED:
                made |= order.followers_of_stuck(self.plan, self.state, s.name)
        return made

    def _look(self, turn: Turn, s: ServiceState, rules: Rules) -> None:
        if s.state is State.WAITING or (s.state is State.BACKOFF and s.due):
            verdict, reason = order.verdict(self.plan, self.state, rules)
            if verdict == "go":
                starting.may_start(turn, s, rules)
            elif verdict == "never":
                starting.cannot_start(turn, s, rules, reason)
            else:
                starting.must_wait(turn, s, reason)
        elif s.asked and s.state is not State.STOPPING and self._can_stop(s):
            s.stop_scale = self._scale(turn, s.name)
            stopping.begin_stop(turn, s, self._rules(s.name), "")
            if self.state.hurry:
                stopping.kill_now(turn, s, self._rules(s.name))

    def _can_stop(self, s: ServiceState) -> bool:
        in_the_making = s.stage in ("main", "parent") and not (s.pid or s.begun)
        if in_the_making:  # there will be a process, or the word that there is none
            return False
        return order.may_stop(self.state, self.plan.services[s.name], self._late)

    def _mark_ends(self, turn: Turn) -> None:
        """End init when that is what the end of a service means."""
        ended, turn.ended = turn.ended, []
        for s in ended:
            rules = self.plan.services[s.name]
            fatal = rules.main or rules.essential or s.fatal or rules.on_failure == "shutdown"
            if s.state is State.FAILED and fatal:
                code = finale.first_failure(self.state) if s.result == "dependency" else None
                self._shut_down(turn, code or policy.failure_code(s.last_status), hurry=False)
            elif rules.main:
                self._shut_down(turn, policy.exit_code(s.last_status), hurry=False)

    def _end_if_idle(self, turn: Turn) -> None:
        state = self.state
        if state.phase not in ("up", "stopping") or self._reasons.any(state):
            return
        over = state.phase == "stopping" or not self.plan.keep_running
        if over and not state.hook:
            self._end(turn)

    def _end(self, turn: Turn) -> None:
        state = self.state
        state.code = finale.final_code(self.plan, state)
        state.phase = "stopping"
        if state.hurry or not finale.run_hook(turn, self.plan, self.state, "post_stop"):
            self._finish(turn)

    def _finish(self, turn: Turn) -> None:
        if self.state.phase != "done":
            self.state.phase = "done"
            self.state.code = self.state.code or 0
            turn.actions.append(m.Finish(self.state.code))
