"""What the kernel tells of changed files, as rows. Knows no policy. Source: inotify(7)."""

from __future__ import annotations

import os
import struct
from typing import Final, NamedTuple

from nsinit.kernel import libc, seam

MODIFY: Final = 0x2
ATTRIB: Final = 0x4
CLOSE_WRITE: Final = 0x8
MOVED_FROM: Final = 0x40
MOVED_TO: Final = 0x80
CREATE: Final = 0x100
DELETE: Final = 0x200
DELETE_SELF: Final = 0x400
MOVE_SELF: Final = 0x800
Q_OVERFLOW: Final = 0x4000
IGNORED: Final = 0x8000
ISDIR: Final = 0x4000_0000
_ONLYDIR: Final = 0x0100_0000
_ALL: Final = (
    MODIFY | ATTRIB | CLOSE_WRITE | MOVED_FROM | MOVED_TO | CREATE | DELETE | DELETE_SELF
    | MOVE_SELF | _ONLYDIR
)  # fmt: skip
_HEAD: Final = struct.Struct("=iIII")
_BUFFER: Final = 64 << 10


class FileEvent(NamedTuple):
    """Something happened to what a watch is of, or to an entry of it."""

    watch: int
    what: int
    name: str


class Inotify:
    """Watches of directories; OSError when there can be none."""

    def __init__(self) -> None:
        self.fd = libc.inotify_init()

    def add(self, directory: str) -> int:
        """Watch a directory; one that is watched already keeps its number."""
        return libc.inotify_add_watch(self.fd, directory, _ALL)

    def remove(self, watch: int) -> None:
        """Watch it no more; it may be gone already."""
        try:
            libc.inotify_rm_watch(self.fd, watch)
        except OSError:
            return

    def read(self) -> list[FileEvent]:
        """What has happened, as much as one read takes."""
        try:
            data = seam.read(self.fd, _BUFFER)
        except (BlockingIOError, InterruptedError):
            return []
        return parse(data)


def parse(data: bytes) -> list[FileEvent]:
    """The events in what was read."""
    events, at = [], 0
    while at + _HEAD.size <= len(data):
        watch, what, _, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        name = data[at : at + length].partition(b"\0")[0]
        events.append(FileEvent(watch, what, os.fsdecode(name)))
        at += length
    return events
