"""A small world for examples about the core: services as TOML has them, on the fake kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import structs

from nsinit.core import messages as m
from nsinit.model.plan import make_plan
from nsinit.model.spec import Config, Init, Service
from nsinit.model.types import decode_hook
from tests.support.fake_kernel import FakeKernel

if TYPE_CHECKING:
    from nsinit.core.state import ServiceState, State

Table = dict[str, Any]


class World(FakeKernel):
    """The fake kernel, with the words that examples are told in."""

    # --- What is asked for ------------------------------------------------------------------------

    def boot(self) -> World:
        self.post(m.Boot())
        return self

    def start(self, *names: str) -> list[m.Action]:
        return self.post(m.Start(names))

    def stop(self, *names: str) -> list[m.Action]:
        return self.post(m.Stop(names))

    def restart(self, *names: str) -> list[m.Action]:
        return self.post(m.Restart(names))

    def reload(self, *names: str) -> list[m.Action]:
        return self.post(m.Reload(names))

    def reset(self, *names: str) -> list[m.Action]:
        return self.post(m.Reset(names))

    def pin(self, *names: str, on: bool = True) -> list[m.Action]:
        return self.post(m.Pin(names, on))

    def pause(self, *names: str, on: bool = True) -> list[m.Action]:
        return self.post(m.Pause(names, on))

    def trigger(self, *names: str) -> list[m.Action]:
        return self.post(m.Trigger(names))

    def shut_down(self, code: int | None = None, *, hurry: bool = False) -> list[m.Action]:
        return self.post(m.Shutdown(code, hurry))

    def ready(self, name: str) -> list[m.Action]:
        return self.post(m.Ready(name, self[name].run))

    def end(self, name: str, status: int = 0) -> None:
        """The main process ends by itself, without being slow about it."""
        self.crash(name, status)

    def exits(self, name: str) -> None:
        """The main process ends by the signal that it was sent, and its strays with it."""
        while due := [e for e in self.pending if e.service == name]:
            self.deliver(self.pending.index(due[0]))

    def notify(self, name: str, **fields: Any) -> list[m.Action]:
        """One datagram of sd_notify from the current run."""
        return self.post(m.Notified(name, self[name].run, **fields))

    def adopted(self, name: str) -> None:
        """It tells that another process is the main one, and so it is."""
        told = self.adopt(name)
        assert told is not None
        self.post(told)

    def task_ends(self, name: str, task: m.TaskKind, status: int = 0, text: str = "") -> None:
        """A hook or a probe that runs ends by itself."""
        run = self[name].run if name else 0
        assert (name, run, task) in self.tasks, f"{task} of {name!r} does not run"
        self.post(m.TaskEnded(name, run, task, status, text))

    # --- What can be seen -------------------------------------------------------------------------

    def __getitem__(self, name: str) -> ServiceState:
        return self.core.state.services[name]

    def state(self, name: str) -> State:
        return self[name].state

    @property
    def states(self) -> dict[str, str]:
        return {name: str(s.state) for name, s in self.core.state.services.items()}

    @property
    def spawned(self) -> list[str]:
        """The services in the order in which they were started, so far."""
        return [a.service for a in self.actions if isinstance(a, m.Spawn)]

    def signals(self, name: str, *, cont: bool = False) -> list[tuple[int, str]]:
        """The signals to a service so far, with their scope; CONT only if asked for."""
        sent = [a for a in self.actions if isinstance(a, m.Signal) and a.service == name]
        return [(a.number, a.scope) for a in sent if cont or a.number != 18]

    @property
    def signalled(self) -> list[str]:
        """The services in the order in which they first got a signal."""
        sent = (a.service for a in self.actions if isinstance(a, m.Signal))
        return list(dict.fromkeys(sent))

    def running_tasks(self, name: str) -> list[str]:
        """The hooks and probes of a service ("" is init itself) that run now."""
        return [task for who, _, task in self.tasks if who == name]

    def begun_tasks(self, name: str) -> list[str]:
        """The hooks and probes of a service that were begun, so far."""
        return [a.task for a in self.actions if isinstance(a, m.RunTask) and a.service == name]

    def killed_tasks(self, name: str) -> list[str]:
        """Those that were ended before they ended by themselves."""
        return [a.task for a in self.actions if isinstance(a, m.KillTask) and a.service == name]

    def told_of(self, name: str, task: str) -> m.RunTask:
        """What the last run of a hook was told."""
        told = [a for a in self.actions if isinstance(a, m.RunTask) and a.service == name]
        return [a for a in told if a.task == task][-1]

    @property
    def remarks(self) -> list[tuple[str, str]]:
        """What the operator was told, besides changes."""
        return [(a.service, a.text) for a in self.actions if isinstance(a, m.Remark)]

    def path(self, name: str) -> list[str]:
        """The states that a service went through."""
        changes = [a for a in self.actions if isinstance(a, m.Changed) and a.service == name]
        return [change.new for change in changes]

    def code(self) -> int | None:
        """What init has ended with, if it has."""
        return self.finished

    def timer(self, name: str, kind: str) -> float | None:
        """In how many seconds a timer runs out."""
        found = self.timers.get((name, kind))
        return None if found is None else round(found.at - self.now, 9)


def spec(table: Table) -> Service:
    """A service from the keys of its table; it runs from the moment of its exec unless told."""
    return msgspec.convert({"command": "x", "min_uptime": 0} | table, Service, dec_hook=decode_hook)


def world(
    services: dict[str, Table],
    *,
    jitter: float = 0.0,
    outcomes: list[str] | None = None,
    rules: dict[str, dict[str, Any]] | None = None,
    **init: Any,
) -> World:
    """An init that has not booted yet; its hooks and probes end only when the test says so.

    `rules` are what the plan has of a service besides its table: triggers, replicas.
    """
    made = Config(
        init=msgspec.convert(init, Init, dec_hook=decode_hook),
        services={name: spec(table) for name, table in services.items()},
    )
    plan = make_plan(made)
    changed = {name: structs.replace(plan.services[name], **r) for name, r in (rules or {}).items()}
    plan = structs.replace(plan, services=plan.services | changed)
    return World(plan, jitter=jitter, outcomes=outcomes or [], task_default="never")


def booted(
    services: dict[str, Table],
    *,
    jitter: float = 0.0,
    outcomes: list[str] | None = None,
    rules: dict[str, dict[str, Any]] | None = None,
    **init: Any,
) -> World:
    """An init that has started what starts by itself."""
    return world(services, jitter=jitter, outcomes=outcomes, rules=rules, **init).boot()
