"""Events and actions as bytes, for journals."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from nsinit.core import messages as m
from nsinit.model.plan import Plan, Rules

EVENTS: list[m.Event] = [
    m.Spawned("a", 1, 7),
    m.Execed("a", 1),
    m.SpawnFailed("a", 1, "execute", 2, "cannot execute x: No such file"),
    m.Ready("a", 1),
    m.Exited("a", 1, -15),
    m.Emptied("a", 1),
    m.Lingering("a", 1, 3),
    m.TaskEnded("a", 1, "pre_start", None, "too slow"),
    m.MainFound("a", 1, 8),
    m.MainMissing("a", 1, "no pid file", hopeless=True),
    m.PauseFailed("a", 1, "cannot freeze a: Permission denied"),
    m.Notified("a", 1, ready=True, status="up", watchdog="1", extend=2.5, main_pid=9),
    m.Fired("a", 1, "backoff", 1000.5),
    m.Reload(("a",)),
    m.Reset(("a",)),
    m.Pin(("a",), on=False),
    m.Pause(("a",), on=False),
    m.Trigger(("a",)),
    m.Update(Plan(services={"a": Rules(name="a")}), ("a",)),
    m.Boot(),
    m.Start(("a", "b")),
    m.Stop(("a",)),
    m.Restart(()),
    m.Shutdown(None, hurry=True),
    m.Shutdown(3),
]
ACTIONS: list[m.Action] = [
    m.Spawn("a", 1),
    m.RunTask("a", 1, "post_stop", 0, -9, "signal"),
    m.KillTask("a", 1, "health"),
    m.FindMain("a", 1),
    m.Remark("a", "pre_stop took too long"),
    m.Signal("a", 1, 15, "group"),
    m.Freeze("a", 1, on=True),
    m.Sweep("a", 1),
    m.Release("a", 1, "signal", "too slow"),
    m.Arm("a", 1, "stop", 1008.0),
    m.Disarm("a", 1, "stop"),
    m.Changed("a", 1, "running", "stopping", 7, "stop"),
    m.Noted("a", "odd"),
    m.Finish(3),
]


@pytest.mark.parametrize("event", EVENTS, ids=str)
def test_event_is_the_same_when_written_out_and_read_again(event: m.Event) -> None:
    """Which one it is, stands in it."""
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=m.Event) == event
    assert msgspec.json.decode(msgspec.json.encode(event), type=m.Event) == event


@pytest.mark.parametrize("action", ACTIONS, ids=str)
def test_action_is_the_same_when_written_out_and_read_again(action: m.Action) -> None:
    """Likewise."""
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(action), type=m.Action) == action
    assert msgspec.json.decode(msgspec.json.encode(action), type=m.Action) == action


def test_every_message_has_its_example_when_counted() -> None:
    """A new one needs its own above."""
    assert {type(event) for event in EVENTS} == set(get_args(m.Event))
    assert {type(action) for action in ACTIONS} == set(get_args(m.Action))


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        (m.Exited("a", 1, 0), m.Exited("a", 1, 0, oom=False, text="")),
        (m.TaskEnded("a", 1, "health", 0), m.TaskEnded("a", 1, "health", 0, "")),
        (m.MainMissing("a", 1, "x"), m.MainMissing("a", 1, "x", hopeless=False)),
        (m.Shutdown(), m.Shutdown(None, hurry=False)),
        (m.RunTask("", 0, "pre_start"), m.RunTask("", 0, "pre_start", 0, None, "")),
        (
            m.Changed("a", 1, "running", "stopping", 7, "x"),
            m.Changed("a", 1, "running", "stopping", 7, "x", "state"),
        ),
        (
            m.Notified("a", 1),
            m.Notified(
                "a", 1, ready=False, status=None, stopping=False, reloading=False, errno=0,
                extend=None, watchdog="", watchdog_span=None, main_pid=0, reloading_at=None,
            ),
        ),
    ],
    ids=lambda message: type(message).__name__,
)  # fmt: skip
def test_message_says_nothing_more_when_something_is_left_out(
    short: m.Message, whole: m.Message
) -> None:
    """Nothing was asked for, heard or known."""
    assert short == whole
