"""What the flight recorder keeps, how much of it, and how it is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from msgspec import msgpack

from nsinit.core import messages as m
from nsinit.core.recorder import Recorder, fingerprint
from nsinit.core.replay import read, replay
from nsinit.core.supervisor import Supervisor
from nsinit.model.plan import Plan, Rules

if TYPE_CHECKING:
    from nsinit.core.replay import Record


def core_of(*names: str, text: str = "") -> Supervisor:
    """A core with services that nobody has started."""
    rules = {name: Rules(name=name, description=text, autostart=False) for name in names}
    return Supervisor(Plan(services=rules, keep_running=True))


def tell(recorder: Recorder, core: Supervisor, event: m.Event, now: float = 2.0) -> None:
    """Something that the core is told, and that is not packed yet."""
    recorder.begin(core, event, now, 0.5)
    recorder.end(core.handle(event, now, 0.5))


def break_down(recorder: Recorder, core: Supervisor, error: str = "KeyError('x')") -> None:
    """Something that the core could not handle."""
    recorder.begin(core, m.Reset(("a",)), 3.0, 0.5)
    recorder.fail(error)


def record_of(recorder: Recorder) -> Record:
    """What is read of it."""
    return read(b"".join(recorder.pieces(5.0, 6.0)).splitlines())


WORD = m.Notified("a", 0, status="x")


# --- How much -------------------------------------------------------------------------------------


def test_nothing_is_packed_when_something_is_urgent() -> None:
    """It waits for `settle`; but not more of it than 256 events."""
    core, recorder = core_of("a"), Recorder("1")
    tell(recorder, core, WORD)
    begun = recorder.size
    for _ in range(255):
        tell(recorder, core, WORD)
    assert recorder.size == begun
    tell(recorder, core, WORD)
    assert recorder.size > begun
    assert [len(part.told) for part in record_of(recorder).parts] == [257]


def test_size_is_what_is_kept_when_it_is_passed_on() -> None:
    """A little more, for what an entry takes besides its bytes."""
    core, recorder = core_of("a", text="d" * 500), Recorder("1")
    for _ in range(40):
        tell(recorder, core, WORD)
    data = recorder.export()
    kept = sum(map(len, data))
    assert kept < recorder.size < kept + 40 * 50
    again = Recorder("1")
    again.adopt(data)
    assert again.size == recorder.size


def test_record_is_of_a_mebibyte_at_most_when_nothing_else_is_said() -> None:
    """And of more than half of it, once there has been as much to keep."""
    core, recorder, most = core_of("a"), Recorder("1"), 0
    for _ in range(60):
        tell(recorder, core, m.Notified("a", 0, status="x" * 50_000))
        recorder.settle()
        most = max(most, recorder.size)
    assert 950_000 < most < 1_150_000
    assert recorder.size > 500_000


@pytest.mark.parametrize("services", [20, 60, 200])
def test_limit_is_kept_when_the_plan_and_the_state_take_part_of_it(services: int) -> None:
    """Unless they alone are more than that; the last two generations are there in any case."""
    core = core_of(*(f"service-{number}" for number in range(services)), text="d" * 40)
    recorder, limit, sizes = Recorder("1", 20_000), 20_000, []
    for _ in range(2000):
        tell(recorder, core, WORD)
        recorder.settle()
        sizes.append(recorder.size)
    plan, state = len(msgpack.encode(core.plan)), len(msgpack.encode(core.state))
    assert len(record_of(recorder).parts) >= 2
    assert max(sizes) <= max(limit, plan + 2 * (state + limit // 4)) + 500
    assert min(sizes[1000:]) >= plan + 2 * state + limit // 4


def test_generations_are_few_when_nothing_is_in_them() -> None:
    """Eight; and the plan is there once for all that have the same."""
    core, recorder = core_of("a", text="d" * 5000), Recorder("1")
    for number in range(20):
        break_down(recorder, core, f"number {number}")
    parts = record_of(recorder).parts
    assert [part.error for part in parts] == [f"number {number}" for number in range(12, 20)]
    assert recorder.size < 2 * 5000


def test_each_generation_has_its_own_plan_when_an_update_came_between() -> None:
    """One that is as the one before is there once, an older one is not."""
    core, recorder = core_of("a", text="d" * 5000), Recorder("1")
    break_down(recorder, core)
    tell(recorder, core, m.Boot())
    tell(recorder, core, m.Update(core_of("a", text="e" * 6000).plan))
    for _ in range(3):
        break_down(recorder, core)
    texts = [part.plan.services["a"].description for part in record_of(recorder).parts]
    assert [text[0] for text in texts] == ["d", "d", "e", "e"]
    assert 5000 + 6000 + 6000 < recorder.size < 5000 + 6000 + 6000 + 1500


def test_last_two_generations_are_there_when_not_even_they_are_within_the_limit() -> None:
    """With no room at all each event begins another."""
    core, recorder = core_of("a"), Recorder("1", 0)
    for number in range(5):
        tell(recorder, core, m.Reset(("a",)), float(number))
        recorder.settle()
        assert len(record_of(recorder).parts) == min(number + 1, 2)
    assert [part.told[0].at for part in record_of(recorder).parts] == [3.0, 4.0]


def test_generation_begins_tidily_when_a_service_has_just_left() -> None:
    """It is forgotten before what is remembered is written down."""
    rules = {name: Rules(name=name, kill_mode="process") for name in ("a", "b")}
    core, recorder = Supervisor(Plan(services=rules, keep_running=True)), Recorder("1", 0)
    rest = Plan(services={"a": rules["a"]}, keep_running=True)
    told: tuple[m.Event, ...] = (
        m.Boot(),
        *(m.Spawned(name, 1, 7) for name in "ab"),
        m.Update(rest),
        m.Exited("b", 1, 0),
        m.Reset(("a",)),
    )
    seen = []
    for event in told:
        tell(recorder, core, event)
        recorder.settle()
        record = record_of(recorder)
        assert [step.wrong for step in replay(record)] == [""] * len(record.parts)
        seen.append(sorted(record.parts[-1].state.services))
    assert seen[-2:] == [["a", "b"], ["a"]]


# --- What -----------------------------------------------------------------------------------------


def test_events_are_kept_in_order_when_one_could_not_be_handled() -> None:
    """Those that were not packed yet come before it; its error is cut to a length."""
    core, recorder = core_of("a"), Recorder("1")
    break_down(recorder, core)
    for now in (1.0, 2.0):
        tell(recorder, core, WORD, now)
    break_down(recorder, core, "E" * 2000)
    tell(recorder, core, WORD, 4.0)
    parts = record_of(recorder).parts
    assert [[one.at for one in part.told] for part in parts] == [[3.0], [1.0, 2.0, 3.0], [4.0]]
    assert [part.error for part in parts] == ["KeyError('x')", "E" * 1000, ""]


def test_everything_is_passed_on_when_another_init_goes_on() -> None:
    """What is not packed yet, and what could not be handled."""
    core, recorder = core_of("a"), Recorder("1")
    break_down(recorder, core)
    tell(recorder, core, WORD)
    again = Recorder("2")
    again.adopt(recorder.export())
    tell(again, core, WORD)
    parts = record_of(again).parts
    assert [(part.version, len(part.told), part.error) for part in parts] == [
        ("1", 1, "KeyError('x')"),
        ("1", 1, ""),
        ("2", 1, ""),
    ]


def test_generation_is_dropped_when_it_is_no_text() -> None:
    """As rubbish of any other kind is."""
    recorder = Recorder("1")
    recorder.adopt([b"\x95\xa1\xff\xc4\x00\xc4\x00\x90\xa0"])
    assert recorder.export() == []


def test_head_and_rows_say_what_they_are_when_a_record_is_written() -> None:
    """When it was, of which version, and the number of each event."""
    core, recorder = core_of("a"), Recorder("1.2.3")
    tell(recorder, core, WORD, 4.5)
    break_down(recorder, core)
    rows = [json.loads(line) for line in b"".join(recorder.pieces(5.0, 6.0)).splitlines()]
    head = {"format": "nsinit flight record", "version": 2, "nsinit": "1.2.3"}
    assert rows[0] == head | {"at": 5.0, "time": 6.0}
    event = {"type": "Notified", "service": "a", "run": 0, "status": "x"}
    made = [rows[2] | {"sum": 0}, rows[3]]
    assert made == [
        {"n": 0, "at": 4.5, "jitter": 0.5, "event": rows[2]["event"], "sum": 0},
        {"n": 1, "at": 3.0, "jitter": 0.5, "event": rows[3]["event"], "sum": 0},
    ]
    assert event.items() <= rows[2]["event"].items()
    assert rows[4:] == [{"raised": "KeyError('x')"}, {"end": 2}]
    assert record_of(recorder).version == "1.2.3"


def test_error_is_left_out_when_it_comes_while_the_record_is_written() -> None:
    """So is what it is the error of."""
    core, recorder = core_of("a"), Recorder("1")
    tell(recorder, core, WORD)
    pieces = recorder.pieces(5.0, 6.0)
    begun = next(pieces)
    break_down(recorder, core)
    (part,) = read(b"".join((begun, *pieces)).splitlines()).parts
    assert (len(part.told), part.error) == (1, "")


def test_record_can_be_read_when_there_is_no_service() -> None:
    """Nothing is remembered of any, which is something else than nothing."""
    core, recorder = Supervisor(Plan()), Recorder("1")
    tell(recorder, core, m.Shutdown())
    (step,) = replay(record_of(recorder))
    assert (step.wrong, step.told.event) == ("", m.Shutdown())


def test_pieces_are_small_when_there_are_many_services() -> None:
    """Init does something else between two of them."""
    names = [f"service-{number}" for number in range(300)]
    core, recorder = core_of(*names, text="d" * 100), Recorder("1")
    tell(recorder, core, WORD)
    assert max(map(len, recorder.pieces(5.0, 6.0))) < 1000
    core.state.services[names[0]].message = "\udcff"  # what only JSON can say is cut anywhere
    core.state.services[names[1]].message = "x" * 100_000
    recorder = Recorder("1")
    tell(recorder, core, WORD)
    assert max(map(len, recorder.pieces(5.0, 6.0))) == 32 << 10


def test_sum_is_what_it_was_when_another_version_wrote_the_record() -> None:
    """Else each of its events would go otherwise than recorded."""
    assert fingerprint(b"the same bytes, and enough of them to be more than the sum") == 135_813_151
