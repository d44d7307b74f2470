"""The JSON that clients see."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest

from nsinit.control.shapes import SLICE, event_row, log_rows, show, slices
from nsinit.core.state import State
from nsinit.core.view import ServiceView
from nsinit.runtime.events import Happening
from nsinit.runtime.lines import Block
from nsinit.runtime.ring import Record

VIEW = ServiceView(
    name="web",
    description="d",
    type="simple",
    tags=("t",),
    main=True,
    essential=False,
    want="up",
    state=State.RUNNING,
    reason="",
    result="",
    pid=7,
    run=2,
    restarts=1,
    since_at=90.0,
    started_at=80.25,
    ready_at=90.0,
    next_retry_at=None,
    health="",
    message="",
    pinned=False,
    reloading=False,
    paused=False,
    exit_code=None,
    exit_signal=9,
)


def rows(block: Block) -> list[dict[str, Any]]:
    """The JSON of the lines of a block."""
    data = log_rows(Record(len(block.data), 1.5, "web", 2, "stdout", block))
    assert data.endswith(b"\n")
    return [json.loads(row) for row in data[:-1].split(b"\n")]


def test_service_is_shown_with_clock_times_when_asked_for() -> None:
    """Monotonic instants mean nothing to a client; the keys are a contract."""
    assert show(VIEW, 100.0, 1_700_000_000.0) == {
        "name": "web",
        "state": "running",
        "want": "up",
        "pid": 7,
        "reason": "",
        "result": "",
        "exit_code": None,
        "exit_signal": 9,
        "run": 2,
        "restarts": 1,
        "seconds": 10.0,
        "since": 1_699_999_990.0,
        "started": 1_699_999_980.25,
        "ready": 1_699_999_990.0,
        "next_retry": None,
        "next_run": None,
        "health": None,
        "message": None,
        "pinned": False,
        "reloading": False,
        "paused": False,
        "type": "simple",
        "main": True,
        "essential": False,
        "tags": ("t",),
        "description": "d",
    }


def test_times_are_null_when_nothing_has_happened() -> None:
    """A service that never changed has no since; a retry lies in the future."""
    view = msgspec.structs.replace(VIEW, since_at=0.0, started_at=None, next_retry_at=100.5)
    shown = show(view, 100.0, 1000.0)
    assert (shown["seconds"], shown["since"], shown["started"]) == (None, None, None)
    assert shown["next_retry"] == 1000.5


def test_lines_are_rows_when_a_block_has_several() -> None:
    """Each with all about it, and a newline of its own."""
    assert rows(Block(b"a\n\nb\n")) == [
        {"seq": seq, "time": 1.5, "service": "web", "run": 2, "stream": "stdout", "line": line}
        for seq, line in ((2, "a"), (3, ""), (5, "b"))
    ]


@pytest.mark.parametrize("line", [b"a", b"\xc3\xa9"])
def test_replica_and_microseconds_are_told_when_there_are_some(line: bytes) -> None:
    """The number of a line is that of its record less what comes after it."""
    record = Record(90, 1.123456789, "web@12", 2, "stderr", Block(line + b"\nb\n"))
    first, second = (json.loads(row) for row in log_rows(record).splitlines())
    assert first["service"] == "web@12"
    assert (first["replica"], first["time"]) == (12, 1.123457)
    assert (first["seq"], second["seq"]) == (88, 90)


@pytest.mark.parametrize(
    ("block", "parts"),
    [
        (Block(b"a\n", goes_on=True), ["first"]),
        (Block(b"a\n", goes_on=True, continues=True), ["middle"]),
        (Block(b"a\nb\n", continues=True), ["last", None]),
        (Block(b"a\nb\n"), [None, None]),
    ],
)
def test_pieces_are_marked_when_a_line_was_cut(block: Block, parts: list[str | None]) -> None:
    """So that a client can join them."""
    assert [row.get("part") for row in rows(block)] == parts


@pytest.mark.parametrize(
    ("line", "text"),
    [(b"plain", "plain"), ("é\u2028".encode(), "é\u2028"), (b"\x00\x1b[0m", "\x00\x1b[0m")],
)
def test_line_is_plain_text_when_it_is_utf8(line: bytes, text: str) -> None:
    """Control characters are escaped by JSON."""
    (row,) = rows(Block(line + b"\n"))
    assert row["line"] == text
    assert "base64" not in row


@pytest.mark.parametrize("line", [b"caf\xe9", b"\xff\x00", b"\xed\xa0\x80", "é".encode()[:1]])
def test_line_is_there_byte_by_byte_when_it_is_no_text(line: bytes) -> None:
    """Any byte passes."""
    (row,) = rows(Block(line + b"\n"))
    assert base64.b64decode(row["base64"]) == line
    assert "\ufffd" in row["line"]


@pytest.mark.parametrize("line", ['a"b', "a\\b", "\t", "\x1f", "\x7f", "{}", "'", " "])
def test_row_is_json_when_a_line_of_many_needs_escapes(line: str) -> None:
    """Most output needs none, and is rendered without a look at each line."""
    assert [row["line"] for row in rows(Block(f"a\n{line}\nb\n".encode()))] == ["a", line, "b"]


def _record(number: int, data: bytes, *, goes_on: bool = False, continues: bool = False) -> Record:
    return Record(number, 1.5, "web", 2, "stdout", Block(data, goes_on, continues))


def test_record_is_sliced_when_it_is_long() -> None:
    """At ends of lines, with its marks at its ends; a short one stays as it is."""
    data = b"".join(b"%d\n" % number for number in range(5000))
    parts = list(slices(_record(len(data), data, goes_on=True, continues=True)))
    assert len(parts) > 1
    assert b"".join(part.block.data for part in parts) == data
    assert all(part.block.data.endswith(b"\n") for part in parts)
    assert all(len(part.block.data) <= SLICE for part in parts)
    assert [part.block.continues for part in parts] == [True] + [False] * (len(parts) - 1)
    assert [part.block.goes_on for part in parts] == [False] * (len(parts) - 1) + [True]
    assert {part[1:5] for part in parts} == {(1.5, "web", 2, "stdout")}
    ends = [sum(len(one.block.data) for one in parts[: at + 1]) for at in range(len(parts))]
    assert [part.number for part in parts] == ends
    assert list(slices(parts[1])) == [parts[1]]


def test_line_stays_whole_when_it_is_longer_than_a_slice() -> None:
    """It is a line."""
    long = b"x" * (3 * SLICE) + b"\n"
    parts = list(slices(_record(7, b"a\n" + long + b"b\n")))
    assert [part.block.data for part in parts] == [b"a\n", long, b"b\n"]


def test_change_is_a_row_when_it_is_told() -> None:
    """From what to what, when, and why."""
    view = msgspec.structs.replace(VIEW, state=State.FAILED, reason="r\udcff", result="signal")
    row = event_row(Happening(3, 1.5, "running", view))
    assert row.endswith(b"\n")
    assert json.loads(row) == {
        "seq": 3,
        "time": 1.5,
        "type": "state",
        "service": "web",
        "old": "running",
        "new": "failed",
        "want": "up",
        "run": 2,
        "pid": 7,
        "reason": "r\udcff",
        "result": "signal",
        "exit_code": None,
        "exit_signal": 9,
        "health": None,
    }
