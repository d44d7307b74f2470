"""The states of a service as a picture, made by running the core.

From each situation that a small plan can come to, every event that can come then is tried; what the
core says (`Changed`) are the arrows. The timers and tasks of each state are those of `core.turn`.
"""

from __future__ import annotations

import errno
import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import structs

from nsinit.core import messages as m
from nsinit.core.state import AT_REST, CoreState, State
from nsinit.core.supervisor import Supervisor
from nsinit.core.turn import TASKS, WHERE
from nsinit.model.plan import Plan, Rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.core.state import ServiceState

TARGET: Final = Path(__file__).parents[1] / "docs" / "states.md"
DEPTH: Final = 9  # events from the boot on
NAME: Final = "a"
_HOOKS: Final = dict.fromkeys(
    ("pre_start", "post_start", "pre_stop", "stop_command", "post_stop", "on_fail"), 5.0
)
_PLAIN: Final = Rules(name=NAME, restart="on-failure", restart_limit=1)
VARIANTS: Final = (
    _PLAIN,
    structs.replace(_PLAIN, restart_delay=0.0, min_uptime=1.0, start_timeout=5.0),
    structs.replace(_PLAIN, tasks=_HOOKS),
    structs.replace(_PLAIN, tasks={"ready": 3.0}, waits_for_ready=True, start_timeout=5.0),
    structs.replace(_PLAIN, tasks={"health": 3.0}, health_retries=1, watchdog=3.0),
    structs.replace(_PLAIN, type="forking", forking=True, waits_for_ready=True, start_timeout=5.0),
    structs.replace(_PLAIN, type="oneshot", restart="no", tasks={"stop_command": 5.0}),
    structs.replace(_PLAIN, trigger="schedule", overlap="kill"),
    structs.replace(_PLAIN, needs={"db": "ready"}, start_timeout=None),
)
_WORDS: Final = {
    "Execed": "exec", "Ready": "ready", "Exited": "end", "SpawnFailed": "no program",
    "Emptied": "nothing left", "MainFound": "daemon found", "MainMissing": "no daemon",
    "Boot": "start", "Notified": "notify",
}  # fmt: skip


def arrows() -> dict[tuple[State, State], set[str]]:
    """From which state to which, and by what."""
    made: dict[tuple[State, State], set[str]] = {}
    for rules in VARIANTS:
        for old, new, word in _explore(rules):
            made.setdefault((State(old), State(new)), set()).add(word)
    return made


def _explore(rules: Rules) -> Iterator[tuple[str, str, str]]:
    services = {rules.name: rules}
    if rules.needs:
        services = {"db": Rules(name="db", restart="no", dependents=(NAME,)), **services}
    plan = Plan(services=services, keep_running=True)
    seen: set[bytes] = set()
    todo: deque[tuple[bytes, int]] = deque([(CoreState().encode(), 0)])
    while todo:
        data, depth = todo.popleft()
        for event in _possible(Supervisor(plan, CoreState.decode(data))):
            core = Supervisor(plan, CoreState.decode(data), strict=True)
            for action in core.handle(event, float(depth)):
                match action:
                    case m.Changed(service, _, old, new) if service == NAME and old != new:
                        yield old, new, _word(event)
            if depth < DEPTH and (key := _situation(core)) not in seen:
                seen.add(key)
                todo.append((core.state.encode(), depth + 1))


def _situation(core: Supervisor) -> bytes:
    """All that decides what can follow: instants and numbers of runs do not."""
    state = CoreState.decode(core.state.encode())
    state.deadline = state.shutdown_at = 0.0
    for s in state.services.values():
        s.run = s.restarts = 0
        s.since_at = s.started_at = s.delay = s.probe_delay = 0.0
        s.ready_at = s.ended_at = None
        s.timers = dict.fromkeys(s.timers, 0.0)
        s.reason = s.why = ""
        s.pid = bool(s.pid)
    return state.encode()


def _possible(core: Supervisor) -> Iterator[m.Event]:
    if core.state.phase == "new":
        yield m.Boot()
        return
    for s in core.state.services.values():
        yield from _of_run(s)
        yield from _of_process(s, core.plan.services[s.name])
    if core.state.phase == "up":
        for verb in (m.Start, m.Stop, m.Restart, m.Reset, m.Trigger):
            yield verb((NAME,))
        yield m.Shutdown()


def _of_run(s: ServiceState) -> Iterator[m.Event]:
    for timer, at in s.timers.items():
        yield m.Fired(s.name, s.run, timer, at)
    for task in s.tasks:
        yield m.TaskEnded(s.name, s.run, task, 0)
        yield m.TaskEnded(s.name, s.run, task, 1)
    if s.state is State.STOPPING and not s.pid and not s.tasks:
        yield m.Emptied(s.name, s.run)
        yield m.Lingering(s.name, s.run, 1)
    if s.state is State.STARTING and s.stage == "daemon":
        yield m.MainFound(s.name, s.run, 2)
        yield m.MainMissing(s.name, s.run, "")
        yield m.MainMissing(s.name, s.run, "", hopeless=True)


def _of_process(s: ServiceState, rules: Rules) -> Iterator[m.Event]:
    if s.state is State.STARTING and s.stage in ("main", "parent") and not s.pid:
        yield m.Spawned(s.name, s.run, 1)
        yield m.SpawnFailed(s.name, s.run, "exec", errno.ENOENT, "")
        yield m.SpawnFailed(s.name, s.run, "fork", errno.EAGAIN, "")
    if s.pid and s.state not in AT_REST:
        if not s.begun:
            yield m.Execed(s.name, s.run)
        if rules.waits_for_ready:
            yield m.Ready(s.name, s.run)
        yield m.Exited(s.name, s.run, 0)
        yield m.Exited(s.name, s.run, 1)


def _word(event: m.Event) -> str:
    """A short word for what happened."""
    if isinstance(event, m.RunEvent) and event.service != NAME:
        return "a dependency"
    if isinstance(event, m.Fired):
        return f"time for {event.timer}" if event.timer in TASKS else f"timer {event.timer}"
    if isinstance(event, m.TaskEnded):
        return f"{event.task} failed" if event.status else f"{event.task} done"
    name = type(event).__name__
    return _WORDS.get(name, name.lower())


def document() -> str:
    """docs/states.md."""
    found = arrows()
    lines = [
        "# The states of a service",
        "",
        "Made by `scripts/diagram` from the core itself; a test fails when it is out of date.",
        "`want` (up or down) is a second axis. What ends a run leads through `stopping`; what is",
        "decided after it depends on `want`, on what was asked, and on the restart policy.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> stopped",
    ]
    order = list(State)
    ways = sorted(found, key=lambda way: (order.index(way[0]), order.index(way[1])))
    lines += [f"    {old} --> {new}" for old, new in ways]
    lines += ["```", "", "## What leads from one to another", ""]
    lines += ["| from | to | by |", "|---|---|---|"]
    lines += [f"| {old} | {new} | {', '.join(sorted(found[old, new]))} |" for old, new in ways]
    lines += ["", "## What may run in each", "", "A task's time limit is a timer of the same name.",
              "", "| state | timers | tasks |", "|---|---|---|"]  # fmt: skip
    for state in State:
        timers = [kind for kind, states in WHERE.items() if state in states and kind not in TASKS]
        tasks = [kind for kind, where in TASKS.items() if where is state]
        lines.append(f"| {state} | {', '.join(timers)} | {', '.join(tasks)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the document; with --check only say whether it is up to date."""
    text = document()
    if sys.argv[1:] == ["--check"]:
        return 0 if TARGET.read_text() == text else 1
    TARGET.write_text(text)
    print(f"wrote {TARGET}")
    return 0
