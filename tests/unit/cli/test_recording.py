"""A flight record in a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.cli.recording import save
from nsinit.errors import ControlError

if TYPE_CHECKING:
    import pathlib

ROWS: list[dict[str, Any]] = [{"format": "x"}, {"event": {}, "n": 0}, {"end": 1}]


def test_record_takes_the_place_of_a_file_when_it_is_whole(tmp_path: pathlib.Path) -> None:
    """By another name, and what had that is not touched; half a record changes nothing."""
    victim, link = tmp_path / "victim", tmp_path / "link"
    victim.write_text("kept")
    (tmp_path / "record.new").symlink_to(victim)
    link.symlink_to(tmp_path / "record")
    save(ROWS, str(link))
    before = (tmp_path / "record").read_text()
    assert before.count("\n") == 3
    with pytest.raises(ControlError, match="the whole record"):
        save(ROWS[:2], str(link))
    assert (tmp_path / "record").read_text() == before
    assert (victim.read_text(), link.is_symlink()) == ("kept", True)
    assert not (tmp_path / "record.new").exists()


def test_record_is_written_to_what_is_no_file_when_that_is_there() -> None:
    """A pipe or a device stays what it is."""
    reading, writing = os.pipe()
    try:
        save(ROWS, f"/proc/self/fd/{writing}")
        assert os.read(reading, 1000).count(b"\n") == 3
    finally:
        os.close(reading)
        os.close(writing)
