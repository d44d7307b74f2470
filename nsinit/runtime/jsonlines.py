"""Output as JSON lines: an object for each line, or for each record of several. Pure.

Loaded only by who asks for JSON. The fields are part of the contract, see docs/logs.md. What is
not UTF-8 comes as base64 too, so that no byte is lost.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from nsinit.runtime.forms import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.runtime.forms import Form
    from nsinit.runtime.lines import Block

_ESCAPED: Final = re.compile(rb'[\x00-\x09\x0b-\x1f"\\\x7f]').search
_encode: Final = msgspec.json.Encoder().encode


def json_lines(service: str, run: int, stream: str) -> Form:
    """The form for one stream of one run."""
    replica = service.rpartition("@")[2] if "@" in service else "1"
    rest = {
        "service": service,
        "replica": int(replica) if replica.isdigit() else 1,
        "run": run,
        "stream": stream,
    }

    def render(block: Block, at: float, joined: bool) -> bytes:
        head = {"time": stamp(at), **rest}
        data = block.data
        whole = not (block.goes_on or block.continues or joined)
        if whole and data.isascii() and not _ESCAPED(data):
            # All in one go: what JSON would escape is not there.
            begin = _encode(head)[:-1] + b',"message":"'
            return begin + data[:-1].replace(b"\n", b'"}\n' + begin) + b'"}\n'
        return b"".join(_encode(head | row) + b"\n" for row in _rows(block, joined=joined))

    return render


def _rows(block: Block, *, joined: bool) -> Iterator[dict[str, Any]]:
    parts = [block.data[:-1]] if joined else block.data[:-1].split(b"\n")
    last = len(parts) - 1
    for index, text in enumerate(parts):
        row: dict[str, Any] = {"message": text.decode("utf-8", "replace")}
        if "\ufffd" in row["message"]:
            row["base64"] = base64.b64encode(text).decode()
        goes_on = block.goes_on and index == last
        continues = block.continues and index == 0
        if goes_on or continues:
            row["part"] = "first" if not continues else "middle" if goes_on else "last"
        yield row


def own_line(at: float, level: str, text: str, fields: dict[str, object]) -> bytes:
    """What nsinit itself says; it has a level, and no run."""
    row: dict[str, object] = {"time": stamp(at), "service": "nsinit", "level": level}
    row["message"] = _unicode(text)
    if fields:
        row["fields"] = {key: _unicode(str(value)) for key, value in fields.items()}
    return _encode(row) + b"\n"


def _unicode(text: str) -> str:
    """Bytes of paths and the like that are no Unicode, written out."""
    return text.encode("utf-8", "backslashreplace").decode()
