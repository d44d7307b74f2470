"""Twice as many services mean twice the work for all that happens to them, and no more."""

from __future__ import annotations

import sys
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

import nsinit.core
from nsinit.core import messages as m
from nsinit.core.supervisor import Supervisor
from tests.unit.core.world import world

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from nsinit.core.state import ServiceState
    from nsinit.model.plan import Plan

FEW: Final = 40
CORE: Final = nsinit.core.__path__[0]
# How much more than twice the work twice the services may be, for what is done once and for ever.
SLACK: Final = 1.15


class Lines:
    """Counts the lines of the core that run, each turn of a loop anew."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, frame: FrameType, event: str, _: object) -> Lines | None:
        if event == "call" and not frame.f_code.co_filename.startswith(CORE):
            return None
        self.count += event == "line"
        return self


def lines_of(work: Callable[[], object]) -> int:
    """How many lines of the core run meanwhile."""
    lines, before = Lines(), sys.gettrace()
    sys.settrace(lines)
    try:
        work()
    finally:
        sys.settrace(before)
    return lines.count


class Life:
    """A core whose every wish comes true at once."""

    def __init__(self, plan: Plan) -> None:
        self.core = Supervisor(plan, strict=True)
        self.finished = False

    @property
    def services(self) -> list[ServiceState]:
        return list(self.core.state.services.values())

    def post(self, *events: m.Event) -> None:
        queue = deque(events)
        while queue:
            for action in self.core.handle(queue.popleft(), 1000.0):
                queue += self.answers(action)
            self.core.tidy()

    def answers(self, action: m.Action) -> list[m.Event]:
        match action:
            case m.Spawn(service, run):
                return [m.Spawned(service, run, 7), m.Execed(service, run)]
            case m.Signal(service, run, 15):
                return [m.Exited(service, run, 0)]
            case m.Sweep(service, run):
                return [m.Emptied(service, run)]
            case m.Finish():
                self.finished = True
        return []


def plan_for(count: int, shape: str) -> Plan:
    """So many services: strangers, in chains of five, or all with a need of the first."""
    tables: dict[str, Any] = {}
    for n in range(count):
        needs = {"strangers": [], "chains": [f"s{n - 1}"] * bool(n % 5), "star": ["s0"] * bool(n)}
        tables[f"s{n}"] = {"min_uptime": 0, "restart_delay": 0, "depends_on": needs[shape]}
    return world(tables).plan


@pytest.mark.parametrize("shape", ["strangers", "chains", "star"])
def test_work_is_linear_when_all_start_change_and_stop(shape: str) -> None:
    """At boot, at an update that replaces half of them, at one that adds them back, at the end."""
    few, many = (_work_for(count, shape) for count in (FEW, 2 * FEW))
    for step in few:
        assert many[step] <= 2 * SLACK * few[step], step


def _work_for(count: int, shape: str) -> dict[str, int]:
    everything, half = plan_for(count, shape), plan_for(count // 2, shape)
    life, names = Life(everything), tuple(half.services)
    steps: dict[str, Callable[[], tuple[m.Event, ...]]] = {
        "boot": lambda: (m.Boot(),),
        "restart": lambda: tuple(m.Restart((name,)) for name in everything.services),
        "kill": lambda: tuple(m.Exited(s.name, s.run, -9) for s in life.services),
        "remove": lambda: (m.Update(half, names),),
        "add": lambda: (m.Update(everything, names),),
        "shut down": lambda: (m.Shutdown(),),
    }
    made = {step: lines_of(partial(life.post, *events())) for step, events in steps.items()}
    assert life.finished
    return made
