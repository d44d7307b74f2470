"""The birth and the end of init.

Order of birth: signals are blocked and read by descriptor, orphans are adopted, descriptors are
put in order, the control socket is bound, the first services are spawned. Only then asyncio,
uvloop, structlog and the control server are imported: a service need not wait for them.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

from nsinit.core import messages as m
from nsinit.errors import EXIT_INTERNAL
from nsinit.kernel import fds, seam, signals
from nsinit.model.security import is_asked
from nsinit.named import Named
from nsinit.process.program import Surroundings
from nsinit.process.settle import settle
from nsinit.process.spawner import Spawner
from nsinit.process.strays import Strays
from nsinit.runtime import directory, flight
from nsinit.runtime.console import Console
from nsinit.runtime.driver import Driver
from nsinit.runtime.events import EventLog, History
from nsinit.runtime.leaving import leave
from nsinit.runtime.logs import Logs
from nsinit.runtime.notify import Notify
from nsinit.runtime.outlet import Outlet, same_file
from nsinit.runtime.reactor import Reactor
from nsinit.runtime.runs import Runs
from nsinit.runtime.signals import SignalDesk
from nsinit.runtime.stdio import Stdio
from nsinit.runtime.teller import Teller
from nsinit.runtime.updater import Updater

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence

    from nsinit.cgroups.group import Group
    from nsinit.cgroups.services import ServiceGroups
    from nsinit.model.load import Loaded
    from nsinit.model.spec import Config, Listen, Service
    from nsinit.process.steps import Enclosure
    from nsinit.runtime.directory import Listener
    from nsinit.runtime.events import Happening
    from nsinit.runtime.handover import Portable
    from nsinit.runtime.headstart.begin import Beginning
    from nsinit.runtime.intake import Intake
    from nsinit.runtime.passing import Passing
    from nsinit.runtime.port import Port
    from nsinit.runtime.reexec import Reexec
    from nsinit.runtime.schedule import Schedules
    from nsinit.runtime.watch import Watches


class Given(Named):
    """What init finds when it is born, or what its launcher made for it."""

    loaded: Loaded
    load: Callable[[], Loaded]  # the same again, as it is on disk by then
    env: Mapping[str, str]
    directory: str
    listener: Listener | None = None  # bound by the launcher
    serve: Callable[[Init, asyncio.AbstractEventLoop], object] | None = None
    asked: str | None = None  # the file and the command that were given on the command line
    command: tuple[str, ...] = ()
    options: Mapping[str, object] = {}  # keys of [sandbox]
    stdio: Stdio = Stdio()  # of the service that has the terminal of init as its own
    heard: Sequence[Callable[[Happening], None]] = ()  # who else is told of what services do
    resume: Callable[[Init], object] | None = None  # takes over from the init before this one
    parts: Mapping[str, tuple[bytes, list[int]]] = {}  # and its parts
    passable: frozenset[int] = frozenset()  # descriptors that were given to be passed on
    begun: Beginning | None = None  # services that run already
    own_root: bool = False  # neither nsinit nor its sockets and files are to be seen from here
    group: Group | None = None  # the cgroup of the sandbox
    later: Callable[[], object] = lambda: None  # what the first services need not wait for


class Init:
    """All parts of init, put together."""

    intake: Intake | None = None
    port: Port | None = None
    on_port: Callable[[], object] | None = None  # there is a port now

    def __init__(self, given: Given, listener: Listener) -> None:
        config = given.loaded.config
        self.given = given
        self.listener = listener
        self.started_at = seam.monotonic()
        self.server: object = None
        self.reader = signals.SignalReader()
        self.reactor = Reactor(self._on_error)
        self.outlets = stdout, stderr = self._outlets()
        self.parts: dict[str, Portable] = {}
        self.waiting_parts = dict(given.parts)
        self.reexec: Reexec | None = None
        self.falls: list[float] = []  # when it last had to begin anew (monotonic s)
        self._resumed = False  # it goes on for another init
        self.console = Console(stdout, stderr, config, given.env)
        self.logs = Logs(self.reactor, self.console)
        self.say = EventLog(self.console, config.init.log.level)
        self.logs.outputs.tell = lambda level, text: getattr(self.say, level)(text)
        self.history = History(self.logs.rings.last_words, self.logs.forget_all_but)
        if given.own_root:
            from nsinit.isolation import imports  # noqa: PLC0415  (loaded by then)

            imports.tell(self.say.error)
        path = "" if given.own_root else self.listener.path
        self.notify = Notify(lambda: directory.make_notify_directory(path, given.env), self.reactor)
        self.spawner = Spawner(given.begun.soft_files if given.begun else fds.raise_limit())
        self.groups: ServiceGroups | None = None
        strays = Strays(path if path or given.own_root else None)
        self.runs = Runs(
            config,
            self._surroundings(),
            reactor=self.reactor,
            spawner=self.spawner,
            strays=strays,
            logs=self.logs,
            notify=self.notify,
        )
        if path:
            self.runs.variables["NSINIT_SOCKET"] = path
        self.driver = Driver(
            given.loaded.plan,
            reactor=self.reactor,
            runs=self.runs,
            say=self.say,
            history=self.history,
        )
        self._strays = strays
        self._limit(config)
        self.notify.heard = self.driver.hearing.heard
        self.schedules: Schedules | None = None
        self.watches: Watches | None = None
        self.follow(config.services)
        Teller(self.say, self.history)
        self.passing: Passing | None = None
        self._pass_on(config)
        self.runs.on_update = self._go_by
        self.updater = Updater(given, self.driver, self.follow)
        self.updater.group = lambda: self.groups.above if self.groups else given.group
        self.desk = SignalDesk(self.reader, self.driver, self.updater, config.init.forward_signals)
        self.reactor.add_reader(self.reader.fd, self.desk.read)

    def _surroundings(self) -> Surroundings:
        given, config = self.given, self.given.loaded.config
        return Surroundings(
            given.directory,
            dict(given.env),
            config.init.environment,
            self._enclose,
            given.passable,
        )

    def follow(self, services: Mapping[str, Service]) -> None:
        """Heed the schedules and the watched files of these services, and of no others."""
        if self.schedules is None and any(spec.schedule for spec in services.values()):
            from nsinit.runtime.schedule import Schedules  # noqa: PLC0415  (most have none)

            self.schedules = Schedules(
                self.reactor, self.driver.post, self.say, lambda: self.driver.core.state.phase
            )
        if self.watches is None and any(spec.watch for spec in services.values()):
            from nsinit.runtime.watch import Watches  # noqa: PLC0415  (the same)

            self.watches = Watches(self.reactor, self.driver, self.say, self.given.directory)
        for part in (self.schedules, self.watches):
            if part is not None:
                part.configure(services)
        if self.schedules is not None and "schedules" not in self.parts:
            self.add_part("schedules", self.schedules)

    def _outlets(self) -> tuple[Outlet, Outlet]:
        stdout = Outlet(1, "stdout", self.reactor)
        if same_file(1, 2):  # one queue, or lines of the two would be mixed
            return stdout, stdout
        return stdout, Outlet(2, "stderr", self.reactor)

    def _go_by(self, config: Config) -> None:
        """What a new configuration wants of init before anything is started by it."""
        self._pass_on(config)
        self._limit(config)

    def _limit(self, config: Config) -> None:
        """Have cgroups, if any service wants one, and their limits."""
        if self.groups is not None:
            self.groups.update(config.services)
        elif (
            "groups" in self.waiting_parts
            or self.given.group is not None
            or any(s.has_group for s in config.services.values())
        ):
            from nsinit.cgroups.services import ServiceGroups  # noqa: PLC0415  (most have none)
            from nsinit.runtime.grouped import Carried  # noqa: PLC0415  (the same)

            self.groups = ServiceGroups(
                self.given.group, config.services, self.say.warning, config.sandbox
            )
            self._strays.groups = self.groups
            self.add_part("groups", Carried(self.groups))

    def _enclose(self, spec: Service, own: Mapping[str, str], beside: int) -> Enclosure | None:
        """What confines a service, which most outside of a sandbox are not."""
        sandbox, made = self.given.loaded.config.sandbox, None
        if sandbox is not None or is_asked(spec) or spec.has_space:
            from nsinit.isolation.service import enclose  # noqa: PLC0415  (as said)

            made = enclose(spec, sandbox, self.given.directory, own, beside, self.say.warning)
        if self.groups is None or not spec.has_group:
            return made
        return self.groups.enclose(own["NSINIT_SERVICE"], spec, made)

    def _open_port(self, listen: Listen | None) -> None:
        """Have the TCP port that is asked for, if any is."""
        if self.port is not None or listen is not None or "port" in self.waiting_parts:
            from nsinit.runtime.port import open_port  # noqa: PLC0415  (most have none)

            open_port(self, listen)

    def _pass_on(self, config: Config) -> None:
        """Bind the sockets of services and of init itself, before `config` starts anything."""
        self._open_port(config.init.listen)
        if self.passing is not None:
            self.passing.update(config.services)
        elif "passing" in self.waiting_parts or any(
            spec.sockets or spec.fd_store_max for spec in config.services.values()
        ):
            from nsinit.runtime.passing import Passing  # noqa: PLC0415  (most need none of it)

            self.passing = Passing(self.reactor, self.driver.post, self.runs, self.say)
            self.add_part("passing", self.passing)
            self.passing.update(config.services)
            self.driver.hearing.store = self.passing.keep
            self.driver.followers.append(self.passing.heard)

    def _take_in(self) -> None:
        """Hear what services log by syslog(3) or to the journal, if that is asked for."""
        config = self.given.loaded.config
        if config.init.syslog or config.init.journal:
            from nsinit.runtime.intake import Intake  # noqa: PLC0415  (most have none)

            self.intake = Intake(self, self._strays.owner_of)

    def _on_error(self, error: BaseException) -> None:
        at = error.__traceback__
        while at is not None and at.tb_next is not None:
            at = at.tb_next
        place = f" ({at.tb_frame.f_code.co_filename}:{at.tb_lineno})" if at else ""
        self.say.error(f"internal error: {error!r}{place}")

    def _on_loop_error(self, _: object, context: dict[str, Any]) -> None:
        self._on_error(context.get("exception") or RuntimeError(context.get("message")))

    def add_part(self, name: str, part: Portable) -> None:
        """Have its state travel with init's; it gets what such a part of another init had."""
        self.parts[name] = part
        if name in self.waiting_parts:
            part.adopt(*self.waiting_parts.pop(name))

    # --- Life -------------------------------------------------------------------------------------

    def boot(self) -> None:
        """Start what starts by itself."""
        self._take_in()
        self.runs.stdio = self.given.stdio
        self.runs.begun = self.given.begun
        self.history.listeners += self.given.heard
        for note in self.listener.notes:
            self.say.warning(note)
        if self.listener.path:
            self.say.info(f"the control socket is {self.listener.path}")
        flight.boot(self)
        self.driver.post(m.Boot())
        if self.runs.begun is not None and (names := self.runs.begun.end_rest()):
            self.say.error(f"{', '.join(names)} ran before init, and should not have: ended")

    def take_over(self, resume: Callable[[Init], object]) -> None:
        """Go on where another init was; without that, end what it left in order."""
        self._resumed = True
        try:
            self._take_in()
            resume(self)
        except BaseException as error:  # noqa: BLE001  (there is nobody else to end the services)
            self._on_error(error)
            self.driver.exit_code = EXIT_INTERNAL

    def live(self) -> int:
        """On to the last service; returns the exit code."""
        try:
            self._run_loop()
        except BaseException as error:  # noqa: BLE001  (without a loop init still reaps and stops)
            self._on_error(error)
            if self.reexec is not None:
                self.reexec.escape(error)
        self.reactor.detach()
        while self.driver.exit_code is None:  # there is no loop, or it broke
            self.guard(self.say.settle, "not all that was to be said is")
            self.reactor.turn(60.0)
        leave(self)
        return self.driver.exit_code

    def _run_loop(self) -> None:
        from nsinit.runtime.loop import make_loop  # noqa: PLC0415  (40 ms: the services are first)

        self.logs.on_drop = self.driver.chronicle.dropped
        loop = make_loop(self.given.loaded.config.init.loop, self.say)
        loop.set_exception_handler(self._on_loop_error)
        if not self._resumed:  # else nothing may happen before its followers are there again
            self.reactor.turn(0)  # what has happened during the import should not wait longer
        self.reactor.attach(loop)
        self.driver.on_finish = loop.stop
        self.guard(self.say.load, "nsinit's own lines are plain")
        self.guard(self.runs.watch_memory, "what the kernel kills for memory is not told apart")
        if not self._resumed:
            self.guard(self.desk.read, "signals are heard later")
        if not self.given.own_root:  # what is at that path there may be anything
            self.guard(self._prepare_reexec, "init can't be replaced while it runs")
        if self.given.serve is not None and (self.listener.socket is not None or self.port):
            self.guard(lambda: self._serve(loop), "there is no control socket")
        if self._resumed:
            self.guard(self.runs.reap, "not all that has ended is known as it should be")
            self.driver.post()  # what the init before had not handled
        self.guard(self.desk.read, "signals are heard later")
        gc.collect()
        gc.freeze()  # what is there now stays: no collection has to look at it again
        gc.enable()
        if self.driver.exit_code is None:
            self.guard(self.given.later, "not all of nsinit can be loaded")
            seam.ask("loop")
            loop.run_forever()

    def _prepare_reexec(self) -> None:
        """Load it now: later it may be that of a newer nsinit, installed in place."""
        from nsinit.runtime.reexec import Reexec  # noqa: PLC0415  (after the first services run)

        self.reexec = Reexec(self)
        self.driver.on_broken = self.reexec.escape

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        assert self.given.serve is not None  # noqa: S101  (for the type checker)
        self.server = self.given.serve(self, loop)  # kept: uvloop closes a server that is garbage

    def guard(self, load: Callable[[], object], otherwise: str) -> None:
        """A missing library means a feature less, never an init that does not boot."""
        try:
            load()
        except BaseException as error:  # noqa: BLE001  (as said)
            self.say.error(f"{otherwise}: {error!r}")


def be_init(given: Given) -> int:
    """Be init in this process until everything has ended; returns the exit code.

    The caller has blocked signals, as the first thing it did.
    """
    if given.env.get("NSINIT_FAULTS"):
        seam.follow(given.env["NSINIT_FAULTS"])
    if given.env.get("NSINIT_CLOCK"):
        seam.set_clock(seam.Clock(given.env["NSINIT_CLOCK"]))
    trouble: BaseException | None = None
    try:
        settle()
        seam.chdir("/")
    except OSError as error:
        if given.resume is None:
            raise
        trouble = error  # the exec has kept all of it as it was
    sys.excepthook = lambda *_: None
    init = _made(given)
    if trouble is not None:
        init.say.error(f"not all of init could be set up again: {trouble}")
    if given.resume is None:
        init.boot()
    else:
        init.take_over(given.resume)
    return init.live()


def _made(given: Given) -> Init:
    """All its parts, or an error and nothing left."""
    if given.listener is not None:
        return Init(given, given.listener)
    control = given.loaded.config.init.control
    listener = directory.bind_asked(control.path, control.mode, given.env)
    try:
        return Init(given, listener)
    except BaseException:
        directory.remove(listener)
        raise
