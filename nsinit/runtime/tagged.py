"""Lines that came with a priority and the name of who wrote them: how a ring keeps them. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

STREAMS: Final = frozenset({"syslog", "journal"})
_END: Final = b"\x1f"  # is in none of the parts


class Tagged(NamedTuple):
    """A line: facility * 8 + severity, as in syslog(3); the name and pid are those it claims."""

    priority: int
    identifier: bytes
    pid: bytes
    text: bytes

    @property
    def kept_before(self) -> bytes:
        """What stands before the text in a ring."""
        return b"<%d>%b%b%b%b" % (self.priority, self.identifier, _END, self.pid, _END)

    @property
    def shown_before(self) -> bytes:
        """What stands before the text where people read it: "cron[12]: "."""
        pid = b"[%b]" % self.pid if self.pid else b""
        return self.identifier + pid + b": " if self.identifier else b""


def read_kept(line: bytes) -> Tagged:
    """A line of a ring."""
    head, _, rest = line.partition(_END)
    pid, _, text = rest.partition(_END)
    priority, _, identifier = head[1:].partition(b">")
    return Tagged(int(priority), identifier, pid, text)


def shown(line: bytes) -> bytes:
    """A line of a ring as people read it."""
    one = read_kept(line)
    return one.shown_before + one.text
