"""Lines as messages of syslog, and messages in frames. Pure. Source: RFC 5424, 3164, 6587.

The stream is the MSGID; the message is what the service wrote, whatever bytes that are.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from nsinit.runtime.forms import stamp

if TYPE_CHECKING:
    from nsinit.model.syslog import SyslogRules
    from nsinit.runtime.lines import Block

_HOST_MAX, _APP_MAX, _TAG_MAX = 255, 48, 32


class Sender(NamedTuple):
    """Who says something; a pid of 0 is not known, a host of "" is left out of BSD's format."""

    host: str
    service: str
    stream: str
    pid: int


def header(rules: SyslogRules, sender: Sender, at: float) -> bytes:
    """What stands before each message of that time."""
    app = rules.app_name or sender.service
    if rules.rfc5424:
        words = (
            f"<{rules.priority}>1",
            stamp(at),
            _word(sender.host, _HOST_MAX),
            _word(app, _APP_MAX),
            str(sender.pid or "-"),
            sender.stream,
            "- ",
        )
        return " ".join(words).encode()
    local = time.localtime(at)
    when = f"{time.strftime('%b', local)} {local.tm_mday:2} {time.strftime('%H:%M:%S', local)}"
    host = f"{_word(sender.host, _HOST_MAX)} " if sender.host else ""
    pid = f"[{sender.pid}]" if sender.pid else ""
    return f"<{rules.priority}>{when} {host}{_word(app, _TAG_MAX)}{pid}: ".encode()


def _word(text: str, most: int) -> str:
    """Printable ASCII without spaces, as headers want it."""
    made = "".join(char if "!" <= char <= "~" else "_" for char in text[:most])
    return made or "-"


def messages(head: bytes, block: Block, *, joined: bool) -> list[bytes]:
    """One for each line, or one for all of them if they are one record."""
    body = block.data[:-1]
    return [head + line for line in ([body] if joined else body.split(b"\n"))]


def counted(message: bytes) -> bytes:
    """In a frame with its length, for TCP."""
    return b"%d %s" % (len(message), message)


def terminated(message: bytes) -> bytes:
    """With a NUL at its end, for a local stream; one within it is written out."""
    return message.replace(b"\0", b"#000") + b"\0"
