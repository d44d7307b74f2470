"""Pausing a service: its processes are frozen, and nothing is held against it meanwhile.

`paused` is a field beside the state: a paused service is still starting or running, and what needs
it goes on needing it. Only what has a main process can be paused, and its end thaws what is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.core.messages import Freeze, TaskKind
from nsinit.core.turn import PAUSABLE, arm, cancel_task, disarm, remark, run_task, same

if TYPE_CHECKING:
    from nsinit.core.messages import PauseFailed
    from nsinit.core.state import ServiceState
    from nsinit.core.turn import Turn
    from nsinit.model.plan import Rules

PAUSED: Final = "paused"
UNPAUSED: Final = "unpaused"
_QUESTIONS: Final[tuple[TaskKind, ...]] = ("ready", "health")  # that it could not answer


def pause(turn: Turn, s: ServiceState) -> None:
    """Freeze it, and hold its timers; a probe that runs is asked again when it goes on."""
    if s.paused or s.state not in PAUSABLE or not s.pid:
        return
    for task in _QUESTIONS:
        if task in s.tasks:
            cancel_task(turn, s, task)
            s.put_off += (task,)
    left = {timer: max(0.0, at - turn.now) for timer, at in s.timers.items()}
    for timer in left:
        disarm(turn, s, timer)
    s.paused, s.held = True, left
    turn.actions.append(Freeze(s.name, s.run, on=True))
    turn.actions.append(same(s, PAUSED, "pause"))


def unpause(turn: Turn, s: ServiceState, rules: Rules) -> None:
    """Let it go on, with the time that its timers had left."""
    if not s.paused:
        return
    s.paused = False
    turn.actions.append(Freeze(s.name, s.run, on=False))
    held, s.held = s.held, {}
    for timer, after in held.items():
        arm(turn, s, timer, after)
    tasks, s.put_off = s.put_off, ()
    for task in tasks:
        if task in rules.tasks:  # an update may have taken it away
            run_task(turn, s, rules, task)
    turn.actions.append(same(s, UNPAUSED, "pause"))


def on_pause_failed(turn: Turn, s: ServiceState, rules: Rules, e: PauseFailed) -> None:
    """It goes on as if nobody had asked; or it can't be thawed, which only a KILL may help."""
    remark(turn, s, e.text)
    unpause(turn, s, rules)
