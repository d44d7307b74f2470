"""One log file: written as whole lines, rotated by size, reopened, and survived by init.

Imported only when a service has one. Bytes pass as they are. What can't be written (a full disk,
a directory that is gone) is dropped, counted, told once, and tried again a moment later. Every
byte is in exactly one file, whatever a rotation does. Compression is somebody else's work.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nsinit.errors import SpawnError
from nsinit.kernel import seam
from nsinit.process.identity import group_id, user_id
from nsinit.runtime import rotation
from nsinit.runtime.filerow import Row
from nsinit.runtime.openlog import check, open_log

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nsinit.model.logs import FileRules
    from nsinit.runtime.handover import Keep
    from nsinit.runtime.logstate import FileState
    from nsinit.runtime.rotation import Slot

    Buffer = bytes | memoryview

_PAUSE: Final = 0.5  # s between attempts when one has failed
_LOOK: Final = 1.0  # s between looks at whether the file is still there
_LATER: Final = 60.0  # s until a rotation that failed is tried again
_QUIET: Final = 30.0  # s between complaints about one file
_ROUNDS: Final = 2  # of rotations that make no room: somebody else fills the file
_NEWLINE: Final = 10
_NOBODY: Final = -2  # who goes on with the line that the file ends in, in a handover
_HINTS: Final = {
    errno.ENOENT: "make the directory",
    errno.ELOOP: "it is a symbolic link, which could lead anywhere",
}


class LogFile:
    """Takes what the streams of one service write."""

    def __init__(self, rules: FileRules, service: str, tell: Callable[[str, str], None]) -> None:
        """`tell(level, text)` is told what goes wrong, and when it is over."""
        self.rules = rules  # close it when they change
        self.service = service
        self.dropped = 0  # bytes, ever
        self.users = 0  # streams that lead here
        self.rotated: Callable[[LogFile], None] = lambda _: None
        self.on_drop: Callable[[object, int], None] = lambda who, count: None  # noqa: ARG005
        self._tell = tell
        self._fd = -1
        self._file = (0, 0)  # its device and inode
        self._size = 0
        self._inside: object = None  # whose line the file ends in; None at the start of a line
        self._torn: set[object] = set()  # streams of which the rest of a line has no beginning
        self._untold = 0  # dropped bytes that the file's reader has not been told of
        self._failing = False
        self._retry_at = self._look_at = 0.0
        self._quiet_until = 0.0
        self._ownerless = False  # and told so
        self._warned = False  # of the trouble that there is now
        self._period = (0.0, 0.0)  # clock times that what is in the file belongs to

    # --- Writing ----------------------------------------------------------------------------------

    def write(self, data: Buffer, who: object) -> None:
        """Append bytes of one stream; those that can't be written are counted, and none is kept."""
        ready = self._ready()
        if ready and self.rules.rotate and (end := self._end_of_period(data, who)) >= 0:
            if end:
                self._write(data[:end], who)
                data = data[end:]
            self._begin_period()
            ready = self._ready()
        if ready:
            self._write(data, who)
        else:
            self._drop(data, who)

    def _write(self, data: Buffer, who: object) -> None:
        data = self._without_torn(data, who)
        preface = self._preface(who) if data else b""
        if preface and self._append(preface, self) < len(preface):
            self._drop(data, who)
            return
        written = self._append(data, who)
        if written:
            self._untold = 0
        if written < len(data):
            self._drop(data[written:], who)
            if self._inside is who:
                self._inside = self  # nobody goes on with this line
        elif self._failing and data:
            self._recover()

    def _without_torn(self, data: Buffer, who: object) -> Buffer:
        """The data without the rest of a line whose beginning was lost."""
        if who not in self._torn:
            return data
        at = bytes(data).find(b"\n") + 1 or len(data)
        self._drop(data[:at], who)
        return data[at:]

    def _preface(self, who: object) -> bytes:
        """What must come between what the file has and what `who` writes."""
        is_full = 0 < self.rules.max_size <= self._size
        ending = b"\n" if self._inside not in (None, who) and not is_full else b""
        if not self._untold:
            return ending
        ending = b"\n" if self._inside is not None and not is_full else b""
        text = f"{self._untold} bytes were dropped here: they could not be written"
        if self.rules.form == "json":
            from nsinit.runtime.jsonlines import own_line  # noqa: PLC0415  (for who asks)

            return ending + own_line(seam.wall(), "warning", text, {})
        return ending + f"nsinit | {text}\n".encode()

    def _append(self, data: Buffer, who: object) -> int:
        """Write to this file and, when it is full, to the next; how many bytes were written."""
        limit, at, rounds = self.rules.max_size, 0, 0
        slack = min(self.rules.line_limit, limit // 2)
        while at < len(data):
            take = len(data) - at
            if limit and self._size + take + slack > limit:
                inside, part = self._inside is not None, bytes(data[at:])
                take = rotation.fitting(part, self._size, limit, slack, inside=inside)
            written = self._put(memoryview(data)[at : at + take], who)
            at += written
            if written < take:
                break
            rounds = 0 if take else rounds + 1
            if at < len(data) and (rounds > _ROUNDS or not self._rotate()):
                break
        return at

    def _put(self, data: memoryview, who: object) -> int:
        """Write to the file that there is; how many bytes it took."""
        part = data
        try:
            while part:
                count = seam.write(self._fd, part)
                if not count:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))  # noqa: TRY301
                self._size += count
                self._inside = None if part[count - 1] == _NEWLINE else who
                part = part[count:]
        except OSError as error:
            self._fail("write to", error)
        return len(data) - len(part)

    def _drop(self, data: Buffer, who: object) -> None:
        self.dropped += len(data)
        self._untold += len(data)
        self.on_drop(who, len(data))
        if data[-1:] == b"\n":
            self._torn.discard(who)
        else:
            self._torn.add(who)

    def forget(self, who: object) -> None:
        """A stream has ended."""
        self._torn.discard(who)

    # --- For another init -------------------------------------------------------------------------

    def export(self, taps: Sequence[object], keep: Keep) -> FileState:
        """What is known of it; who writes is told by the place in `taps`."""
        from nsinit.runtime.logstate import NONE, FileState  # noqa: PLC0415  (loaded by then)

        places = {id(tap): place for place, tap in enumerate(taps)}
        inside = NONE if self._inside is None else places.get(id(self._inside), _NOBODY)
        return FileState(
            rules=self.rules,
            service=self.service,
            fd=keep(self._fd),
            file=self._file,
            size=self._size,
            inside=inside,
            torn=[places[id(who)] for who in self._torn if id(who) in places],
            untold=self._untold,
            dropped=self.dropped,
            failing=self._failing,
            warned=self._warned,
            ownerless=self._ownerless,
            retry_at=self._retry_at,
            quiet_until=self._quiet_until,
            period=self._period,
        )

    def adopt(self, state: FileState, taps: Sequence[object]) -> None:
        """Go on with a file that another has opened."""
        self._fd, self._file, self._size = state.fd, state.file, state.size
        if state.inside == _NOBODY:
            self._inside = self
        elif state.inside >= 0:
            self._inside = taps[state.inside]
        self._torn = {taps[place] for place in state.torn}
        self._untold, self.dropped = state.untold, state.dropped
        self._failing, self._warned = state.failing, state.warned
        self._ownerless = state.ownerless
        self._retry_at, self._quiet_until = state.retry_at, state.quiet_until
        self._period = state.period

    # --- Trouble ----------------------------------------------------------------------------------

    def _fail(self, doing: str, error: OSError) -> None:
        now = seam.monotonic()
        self._retry_at = now + _PAUSE
        if not self._failing and now >= self._quiet_until:
            self._quiet_until = now + _QUIET
            self._warned = True
            hint = _HINTS.get(error.errno or 0, "")
            why = f"{error.strerror}{f' ({hint})' if hint else ''}"
            text = f"{self.service}: cannot {doing} {self.rules.path}: {why}"
            self._tell("warning", f"{text}; what it should take is dropped and counted")
        self._failing = True

    def _recover(self) -> None:
        self._failing = False
        if self._warned:
            self._warned = False
            text = f"{self.service}: {self.rules.path} can be written again"
            self._tell("info", f"{text}; {self.dropped} bytes of it were dropped so far")

    # --- Opening ----------------------------------------------------------------------------------

    def open(self) -> bool:
        """Have the file open, or tell why not."""
        if self._fd < 0:
            try:
                self._open()
            except OSError as error:
                self._fail("open", error)
        return self._fd >= 0

    def close(self) -> None:
        """Close it; the next write opens what has its name then."""
        if self._fd >= 0:
            with suppress(OSError):  # what NFS could not write is lost
                os.close(self._fd)
        self._fd, self._size, self._inside = -1, 0, None

    def reopen(self) -> bool:
        """Somebody may have moved the file away; whether it is open again."""
        before, inside = self._file, self._inside
        self.close()
        self._retry_at = 0.0
        if self.open() and self._file == before and self._size:
            self._inside = inside  # nobody has: the line goes on
        return self._fd >= 0

    def _ready(self) -> bool:
        """Whether a write makes sense now. Looks for a file that was deleted or cut short."""
        now = seam.monotonic()
        if self._failing and now < self._retry_at:
            return False
        if self._fd >= 0 and now >= self._look_at:
            self._look_at = now + _LOOK
            try:
                found = seam.fstat(self._fd)
            except OSError as error:
                self._fail("look at", error)
                return False
            if found.st_nlink == 0:
                self.close()
            else:
                self._saw(found.st_size)
        return self._fd >= 0 or self.open()

    def _saw(self, size: int) -> None:
        if size < self._size:
            self._inside = None
        self._size = size

    def _open(self) -> None:
        fd, made = open_log(self.rules.path, self.rules.mode)
        try:
            found = check(fd)
            if made:
                self._give(fd)
            torn = found.st_size and seam.pread(fd, 1, found.st_size - 1) != b"\n"
        except OSError:
            os.close(fd)
            raise
        self._fd, self._size = fd, found.st_size
        self._file = (found.st_dev, found.st_ino)
        self._inside = self if torn else None
        self._look_at = seam.monotonic() + _LOOK
        if self.rules.rotate:
            at = found.st_mtime if found.st_size else seam.wall()
            self._period = rotation.period(self.rules.rotate, at)

    def _give(self, fd: int) -> None:
        """Mode and owner, of a file that is ours; the umask of init has no say in it."""
        try:
            seam.fchmod(fd, self.rules.mode)
            if self.rules.owner is not None:
                user, _, group = str(self.rules.owner).partition(":")
                uid = user_id(user) if user else -1
                seam.fchown(fd, uid, group_id(group) if group else -1)
        except (OSError, SpawnError) as error:
            if not self._ownerless:
                self._ownerless = True
                why = error.strerror if isinstance(error, OSError) else str(error)
                text = f"{self.service}: cannot set the owner and mode of {self.rules.path}: {why}"
                self._tell("warning", text)

    # --- Rotation ---------------------------------------------------------------------------------

    def _rotate(self) -> bool:
        """Begin a new file, or find that there is room; False when neither could be done."""
        try:
            return self._begin_next()
        except OSError as error:
            self._fail("rotate", error)
            return False

    def _begin_next(self) -> bool:
        found = seam.fstat(self._fd)
        if found.st_size < self._size:  # somebody has cut it short
            self._saw(found.st_size)
            return True
        try:
            with Row(self.rules.path) as row:
                if self._is_moved(row, found):
                    return self.reopen()
                row.shift(self.rules.keep)
        except FileNotFoundError:  # with its directory, or in this moment
            return self.reopen()
        done = self.reopen()
        try:
            if self.rules.total:
                with Row(self.rules.path) as row:
                    row.keep_below(self.rules.total - self.rules.max_size)
        except OSError as error:
            self._fail("rotate", error)
        self.rotated(self)
        return done

    def _end_of_period(self, data: Buffer, who: object) -> int:
        """How much of the data ends the last line of a period that is over; -1 if none is.

        A clock that was put back makes one period of two; one that jumps ends one file at most.
        """
        now = seam.wall()
        begin, end = self._period
        if begin <= now < end:
            return -1
        if now < begin or not self._size:
            self._period = rotation.period(self.rules.rotate, now)
            return -1
        if self._inside is not who:
            return 0
        return bytes(data).find(b"\n") + 1 or -1

    def _begin_period(self) -> None:
        """Begin a new file, or go on with the old one for a while, which loses nothing."""
        now = seam.wall()
        self._period = rotation.period(self.rules.rotate, now)
        if self._fd < 0:
            return
        try:
            self._begin_next()
        except OSError as error:
            self._period = (now, now + _LATER)
            why = f"cannot rotate {self.rules.path}: {error.strerror}"
            self._tell("warning", f"{self.service}: {why}; it goes on in the same file")

    @staticmethod
    def _is_moved(row: Row, ours: os.stat_result) -> bool:
        """Whether the name is not that of our file any more: then it is not ours to rename."""
        named = row.look(row.name)
        return (named.st_dev, named.st_ino) != (ours.st_dev, ours.st_ino)

    def slots(self) -> list[Slot]:
        """What there is of rotated files, the newest first."""
        with Row(self.rules.path) as row:
            return row.slots()
