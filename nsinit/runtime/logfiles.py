"""All log files, the streams that lead to them, and the one child that packs what was rotated.

Imported only when a service has a log file. Packing is done by gzip(1), outside of init, one file
at a time and with the lowest priority. It gets two descriptors and knows no names, so that a file
may be rotated further meanwhile: it is found again by its inode. Init keeps the file open until
then: the number of an inode that is gone would soon be another's.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.errors import SpawnError
from nsinit.kernel import seam
from nsinit.process.program import Program
from nsinit.process.variables import DEFAULT_PATH
from nsinit.runtime import rotation
from nsinit.runtime.filerow import Row
from nsinit.runtime.logfile import LogFile
from nsinit.runtime.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nsinit.model.logs import FileRules
    from nsinit.runtime.handover import Keep
    from nsinit.runtime.logfile import Buffer
    from nsinit.runtime.logstate import FilesState, TapState
    from nsinit.runtime.tally import Tallies

    Tell = Callable[[str, str], None]
    Ended = Callable[[int], None]  # is told an exit code, -n for signal n
    Help = Callable[[Program, Ended], int]

_NICE: Final = 19


class Tap:
    """The way of one stream into a file; `shared` says that another stream goes there too."""

    def __init__(self, file: LogFile, *, shared: bool) -> None:
        self.tally = Tally("", ("", ""))
        self.shared = shared
        self._file = file
        file.users += 1

    @property
    def form(self) -> str:
        """How lines look in the file; "raw" is as they are."""
        return self._file.rules.form

    def write(self, data: Buffer) -> None:
        """Pass bytes on; lines that have ended, if another stream goes there too."""
        self.tally.bytes += len(data)
        self._file.write(data, self)

    def export(self) -> TapState:
        """Where it leads."""
        from nsinit.runtime.logstate import TapState  # noqa: PLC0415  (loaded by then)

        path = self._file.rules.path
        return TapState(path=path, shared=self.shared, tally=self.tally.key)

    def end(self) -> None:
        """Nothing more comes."""
        self._file.forget(self)
        self._file.users -= 1
        if not self._file.users:  # else each path that ever was one would stay open
            self._file.close()


class _Job(NamedTuple):
    file: LogFile
    source: tuple[int, int]  # its device and inode
    made: str
    fd: int  # of the source, open as long as the job lasts; NONE when another init kept none


class LogFiles:
    """Every log file by its path."""

    def __init__(self, tell: Tell, start: Help, null: int) -> None:
        """`start` runs a program of init's own and later tells its exit code."""
        self._files: dict[str, LogFile] = {}
        self._dropped_before = 0  # by files of an older init whose rules had changed
        self._null = null
        self._tell = tell
        self._start = start
        self._waiting: deque[LogFile] = deque()
        self._job: _Job | None = None
        self._packer = 0  # the pid of the child that does it
        self._ending = False
        self._told_missing = False  # of gzip

    @property
    def dropped(self) -> int:
        """Bytes that no file took."""
        return self._dropped_before + sum(file.dropped for file in self._files.values())

    def tap(self, service: str, rules: FileRules, *, shared: bool) -> Tap:
        """A way for one stream into its file, which is opened now if it can be."""
        file = self._files.get(rules.path)
        if file is not None and file.rules != rules:
            # The same one: what an earlier run has left may write by the old rules still.
            file.close()
            file.rules, file.service = rules, service
            self._heed(file)
        if file is None:
            file = self._files[rules.path] = LogFile(rules, service, self._tell)
            self._heed(file)
            with suppress(OSError), Row(rules.path) as row:
                row.remove(row.unfinished)  # what an init before this one has not finished
        file.open()
        return Tap(file, shared=shared)

    def _heed(self, file: LogFile) -> None:
        file.on_drop = _count
        file.rotated = self._pack_soon if file.rules.compress else lambda _: None

    def export(self, taps: Sequence[Tap], keep: Keep) -> FilesState:
        """All of it; `taps` are those that streams hold."""
        from nsinit.runtime.logstate import FilesState, JobState  # noqa: PLC0415  (loaded by then)

        job = None
        if self._job is not None:
            path = self._job.file.rules.path
            job = JobState(
                path=path,
                source=self._job.source,
                made=self._job.made,
                pid=self._packer,
                fd=keep(self._job.fd),
            )
        return FilesState(
            files=[file.export(taps, keep) for file in self._files.values()],
            taps=[tap.export() for tap in taps],
            dropped_before=self._dropped_before,
            waiting=[file.rules.path for file in self._waiting],
            job=job,
            told_missing=self._told_missing,
        )

    def adopt(
        self, state: FilesState, watch: Callable[[int, Ended], None], tallies: Tallies
    ) -> list[Tap]:
        """Go on with another's files; the taps. `watch` tells the end of the packing child."""
        taps: list[Tap] = []
        for one in state.files:
            file = self._files[one.rules.path] = LogFile(one.rules, one.service, self._tell)
            self._heed(file)
        for tap in state.taps:
            file = self._files[tap.path]
            made = Tap(file, shared=tap.shared)
            if any(tap.tally):
                made.tally = tallies.of(*tap.tally)
            taps.append(made)
        for one in state.files:
            self._files[one.rules.path].adopt(one, taps)
        self._dropped_before, self._told_missing = state.dropped_before, state.told_missing
        self._waiting.extend(self._files[path] for path in state.waiting)
        if (job := state.job) is not None:
            self._job = _Job(self._files[job.path], job.source, job.made, job.fd)
            self._packer = job.pid
            watch(job.pid, partial(self._packed, self._job))
        return taps

    def reopen(self) -> int:
        """Open every file that is in use by its name again; how many could be."""
        return sum(file.reopen() for file in self._files.values() if file.users)

    def stop_packing(self) -> None:
        """Init is about to end: what is not packed by now stays as it is."""
        self._ending = True

    # --- Packing ----------------------------------------------------------------------------------

    def _pack_soon(self, file: LogFile) -> None:
        if file not in self._waiting:
            self._waiting.append(file)
        self._pack()

    def _pack(self) -> None:
        while not self._ending and self._job is None and self._waiting:
            file = self._waiting.popleft()
            # What fails stays as it is, and comes again with the next rotation.
            with suppress(OSError), Row(file.rules.path) as row:
                plain = [slot for slot in row.slots() if not slot.packed and slot.number > 1]
                if plain:
                    self._pack_one(file, row, plain[-1].path(row.name))

    def _pack_one(self, file: LogFile, row: Row, name: str) -> None:
        made = file.rules.path + rotation.UNFINISHED
        reader = row.open(name, os.O_RDONLY | os.O_NONBLOCK)
        begun = False
        try:
            found = seam.fstat(reader)
            writer = row.make_unfinished(found)
            try:
                program = Program(
                    argv=("gzip", "-c"),
                    env={"PATH": os.environ.get("PATH", DEFAULT_PATH)},
                    fds={0: reader, 1: writer, 2: self._null},
                )
                begun = self._run(program, _Job(file, (found.st_dev, found.st_ino), made, reader))
            finally:
                os.close(writer)
        finally:
            if not begun:
                os.close(reader)

    def _run(self, program: Program, job: _Job) -> bool:
        """Start the child; whether it could be."""
        try:
            pid = self._start(program, partial(self._packed, job))
        except SpawnError as error:
            _unlink_made(job)
            if error.stage == "find" and not self._told_missing:
                self._told_missing = True
                self._tell("warning", f"rotated log files stay unpacked: {error}")
            return False
        self._job, self._packer = job, pid
        with suppress(OSError):
            seam.setpriority(os.PRIO_PROCESS, pid, _NICE)
        return True

    def _packed(self, job: _Job, code: int) -> None:
        """The child has ended; what it could not do is tried again after the next rotation."""
        self._job = None
        done = gone = False
        with suppress(OSError):
            done = code == 0 and self._replace(job)
            gone = code == 0 and not done  # rotated out of the row meanwhile: the others still wait
        if job.fd >= 0:
            with suppress(OSError):
                os.close(job.fd)
        if not done:
            _unlink_made(job)
        if done or gone:
            self._pack_soon(job.file)
        else:
            self._pack()

    def _replace(self, job: _Job) -> bool:
        """Put the child's work in the place of what it has read, if that still is anywhere."""
        if job.fd < 0:
            return False  # a file of that number may be another by now
        with Row(job.file.rules.path) as row:
            return row.finish(job.source)


def _count(who: object, count: int) -> None:
    """Bytes of a stream were dropped."""
    if isinstance(who, Tap):
        who.tally.dropped += count


def _unlink_made(job: _Job) -> None:
    with suppress(OSError), Row(job.file.rules.path) as row:
        row.remove(row.unfinished)
