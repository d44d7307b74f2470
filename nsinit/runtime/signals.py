"""What each signal to init means.

TERM and INT shut down, once more in a hurry; QUIT shuts down in a hurry; HUP from a terminal that
hung up shuts down, and from a process it updates; USR1 reopens logs; USR2 says what is going on.
Every other signal, and those named in `forward_signals`, goes to the main service.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any, Final

from nsinit.core import messages as m
from nsinit.errors import ConfigError
from nsinit.kernel import seam
from nsinit.runtime.updater import in_words
from nsinit.units import format_signal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nsinit.kernel.signals import Received, SignalReader
    from nsinit.runtime.driver import Driver
    from nsinit.runtime.updater import Updater

_STOP: Final = frozenset({signal.SIGTERM, signal.SIGINT})


class SignalDesk:
    """Reads the signals of init and does what they ask for."""

    def __init__(
        self, reader: SignalReader, driver: Driver, updater: Updater, forward: Iterable[int]
    ) -> None:
        self._reader = reader
        self._driver = driver
        self._updater = updater
        self._forward = frozenset(forward)
        self.before_ends: Callable[[], object] = lambda: None  # who is reaped can't be asked
        self._meanings: dict[int, Callable[[Received], None]] = {
            signal.SIGTERM: self._shut_down,
            signal.SIGINT: self._shut_down,
            signal.SIGQUIT: self._shut_down,
            signal.SIGHUP: self._hang_up,
            signal.SIGUSR1: self._reopen,
            signal.SIGUSR2: self._dump,
        }

    def read(self) -> None:
        """Deal with all signals that are there; ends of children before everything else."""
        received = self._reader.read()
        if any(one.number == signal.SIGCHLD for one in received):
            self.before_ends()
            self._driver.runs.reap()
        for one in received:
            if one.number == signal.SIGCHLD or _is_own_pipe(one):
                continue
            meaning = self._meanings.get(one.number)
            if meaning is None or one.number in self._forward:
                self._pass_on(one.number)
            else:
                meaning(one)

    def _shut_down(self, one: Received) -> None:
        again = self._driver.core.state.phase == "stopping"
        hurry = again or one.number == signal.SIGQUIT
        how = "at once" if hurry else "in order"
        self._driver.say.info(f"{format_signal(one.number)} received: stopping everything {how}")
        self._note("shutdown", one)
        self._driver.post(m.Shutdown(hurry=hurry))

    def _hang_up(self, one: Received) -> None:
        if one.from_kernel:
            self._shut_down(one)
            return
        fields = self._note("update", one)
        try:
            found = self._updater.update()
        except ConfigError as error:
            fields["reason"] = f"refused: {error}"
            self._driver.say.error(f"HUP received, and nothing is changed: {error}")
        else:
            self._driver.say.info(f"HUP received: {in_words(found)}")

    def _note(self, verb: str, one: Received) -> dict[str, Any]:
        """Write down who wants what; more may be added to it in this turn."""
        fields: dict[str, Any] = {
            "verb": verb,
            "names": [],
            "by_uid": None if one.from_kernel else one.uid,
            "by_pid": one.pid or None,
            "signal": format_signal(one.number),
        }
        self._driver.history.note_all("request", None, "", 0, fields)
        return fields

    def _reopen(self, _: Received) -> None:
        count = self._driver.runs.reopen_logs()
        told = "no log file to reopen" if count is None else f"log files reopened: {count}"
        self._driver.say.info(f"USR1 received: {told}")

    def _dump(self, _: Received) -> None:
        state = self._driver.core.state
        self._driver.say.info(f"USR2 received: init is {state.phase}")
        for s in state.services.values():
            pid = f" pid {s.pid}" if s.pid else ""
            reason = f" ({s.reason})" if s.reason else ""
            self._driver.say.info(f"  {s.name}: {s.state} run {s.run}{pid}{reason}")
        if self._driver.flight is not None:
            info = self._driver.say.info
            self._driver.flight.leave_in_turns(
                lambda path: info(f"  the flight record is in {path}")
            )

    def _pass_on(self, number: int) -> None:
        """Send a signal to the main process of the main service, if it runs."""
        main = self._driver.core.plan.main
        pid = self._driver.core.state.services[main].pid if main else 0
        if not pid:
            self._driver.say.debug(f"{format_signal(number)} received: no main service to tell")
            return
        try:
            seam.kill(pid, number)
        except OSError as error:
            self._driver.say.warning(f"cannot forward {format_signal(number)}: {error.strerror}")


def _is_own_pipe(one: Received) -> bool:
    """Whether init wrote to somebody who had left: it knows, and main has no part in that."""
    return one.number == signal.SIGPIPE and one.pid == os.getpid()
