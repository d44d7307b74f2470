"""Starts the services of a plan, as the first thing that init does.

Whatever stands in the way, an odd plan, a missing program, a lack of processes, only means that
the rest is left to the core, which does all this with every care, and tells what is wrong.
"""

from __future__ import annotations

import os

from nsinit.errors import NsinitError
from nsinit.kernel import fds, mask, seam
from nsinit.kernel.spawn import Attributes
from nsinit.lean import signal, suppress
from nsinit.process.executable import find_in_path
from nsinit.process.fast import Road
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


class _Program:
    """What `Road` needs to know."""

    __slots__ = ("argv", "directory", "env", "umask")

    def __init__(self, start: Start, made: Beginning) -> None:
        self.argv = start.command
        self.env = service_variables(start, made, {}, own_variables(start.name, made.told))
        self.directory = made.directory
        if start.working_dir is not None:
            self.directory = os.path.join(made.directory, start.working_dir)
        self.umask = start.umask


class Beginning:
    """What has been done before init is there: the control socket, and the services that run."""

    def __init__(self, plan: HeadStart, listener: Listener, env: dict[str, str], here: str) -> None:
        self.listener = listener
        self.services: dict[str, Begun] = {}
        self._sources = [text for _, text in plan.sources]
        self.env = env  # as `Surroundings` has them, for the variables of services
        self.shared = plan.shared
        self.directory = here
        self.told = {"NSINIT_SOCKET": listener.path} if listener.path else {}
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
        """Be as if nothing had begun."""
        self.end_rest()
        remove(self.listener)
        fds.limit(self.soft_files)


def begin(path: str, env: dict[str, str]) -> Beginning | None:
    """Start what the plan beside that configuration says; None if calls are to fail, as in a test.

    NoPlanError tells why the plan does not count.
    """
    if any(name in env for name in _NOT_WITH):
        return None
    try:
        plan = planfile.read(path, env)
        here = os.getcwd()
        os.chdir(here)  # it can be come back to
        settle()
        made = Beginning(plan, bind_asked(*plan.control, env), env, here)
    except (OSError, TypeError) as error:
        raise NoPlanError(str(error)) from None
    try:
        _start_all(plan, made)
    except Exception as error:  # noqa: BLE001  (it is only a plan)
        made.abandon()
        raise NoPlanError(f"it is damaged: {error}") from None
    return made


def _start_all(plan: HeadStart, made: Beginning) -> None:
    """In order; after the first that can't be started no other is, as it may depend on that."""
    try:
        null = seam.open_fd("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return
    road = Road(Attributes(mask.ignored()), made.soft_files, made.directory)
    try:
        for row in plan.starts:
            start = Start(row)
            made.services[start.name] = _start(start, _Program(start, made), null, road)
    except (OSError, NsinitError):
        return
    finally:
        os.close(null)


def _start(start: Start, program: _Program, null: int, road: Road) -> Begun:
    name = start.command[0]
    path = name if "/" in name else find_in_path(name, program.env["PATH"], program.directory)
    readers: dict[str, int] = {}
    writers: list[int] = []
    wanted = {0: null}
    try:
        for fd, stream, how in ((1, "stdout", start.stdout), (2, "stderr", start.stderr)):
            if how == PIPE:
                readers[stream], writer = fds.make_pipe(None)
                writers.append(writer)
                wanted[fd] = writer
            else:
                wanted[fd] = {NULL: null, INHERIT: fd}[how]
        pid = road.take(program, path, wanted)
    except BaseException:
        for fd in readers.values():
            os.close(fd)
        raise
    finally:
        for fd in writers:
            os.close(fd)
    return Begun(start.run, pid, path, readers)
