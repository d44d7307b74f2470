"""The hooks of a bundle as steps, and the process that runs those which come later.

    prestart, createRuntime   by the launcher, when init has mounted everything and waits halfway
    createContainer           by init, in its namespaces, before it changes into the new root
    startContainer            by init, as the main service, before it is started (nsinit.cli)
    poststart                 by the keeper, when the main service runs
    poststop                  by the keeper, when the sandbox is gone

The keeper is a child of the launcher in a session of its own. It hears from the launcher and from
init by one pipe; the end of that is the end of both, also when they were killed. What goes wrong
in its hooks is told, and changes nothing. Source: runtime-spec, runtime.md "Lifecycle".
"""

from __future__ import annotations

import errno
import os
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

from nsinit.isolation.basics import Inside
from nsinit.kernel import fds, libc, mask, seam
from nsinit.process.hooks import ENDING, run_hook, tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.bundles.hooks import Hook, State, Status
    from nsinit.process.steps import Born

_CREATED: Final = "created"
_STARTED: Final = "started"
_FD: Final = 3  # in the keeper: by which it hears


class _Running:
    """What is common to hooks that are steps."""

    def __init__(
        self, hook: Hook, state: State, given: Mapping[str, str], directory: str = ""
    ) -> None:
        """It is run in that directory, else in that of the bundle."""
        self._hook, self._state, self._given = hook, state, given
        self._directory = directory or state.bundle

    def describe(self) -> str:
        """For people."""
        return f"run {self._hook.name}"

    def _run(self, status: Status, pid: int) -> None:
        run_hook(self._hook, self._state.encode(status, pid), self._given, self._directory)

    def undo(self) -> None:
        """A hook that has to be undone has a poststop hook beside it."""

    def remedy(self, number: int) -> str:
        """What is wrong with a program."""
        if number == errno.ENOENT:
            return f"there is no {self._hook.path} where the hook is run"
        return ""


class RunOutside(_Running):
    """A step of the launcher, halfway: a hook in the namespaces of the host."""

    def apply(self, init: Born) -> None:
        """As run_hook."""
        self._run("creating", init.pid)


class RunInside(_Running, Inside):
    """A step of init: a hook of the host's files, in the namespaces of the container."""

    def apply(self) -> None:
        """As run_hook; the pid is init's as it sees itself."""
        self._run("creating", os.getpid())


class Keeper:
    """A step of the launcher, before all others, and so undone after all others."""

    def __init__(
        self,
        started: Sequence[Hook],
        stopped: Sequence[Hook],
        state: State,
        given: Mapping[str, str],
    ) -> None:
        self._started, self._stopped = started, stopped
        self._state, self._given = state, given
        self._writer = -1
        self._pid = 0

    def describe(self) -> str:
        """For people."""
        names = ", ".join(hook.name for hook in (*self._started, *self._stopped))
        return f"begin a process that will run {names}"

    def apply(self) -> None:
        """Fork; in the child, wait for what happens."""
        reader, writer = seam.pipe(os.O_CLOEXEC)
        self._pid = seam.fork()
        if self._pid == 0:
            os.close(writer)
            self._keep(reader)
        os.close(reader)
        self._writer = writer

    def tell(self, word: str, number: int = 0) -> None:
        """From the launcher, and from init that has inherited the descriptor."""
        if self._writer >= 0:
            with suppress(OSError):
                os.write(self._writer, f"{word} {number}\n".encode())

    def started(self) -> None:
        """The main service runs; in init."""
        self.tell(_STARTED)

    def undo(self) -> None:
        """The sandbox is gone: wait until all is done, or until somebody loses patience."""
        os.close(self._writer)
        pidfd = seam.pidfd_open(self._pid)
        ending = libc.signalfd(sum(1 << (number - 1) for number in ENDING))
        try:
            poll = select.poll()
            for fd in (pidfd, ending):
                poll.register(fd, select.POLLIN)
            _drain(ending)  # what has ended the sandbox is not about its hooks
            while pidfd not in {fd for fd, _ in poll.poll()}:
                _drain(ending)
                signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        finally:
            os.close(pidfd)
            os.close(ending)
        os.waitpid(self._pid, 0)

    def remedy(self, number: int) -> str:
        """Usually the kernel's own word is all there is to say."""
        del number
        return ""

    # --- In the keeper ----------------------------------------------------------------------------

    def _keep(self, reader: int) -> NoReturn:
        try:
            mask.block_all()
            mask.hear_children()
            os.dup2(reader, _FD)
            libc.close_range(_FD + 1, 0xFFFF_FFFF, 0)  # the control socket, for one
            fds.close_on_exec()
            os.setsid()
            pid = self._hear(_FD)
            if pid:
                self._run_all(self._stopped, "stopped", 0)
        except BaseException as error:  # noqa: BLE001  (it must not unwind into the launcher)
            _say(f"internal error in the keeper of hooks: {error!r}")
        finally:
            os._exit(0)

    def _hear(self, reader: int) -> int:
        """Until launcher and init are gone; the pid of init, 0 if there has been none.

        Each word counts once: who gets hold of init's end later can't have hooks run again, or for
        another process.
        """
        pid, started, rest = 0, False, b""
        while piece := os.read(reader, 4096):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                word, _, number = line.decode("ascii", "replace").partition(" ")
                if word == _CREATED and not pid:
                    pid = int(number)
                elif word == _STARTED and pid and not started:
                    started = True
                    self._run_all(self._started, "running", pid)
        return pid

    def _run_all(self, hooks: Sequence[Hook], status: Status, pid: int) -> None:
        for hook in hooks:
            try:
                run_hook(hook, self._state.encode(status, pid), self._given, self._state.bundle)
            except OSError as error:
                _say(f"warning: {hook.name} failed: {error.strerror or error}")
            if set(signal.sigpending()) & set(ENDING):
                return


class Created:
    """A step of the launcher, halfway: from now on there is something that poststop is about."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def describe(self) -> str:
        """For people."""
        return "have the poststop hooks run at the end, come what may"

    def apply(self, init: Born) -> None:
        """Tell the keeper."""
        self._keeper.tell(_CREATED, init.pid)

    def undo(self) -> None:
        """That is when they run."""

    def remedy(self, number: int) -> str:
        """It can't fail."""
        del number
        return ""


def _drain(signalfd: int) -> None:
    with suppress(BlockingIOError):
        while os.read(signalfd, 4096):
            continue


def _say(text: str) -> None:
    tell(f"nsinit: {text}\n".encode("utf-8", "backslashreplace"))
