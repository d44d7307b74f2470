"""A service with a process per connection: it runs, and stops, without a main process."""

from __future__ import annotations

from nsinit.core import messages as m
from nsinit.core.state import State
from nsinit.core.supervisor import Supervisor
from nsinit.model.plan import make_plan
from nsinit.model.spec import Config
from tests.unit.core.world import Table, spec


class Hosted:
    """One such service, up to the moment when it listens."""

    def __init__(self, **table: object) -> None:
        keys: Table = {"sockets": [{"listen": "tcp:80", "accept": True}], **table}
        plan = make_plan(Config(services={"a": spec(keys), "b": spec({"depends_on": ["a"]})}))
        self.core = Supervisor(plan, strict=True)
        self.post(m.Boot())
        self.post(m.Spawned("a", 1, 0))
        self.ready = self.post(m.Execed("a", 1))

    def post(self, event: m.Event) -> list[m.Action]:
        return self.core.handle(event, 0.0)

    @property
    def state(self) -> State:
        return self.core.state.services["a"].state


def test_it_is_ready_when_init_listens() -> None:
    """There is nothing to wait for: dependents start."""
    world = Hosted()
    assert world.state is State.RUNNING
    assert m.Spawn("b", 1) in world.ready


def test_it_is_stopped_when_its_connections_are_gone() -> None:
    """They get the stop sequence as strays do; then it has ended well."""
    world = Hosted()
    world.post(m.Stop(("b",)))
    world.post(m.SpawnFailed("b", 1, "execute", 2, ""))
    assert m.Sweep("a", 1) in world.post(m.Stop(("a",)))
    asked = world.post(m.Lingering("a", 1, 2))
    assert m.Signal("a", 1, 15, "all") in asked
    assert world.state is State.STOPPING
    world.post(m.Emptied("a", 1))
    a = world.core.state.services["a"]
    assert (a.state, a.result, a.last_status) == (State.STOPPED, "success", 0)


def test_its_hooks_run_when_it_is_stopped() -> None:
    """pre_stop has something to do here too."""
    world = Hosted(pre_stop={"command": "x"})
    world.post(m.SpawnFailed("b", 1, "execute", 2, ""))
    asked = world.post(m.Stop(("a",)))
    assert any(isinstance(a, m.RunTask) and a.task == "pre_stop" for a in asked)
    assert m.Sweep("a", 1) in world.post(m.TaskEnded("a", 1, "pre_stop", 0))


def test_it_fails_when_it_cannot_listen() -> None:
    """As any service whose program is not there."""
    world = Hosted()
    core = Supervisor(world.core.plan, strict=True)
    core.handle(m.Boot(), 0.0)
    core.handle(m.SpawnFailed("a", 1, "listen on", 98, "taken"), 0.0)
    a = core.state.services["a"]
    assert (a.state, a.result, a.reason) == (State.FAILED, "exec", "taken")


def test_everything_ends_when_init_shuts_down() -> None:
    """It is waited for like any other."""
    world = Hosted()
    world.post(m.SpawnFailed("b", 1, "execute", 2, ""))
    assert m.Sweep("a", 1) in world.post(m.Shutdown())
    assert m.Finish(0) in world.post(m.Emptied("a", 1))


def test_lazy_service_runs_again_at_once_when_restarted() -> None:
    """Who asks for it does not want to wait for a connection."""
    keys: Table = {"sockets": [{"listen": "tcp:80", "lazy": True}]}
    core = Supervisor(make_plan(Config(services={"a": spec(keys)})), strict=True)
    core.handle(m.Boot(), 0.0)
    assert core.state.services["a"].reason == "for a connection"
    core.handle(m.Trigger(("a",)), 0.0)
    core.handle(m.Spawned("a", 1, 5), 0.0)
    core.handle(m.Execed("a", 1), 0.0)
    core.handle(m.Restart(("a",)), 0.0)
    core.handle(m.Exited("a", 1, -15), 0.0)
    assert m.Spawn("a", 2) in core.handle(m.Emptied("a", 1), 0.0)


def test_it_runs_when_its_post_start_is_done() -> None:
    """That it has no main process does not mean that it has ended."""
    world = Hosted(post_start={"command": "x"})
    world.post(m.TaskEnded("a", 1, "post_start", 0))
    assert world.state is State.RUNNING


def test_it_is_restarted_when_an_update_gives_it_a_process() -> None:
    """It was begun without one, and is stopped so."""
    world = Hosted()
    world.post(m.Spawned("b", 1, 7))
    plan = make_plan(Config(services={"a": spec({}), "b": spec({})}))
    world.post(m.Update(plan, ("a",)))
    assert world.state is State.STOPPING
    assert m.Spawn("a", 2) in world.post(m.Emptied("a", 1))
