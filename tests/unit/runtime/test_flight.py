"""The recorder of an init: it never fails who tells it something, and leaves whole records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nsinit.core import messages as m
from nsinit.core.recorder import Recorder
from nsinit.core.replay import read, replay
from nsinit.core.supervisor import Supervisor
from nsinit.model.load import load, parse_source
from nsinit.model.plan import Plan
from nsinit.runtime.flight import Flight

if TYPE_CHECKING:
    import pathlib


def flying(path: str) -> tuple[Flight, list[str]]:
    """A recorder that has heard of the boot; and what it warns of."""
    warnings: list[str] = []
    flight, core = Flight(Recorder("1"), path, warnings.append), Supervisor(Plan())
    flight.begin(core, m.Boot(), 1.0, 0.5)
    flight.end(core.handle(m.Boot(), 1.0, 0.5))
    return flight, warnings


def test_record_is_left_whole_when_it_is_asked_for(tmp_path: pathlib.Path) -> None:
    """At once when somebody asks; after an error not again for a while."""
    place = tmp_path / "flight.ndjson"
    flight, warnings = flying(str(place))
    assert flight.leave(asked=False) == str(place)
    place.unlink()
    assert flight.leave(asked=False) == ""
    assert flight.leave(asked=True) == str(place)
    record = read(place.read_bytes().splitlines())
    assert record.whole
    assert [step.wrong for step in replay(record)] == [""]
    assert ([path.name for path in tmp_path.iterdir()], warnings) == (["flight.ndjson"], [])


def test_init_goes_on_when_no_record_can_be_written(tmp_path: pathlib.Path) -> None:
    """Who has asked hears why, else there is a warning; a link of somebody else is not followed."""
    flight, warnings = flying(str(tmp_path / "none" / "x"))
    with pytest.raises(FileNotFoundError):
        flight.leave(asked=True)
    flight, warnings = flying(str(tmp_path / "x"))
    (tmp_path / "x.new").symlink_to(tmp_path / "victim")
    assert flight.leave(asked=False) == ""
    assert "cannot write" in warnings[0]
    assert not (tmp_path / "victim").exists()
    assert flying("")[0].leave(asked=True) == ""


def test_recorder_stops_when_it_cannot_write_down_what_it_is_told() -> None:
    """It says so once, and nobody else notices."""
    flight, warnings = flying("")
    core, nonsense = Supervisor(Plan()), m.Start((object(),))  # type: ignore[arg-type]  # on purpose
    for _ in range(3):
        flight.begin(core, nonsense, 1.0, 0.5)
        flight.end([])
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
