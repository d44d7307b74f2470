"""What a replay says of a record: that it is none, where it goes otherwise, and how."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.core import messages as m
from nsinit.core.recorder import Recorder
from nsinit.core.replay import BadRecordError, read, replay
from nsinit.core.supervisor import Supervisor
from nsinit.model.plan import Plan, Rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.core.replay import Step

HEAD = '{"format": "nsinit flight record", "version": 2}'
Row = dict[str, Any]


def rows_of(errors: tuple[int, ...] = (), parts: int = 3) -> list[Row]:
    """A record of so many generations of two events; some end with an error."""
    core, recorder = Supervisor(Plan(services={"a": Rules(name="a")}, keep_running=True)), None
    data: list[bytes] = []
    for part in range(parts):
        recorder = Recorder("1")
        for place, event in enumerate(
            (m.Boot() if not part else m.Reset(("a",)), m.Pin(("a",), on=True))
        ):
            recorder.begin(core, event, float(part), 0.5)
            actions = core.handle(event, float(part), 0.5)
            if place == 1 and part in errors:
                recorder.fail("OSError()")
            else:
                recorder.end(actions)
        data += recorder.export()
    again = Recorder("1")
    again.adopt(data)
    return [json.loads(line) for line in b"".join(again.pieces(5.0, 6.0)).splitlines()]


def steps_of(rows: list[Row]) -> list[Step]:
    """What comes of it."""
    return list(replay(read(map(json.dumps, rows))))


def wrong_in(rows: list[Row]) -> dict[int, str]:
    """What goes otherwise, by the number of the event."""
    return {step.number: step.wrong for step in steps_of(rows) if step.wrong}


def begins(rows: list[Row]) -> list[Row]:
    """The moments that its generations begin with."""
    return [row for row in rows if "begin" in row]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ([], "the record is empty"),
        (["rubbish"], "this is no flight record: no JSON"),
        (
            ["{}"],
            'this is no flight record: its first line has no "format": nsinit flight record',
        ),
        (
            [HEAD.replace("2", "1")],
            "the record is of version 1, this nsinit knows 2",
        ),
        ([HEAD, "3"], "cannot read line 2 of the record: it is no object"),
        ([HEAD, '{"begin": "1"}'], "cannot read line 2 of the record: 'plan'"),
        (
            [HEAD, '{"raised": "x"}'],
            "cannot read line 2 of the record: list index out of range",
        ),
    ],
)
def test_reason_is_told_in_full_when_a_record_is_refused(text: list[str], why: str) -> None:
    """It is all that somebody has to go by."""
    with pytest.raises(BadRecordError) as caught:
        read(text)
    assert str(caught.value) == why


def test_record_is_refused_when_it_is_nested_without_end() -> None:
    """As no record is."""
    with pytest.raises(BadRecordError, match="line 2 of the record"):
        read([HEAD, "[" * 100_000])


def test_end_is_missing_when_a_record_was_cut_off() -> None:
    """Be it after its first line."""
    rows = [json.dumps(row) for row in rows_of()]
    assert [read(rows[:count]).whole for count in (1, len(rows) - 1, len(rows))] == [
        False, False, True,
    ]  # fmt: skip
    assert read(rows).version == "1"


def test_nothing_is_wrong_when_the_core_does_the_same_again() -> None:
    """Through all generations."""
    assert [(step.number, step.part) for step in steps_of(rows_of())] == [
        (0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2),
    ]  # fmt: skip
    assert wrong_in(rows_of()) == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row["state"]["services"]["a"].update(restarts=7),
        lambda row: row["plan"].update(shutdown_timeout=7.0),
    ],
)
def test_difference_is_told_once_when_something_else_was_remembered(
    change: Callable[[Row], None],
) -> None:
    """At the first event after it, be it of the state or of the plan."""
    rows = rows_of()
    change(begins(rows)[1])
    text = "what the core remembered here is not what came of the events before"
    assert wrong_in(rows)[2] == text
    assert 3 not in wrong_in(rows)


@pytest.mark.parametrize("part", [0, 1])
def test_what_was_remembered_means_nothing_when_the_core_had_broken_down(part: int) -> None:
    """What a mistake has left is anybody's guess; the error is that of its own generation."""
    rows = rows_of(errors=(part,))
    begins(rows)[part + 1]["state"]["services"]["a"]["restarts"] = 7
    assert wrong_in(rows) == {2 * part + 1: "raised OSError(), and does not any more"}


def test_error_is_no_difference_when_the_core_raises_it_again() -> None:
    """It is what was looked for; without the record of it, it is one."""
    rows = rows_of(errors=(0,), parts=1)
    del rows[3]  # so that the boot is what has raised it
    begins(rows)[0]["plan"]["services"]["a"]["needs"] = {"nobody": "ready"}
    (step,) = steps_of(rows)
    assert (step.wrong, step.actions) == ("", [])
    rows = [row for row in rows if "raised" not in row]
    assert wrong_in(rows) == {0: "raises KeyError('nobody'), which it did not"}


def test_difference_is_told_when_other_actions_follow() -> None:
    """By the sum of what followed."""
    rows = rows_of()
    rows[2]["sum"] += 1
    assert wrong_in(rows) == {0: "other actions follow"}
