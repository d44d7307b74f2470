"""The flight recorder and its replay: what they keep, what they bound, what they refuse."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.core import messages as m
from nsinit.core.recorder import MOST, Recorder
from nsinit.core.replay import BadRecordError, read, replay
from nsinit.core.supervisor import Supervisor
from nsinit.model.plan import Plan, Rules

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = '{"format": "nsinit flight record", "version": 2}'
RULES = {"restart": "always", "restart_limit": -1, "restart_delay": 0.5}


def told(recorder: Recorder, core: Supervisor, event: m.Event, now: float) -> list[m.Action]:
    """Tell a core something, recorded."""
    recorder.begin(core, event, now, 0.25)
    actions = core.handle(event, now, 0.25)
    recorder.end(actions)
    core.tidy()
    recorder.settle()
    return actions


def crashing() -> tuple[Supervisor, Iterator[tuple[m.Event, float]]]:
    """A core with a service that crashes for ever, and what it is told."""
    rules = Rules(name="a", **RULES)  # type: ignore[arg-type]  # they are of the right types
    core = Supervisor(Plan(services={"a": rules}, keep_running=True))

    def events() -> Iterator[tuple[m.Event, float]]:
        now = 1.0
        yield m.Boot(), now
        while True:
            run = core.state.services["a"].run
            made = (m.Spawned("a", run, 7), m.Execed("a", run), m.Exited("a", run, 1))
            for event in (*made, m.Emptied("a", run)):
                yield event, now
            now = core.state.services["a"].timers["backoff"]
            yield m.Fired("a", run, "backoff", now), now

    return core, events()


def lines(recorder: Recorder) -> list[str]:
    """Its record, as a file has it."""
    return b"".join(recorder.pieces(5.0, 6.0)).decode().splitlines()


def recorded(count: int, limit: int = 1 << 20) -> Recorder:
    """A recorder that has heard so much."""
    core, events = crashing()
    recorder = Recorder("1.2.3", limit)
    for _ in range(count):
        told(recorder, core, *next(events))
    return recorder


def test_memory_is_bounded_when_a_service_crashes_for_ever() -> None:
    """The last generations are there, each complete and in line with the next."""
    recorder = recorded(3000, 20_000)
    assert 8_000 < recorder.size < 20_500
    record = read(lines(recorder))
    assert 2 <= len(record.parts) <= MOST
    assert all(not step.wrong for step in replay(record))
    assert record.parts[-1].state.services["a"].run > 100


def test_record_is_the_same_when_it_is_packed_later() -> None:
    """Of many events at once; each stays in the generation that it belongs to."""
    core, events = crashing()
    late, prompt = Recorder("1.2.3", 20_000), recorded(600)
    for event, now in islice(events, 600):
        late.begin(core, event, now, 0.25)
        late.end(core.handle(event, now, 0.25))
        core.tidy()
    record = read(lines(late))
    assert all(not step.wrong for step in replay(record))
    assert record.parts[-1].told[-1] == read(lines(prompt)).parts[-1].told[-1]


def test_difference_is_told_where_it_is_when_the_core_does_otherwise() -> None:
    """At the event that it follows, or between two generations."""
    rows = [json.loads(line) for line in lines(recorded(12))]
    rows[5]["event"]["status"] = 0  # that of the event before what tells
    steps = list(replay(read(map(json.dumps, rows))))
    assert next(step.number for step in steps if step.wrong) == 4
    rows = [json.loads(line) for line in lines(recorded(300, 8000))]
    second = next(row for row in rows[2:] if "begin" in row)
    second["state"]["services"]["a"]["restarts"] += 1
    wrong = [step.wrong for step in replay(read(map(json.dumps, rows))) if step.wrong]
    assert "not what came of the events before" in wrong[0]


def test_error_is_told_again_when_the_core_has_raised_one() -> None:
    """The event that it could not handle is the last of its generation."""
    core, events = crashing()
    recorder = Recorder("1")
    told(recorder, core, *next(events))
    bad: Any = m.Start(None)  # type: ignore[arg-type]  # as a bug may make it
    recorder.begin(core, bad, 2.0, 0.5)
    with pytest.raises(TypeError) as caught:
        core.handle(bad, 2.0, 0.5)
    recorder.fail(repr(caught.value))
    told(recorder, core, *next(events))
    text = lines(recorder)
    assert sum('"raised"' in line for line in text) == 1
    with pytest.raises(BadRecordError, match="line 4"):  # no such event can be told
        read(text)
    good = [line.replace('"names":null', '"names":["a"]') for line in text]
    first, second, third = replay(read(good))
    assert (first.wrong, third.wrong) == ("", "")
    assert "does not any more" in second.wrong


def test_text_is_kept_when_it_is_no_unicode() -> None:
    """A path in a reason may hold any bytes, and a number any size."""
    core, events = crashing()
    recorder = Recorder("1")
    told(recorder, core, *next(events))
    told(recorder, core, m.SpawnFailed("a", 1, "exec", 1 << 70, "no \udcff"), 2.0)
    told(recorder, core, m.Shutdown(3), float("inf"))
    again = Recorder("2")
    again.adopt(recorder.export())
    steps = list(replay(read(lines(again))))
    assert [step.wrong for step in steps] == ["", "", ""]
    assert steps[1].told.event.text == "no \udcff"  # type: ignore[union-attr]  # it is that one


def _event(kind: str) -> str:
    """A row of a record."""
    return f'{{"at": 0, "jitter": 0, "event": {{"type": {kind}}}, "sum": 0}}'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ([], "empty"),
        (["\x00rubbish"], "no JSON"),
        (['{"a": 1}'], "no flight record"),
        ([HEAD.replace("2", "99")], "version 99"),
        ([HEAD, "[1]"], "line 2"),
        ([HEAD, '{"n": 1}'], "line 2"),
        ([HEAD, '{"begin": "1", "plan": 3}'], "line 2"),
        ([*lines(recorded(3))[:2], _event('"\\ud800"')], "line 3 .*surrogates"),
    ],
)  # fmt: skip
def test_record_is_refused_when_it_is_none(text: list[str], why: str) -> None:
    """With a reason, and the line."""
    with pytest.raises(BadRecordError, match=why):
        read(text)


def test_generations_of_another_init_go_when_they_cannot_be_read() -> None:
    """What comes after goes on."""
    recorder = Recorder("1")
    recorder.adopt([recorded(3).export()[0], b"rubbish", recorded(4).export()[0]])
    (part,) = read(lines(recorder)).parts
    assert len(part.told) == 4
    assert not read(lines(recorder)[:-1]).whole


def test_what_is_remembered_is_kept_when_it_is_no_unicode() -> None:
    """A service says of itself what it likes; more of it than a piece of the record holds."""
    core, events = crashing()
    told(Recorder("1"), core, *next(events))
    core.state.services["a"].message = "\udcff" * 20_000
    recorder = Recorder("1")
    told(recorder, core, *next(events))
    (step,) = replay(read(lines(recorder)))
    assert step.wrong == ""
    (part,) = read(lines(recorder)).parts
    assert part.state.services["a"].message == "\udcff" * 20_000


def test_record_is_refused_when_a_later_line_is_none() -> None:
    """Its number is told."""
    good = lines(recorded(3))
    with pytest.raises(BadRecordError, match="line 3 of the record: Expecting"):
        read([*good[:2], "{", *good[3:]])


def test_error_is_told_when_the_core_raises_one_that_it_did_not() -> None:
    """As a core with a new mistake would."""
    rows = [json.loads(line) for line in lines(recorded(8))]
    rows[1]["plan"]["services"]["a"]["needs"] = {"nobody": "ready"}
    wrong = [step.wrong for step in replay(read(map(json.dumps, rows))) if step.wrong]
    assert "which it did not" in wrong[0]
    assert "KeyError" in wrong[0]
