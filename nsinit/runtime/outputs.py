"""All the places where output goes: the console, files, syslog; and what is done to it before.

What no service wants is not loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.kernel import seam
from nsinit.model.logs import STREAMS, console_form, file_rules, sinks
from nsinit.model.shaping import shape_rules
from nsinit.model.syslog import syslog_rules
from nsinit.runtime.console import file_sink
from nsinit.runtime.tally import Tallies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nsinit.model.logs import FileRules
    from nsinit.model.shaping import ShapeRules
    from nsinit.model.spec import Log
    from nsinit.process.program import Program
    from nsinit.runtime.console import Console
    from nsinit.runtime.handover import Keep
    from nsinit.runtime.logfiles import LogFiles, Tap
    from nsinit.runtime.logstate import FilesState, LogsState, StreamState, SyslogState
    from nsinit.runtime.reactor import Reactor
    from nsinit.runtime.shaping import Guard
    from nsinit.runtime.stream import Key, Stream
    from nsinit.runtime.syslogs import Syslogs

_SEARCH: Final = 0.5  # s of the processor that patterns may take for what was read at once
_LEAST: Final = 0.01


class Outputs:
    """The sinks that there are, each made when it is first needed."""

    def __init__(self, reactor: Reactor, console: Console, null: int) -> None:
        self.console = console
        self.tallies = Tallies()
        self.tell: Callable[[str, str], None] = lambda *_: None  # a level and a text
        self.start: Callable[[Program, Callable[[int], None]], int] | None = None  # of helpers
        self._reactor = reactor
        self._null = null
        self._files: LogFiles | None = None
        self._syslogs: Syslogs | None = None

    # --- Ways -------------------------------------------------------------------------------------

    def lead_all(self, key: Key, streams: Sequence[Stream], log: Log) -> None:
        """Let the streams of a run go where its service wants them."""
        wanted = {stream.name if stream.name in STREAMS else "stdout" for stream in streams}
        taps = self._open_taps(key[0], log, wanted)
        for stream in streams:
            to = sinks(log, stream.name)
            stream.form = console_form(log, stream.name) if "console" in to else None
            stream.syslog = syslog_rules(log, stream.name) if "syslog" in to else None
            stream.file = taps.get(stream.name if stream.name in STREAMS else "stdout")
            self._shape(key, stream, shape_rules(log))
            self._lead(key, stream)

    def lead_again(self, state: StreamState, stream: Stream, taps: Sequence[Tap]) -> None:
        """Let it go where it went under another init."""
        stream.form = state.form if state.console else None
        stream.syslog, stream.pid = state.syslog, state.pid
        stream.file = taps[state.tap] if state.tap >= 0 else None
        self._shape(state.key, stream, state.shape)
        if stream.shaper is not None and state.shaper is not None:
            stream.shaper.adopt(state.shaper)
        self._lead(state.key, stream)

    def _lead(self, key: Key, stream: Stream) -> None:
        service, run, _ = key
        if stream.form is not None:
            tally = self.tallies.of(service, stream.name, "console")
            stream.sinks += (self.console.sink(service, run, stream.name, stream.form, tally),)
        if stream.file is not None:
            stream.file.tally = self.tallies.of(service, stream.name, "file")
            is_plain = stream.file.form == "raw" and stream.shaper is None
            if is_plain and not stream.file.shared:
                stream.tap = stream.file
            else:
                stream.sinks += (file_sink(stream.file, service, run, stream.name),)
        if stream.syslog is not None:
            tally = self.tallies.of(service, stream.name, "syslog")
            stream.sinks += (self._daemons().sink(stream.syslog, service, stream, tally),)

    def _shape(self, key: Key, stream: Stream, rules: ShapeRules | None) -> None:
        if rules is None:
            return
        from nsinit.runtime.shaping import Shaper  # noqa: PLC0415  (for those who ask for it)

        service = key[0]
        if stream.name not in STREAMS:
            rules = rules._replace(first="")  # what comes by a socket are records already
        filtered = self.tallies.of(service, stream.name, "filter")
        limited = self.tallies.of(service, stream.name, "rate_limit")
        stream.shaper = Shaper(rules, filtered, limited, self._guard(service), seam.monotonic())

    def _guard(self, service: str) -> Guard:
        from nsinit.kernel import stopwatch  # noqa: PLC0415  (the same)

        last, left = -1.0, _SEARCH

        def guard(work: Callable[[], list[bool]], now: float) -> list[bool] | None:
            nonlocal last, left
            if now != last:
                last, left = now, _SEARCH
            begun = stopwatch.spent()
            try:
                return stopwatch.bounded(max(left, _LEAST), work)
            except stopwatch.TooSlowError:
                text = f"{service}: its patterns take too long on what it writes"
                self.tell("warning", f"{text}: this run goes on without them")
                return None
            finally:
                left -= stopwatch.spent() - begun

        return guard

    def _open_taps(self, service: str, log: Log, wanted: set[str]) -> dict[str, Tap]:
        """The ways into the files of a service's streams; a file that can't be opened is told."""
        rules: dict[str, FileRules] = {}
        for name in STREAMS:
            one = file_rules(log, name)
            if one is not None:
                rules[name] = one
        if not rules:
            return {}
        shared = len(rules) > 1 and len({one.path for one in rules.values()}) == 1
        files = self._log_files()
        return {
            name: files.tap(service, one, shared=shared)
            for name, one in rules.items()
            if name in wanted
        }

    def _log_files(self) -> LogFiles:
        if self._files is None:
            from nsinit.runtime.logfiles import LogFiles  # noqa: PLC0415  (for those who have one)

            assert self.start is not None  # noqa: S101  (for the type checker)
            self._files = LogFiles(self.tell, self.start, self._null)
        return self._files

    def _daemons(self) -> Syslogs:
        if self._syslogs is None:
            from nsinit.runtime.syslogs import Syslogs  # noqa: PLC0415  (for those who have one)

            self._syslogs = Syslogs(self._reactor, self.tell)
        return self._syslogs

    # --- All of them ------------------------------------------------------------------------------

    def reopen(self) -> int | None:
        """Open every log file by its name again; how many were, None if there is none."""
        return self._files.reopen() if self._files is not None else None

    def stop_helpers(self) -> None:
        """Start no process any more: init is about to end."""
        if self._files is not None:
            self._files.stop_packing()

    @property
    def dropped(self) -> int:
        """Bytes that stdout, stderr, log files and syslog did not take."""
        others = sum(part.dropped for part in (self._files, self._syslogs) if part is not None)
        return others + sum(outlet.dropped for outlet in set(self.console.outlets.values()))

    def flush(self) -> bool:
        """Push out what waits for stdout, stderr and syslog; whether all of it is gone."""
        done = [outlet.flush() for outlet in set(self.console.outlets.values())]
        if self._syslogs is not None:
            done.append(self._syslogs.flush())
        return all(done)

    def give_up(self) -> None:
        """Tell what could not be pushed out: init ends."""
        if self._syslogs is not None:
            self._syslogs.give_up()

    # --- For another init -------------------------------------------------------------------------

    def export_files(self, taps: Sequence[Tap], keep: Keep) -> FilesState | None:
        """All log files; `taps` are those that streams hold."""
        return self._files.export(taps, keep) if self._files is not None else None

    def export_syslogs(self, keep: Keep) -> list[SyslogState]:
        """All syslog daemons."""
        return self._syslogs.export(keep) if self._syslogs is not None else []

    def adopt(
        self, state: LogsState, watch: Callable[[int, Callable[[int], None]], None]
    ) -> list[Tap]:
        """Go on with what another has opened; the taps, by which streams lead there."""
        self.tallies.adopt(state.counters)
        if state.syslogs:
            self._daemons().adopt(state.syslogs, self.tallies)
        if state.files is None:
            return []
        return self._log_files().adopt(state.files, watch, self.tallies)
