"""The recorder of an init: it never fails who tells it something, and leaves whole records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nsinit.core import messages as m
from nsinit.core.recorder import Recorder
from nsinit.core.replay import read, replay
from nsinit.core.supervisor import Supervisor
from nsinit.model.load import load, parse_source
from nsinit.model.plan import Plan, Rules
from nsinit.runtime.flight import Flight
from nsinit.runtime.turns import Turns

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable


class Loop:
    """Takes the turns that a test lets it take."""

    def __init__(self) -> None:
        self.due: list[Callable[[], object]] = []
        self.turns = Turns(self.due.append)

    def run(self) -> int:
        """All of them; how many."""
        count = 0
        while self.due:
            self.due.pop(0)()
            count += 1
        return count


def flying(path: str, plan: Plan | None = None) -> tuple[Flight, list[str], Loop]:
    """A recorder that has heard of the boot; and what it warns of."""
    warnings: list[str] = []
    loop, core = Loop(), Supervisor(plan or Plan())
    flight = Flight(Recorder("1"), path, warnings.append, loop.turns)
    flight.begin(core, m.Boot(), 1.0, 0.5)
    flight.end(core.handle(m.Boot(), 1.0, 0.5))
    return flight, warnings, loop


def test_record_is_left_whole_when_it_is_asked_for(tmp_path: pathlib.Path) -> None:
    """Whenever somebody asks; after an error not again for a while."""
    place = tmp_path / "flight.ndjson"
    flight, warnings, loop = flying(str(place))
    told: list[str] = []
    flight.leave()
    assert place.exists()
    place.unlink()
    flight.leave()
    flight.leave_in_turns()
    loop.run()
    assert not place.exists()
    flight.leave_in_turns(told.append)
    flight.leave_in_turns(told.append)
    assert not place.exists()
    loop.run()
    assert told == [str(place)]
    record = read(place.read_bytes().splitlines())
    assert record.whole
    assert [step.wrong for step in replay(record)] == [""]
    assert ([path.name for path in tmp_path.iterdir()], warnings) == (["flight.ndjson"], [])


def test_record_is_whole_when_an_error_comes_while_it_is_written(tmp_path: pathlib.Path) -> None:
    """What was begun is given up."""
    place = tmp_path / "flight.ndjson"
    many = {f"s{number}": Rules(name=f"s{number}") for number in range(1000)}
    flight, warnings, loop = flying(str(place), Plan(services=many))
    told: list[str] = []
    flight.leave_in_turns(told.append)
    loop.due.pop(0)()
    assert (tmp_path / "flight.ndjson.new").exists()
    flight.leave()
    assert read(place.read_bytes().splitlines()).whole
    loop.run()
    assert ([path.name for path in tmp_path.iterdir()], warnings) == (["flight.ndjson"], [])
    assert told == []


def test_init_goes_on_when_a_record_is_long(tmp_path: pathlib.Path) -> None:
    """Some thousand services are no single turn of the loop."""
    many = {f"s{number}": Rules(name=f"s{number}") for number in range(4000)}
    flight, _, loop = flying(str(tmp_path / "x"), Plan(services=many))
    flight.leave_in_turns(lambda _: None)
    assert loop.run() > 3
    assert max(map(len, flight.pieces(1.0))) < 64 << 10
    (part,) = read((tmp_path / "x").read_bytes().splitlines()).parts
    assert (len(part.plan.services), len(part.state.services)) == (4000, 4000)


def test_nothing_else_is_touched_when_others_may_write_beside_a_record(
    tmp_path: pathlib.Path,
) -> None:
    """A link, symbolic or hard, is not followed, and a file of somebody else is not used."""
    place, victim = tmp_path / "x", tmp_path / "victim"
    flight, warnings, loop = flying(str(place))
    victim.write_text("kept")
    (tmp_path / "x.new").symlink_to(victim)
    place.symlink_to(victim)
    flight.leave()
    assert (victim.read_text(), place.is_symlink()) == ("kept", False)
    (tmp_path / "x.new").hardlink_to(victim)
    victim.chmod(0o666)
    flight.leave_in_turns(lambda _: None)
    loop.run()
    assert victim.read_text() == "kept"
    assert place.stat().st_mode & 0o777 == 0o600
    assert warnings == []


def test_init_goes_on_when_no_record_can_be_written(tmp_path: pathlib.Path) -> None:
    """There is a warning; and without a place for it nothing at all."""
    flight, warnings, loop = flying(str(tmp_path / "none" / "x"))
    flight.leave()
    flight.leave_in_turns(lambda _: None)
    loop.run()
    assert len(warnings) == 2
    assert all("cannot write" in text and "No such file" in text for text in warnings)
    flight, warnings, loop = flying("")
    flight.leave()
    flight.leave_in_turns(lambda _: None)
    assert (loop.due, warnings) == ([], [])


def test_recorder_stops_when_it_cannot_write_down_what_it_is_told() -> None:
    """It says so once, and nobody else notices."""
    flight, warnings, _ = flying("")
    core, nonsense = Supervisor(Plan()), m.Start((object(),))  # type: ignore[arg-type]  # on purpose
    for _ in range(3):
        flight.begin(core, nonsense, 1.0, 0.5)
        flight.end([])
        flight.settle()
    assert len(warnings) == 1
    assert "has stopped" in warnings[0]


@pytest.mark.parametrize(
    ("text", "size"), [("", 1 << 20), ("recorder = 0", 0), ("recorder = '4M'", 4 << 20)]
)
def test_size_of_the_recorder_is_a_key_when_it_is_given(text: str, size: int) -> None:
    """And 0 is none."""
    source = f"[init]\n{text}\n[services.a]\ncommand = 'x'\n"
    made: Any = load([parse_source("n.toml", source)], {})
    assert made.config.init.recorder == size
