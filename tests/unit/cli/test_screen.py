"""What the view on the whole screen shows, without one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsinit.cli.tui import text
from nsinit.cli.tui.rows import SORTS, Row, chosen, rows, summary


def _service(name: str, state: str = "running", **more: Any) -> dict[str, Any]:
    row = {"name": name, "state": state, "pid": 7, "seconds": 61.0, "restarts": 1}
    return row | {"reason": "", "message": None, "description": "", "health": None} | more


def _used(name: str, cpu: float, rss: int, **more: Any) -> dict[str, Any]:
    return {"name": name, "cpu": cpu, "rss": rss, **more}


def test_row_holds_what_is_known_when_init_was_asked() -> None:
    """The group's memory rather than that of its processes; marks after the reason."""
    status = {
        "services": [
            _service("web", health="unhealthy", paused=True, main=True, reason="probe"),
            _service("db", "stopped", pid=None, seconds=None, description="keeps"),
        ]
    }
    top = {"services": [_used("web", 12.34, 5, group={"memory": {"current": 3 << 20}})]}
    web, db = rows(status, top)
    details = "probe, unhealthy, paused, main"
    assert web.cells() == ("web", "running", "7", "1m 1s", "12.3", "3.0M", "1", details)
    assert db.cells() == ("db", "stopped", "-", "-", "-", "-", "1", "keeps")
    assert rows(status, None)[0].memory is None


ROWS = [
    Row("web", "running", 1, 1.0, 5.0, 10, 0, ""),
    Row("api", "failed", None, 1.0, None, None, 9, "exit 3"),
    Row("db", "running", 2, 1.0, 50.0, 99, 1, "keeps", ("main",)),
]


@pytest.mark.parametrize(
    ("words", "order", "names"),
    [
        ("", "order", ["web", "api", "db"]),
        ("", "name", ["api", "db", "web"]),
        ("", "state", ["api", "web", "db"]),
        ("", "cpu%", ["db", "web", "api"]),
        ("", "memory", ["db", "web", "api"]),
        ("", "restarts", ["api", "db", "web"]),
        ("RUN", "order", ["web", "db"]),
        ("run main", "order", ["db"]),
        ("nothing", "name", []),
    ],
)
def test_rows_are_chosen_and_ordered_when_asked(words: str, order: str, names: list[str]) -> None:
    """Every word must be found somewhere; the greatest first."""
    assert order in SORTS
    assert [row.name for row in chosen(ROWS, words, order)] == names


def test_summary_counts_when_there_are_services() -> None:
    """What needs a look first."""
    assert summary(ROWS) == "3 services: 1 failed, 2 running   cpu 55%   memory 0K"
    assert summary([]).startswith("0 services   cpu 0%")


@given(st.text())
def test_output_moves_no_cursor_when_shown(line: str) -> None:
    """Colours alone are taken as such."""
    shown = text.output(f"{line}\x1b[2J\x1b[31mred\x1b[0m\r\x07").plain
    assert all(character.isprintable() for character in shown)
    assert shown.endswith("\\x1b[2Jred\\r\\x07")


def test_event_of_any_kind_is_shown_when_it_comes() -> None:
    """Also one that is not known yet."""
    change = {"time": 0.0, "service": "web", "old": "running", "new": "failed", "reason": "r\n"}
    assert text.event_row(change).plain.endswith(" web running -> failed (r\\n)")
    other = {"time": 0.0, "seq": 3, "type": "update", "added": ["x"], "none": None}
    assert text.event_row(other).plain.endswith(" init update added=['x']")
    assert text.log_row({"skipped": 12}).plain == "12 bytes were skipped here"


def test_event_is_shown_when_it_is_no_change_of_state() -> None:
    """Its row has the keys of a change too, without values."""
    row: dict[str, Any] = dict.fromkeys(("service", "old", "new", "want", "run", "pid", "reason"))
    row |= {"seq": 1, "time": 1.0, "type": "boot", "version": "1"}
    assert text.event_row(row).plain.endswith("init boot version=1")
    row |= {"type": "state", "service": "web", "old": "stopped", "new": "waiting", "reason": "x"}
    assert text.event_row(row).plain.endswith("web stopped -> waiting (x)")
