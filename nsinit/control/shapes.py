"""What clients see: the JSON of services, log lines and events.

The keys are part of the contract with scripts: they may be added to, not renamed.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from nsinit.control.routes import encode
from nsinit.kernel import seam
from nsinit.runtime.chronicle import told
from nsinit.runtime.events import Note
from nsinit.runtime.lines import Block
from nsinit.runtime.ring import lines
from nsinit.runtime.tagged import STREAMS as TAGGED
from nsinit.runtime.tagged import read_kept

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.core.view import ServiceView
    from nsinit.runtime.deaths import Death
    from nsinit.runtime.events import Happening
    from nsinit.runtime.ring import Record

_OF_CHANGES: Final = (
    "old", "new", "want", "run", "pid", "reason", "result", "exit_code", "exit_signal", "health",
)  # fmt: skip
SLICE: Final = 8 << 10  # bytes of output that are rendered at once
_ESCAPED: Final = re.compile(rb'[\x00-\x09\x0b-\x1f"\\\x7f]').search


def show(s: ServiceView, now: float, wall: float) -> dict[str, Any]:
    """A service as clients see it: instants as clock times (s since the epoch)."""
    epoch = wall - now  # of the monotonic clock, by the clock on the wall

    def clock(at: float | None) -> float | None:
        return None if at is None else round(epoch + at, 3)

    return {
        "name": s.name,
        "state": s.state,
        "want": s.want,
        "pid": s.pid,
        "reason": s.reason,
        "result": s.result,
        "exit_code": s.exit_code,
        "exit_signal": s.exit_signal,
        "run": s.run,
        "restarts": s.restarts,
        "seconds": round(now - s.since_at, 3) if s.since_at else None,
        "since": clock(s.since_at or None),
        "started": clock(s.started_at),
        "ready": clock(s.ready_at),
        "next_retry": clock(s.next_retry_at),
        "next_run": None if s.next_run is None else round(s.next_run, 3),
        "health": s.health or None,
        "message": s.message or None,
        "pinned": s.pinned,
        "reloading": s.reloading,
        "paused": s.paused,
        "type": s.type,
        "main": s.main,
        "essential": s.essential,
        "tags": s.tags,
        "description": s.description,
    }


def log_rows(record: Record) -> bytes:
    """One JSON line per line of output; what is not UTF-8 comes as base64 too."""
    head: dict[str, Any] = {"time": round(record.at, 6), "service": record.service}
    replica = record.service.rpartition("@")
    if replica[0] and replica[2].isdigit():
        head["replica"] = int(replica[2])
    head |= {"run": record.run, "stream": record.stream}
    data, block = record.block.data, record.block
    if data.isascii() and not block.goes_on and not block.continues and not _ESCAPED(data):
        # What JSON would escape is not there.
        begin = b"," + encode(head)[1:-1] + b',"line":"'
        parts = data[:-1].split(b"\n")
        ends = accumulate((len(part) + 1 for part in parts), initial=record.number - len(data))
        next(ends)
        return b"".join(
            [
                b'{"seq":%d%b%b"}\n' % (end, begin, part)
                for end, part in zip(ends, parts, strict=True)
            ]
        )
    return b"".join(encode(row) + b"\n" for row in _rows(record, head))


def _rows(record: Record, head: dict[str, Any]) -> Iterator[dict[str, Any]]:
    seq = record.number - len(record.block.data)
    for text, goes_on, continues in lines(record):
        seq += len(text) + 1
        row: dict[str, Any] = {"seq": seq, **head, "line": text.decode("utf-8", "replace")}
        shown = _tell_writer(row, text) if record.stream in TAGGED else text
        if "\ufffd" in row["line"]:
            from binascii import b2a_base64  # noqa: PLC0415  (hardly ever; it is 150 KiB)

            row["base64"] = b2a_base64(shown, newline=False).decode()
        if goes_on or continues:
            row["part"] = "first" if not continues else "middle" if goes_on else "last"
        yield row


def _tell_writer(row: dict[str, Any], line: bytes) -> bytes:
    """What came beside the text of a line; the text."""
    one = read_kept(line)
    row["line"] = one.text.decode("utf-8", "replace")
    row["priority"], row["facility"] = one.priority & 7, one.priority >> 3
    if one.identifier:
        row["identifier"] = one.identifier.decode("utf-8", "replace")
    if one.pid:
        row["pid"] = int(one.pid)
    return one.text


def slices(record: Record) -> Iterator[Record]:
    """The same lines in pieces that are rendered in little time."""
    data = record.block.data
    start = 0
    while len(data) - start > SLICE:
        end = data.rfind(b"\n", start, start + SLICE) + 1
        end = end or data.find(b"\n", start) + 1
        yield _part(record, start, end)
        start = end
    if start < len(data):
        yield _part(record, start, len(data))


def _part(record: Record, start: int, end: int) -> Record:
    block = record.block
    part = Block(
        block.data[start:end],
        goes_on=block.goes_on and end == len(block.data),
        continues=block.continues and start == 0,
    )
    return record._replace(number=record.number - len(block.data) + end, block=part)


def event_row(one: Happening | Note) -> bytes:
    """One JSON line per event: the keys of a change, and those of its type (docs/events.md)."""
    if isinstance(one, Note):
        name = one.service
        row = {"seq": one.number, "time": one.at, "type": one.type, "service": name or None}
        row |= dict.fromkeys(_OF_CHANGES)
        return encode(row | {"run": one.run if name else None} | one.fields) + b"\n"
    s = one.service
    row = {
        "seq": one.number,
        "time": one.at,
        "type": one.type,
        "service": s.name,
        "old": one.old,
        "new": s.state,
        "want": s.want,
        "run": s.run,
        "pid": s.pid,
        "reason": s.reason,
        "result": s.result,
        "exit_code": s.exit_code,
        "exit_signal": s.exit_signal,
        "health": s.health or None,
    }
    return encode(row) + b"\n"


def lost_row(seq: int, first: int | None, last: int | None) -> bytes:
    """Events that are no longer there; without numbers: those of another init were asked for."""
    why = "they are no longer kept" if last else "events are counted anew: this is another init"
    fields = {"first": first, "last": last, "reason": why}
    return event_row(Note(seq, round(seam.wall(), 6), "lost", "", 0, fields))


def death_row(one: Death, *, output: bool = True) -> dict[str, Any]:
    """The end of a run; without its `output` it tells nothing of what the service wrote."""
    words = one.output.decode("utf-8", "replace").splitlines() if output else []
    row = {"run": one.run, "time": round(one.at, 3), "result": one.result or None}
    return row | told(one) | {"output": words}
