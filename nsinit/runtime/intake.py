"""Sockets for services that log by syslog(3), or to the journal: /dev/log and its like.

Whose a line is tell the credentials of its sender, which the kernel vouches for; what nobody's
process has sent stands under "nsinit". Lines go where the service's stdout goes. A turn of the loop
takes a bounded amount; senders wait for the rest, so that nothing is lost in between. What was sent
before a process ended is read before that end is.
"""

from __future__ import annotations

import _socket
import os
import struct
from collections import OrderedDict
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.kernel import memory, proc, seam, sockets
from nsinit.model.intake import intakes
from nsinit.model.spec import Log
from nsinit.runtime.datagrams import read_journal, read_syslog
from nsinit.runtime.lines import LineCutter, with_prefix
from nsinit.runtime.tagged import Tagged

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.runtime.boot import Init
    from nsinit.runtime.lines import Block
    from nsinit.runtime.shaping import Piece
    from nsinit.runtime.stream import Key, Stream

OWN: Final = "nsinit"  # stands for whoever is no process of a service
ENTRY: Final = 256 << 10  # bytes of an entry that are read
_MODE: Final = 0o666
_BURST: Final = 64  # datagrams of one socket per turn
_BYTES: Final = 1 << 20  # of them
_LAST: Final = 1024  # datagrams that are read before the end of a process is
_KNOWN: Final = 1024  # senders that are remembered
_CREDENTIALS: Final = struct.Struct("=iII")
_ROOM: Final = _socket.CMSG_SPACE(_CREDENTIALS.size) + _socket.CMSG_SPACE(4 * 253)  # SCM_MAX_FD
_OWN_WORDS: Final = Tagged(5 << 3 | 4, b"", b"", b"")  # LOG_SYSLOG, LOG_WARNING of syslog(3)
_FLAGS: Final = _socket.MSG_CMSG_CLOEXEC | _socket.MSG_DONTWAIT


class Door(NamedTuple):
    """A socket; `file` identifies what it is in the file system, `made` are directories."""

    kind: str
    socket: _socket.socket
    path: str
    file: tuple[int, int] | None
    made: list[str]


class Intake:
    """All that services send there."""

    def __init__(self, init: Init, owner_of: Callable[[int], str | None]) -> None:
        """`owner_of` tells the service of a process."""
        self._init = init
        self._owner_of = owner_of
        self._doors: list[Door] = []
        self._buffer = bytearray(ENTRY)
        self._view = memoryview(self._buffer)
        self._host = os.fsencode(os.uname().nodename)
        self._known: OrderedDict[tuple[int, int], str] = OrderedDict()  # by pid and uid
        self._ways: dict[tuple[str, str], tuple[int, Log, Stream]] = {}
        self._refused = 0
        init.add_part("intake", self)
        there = {door.path for door in self._doors}
        for kind, path in intakes(init.given.loaded.config.init).items():
            if path not in there:
                self._open(kind, path)
        init.desk.before_ends = self._hear_last_words

    def _open(self, kind: str, path: str) -> None:
        """A socket that is not to be had is told, and init does without: services may run on."""
        made: list[str] = []
        try:
            made = _make_directories(os.path.dirname(path))
            opened = sockets.listen_unix(path, stream=False, backlog=0, mode=_MODE)
            opened.setblocking(False)
            opened.setsockopt(_socket.SOL_SOCKET, _socket.SO_PASSCRED, 1)
            if kind == "syslog":
                sockets.let_descriptors_in(opened, on=False)
        except OSError as error:
            for directory in reversed(made):
                with suppress(OSError):
                    seam.rmdir(directory)
            why = error.strerror or str(error)
            self._init.say.error(f"cannot listen on {path}: {why}; {kind} is not heard")
            return
        self._add(Door(kind, opened, path, _identity(path), made))

    def _add(self, door: Door) -> None:
        self._doors.append(door)
        self._init.reactor.add_reader(door.socket.fileno(), partial(self._read, door, _BURST))

    # --- For another init -------------------------------------------------------------------------

    def export(self) -> tuple[bytes, list[int]]:
        """The sockets; what is in them stays there."""
        from nsinit.runtime.doors import DoorState, IntakeState  # noqa: PLC0415  (to be replaced)
        from nsinit.runtime.handover import pack  # noqa: PLC0415  (the same)

        for (service, _), (run, _, stream) in self._ways.items():
            if stream.shaper is not None:  # limits begin anew
                pieces = stream.shaper.flush(seam.monotonic())
                self._put_shaped((service, run, ""), stream, pieces, _OWN_WORDS)
        rows = [
            DoorState(kind=d.kind, fd=d.socket.fileno(), path=d.path, file=d.file, made=d.made)
            for d in self._doors
        ]
        return pack(IntakeState(doors=rows)), [row.fd for row in rows]

    def adopt(self, data: bytes, fds: list[int]) -> None:
        """Go on with them."""
        from nsinit.runtime.doors import check_part  # noqa: PLC0415  (only in such an init)

        del fds  # they are in the state too
        for one in check_part(data).doors:
            adopted = sockets.adopt(one.fd)
            adopted.setblocking(False)
            self._add(Door(one.kind, adopted, one.path, one.file, one.made))

    def close(self) -> None:
        """Take what is there, and remove the sockets that are still ours."""
        self.drain(_LAST)
        for (service, _), (run, _, stream) in self._ways.items():
            self._end(service, run, stream)
        self._ways.clear()
        self._init.desk.before_ends = lambda: None
        for door in self._doors:
            self._init.reactor.remove_reader(door.socket.fileno())
            door.socket.close()
            with suppress(OSError):
                if door.file is not None and door.file == _identity(door.path):
                    seam.unlink(door.path)
                for path in reversed(door.made):
                    seam.rmdir(path)
        self._doors.clear()

    # --- Reading ----------------------------------------------------------------------------------

    def drain(self, most: int) -> None:
        """Read what there is now, so many datagrams of each socket at most."""
        for door in self._doors:
            self._read(door, most)

    def _hear_last_words(self) -> None:
        try:
            self.drain(_LAST)
        except Exception as error:  # noqa: BLE001  (whatever it is, ends are to be heard of)
            self._init.say.error(f"cannot read what services log: {error!r}")

    def _read(self, door: Door, most: int) -> None:
        left = _BYTES
        for _ in range(most):
            try:
                seam.ask("recvmsg")
                size, ancillary, _, _ = door.socket.recvmsg_into([self._view], _ROOM, _FLAGS)
            except (BlockingIOError, InterruptedError):
                return
            pid, uid, fds = _sender(ancillary)
            try:
                entries = self._understand(door.kind, bytes(self._view[:size]), fds)
            finally:
                sockets.close_received(fds)
            for entry in entries:
                self._take(door.kind, self._owner(pid, uid, entry.identifier), entry)
                left -= len(entry.text)
            if left <= 0:
                return

    def _understand(self, kind: str, data: bytes, fds: list[int]) -> list[Tagged]:
        if kind == "syslog":
            one = read_syslog(data, self._host)
            return [] if one is None else [one]
        if not fds:
            return read_journal(data)
        # What is too large for a datagram comes in a file of memory. Any other file might keep init
        # waiting, and one that is not sealed might change.
        if len(fds) == 1 and memory.is_sealed(fds[0]):
            extra = max(0, seam.fstat(fds[0]).st_size - ENTRY)
            return read_journal(memory.read_at(fds[0], ENTRY, 0), extra)
        self._refused += 1
        if self._refused == 1:
            self._init.say.warning("refused an entry for the journal that is in no sealed file")
        return []

    def _take(self, kind: str, service: str, entry: Tagged) -> None:
        stream = self._way(service, kind)
        key, cutter = (service, self._run(service), ""), LineCutter(stream.cutter.limit)
        blocks = [*cutter.feed(entry.text + b"\n"), *cutter.flush()]
        if stream.shaper is None:
            for block in blocks:
                self._put(key, stream, block, entry)
        else:  # which sees the text alone
            self._put_shaped(key, stream, stream.shaper.feed(blocks, seam.monotonic()), entry)

    def _put(self, key: Key, stream: Stream, block: Block, entry: Tagged) -> None:
        kept, shown = entry.kept_before, entry.shown_before
        self._init.logs.put(
            key,
            stream,
            block._replace(data=with_prefix(block, kept, kept)),
            block._replace(data=with_prefix(block, shown, b"")),
        )

    def _put_shaped(self, key: Key, stream: Stream, pieces: list[Piece], entry: Tagged) -> None:
        from nsinit.runtime.shaping import Note  # noqa: PLC0415  (for those who ask for it)

        for piece in pieces:
            self._put(key, stream, piece.block, _OWN_WORDS if isinstance(piece, Note) else entry)
        at = stream.shaper.wake_at if stream.shaper is not None else None
        if at is not None and not stream.is_awaited:
            stream.is_awaited = True
            wait = max(0.0, at - seam.monotonic())
            self._init.reactor.later(wait, partial(self._look_again, key, stream))

    def _look_again(self, key: Key, stream: Stream) -> None:
        stream.is_awaited = False
        if stream.shaper is not None:
            self._put_shaped(key, stream, stream.shaper.tick(seam.monotonic()), _OWN_WORDS)

    def _end(self, service: str, run: int, stream: Stream) -> None:
        """Nothing more goes this way: what was left out is told."""
        if stream.shaper is not None:
            pieces = stream.shaper.flush(seam.monotonic())
            self._put_shaped((service, run, ""), stream, pieces, _OWN_WORDS)
        if stream.file is not None:
            stream.file.end()

    def _way(self, service: str, kind: str) -> Stream:
        """Where the lines of a service go, as of its present run."""
        spec = self._init.runs.services.get(service)
        run, log = self._run(service), spec.log if spec is not None else Log()
        found = self._ways.get((service, kind))
        if found is not None:
            if found[:2] == (run, log):
                return found[2]
            self._end(service, found[0], found[2])
        made = self._init.logs.way((service, run, ""), kind, log)
        self._ways[service, kind] = (run, log, made)
        return made

    def _run(self, service: str) -> int:
        state = self._init.driver.core.state.services.get(service)
        return state.run if state is not None else 0

    # --- Whose it is ------------------------------------------------------------------------------

    def _owner(self, pid: int, uid: int, identifier: bytes) -> str:
        """The service of a process.

        One that is gone by now can't be asked: it is taken for whoever had its pid and uid when
        these were heard of before, for the only service of its user, or for the one that has the
        name it gave.
        """
        if pid <= 0:  # in a pid namespace that can't be seen from here
            return OWN
        owner = self._owner_of(pid)
        if owner is None and proc.stat(pid) is None:
            owner = self._known.get((pid, uid)) or self._guess(uid, os.fsdecode(identifier))
        elif owner is not None:
            self._known[pid, uid] = owner
            self._known.move_to_end((pid, uid))
            if len(self._known) > _KNOWN:
                self._known.popitem(last=False)
        return owner if owner in self._init.runs.services else OWN

    def _guess(self, uid: int, identifier: str) -> str | None:
        """A service that runs with a uid: the only one, or that of a name."""
        found: set[str] = set()
        for name, state in self._init.driver.core.state.services.items():
            with suppress(OSError):
                if state.pid and seam.stat(f"/proc/{state.pid}").st_uid == uid:
                    found.add(name)
        if identifier in found:
            return identifier
        return found.pop() if len(found) == 1 else None


def _sender(ancillary: list[tuple[int, int, bytes]]) -> tuple[int, int, list[int]]:
    """Pid and uid of who sent a datagram, and the descriptors that came along."""
    pid, uid, fds = 0, -1, list[int]()
    for level, kind, data in ancillary:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            fds += (fd for (fd,) in struct.iter_unpack("=i", data[: len(data) // 4 * 4]))
        elif level == _socket.SOL_SOCKET and kind == _socket.SCM_CREDENTIALS:
            pid, uid, _ = _CREDENTIALS.unpack_from(data)
    return pid, uid, fds


def _make_directories(path: str) -> list[str]:
    """Make what is missing of a path, for all to see; what was made. OSError."""
    missing: list[str] = []
    while path not in ("", "/") and not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    made: list[str] = []
    for one in reversed(missing):
        seam.mkdir(one, 0o755)
        made.append(one)
        seam.chmod(one, 0o755)  # whatever the umask says
    return made


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = seam.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
