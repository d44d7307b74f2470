"""Random lives of init against a fake kernel that is late, repeats itself and mixes things up."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from nsinit.core import messages as m
from nsinit.core.state import ACTIVE, AT_REST, CoreState, State
from nsinit.core.supervisor import Supervisor
from nsinit.model.plan import make_plan
from nsinit.model.spec import Config, Init, Ready, RestartPolicy, Schedule, Service, ServiceType
from nsinit.model.types import Codes, Limit, Needs, Seconds, StopSequence, Words
from tests.support.fake_kernel import FakeKernel

NAMES = ["a", "b", "c", "d", "e"]
TYPES: list[ServiceType] = ["simple", "simple", "oneshot", "notify"]
RESTARTS: list[RestartPolicy | None] = [None, "no", "on-failure", "always", "on-success"]
OUTCOMES = ["ok", "ok", "stubborn", "strays", "no fork", "no program", "late failure", "late exec"]


@st.composite
def services(draw: st.DrawFn) -> dict[str, Service]:
    """A few services whose dependencies go only to earlier ones."""
    count = draw(st.integers(1, len(NAMES)))
    main = draw(st.integers(-4, count - 1))
    made: dict[str, Service] = {}
    for index, name in enumerate(NAMES[:count]):
        kind = draw(st.sampled_from(TYPES))
        earlier = st.sampled_from(NAMES[:index]) if index else st.nothing()
        needs = draw(st.sets(earlier, max_size=2)) if index else set()
        choices = ["started", "ready", "completed", "exited"]
        conditions = {
            other: draw(st.sampled_from(choices))
            for other in sorted(needs)
            if made[other].restart != "always"
        }
        restart = draw(st.sampled_from(RESTARTS))
        made[name] = Service(
            command=Words(["x"]),
            type=kind,
            restart=restart if kind != "oneshot" or restart in (None, "no") else "on-failure",
            depends_on=Needs(conditions),
            autostart=draw(st.booleans()) or index == 0,
            main=index == main,
            essential=draw(st.integers(0, 4)) == 0,
            ready=Ready(notify=draw(st.booleans())),
            start_timeout=draw(st.sampled_from([None, Seconds(5)])),
            min_uptime=draw(st.sampled_from([None, Seconds(0)])),
            restart_delay=Seconds(draw(st.sampled_from([0.0, 0.5]))),
            restart_limit=Limit(draw(st.sampled_from([-1, 0, 1, 3]))),
            success_exit_codes=Codes(draw(st.sampled_from([[0], [0, 3], [0, -15]]))),
            restart_prevent_codes=Codes(draw(st.sampled_from([[], [4]]))),
            stop_signal=draw(
                st.sampled_from([StopSequence([(15, None)]), StopSequence([(15, 2.0), (2, 1.0)])])
            ),
            schedule=Schedule(
                cron="* * * * *", overlap=draw(st.sampled_from(["skip", "queue", "kill"]))
            )
            if index != main
            and restart not in ("always", "on-success")
            and not draw(st.integers(0, 3))
            else None,
            kill_mode=draw(st.sampled_from(["group", "group", "mixed", "process"])),
        )
    return made


class Life(RuleBasedStateMachine):
    """One init from its boot to its end."""

    kernel: FakeKernel

    @initialize(
        specs=services(),
        keep=st.booleans(),
        outcomes=st.lists(st.sampled_from(OUTCOMES), max_size=30),
        jitter=st.floats(0, 1),
    )
    def boot(
        self, specs: dict[str, Service], keep: bool, outcomes: list[str], jitter: float
    ) -> None:
        config = Config(init=Init(keep_running=keep), services=specs)
        self.kernel = FakeKernel(make_plan(config), outcomes=outcomes, jitter=jitter)
        self.kernel.post(m.Boot())

    def going(self) -> bool:
        return self.kernel.finished is None

    def names(self, picks: list[int]) -> tuple[str, ...]:
        known = list(self.kernel.plan.services)
        return tuple(known[pick % len(known)] for pick in picks)

    picks = st.lists(st.integers(0, 4), min_size=1, max_size=3)

    @precondition(lambda self: self.kernel.pending)
    @rule(index=st.integers(0, 50))
    def deliver(self, index: int) -> None:
        if self.going():
            self.kernel.deliver(index % len(self.kernel.pending))

    @rule(seconds=st.sampled_from([0.1, 0.6, 1.0, 5.0, 40.0]))
    def advance(self, seconds: float) -> None:
        if self.going():
            self.kernel.advance(seconds)

    @rule(pick=st.integers(0, 4), status=st.sampled_from([0, 0, 1, 3, 4, 255, -9, -15]))
    def crash(self, pick: int, status: int) -> None:
        if self.going():
            self.kernel.crash(self.names([pick])[0], status)

    @rule(pick=st.integers(0, 4))
    def ready(self, pick: int) -> None:
        (name,) = self.names([pick])
        process = self.kernel.processes.get(name)
        if self.going() and process and process.main:
            self.kernel.post(m.Ready(name, process.run))

    @rule(picks=picks)
    def trigger(self, picks: list[int]) -> None:
        if self.going():
            names = self.names(picks)
            rules = self.kernel.plan.services
            self.kernel.post(m.Trigger(tuple(name for name in names if rules[name].trigger)))

    @rule(picks=picks)
    def start(self, picks: list[int]) -> None:
        if self.going():
            self.kernel.post(m.Start(self.names(picks)))

    @rule(picks=picks)
    def stop(self, picks: list[int]) -> None:
        if self.going():
            self.kernel.post(m.Stop(self.names(picks)))

    @rule(picks=picks)
    def restart(self, picks: list[int]) -> None:
        if self.going():
            self.kernel.post(m.Restart(self.names(picks)))

    @rule(pick=st.integers(0, 4), back=st.integers(1, 3), kind=st.integers(0, 6))
    def say_something_of_an_earlier_run(self, pick: int, back: int, kind: int) -> None:
        """Stale events change nothing at all."""
        (name,) = self.names([pick])
        run = self.kernel.core.state.services[name].run - back
        stale: list[m.Event] = [
            m.Spawned(name, run, 7),
            m.Execed(name, run),
            m.SpawnFailed(name, run, "exec", 2, "x"),
            m.Ready(name, run),
            m.Exited(name, run, 1),
            m.Emptied(name, run),
            m.Fired(name, run, "stop", 0.0),
        ]
        self.changes_nothing(stale[kind])

    @precondition(lambda self: self.kernel.cancelled)
    @rule(index=st.integers(0, 50))
    def fire_a_cancelled_timer(self, index: int) -> None:
        cancelled = self.kernel.cancelled
        timer = cancelled[index % len(cancelled)]
        if self.kernel.timers.get((timer.service, timer.timer)) != timer:
            self.changes_nothing(timer)

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
        state = CoreState.decode(core.state.encode())
        assert state == core.state
        self.kernel.core = Supervisor(core.plan, state, strict=True)

    @precondition(lambda self: self.going())
    @rule(hurry=st.booleans(), code=st.sampled_from([None, 7]))
    def shut_down(self, hurry: bool, code: int | None) -> None:
        self.kernel.post(m.Shutdown(code, hurry))

    def teardown(self) -> None:
        """Whatever was going on, a stop comes to rest and a shutdown ends in its time."""
        if not hasattr(self, "kernel"):
            return
        kernel, state = self.kernel, self.kernel.core.state
        if self.going() and state.phase == "up":
            kernel.post(m.Stop(tuple(kernel.plan.services)))
            for _ in range(60):
                kernel.settle()
                kernel.advance(1.0)
            states = {s.state for s in kernel.core.state.services.values()}
            assert states <= AT_REST, states
        if self.going():
            start = kernel.now if kernel.core.state.phase == "up" else None
            kernel.post(m.Shutdown())
            while self.going():
                assert kernel.now < kernel.core.state.deadline + 1.0
                kernel.settle()
                kernel.advance(0.25)
            if start is not None:
                assert kernel.now - start <= kernel.plan.shutdown_timeout
        final = kernel.core.state.services.values()
        assert not any(s.state in ACTIVE for s in final) or kernel.now >= kernel.core.state.deadline
        assert not any(s.state is State.RUNNING for s in final)


TestLife = Life.TestCase
TestLife.settings = settings(stateful_step_count=40, deadline=None)
