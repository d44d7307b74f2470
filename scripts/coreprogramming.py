"""Random programs against the pure core, until it has handled so many events.

A program is a configuration and what happens to it: verbs, deaths, notifications, ends of hooks and
probes, other configurations, time that passes or stands still. All that must hold of the core at
any moment (tests/support/invariants.py) is looked at after every event, and at the end that
everything comes to rest and a shutdown keeps to its time. The steps are those of
tests/property/test_core_machine.py, whose programs are many and short; these are long. A seed gives
a program again; one that breaks something is made as short as it can be before it is shown.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.database import InMemoryExampleDatabase
from msgspec import structs

from nsinit.core import messages as m
from tests.property.test_core_machine import Life
from tests.support.lives import DAEMONS, OUTCOMES, TASK_OUTCOMES, plans

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nsinit.model.plan import Plan

    Step = tuple[str, dict[str, Any]]  # a method of the machine, and what it is given

POOL: Final = 300  # configurations that the programs of a run share
STEPS: Final = 300  # of a program; most are more than one event
_OFTEN: Final = {
    "deliver": 70, "advance": 14, "crash": 6, "ready": 4, "notify": 6, "ask": 8, "ask_more": 5,
    "another_process_is_the_main_one": 1, "pin": 1, "pause": 3, "fail_to_pause": 1, "update": 1,
    "leave_out": 1, "stand_still": 1, "say_something_of_an_earlier_run": 2,
    "fire_a_cancelled_timer": 2, "end_a_killed_task": 1, "live_on_from_bytes": 1,
}  # fmt: skip

_MILD: Final = {
    "shutdown": "ignore",
    "ignore": "ignore",
    "restart-dependents": "restart-dependents",
}


class Program(Life):
    """One init with its fake kernel; steps that make no sense at the moment do nothing."""

    def run(self, start: dict[str, Any], steps: Sequence[Step]) -> None:
        """From the boot to the end; AssertionError, or whatever the core raises."""
        self.boot(**start)
        for name, values in steps:
            if not self.going():
                break
            needed = {"deliver": "pending", "fire_a_cancelled_timer": "cancelled",
                      "end_a_killed_task": "killed"}.get(name)  # fmt: skip
            if needed is None or getattr(self.kernel, needed):
                getattr(self, name)(**values)
        self.teardown()

    def notify(self, pick: int, data: dict[str, Any]) -> None:
        """One datagram."""
        (name,) = self.names([pick])
        self.post(m.Notified(name, self.kernel.core.state.services[name].run, **data))


def pool(number: int) -> list[Plan]:
    """Configurations with every feature."""
    made: list[Plan] = []

    @seed(number)
    @settings(max_examples=POOL, deadline=None, database=InMemoryExampleDatabase(),
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(plans())
    def draw(plan: Plan) -> None:
        made.append(plan)

    draw()
    return made


def begin(random: Random, known: list[Plan]) -> dict[str, Any]:
    """What the machine boots with."""
    return {
        "plan": lasting(random.choice(known)) if random.random() < 0.8 else random.choice(known),
        "outcomes": random.choices(OUTCOMES, k=random.randrange(60)),
        "tasks": random.choices(TASK_OUTCOMES, k=random.randrange(60)),
        "default": random.choice(["ok", "ok", "late", "1", "never"]),
        "daemons": random.choices(DAEMONS, k=random.randrange(10)),
        "jitter": random.random(),
    }


def lasting(plan: Plan) -> Plan:
    """One that init ends only when it is told to, so that much can happen before."""
    rules = {
        name: structs.replace(r, main=False, essential=False, on_failure=_MILD[r.on_failure])
        for name, r in plan.services.items()
    }
    return structs.replace(plan, services=rules, main=None, keep_running=True)


def step(random: Random, known: list[Plan]) -> Step:
    """What happens next, whatever the state is by then."""
    if random.randrange(2 * STEPS) == 0:
        return "shut_down", {"hurry": random.random() < 0.3, "code": random.choice([None, 7])}
    (name,) = random.choices(list(_OFTEN), list(_OFTEN.values()))
    if name == "update":
        return name, {"plan": lasting(random.choice(known))}
    return name, {_NAMED.get(key, key): _VALUES[key](random) for key in _KEYS.get(name, ("pick",))}


def datagram(random: Random) -> dict[str, Any]:
    """What one of sd_notify may say."""
    values: dict[str, list[Any]] = {
        "ready": [True, False], "status": ["", "busy"], "stopping": [True], "reloading": [True],
        "reloading_at": [0.0, 1000.5, 1e9], "errno": [5], "extend": [0.0, 3.0],
        "watchdog": ["1", "1", "trigger"], "watchdog_span": [0.0, 2.0],
    }  # fmt: skip
    return {key: random.choice(some) for key, some in values.items() if random.random() < 0.3}


_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "deliver": ("index",), "fire_a_cancelled_timer": ("index",), "end_a_killed_task": ("index",),
    "advance": ("seconds",), "stand_still": ("long",), "crash": ("pick", "status"),
    "notify": ("pick", "data"), "ask": ("picks", "verb"), "ask_more": ("picks", "other"),
    "pin": ("picks", "on"), "pause": ("picks", "on"), "live_on_from_bytes": (),
    "say_something_of_an_earlier_run": ("pick", "back", "kind"), "leave_out": ("picks",),
}  # fmt: skip
_NAMED: Final = {"long": "seconds", "other": "verb"}
_VALUES: Final[dict[str, Callable[[Random], Any]]] = {
    "pick": lambda random: random.randrange(5),
    "picks": lambda random: random.choices(range(5), k=random.randrange(1, 4)),
    "on": lambda random: random.random() < 0.5,
    "index": lambda random: random.randrange(50),
    "back": lambda random: random.randrange(1, 4),
    "kind": lambda random: random.randrange(13),
    "seconds": lambda random: random.choice([0.1, 0.1, 0.6, 0.6, 1.0, 1.0, 5.0, 40.0]),
    "long": lambda random: random.choice([60.0, 86_400.0, 366 * 86_400.0]),
    "status": lambda random: random.choice([0, 0, 1, 3, 4, 255, -9, -15]),
    "verb": lambda random: random.choice([m.Start, m.Start, m.Stop, m.Restart]),
    "other": lambda random: random.choice([m.Reload, m.Reset, m.Trigger, m.Trigger]),
    "data": datagram,
}


def breaks(start: dict[str, Any], steps: Sequence[Step]) -> str:
    """What goes wrong, "" if nothing."""
    try:
        Program().run(_fresh(start), steps)
    except Exception as error:  # noqa: BLE001  (that is what is looked for)
        return f"{type(error).__name__}: {error}"
    return ""


def _fresh(start: dict[str, Any]) -> dict[str, Any]:
    """The kernel uses up what it is given."""
    return {key: value.copy() if isinstance(value, list) else value for key, value in start.items()}


def shortest(start: dict[str, Any], steps: list[Step]) -> list[Step]:
    """As few of the steps as break something."""
    size = len(steps) // 2
    while size:
        place = 0
        while place < len(steps):
            fewer = steps[:place] + steps[place + size :]
            if breaks(start, fewer):
                steps = fewer
            else:
                place += size
        size //= 2
    return steps


def main(arguments: Sequence[str]) -> int:
    """0 if nothing was broken, else 1."""
    parser = argparse.ArgumentParser(prog="scripts/coreprograms", description=__doc__)
    parser.add_argument("--events", type=int, default=50_000, help="so many at least (50000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first program (1)")
    given = parser.parse_args(arguments)
    began, number = time.process_time(), given.seed
    known = pool(1)
    events, paths, actions = Counter[str](), Counter[str](), Counter[str]()
    while events.total() < given.events:
        random = Random(number)
        start, steps = begin(random, known), [step(random, known) for _ in range(STEPS)]
        program = Program()
        try:
            program.run(_fresh(start), steps)
        except Exception as error:  # noqa: BLE001  (that is what is looked for)
            show(number, error, start, steps)
            return 1
        events.update(program.kernel.seen)
        for action in program.kernel.actions:
            actions[type(action).__name__] += 1
            if isinstance(action, m.Changed) and action.kind == "state":
                paths[f"{action.old} to {action.new}"] += 1
        number += 1
    print(
        f"{events.total()} events in {number - given.seed} programs of {STEPS} steps,"
        f" seeds {given.seed} to {number - 1}: no invariant broken"
        f" ({time.process_time() - began:.0f} s of CPU)"
    )
    for what, counts in (("events", events), ("actions", actions), ("moves", paths)):
        print(f"{what}: {', '.join(f'{name} {count}' for name, count in counts.most_common())}")
    return 0


def show(number: int, error: Exception, start: dict[str, Any], steps: list[Step]) -> None:
    """The shortest program that breaks something, in words."""
    print(f"seed {number}: {type(error).__name__}: {error}")
    few = shortest(start, steps)
    print(f"{len(few)} of its {len(steps)} steps are enough for: {breaks(start, few)}")
    for key, value in start.items():
        print(f"  {key} = {value}")
    for name, values in few:
        print(f"  {name}({', '.join(f'{key}={value}' for key, value in values.items())})")
