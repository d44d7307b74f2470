"""Random lives of init against a fake kernel that is late, repeats itself and mixes things up."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from nsinit.core import messages as m
from nsinit.core.state import ACTIVE, AT_REST, CoreState
from nsinit.core.supervisor import Supervisor
from nsinit.model.plan import Plan  # noqa: TC001  (Hypothesis reads the annotations)
from nsinit.runtime import handover
from tests.support.fake_kernel import FakeKernel
from tests.support.lives import (
    DAEMONS,
    OUTCOMES,
    TASK_OUTCOMES,
    lesser,
    notifications,
    plans,
    stale_events,
)


class Life(RuleBasedStateMachine):
    """One init from its boot to its end."""

    kernel: FakeKernel

    @initialize(
        plan=plans(),
        outcomes=st.lists(st.sampled_from(OUTCOMES), max_size=30),
        tasks=st.lists(st.sampled_from(TASK_OUTCOMES), max_size=30),
        default=st.sampled_from(["ok", "ok", "late", "1", "never"]),
        daemons=st.lists(st.sampled_from(DAEMONS), max_size=10),
        jitter=st.floats(0, 1),
    )
    def boot(
        self,
        plan: Plan,
        outcomes: list[str],
        tasks: list[str],
        default: str,
        daemons: list[str],
        jitter: float,
    ) -> None:
        self.kernel = FakeKernel(
            plan,
            outcomes=outcomes,
            task_outcomes=tasks,
            task_default=default,
            daemon_outcomes=daemons,
            jitter=jitter,
        )
        self.kernel.post(m.Boot())

    def going(self) -> bool:
        return self.kernel.finished is None

    def post(self, event: m.Event) -> None:
        if self.going():
            self.kernel.post(event)

    def names(self, picks: list[int]) -> tuple[str, ...]:
        known = list(self.kernel.plan.services)
        return tuple(known[pick % len(known)] for pick in picks)

    picks = st.lists(st.integers(0, 4), min_size=1, max_size=3)

    # --- What the world does ----------------------------------------------------------------------

    @precondition(lambda self: self.kernel.pending)
    @rule(index=st.integers(0, 50))
    def deliver(self, index: int) -> None:
        if self.going():
            self.kernel.deliver(index % len(self.kernel.pending))

    @rule(seconds=st.sampled_from([0.1, 0.6, 1.0, 5.0, 40.0]))
    def advance(self, seconds: float) -> None:
        if self.going():
            self.kernel.advance(seconds)

    @rule(seconds=st.sampled_from([60.0, 86_400.0, 366 * 86_400.0]))
    def stand_still(self, seconds: float) -> None:
        """Init does not get to run for so long, as when it is stopped; or a machine sleeps."""
        if self.going():
            self.kernel.jump(seconds)

    @rule(pick=st.integers(0, 4), status=st.sampled_from([0, 0, 1, 3, 4, 255, -9, -15]))
    def crash(self, pick: int, status: int) -> None:
        if self.going():
            self.kernel.crash(self.names([pick])[0], status)

    @rule(pick=st.integers(0, 4))
    def ready(self, pick: int) -> None:
        (name,) = self.names([pick])
        process = self.kernel.processes.get(name)
        if process and process.main:
            self.post(m.Ready(name, process.run))

    @rule(pick=st.integers(0, 4), data=st.data())
    def notify(self, pick: int, data: st.DataObject) -> None:
        (name,) = self.names([pick])
        run = self.kernel.core.state.services[name].run
        self.post(data.draw(notifications(name, run)))

    @rule(pick=st.integers(0, 4))
    def another_process_is_the_main_one(self, pick: int) -> None:
        if self.going():
            told = self.kernel.adopt(self.names([pick])[0])
            if told is not None:
                self.kernel.post(told)

    # --- What operators, schedules and sockets ask for --------------------------------------------

    @rule(picks=picks, verb=st.sampled_from([m.Start, m.Stop, m.Restart]))
    def ask(self, picks: list[int], verb: type[m.Start | m.Stop | m.Restart]) -> None:
        self.post(verb(self.names(picks)))

    @rule(picks=picks, verb=st.sampled_from([m.Reload, m.Reset, m.Trigger]))
    def ask_more(self, picks: list[int], verb: type[m.Reload | m.Reset | m.Trigger]) -> None:
        self.post(verb(self.names(picks)))

    @rule(picks=picks, on=st.booleans())
    def pin(self, picks: list[int], on: bool) -> None:
        self.post(m.Pin(self.names(picks), on))

    @rule(picks=picks, on=st.booleans())
    def pause(self, picks: list[int], on: bool) -> None:
        self.post(m.Pause(self.names(picks), on))

    @rule(pick=st.integers(0, 4))
    def fail_to_pause(self, pick: int) -> None:
        (name,) = self.names([pick])
        self.post(m.PauseFailed(name, self.kernel.core.state.services[name].run, "no freezer"))

    @precondition(lambda self: self.going())
    @rule(plan=plans())
    def update(self, plan: Plan) -> None:
        """Another configuration; what differs is not what runs."""
        old = self.kernel.plan.services
        changed = [n for n, r in plan.services.items() if n in old and old[n] != r]
        self.kernel.post(m.Update(plan, tuple(changed)))

    @precondition(lambda self: self.going())
    @rule(picks=picks)
    def leave_out(self, picks: list[int]) -> None:
        """Some go, and with them what others needed them for; these run on."""
        plan = lesser(self.kernel.plan, set(self.names(picks)))
        if plan.services:
            self.kernel.post(m.Update(plan, ()))

    @precondition(lambda self: self.going())
    @rule(hurry=st.booleans(), code=st.sampled_from([None, 7]))
    def shut_down(self, hurry: bool, code: int | None) -> None:
        self.kernel.post(m.Shutdown(code, hurry))

    # --- What changes nothing ---------------------------------------------------------------------

    @rule(pick=st.integers(0, 4), back=st.integers(1, 3), kind=st.integers(0, 12))
    def say_something_of_an_earlier_run(self, pick: int, back: int, kind: int) -> None:
        """Stale events change nothing at all."""
        (name,) = self.names([pick])
        run = self.kernel.core.state.services[name].run - back
        self.changes_nothing(stale_events(name, run)[kind])

    @precondition(lambda self: self.kernel.cancelled)
    @rule(index=st.integers(0, 50))
    def fire_a_cancelled_timer(self, index: int) -> None:
        cancelled = self.kernel.cancelled
        timer = cancelled[index % len(cancelled)]
        if self.kernel.timers.get((timer.service, timer.timer)) != timer:
            self.changes_nothing(timer)

    @precondition(lambda self: self.kernel.killed)
    @rule(index=st.integers(0, 50))
    def end_a_killed_task(self, index: int) -> None:
        killed = self.kernel.killed
        ended = killed[index % len(killed)]
        if (ended.service, ended.run, ended.task) not in self.kernel.tasks:
            self.changes_nothing(ended)

    def changes_nothing(self, event: m.Event) -> None:
        if not self.going():
            return
        before = self.kernel.core.state.encode()
        actions = self.kernel.core.handle(event, self.kernel.now, self.kernel.jitter)
        assert actions == []
        assert self.kernel.core.state.encode() == before

    @rule()
    def live_on_from_bytes(self) -> None:
        """The whole state survives being written out and read back."""
        core = self.kernel.core
        state = handover.unpack(handover.pack(core.state), CoreState)
        assert CoreState.decode(core.state.encode()) == state
        assert state == core.state
        self.kernel.core = Supervisor(core.plan, state, strict=True)

    # --- The end ----------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Whatever was going on, a stop comes to rest and a shutdown ends in its time."""
        if not hasattr(self, "kernel"):
            return
        kernel = self.kernel
        if self.going() and kernel.core.state.phase == "up":
            self.come_to_rest()
        if self.going():
            start = kernel.now if kernel.core.state.shutdown_at is None else None
            kernel.post(m.Shutdown())
            while self.going():
                assert kernel.now < kernel.core.state.deadline + 1.0
                kernel.settle()
                kernel.advance(0.25)
            if start is not None:
                assert kernel.now - start <= kernel.plan.shutdown_timeout
        final = kernel.core.state.services.values()
        if kernel.now < kernel.core.state.deadline:
            assert not any(s.state in ACTIVE for s in final)

    def come_to_rest(self) -> None:
        kernel = self.kernel
        kernel.post(m.Pin(tuple(kernel.plan.services), on=False))
        kernel.post(m.Stop(tuple(kernel.plan.services)))
        for _ in range(400):
            kernel.settle()
            if all(s.state in AT_REST and not s.tasks for s in kernel.core.state.services.values()):
                break
            if not self.going():
                return
            kernel.advance(2.0)
        states = {name: s.state for name, s in kernel.core.state.services.items()}
        assert set(states.values()) <= AT_REST, states


TestLife = Life.TestCase
# Half as many as of others, each of which is of 60 steps; `scripts/coreprograms` drives a million.
TestLife.settings = settings(
    stateful_step_count=60, deadline=None, max_examples=settings().max_examples // 2
)
