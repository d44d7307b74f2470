"""`nsinit -- CMD ARG...`: one command, with somebody to reap and to forward signals.

No configuration, no control socket, no event loop: the imports here are paid by every start of a
container, so they are few, and all are made before the fork: a lazy one could fail later, and end
PID 1. The command gets its own session, or, on a terminal, its own process group and the
foreground; signals go to its group. When it ends, what it left behind gets TERM, a bounded wait and
KILL, in whatever session it is. Init ends with the command's status.
"""

from __future__ import annotations

import gc
import os
import time

from nsinit.lean import signal, signal_name, suppress
from nsinit.process.birth import EXIT_NOT_EXECUTABLE, Birth, die_with
from nsinit.process.tell import tell, tell_surely

TYPE_CHECKING = False  # without loading `typing`; see nsinit.kernel.seam
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nsinit.process.terminal import Terminal

# Faults too: sent by somebody they are signals like any, and a real one kills though it is blocked.
_HEARD = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
_STOPPING = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
_WALL = 0x4000_0000  # also children that announce their end by another signal than CHLD
_SOME = 1024  # descriptors, where /proc does not tell which are open
_LOOK_EVERY = 0.5  # s between looks for orphans: the kernel does not tell of an adoption

# What -v adds up to: at WARN things that are wrong, then the life of the command, then each signal.
WARN, INFO, DEBUG = 1, 2, 3


class Settings:
    """How to look after the command; each has the default of `nsinit -- CMD`."""

    command: list[str]
    group = True  # signals go to its whole process group, not to it alone
    verbosity = WARN
    warn_reaped = False  # tell of each process that is reaped and is not the command
    rewrite: dict[int, int]  # signal received: signal passed on, 0 for none
    successes: frozenset[int] = frozenset()  # exit codes that become 0
    parent_death = 0  # the signal to get when our parent dies
    grace = 3.0  # s between TERM and KILL for what the command left behind
    delay = 0.0  # s before TERM is passed on
    orphans = 0  # the signal for what loses its parent while the command runs
    raise_signal = False  # end by the signal that ended the command, where init may

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.rewrite = {}


def run(settings: Settings, env: dict[str, str], mask: Iterable[int]) -> int:
    """Run the command, with `mask` blocked, to its end; the exit code to end with.

    The caller has blocked all signals already; `mask` is what was blocked before.
    """
    given = signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, every status would be lost
    parent = os.getppid()
    if os.getpid() != 1:
        _adopt_orphans()
    if settings.parent_death:
        try:
            die_with(parent, settings.parent_death)
        except OSError as error:
            tell_surely(str(error))
            return EXIT_NOT_EXECUTABLE
    # What we had before our own exec is no orphan of the command's. Asked before the fork: a quick
    # command has made its own by the time that we come to look.
    older = set(_children()) if settings.orphans else set()
    birth = Birth(settings, env, mask, ignores_children=given == signal.SIG_IGN)
    try:
        child = os.fork()
    except OSError as error:
        tell_surely(f"cannot fork for {settings.command[0]}: {error.strerror}")
        return EXIT_NOT_EXECUTABLE
    if child == 0:
        birth.become()
    return Init(settings, child, birth.terminal, older).look_after()


class Init:
    """The parent: forwards, reaps, stops and continues with its command, until that ends."""

    def __init__(
        self, settings: Settings, child: int, terminal: Terminal | None, older: set[int]
    ) -> None:
        self._settings = settings
        self._child = child
        self._terminal = terminal
        self._stop_sent = 0  # the last signal passed on, if its like stops a command
        self._delay = settings.delay
        self._term_at = 0.0  # when a delayed TERM is passed on, 0 for never
        self._adopted = older  # children that are not to be signalled as orphans (any more)
        self._curious = settings.warn_reaped or settings.verbosity >= DEBUG
        if terminal is not None:
            terminal.began()
        _let_go(terminal)
        gc.freeze()
        gc.enable()

    def look_after(self) -> int:
        """Forward signals and reap until the command ends; the exit code to end with."""
        words = self._settings.command
        self._say(INFO, f"started {words[0]} as process {self._child}")
        status = None
        while status is None:
            received = self._next_signal()
            if received is not None:
                _safely(self._handle, received)
            status = self._reap()
            if self._settings.orphans:
                _safely(self._look_for_orphans)
        code = os.waitstatus_to_exitcode(status)
        how = f"ended with code {code}" if code >= 0 else f"was ended by {signal_name(-code)}"
        self._say(INFO, f"process {self._child} ({words[0]}) {how}")
        if self._terminal is not None:
            self._terminal.take_back()
        self._end_stragglers()
        if code < 0 and self._settings.raise_signal:
            _end_by(-code)
        code = code if code >= 0 else 128 - code
        return 0 if code in self._settings.successes else code

    # --- Signals ----------------------------------------------------------------------------------

    def _next_signal(self) -> signal.struct_siginfo | None:
        until = self._term_at
        if self._settings.orphans:
            look_at = time.monotonic() + _LOOK_EVERY
            until = min(until, look_at) if until else look_at
        if not until:
            return signal.sigwaitinfo(_HEARD)
        received = signal.sigtimedwait(_HEARD, max(0.0, until - time.monotonic()))
        if self._term_at and time.monotonic() >= self._term_at:
            self._term_at = 0.0
            self._pass_on(signal.SIGTERM)
        return received

    def _handle(self, received: signal.struct_siginfo) -> None:
        number = received.si_signo
        if number == signal.SIGCHLD:
            return
        if number in (signal.SIGTTIN, signal.SIGTTOU) and received.si_code > 0:
            return  # of our own terminal, not from a process
        if number == signal.SIGPIPE and received.si_pid == os.getpid():
            return  # our own stderr is dead, which is no business of the command
        if number == signal.SIGCONT and self._terminal is not None and self._terminal.wanted:
            self._terminal.give(self._child)
        if number == signal.SIGTERM and self._delay:
            self._term_at = time.monotonic() + self._delay
            self._delay = 0.0  # whoever asks again does not want to wait
            self._say(INFO, "got TERM, which is passed on later")
            return
        if number == signal.SIGTERM:
            self._term_at = 0.0
        self._pass_on(number)

    def _pass_on(self, number: int) -> None:
        to = self._settings.rewrite.get(number, number)
        if not to:
            self._say(DEBUG, f"got {signal_name(number)}, which is not passed on")
            return
        self._stop_sent = to if number in _STOPPING else 0
        instead = f" as {signal_name(to)}" if to != number else ""
        self._say(DEBUG, f"passing on {signal_name(number)}{instead}")
        if self._settings.group or number == signal.SIGCONT:
            self._signal_group(to)
        else:
            _send(os.kill, self._child, to)

    def _signal_group(self, number: int) -> None:
        """Signal the command's group, or the command alone while it has not made that yet."""
        try:
            os.killpg(self._child, number)
        except ProcessLookupError:
            _send(os.kill, self._child, number)
        except PermissionError:
            return  # it runs as somebody else now

    # --- Ends and stops ---------------------------------------------------------------------------

    def _reap(self) -> int | None:
        """Reap all that has ended; the wait status of the command if that is among them."""
        found = None
        for pid, status in self._ends():
            if os.WIFSTOPPED(status):
                if pid == self._child:
                    _safely(self._command_stopped, os.WSTOPSIG(status))
            elif pid == self._child:
                found = status
        return found

    def _ends(self) -> Iterator[tuple[int, int]]:
        """Every child that has ended or stopped; one SIGCHLD stands for many of them."""
        while True:
            pid, name = -1, ""
            try:
                if self._curious:
                    pid, name = _peek()
                pid, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED | _WALL)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._adopted.discard(pid)
            if self._curious and pid != self._child and not os.WIFSTOPPED(status):
                text = f"reaped process {pid}{name}, which is not the command"
                self._say(WARN if self._settings.warn_reaped else DEBUG, text)
            yield pid, status

    def _command_stopped(self, number: int) -> None:
        """Stop with the command where a shell continues us; see the module `terminal`."""
        self._say(DEBUG, f"the command was stopped by {signal_name(number)}")
        if self._terminal is not None:
            if self._terminal.command_stopped(self._child, number):
                self._signal_group(signal.SIGCONT)
        elif number == self._stop_sent:  # whoever sent us that will also send us CONT
            os.kill(os.getpid(), signal.SIGSTOP)
        self._stop_sent = 0

    def _look_for_orphans(self) -> None:
        """Signal what has lost its parent and become our child."""
        for pid in _children():
            if pid != self._child and pid not in self._adopted:
                self._adopted.add(pid)
                number = self._settings.orphans
                self._say(INFO, f"orphan {pid}{_comm(pid)} gets {signal_name(number)}")
                _send(os.kill, pid, number)

    # --- The end ----------------------------------------------------------------------------------

    def _end_stragglers(self) -> None:
        """TERM to whatever the command left behind, in whatever session; KILL to what stays.

        Only what descends from us: as PID 1 that is everybody, else those whom we adopted.
        """
        if _has_no_child():
            return
        until = time.monotonic() + self._settings.grace
        number = signal.SIGTERM
        while True:
            self._say(INFO, f"what the command left behind gets {signal_name(number)}")
            _signal_all(number)
            if number == signal.SIGTERM:
                _signal_all(signal.SIGCONT)  # a stopped one would not hear it
            if self._all_gone(until, number):
                return
            if number == signal.SIGKILL:
                self._say(WARN, "something that the command left behind can't be killed")
                return
            number, until = signal.SIGKILL, time.monotonic() + 1.0

    def _all_gone(self, until: float, number: int) -> bool:
        """Reap until nothing is left or the time is over; whether nothing is left."""
        while True:
            reaped = sum(not os.WIFSTOPPED(status) for _, status in self._ends())
            if _has_no_child():
                return True
            if reaped and number == signal.SIGKILL:
                _signal_all(number)  # what was forked meanwhile
            left = until - time.monotonic()
            if left <= 0:
                return False
            received = signal.sigtimedwait(_HEARD, left)
            if number == signal.SIGKILL or received is None:
                continue  # more than a KILL can't be asked for
            if received.si_signo in (signal.SIGTERM, signal.SIGINT):
                until = 0.0  # whoever asks again does not want to wait

    def _say(self, level: int, text: str) -> None:
        if self._settings.verbosity >= level:
            tell(text)


def _safely(function: Callable[..., None], *arguments: object) -> None:
    """Call it; an error that nobody thought of is told, and ends nothing."""
    try:
        function(*arguments)
    except Exception as error:  # noqa: BLE001  (it would end PID 1, and all else with it)
        tell(f"internal error: {error!r}")


# --- What the kernel is asked -------------------------------------------------------------------


def _adopt_orphans() -> None:
    from nsinit.kernel.libc import become_subreaper  # noqa: PLC0415  (ctypes)

    with suppress(OSError):  # a sandbox may forbid it; then orphans go to whoever is above
        become_subreaper()


def _let_go(terminal: Terminal | None) -> None:
    """Hold neither a directory nor a descriptor that the command was given: init needs none."""
    with suppress(OSError):
        os.chdir("/")
    try:
        fds = [int(name) for name in os.listdir("/proc/self/fd")]
    except OSError:
        fds = list(range(_SOME))
    for fd in fds:
        if fd > 2 and (terminal is None or fd != terminal.fd):
            with suppress(OSError):
                os.close(fd)


def _signal_all(number: int) -> None:
    if os.getpid() == 1:
        _send(os.kill, -1, number)
        return
    from nsinit.kernel.proc import descendants  # noqa: PLC0415  (ctypes; loaded by the start)

    for pid in descendants():
        _send(os.kill, pid, number)


def _children() -> list[int]:
    from nsinit.kernel.proc import children  # noqa: PLC0415  (ctypes; loaded by the start)

    return children() or []


def _has_no_child() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT | _WALL)
    except ChildProcessError:
        return True
    return False


def _peek() -> tuple[int, str]:
    """The next child to be reaped, and its name while that can still be read; -1 for none."""
    found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT | _WALL)
    return (found.si_pid, _comm(found.si_pid)) if found is not None else (-1, "")


def _comm(pid: int) -> str:
    try:
        fd = os.open(f"/proc/{pid}/comm", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return f" ({os.fsdecode(os.read(fd, 64)).strip()})"
    except OSError:
        return ""
    finally:
        os.close(fd)


def _send(function: Callable[[int, int], None], pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        function(pid, number)


def _end_by(number: int) -> None:
    """Die by a signal, as the command did; returns where that can't be (PID 1)."""
    import resource  # noqa: PLC0415  (only where asked for; if it fails there is nothing to lose)

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the core of interest is the command's
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
