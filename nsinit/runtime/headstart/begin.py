"""Starts the services of a plan, as the first thing that init does.

Whatever stands in the way, an odd plan, a missing program, a lack of processes, only means that
the rest is left to the core, which does all this with every care, and tells what is wrong.
"""

from __future__ import annotations

import os

from nsinit.errors import NsinitError
from nsinit.kernel import fds, mask, pipes, seam, spawn
from nsinit.lean import signal, suppress
from nsinit.process.executable import find_in_path
from nsinit.process.settle import settle
from nsinit.process.variables import own_variables, service_variables
from nsinit.runtime.directory import Listener, bind_asked, remove
from nsinit.runtime.headstart import planfile
from nsinit.runtime.headstart.planfile import INHERIT, NULL, PIPE, HeadStart, NoPlanError, Start

TYPE_CHECKING = False  # as `typing` has it, which would be loaded before the first service
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Final

# With one of these, calls are to fail, of which the plan knows nothing.
_NOT_WITH: Final = ("NSINIT_FAULTS", "NSINIT_CLOCK")
_STREAMS: Final = ((1, "stdout"), (2, "stderr"))


class Begun:
    """A service that runs already: its process, and init's ends of its pipes by stream."""

    __slots__ = ("path", "pid", "readers", "run")

    def __init__(self, run: int, pid: int, path: str, readers: dict[str, int]) -> None:
        self.run = run
        self.pid = pid
        self.path = path
        self.readers = readers

    def lead(self, open_for: Callable[[None, dict[str, int]], object]) -> None:
        """Have its output read from now on; if that can't be, it ends, and OSError says why."""
        try:
            open_for(None, self.readers)  # nobody else's uid
        except OSError:
            self.end()
            raise

    def end(self) -> None:
        """It should not have been begun: it goes, with all that it has started so far."""
        for fd in self.readers.values():
            os.close(fd)
        with suppress(OSError):  # it has ended by itself
            seam.killpg(self.pid, signal.SIGKILL)


class Beginning:
    """What has been done before init is there: the control socket, and the services that run."""

    def __init__(self, plan: HeadStart, listener: Listener, env: dict[str, str]) -> None:
        self.listener = listener
        self.services: dict[str, Begun] = {}
        self._sources = [text for _, text in plan.sources]
        self.env = env  # as `Surroundings` has them, for the variables of services
        self.shared = plan.shared
        self.directory = os.getcwd()
        self.soft_files = fds.raise_limit()  # what init was given, and services get

    def claim(self, service: str, run: int) -> Begun | None:
        """That run of a service, if it runs already; the caller looks after it from now on."""
        begun = self.services.get(service)
        if begun is None or begun.run != run:
            return None
        return self.services.pop(service)

    def is_of(self, texts: Iterable[str]) -> bool:
        """Whether it follows from files with these texts: they were read again since."""
        return self._sources == [text.encode() for text in texts]

    def end_rest(self) -> list[str]:
        """End what nobody has claimed, which takes a change of the files in between; the names."""
        names = list(self.services)
        for begun in self.services.values():
            begun.end()
        self.services.clear()
        return names

    def abandon(self) -> None:
        """There will be no init."""
        self.end_rest()
        remove(self.listener)


def begin(path: str, env: dict[str, str]) -> Beginning | None:
    """Start what the plan beside that configuration says; None if calls are to fail, as in a test.

    NoPlanError tells why the plan does not count.
    """
    if any(name in env for name in _NOT_WITH):
        return None
    try:
        plan = planfile.read(path, env)
        settle()
        made = Beginning(plan, bind_asked(*plan.control, env), env)
    except OSError as error:
        raise NoPlanError(str(error)) from None
    _start_all(plan, made)
    return made


def _start_all(plan: HeadStart, made: Beginning) -> None:
    """In order; after the first that can't be started no other is, as it may depend on that."""
    try:
        null = seam.open_fd("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return
    attributes = spawn.Attributes(mask.ignored())
    shared = {"NSINIT_SOCKET": made.listener.path} if made.listener.path else {}
    try:
        for row in plan.starts:
            start = Start(row)
            made.services[start.name] = _start(start, made, shared, null, attributes)
    except (OSError, NsinitError):
        return
    finally:
        os.close(null)


def _start(
    start: Start,
    made: Beginning,
    shared: dict[str, str],
    null: int,
    attributes: spawn.Attributes,
) -> Begun:
    env = service_variables(start, made, {}, own_variables(start.name, shared))
    directory = os.path.join(made.directory, start.working_dir or "")
    name = start.command[0]
    path = name if "/" in name else find_in_path(name, env["PATH"], directory)
    readers: dict[str, int] = {}
    ours: list[int] = []
    wanted = {0: null}
    try:
        for fd, stream in _STREAMS:
            how = getattr(start, stream)
            if how == PIPE:
                readers[stream], writer = pipes.make_pipe(None)
                ours.append(writer)
                wanted[fd] = writer
            else:
                wanted[fd] = {NULL: null, INHERIT: fd}[how]
        pid = _spawn(start, path, directory, env, wanted, made, attributes)
    except OSError:
        for fd in readers.values():
            os.close(fd)
        raise
    finally:
        for fd in ours:
            os.close(fd)
    return Begun(start.run, pid, path, readers)


def _spawn(
    start: Start,
    path: str,
    directory: str,
    env: dict[str, str],
    wanted: dict[int, int],
    made: Beginning,
    attributes: spawn.Attributes,
) -> int:
    argv = spawn.Block([os.fsencode(word) for word in start.command])
    block = spawn.Block(spawn.strings(env))
    umask = None
    try:
        if start.working_dir is not None:
            seam.chdir(directory)
        if start.umask is not None:
            umask = os.umask(start.umask)
        fds.limit(made.soft_files)
        return spawn.posix_spawn(path, argv, block, wanted, attributes)
    finally:
        fds.raise_limit()
        if umask is not None:
            os.umask(umask)
        if start.working_dir is not None:
            os.chdir(made.directory)
