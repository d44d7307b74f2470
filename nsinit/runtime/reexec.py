"""Another program in the place of this one, in the same process, with nothing lost.

The new one is asked first: as a child it reads the state of this init, and says whether it could
go on with it. Then clients are given what they still have to get, and execve(2) does the rest. An
init that an error of its own has broken takes the same road without asking, as the last way out.
"""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from nsinit.errors import NsinitError, SpawnError
from nsinit.kernel import memory, seam
from nsinit.model import differ  # noqa: F401  (what is loaded later may be of a newer nsinit)
from nsinit.process.program import Program
from nsinit.runtime import handover, luggage, passed, planned  # noqa: F401  (the same)

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.runtime.boot import Init

STATE: Final = "NSINIT_REEXEC"  # the variable with the descriptor of the state
CHECK: Final = "NSINIT_REEXEC_CHECK"  # likewise, for the child that is asked
FALLS_MAX: Final = 3  # forced replacements within FALLS_TIME (s)
FALLS_TIME: Final = 60.0
_FD: Final = 3  # of the state, in the child
_LOOK: Final = 0.005  # s between looks at the clients
_ACCEPTED: Final = 0.02  # s in which whoever was accepted becomes a client
_PATIENCE: Final = 0.5  # s for clients who read what there was before they came
_LAST: Final = 1.0  # s after which whoever reads too slowly is dropped
_KILL: Final = 9
_TOLD: Final = 4096  # bytes of what the child said that are passed on
_SELF: Final = "/proc/self/exe"
_CRASH: Final = "crash.txt"


class RefusedError(NsinitError):
    """Init was not replaced, and goes on as before."""

    exit_code = 1


class Crowd(Protocol):
    """The clients of init."""

    def close_door(self) -> None:
        """Let nobody else in; who comes waits in the queue of the socket."""

    def is_still(self, *, hold: bool) -> bool:
        """Whether all have got what there was; with `hold`, nothing more is sent to anybody."""

    def drop_slow(self) -> None:
        """Drop those who have not taken what was sent to them."""

    def open_door(self) -> None:
        """Nothing came of it: go on."""


class Reexec:
    """Replaces the program of an init."""

    def __init__(self, init: Init) -> None:
        self.crowd: Crowd | None = None
        self._init = init
        self._failed: Callable[[RefusedError], object] | None = None
        self._over = False  # the child has answered, or will not be listened to
        self._attempts = 0

    # --- On request -------------------------------------------------------------------------------

    def begin(self, timeout: float, failed: Callable[[RefusedError], object]) -> None:
        """Begin; either this process is another program soon, or `failed` is told why not.

        `timeout` (s) is how long the new program may take to look at the state. RefusedError when
        it is clear at once.
        """
        if self._failed is not None:
            raise RefusedError("init is being replaced already")
        if why := self._why_not():
            raise RefusedError(why)
        _look_at_interpreter()
        self._failed, self._over = failed, False
        self._attempts += 1
        try:
            self._ask(timeout)
        except (OSError, SpawnError) as error:
            self._failed = None
            raise RefusedError(f"cannot start the new nsinit: {error}") from None
        except BaseException:
            self._failed = None
            raise

    def _why_not(self) -> str:
        """What keeps init from being replaced now."""
        if self._init.driver.core.state.phase in ("stopping", "done"):
            return "init is shutting down"
        if self._init.runs.tasks.helper_pids():  # whose terminals would be gone
            return "a command that somebody runs by `nsinit ctl exec` has not ended"
        return ""

    def _ask(self, timeout: float) -> None:
        state = told = -1
        try:
            state = handover.write(luggage.collect(self._init), [])
            told = memory.unsealed("nsinit-check")
            null = self._init.logs.null
            program = Program(
                argv=_argv(),
                env={**self._init.given.env, CHECK: str(_FD)},
                directory=self._init.given.directory,
                fds={0: null, 1: null, 2: told, _FD: state},
            )
            answered = partial(self._answered, self._attempts, told)
            pid = self._init.runs.help(program, answered)
        except BaseException:
            if told >= 0:
                os.close(told)
            raise
        finally:
            if state >= 0:
                os.close(state)
        late = partial(self._too_late, self._attempts, pid, timeout)
        self._init.reactor.later(timeout, late)

    def _too_late(self, attempt: int, pid: int, timeout: float) -> None:
        if attempt == self._attempts and not self._over:
            with suppress(OSError):
                seam.kill(pid, _KILL)
            self._refuse(f"the new nsinit did not answer within {timeout:g} s")

    def _answered(self, attempt: int, told: int, code: int) -> None:
        """Take what it said; no more than that, as this is called again if it fails."""
        text = ""
        with suppress(OSError, MemoryError):
            text = memory.read_at(told, 1 << 20, 0)[-_TOLD:].decode("utf-8", "replace").strip()
        self._init.reactor.soon(partial(self._go_by, attempt, text, code))
        os.close(told)

    def _go_by(self, attempt: int, text: str, code: int) -> None:
        if self._over or attempt != self._attempts:
            return
        if code != 0:
            end = f"code {code}" if code > 0 else f"signal {-code}"
            self._refuse(f"the new nsinit can't go on from here ({end}): {text or 'no word of it'}")
            return
        if self.crowd is not None:
            self.crowd.close_door()
        self._init.reactor.later(_ACCEPTED, partial(self._wait, seam.monotonic()))
        self._init.reactor.later(_ACCEPTED + 2 * _LAST, partial(self._stuck, attempt))
        self._over = True

    def _stuck(self, attempt: int) -> None:
        """An error has ended the wait: nobody could connect any more."""
        if self._failed is not None and attempt == self._attempts:
            self._refuse("an error of this one has kept it from going")

    def _wait(self, since: float) -> None:
        """Go when nobody has to get anything any more, or when that takes too long."""
        now = seam.monotonic()
        if why := self._why_not():
            self._refuse(why)
            return
        if self.crowd is not None and not self.crowd.is_still(hold=now - since >= _PATIENCE):
            if now - since < _LAST:
                self._init.reactor.later(_LOOK, partial(self._wait, since))
                return
            self.crowd.drop_slow()
        try:
            self._replace(whole=True)
        except BaseException as error:  # noqa: BLE001  (whatever it is, this init goes on)
            self._refuse(f"cannot exec the new nsinit: {error}")

    def _refuse(self, why: str) -> None:
        self._over = True
        failed, self._failed = self._failed, None
        self._init.say.error(f"init is not replaced: {why}")
        if self.crowd is not None:
            self.crowd.open_door()
        if failed is not None:
            failed(RefusedError(f"init is not replaced: {why}"))

    # --- The exec ---------------------------------------------------------------------------------

    def _replace(self, *, whole: bool) -> None:
        """Become the new program; returns only by an exception."""
        init = self._init
        init.say.settle()
        state = luggage.collect(init, whole=whole)
        try:
            fd = handover.write(state, init.logs.rings.rows())
        except OSError:
            if whole:
                raise
            fd = handover.write(state, [])  # memory is short: without the last output
        kept = [*state.fds, fd]
        try:
            for one in kept:
                seam.set_inheritable(one, True)
            try:  # the way to the program may be relative to it
                seam.chdir(init.given.directory)
            except OSError:
                if whole:
                    raise
            seam.execve(_program(), _argv(), {**init.given.env, STATE: str(fd)})
        finally:  # still here
            with suppress(OSError):
                seam.chdir("/")
            for one in kept:
                with suppress(OSError):
                    seam.set_inheritable(one, False)
            os.close(fd)

    # --- The parachute ----------------------------------------------------------------------------

    def escape(self, error: BaseException) -> None:
        """Write down an error that init can't get over, and begin anew with all that it knows.

        Returns when that was tried too often of late, or can't be done.
        """
        init, now = self._init, seam.monotonic()
        text = "".join(traceback.format_exception(error))
        init.say.error(f"init can't go on like this:\n{text.rstrip()}")
        self._write_down(text)
        if init.driver.flight is not None:
            init.driver.flight.leave()
        init.falls = [at for at in init.falls if now - at < FALLS_TIME]
        if len(init.falls) >= FALLS_MAX:
            init.say.error(f"init has begun anew {FALLS_MAX} times already, and does not any more")
            return
        init.falls.append(now)
        init.say.error(f"init begins anew ({len(init.falls)} of {FALLS_MAX} times)")
        try:
            if init.driver.core.state.phase != "done":
                self._replace(whole=False)
        except Exception as failure:  # noqa: BLE001  (there is nothing else to be done)
            init.say.error(f"init can't begin anew: {failure!r}")

    def _write_down(self, text: str) -> None:
        """Beside the control socket, for whoever comes later."""
        path = self._init.listener.path
        if not path:
            return
        made = f"{os.path.dirname(path)}/{_CRASH}"
        with suppress(OSError):
            seam.unlink(made)  # whatever it leads to is left alone
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with suppress(OSError):
            fd = seam.open_fd(made, flags, 0o600)
            try:
                seam.write(fd, text.encode("utf-8", "backslashreplace"))
            finally:
                os.close(fd)


def _program() -> str:
    """The interpreter; what runs from a sealed copy goes on to do so."""
    fd = seam.open_fd(_SELF, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _SELF if memory.is_sealed(fd) else sys.executable
    finally:
        os.close(fd)


def _argv() -> tuple[str, ...]:
    """The command line that this process was started with, by the same interpreter."""
    return (sys.executable, *sys.orig_argv[1:])


def _look_at_interpreter() -> None:
    """RefusedError where there is none any more, as in the root of a sandbox."""
    if not sys.executable:
        raise RefusedError("cannot exec: nobody knows which interpreter this is")
    try:
        os.close(seam.open_fd(sys.executable, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as error:
        why = f"cannot open the interpreter {sys.executable}: {error.strerror}"
        raise RefusedError(why, hint="it must be visible from inside of the sandbox") from None
