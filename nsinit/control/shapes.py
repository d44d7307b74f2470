"""What clients see: the JSON of services, log lines and events. Pure.

The keys are part of the contract with scripts: they may be added to, not renamed.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from nsinit.control.routes import encode
from nsinit.runtime.ring import lines

if TYPE_CHECKING:
    from nsinit.core.view import ServiceView
    from nsinit.runtime.events import Happening
    from nsinit.runtime.ring import Record


def show(s: ServiceView, now: float, wall: float) -> dict[str, Any]:
    """A service as clients see it: instants as clock times (s since the epoch)."""

    def clock(at: float | None) -> float | None:
        return None if at is None else round(wall - (now - at), 3)

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
        "type": s.type,
        "main": s.main,
        "essential": s.essential,
        "tags": s.tags,
        "description": s.description,
    }


def log_rows(record: Record) -> list[bytes]:
    """One JSON line per line of output; what is not UTF-8 comes as base64 too."""
    made = []
    for text, goes_on, continues in lines(record):
        row: dict[str, Any] = {
            "time": record.at,
            "service": record.service,
            "run": record.run,
            "stream": record.stream,
            "line": text.decode("utf-8", "replace"),
        }
        if not text.isascii():
            try:
                text.decode()
            except UnicodeDecodeError:
                row["base64"] = base64.b64encode(text).decode()
        if goes_on or continues:
            row["part"] = "first" if not continues else "middle" if goes_on else "last"
        made.append(encode(row) + b"\n")
    return made


def event_row(one: Happening) -> bytes:
    """One JSON line per change."""
    s = one.service
    row = {
        "seq": one.number,
        "time": one.at,
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
    }
    return encode(row) + b"\n"
