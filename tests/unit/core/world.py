"""A small world for examples about the core: services as TOML has them, on the fake kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

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
    **init: Any,
) -> World:
    """An init that has not booted yet."""
    made = Config(
        init=msgspec.convert(init, Init, dec_hook=decode_hook),
        services={name: spec(table) for name, table in services.items()},
    )
    return World(make_plan(made), jitter=jitter, outcomes=outcomes or [])


def booted(
    services: dict[str, Table],
    *,
    jitter: float = 0.0,
    outcomes: list[str] | None = None,
    **init: Any,
) -> World:
    """An init that has started what starts by itself."""
    return world(services, jitter=jitter, outcomes=outcomes, **init).boot()
