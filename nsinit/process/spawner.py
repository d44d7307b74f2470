"""From a `Program` to a process, by one of two roads that the data choose.

- The vfork road (posix_spawn(3)) for programs that need nothing but a session, descriptors,
  default signals, a directory and a umask: its cost does not grow with init. Directory, umask and
  the soft descriptor limit are inherited, so init sets them around the call. Exec errors come back
  at once.
- The fork road for everything else, such as a pid that is told in a variable. The child makes the
  system calls of a prepared list and tells (step, errno) over a pipe that a successful exec closes.

Both give the child its own session, default signal dispositions, an empty mask, and no descriptor
but those it was meant to have: init's own are all close-on-exec.
"""

from __future__ import annotations

import errno
import os
import signal
import struct
from functools import partial
from typing import TYPE_CHECKING, Final

from nsinit.errors import EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, SpawnError
from nsinit.kernel import fds, mask, seam
from nsinit.kernel.spawn import Attributes
from nsinit.named import Named
from nsinit.process.fast import Road
from nsinit.process.program import candidates, find_executable

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.process.program import Program
    from nsinit.process.stages import Stage
    from nsinit.process.steps import Enclosure

_IDS: Final = frozenset({"set the groups of", "set the group of", "set the user of"})
_FAILURE: Final = struct.Struct("=ii")
_SHORTAGES: Final = frozenset({errno.EAGAIN, errno.ENOMEM})


class Child(Named):
    """A process just made. With a `report` descriptor, `outcome` tells how its exec went."""

    pid: int
    path: str
    report: int | None = None
    stages: tuple[Stage, ...] = ()

    def outcome(self) -> SpawnError | None:
        """None once the program runs; BlockingIOError while that is not known yet."""
        if self.report is None:
            return None
        data = seam.read(self.report, _FAILURE.size)
        if len(data) < _FAILURE.size:
            return None
        at, number = _FAILURE.unpack(data)
        if at >= len(self.stages):
            return _error(self.path, "execute", number)
        stage = self.stages[at]
        return _error(self.path, stage.name, number, stage.remedy(number))

    def last_outcome(self) -> SpawnError | None:
        """That of one that has ended; None also where it can't be read."""
        try:
            return self.outcome()
        except OSError:
            return None


class Spawner:
    """Starts programs on behalf of init; made once, when init knows what it was given."""

    def __init__(self, soft_files: int | None = None) -> None:
        """`soft_files` is the soft RLIMIT_NOFILE that init was given, and children get."""
        self.soft_files = soft_files
        self._ignored = mask.ignored()
        self._road = Road(Attributes(self._ignored), soft_files)

    def spawn(self, program: Program) -> Child:
        """Start it; SpawnError if that fails before there is a process, or at once."""
        path = find_executable(program)
        plain = program.identity is None and not program.rlimits and program.tuning is None
        if plain and program.enclosure is None and not program.own_pid:
            return Child(self._spawn_fast(path, program), path)
        return self._spawn_full(path, program)

    # --- The vfork road ---------------------------------------------------------------------------

    def _spawn_fast(self, path: str, program: Program) -> int:
        try:
            sources = fds.above(program.fds)
        except OSError as error:
            raise _error(path, "pass descriptors to", error.errno) from None
        try:
            try:
                return self._road.take(program, path, sources)
            except OSError as error:
                if error.errno != errno.ENOEXEC:
                    raise
                script = _as_script(path, program.argv)
                return self._road.take(program, script[0], sources, script)
        except OSError as error:
            stage = "fork for" if error.errno in _SHORTAGES else "execute"
            raise _error(path, stage, error.errno) from None
        finally:
            for theirs, ours in sources.items():
                if program.fds[theirs] != ours:
                    os.close(ours)

    # --- The fork road ----------------------------------------------------------------------------

    def _spawn_full(self, path: str, program: Program) -> Child:
        env = {os.fsencode(name): os.fsencode(value) for name, value in program.env.items()}
        steps = self._steps(program, env)
        paths = candidates(program) or [path]
        try:
            reader, writer = seam.pipe(os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise _error(path, "make a pipe for", error.errno) from None
        try:
            pid = _fork(path, program.enclosure)
        except SpawnError:
            os.close(reader)
            os.close(writer)
            raise
        if pid == 0:
            _become(paths, program.argv, env, steps, writer)
        os.close(writer)
        return Child(pid, path, reader, tuple(steps))

    def _steps(self, program: Program, env: dict[bytes, bytes]) -> list[Stage]:
        """What the child does before it execs, in order; the mask comes last."""
        from nsinit.process import stages  # noqa: PLC0415  (not for the vfork road)

        Stage = stages.Stage  # noqa: N806  (a class)
        tuning = program.tuning
        enclosure = program.enclosure
        steps = stages.enclosing(enclosure.first) if enclosure is not None else []
        steps.append(Stage("make a session for", seam.setsid))
        if program.own_pid:
            steps.append(Stage("tell its pid to", partial(_tell_pid, env, program.own_pid)))
        steps += [
            Stage("reset signals of", partial(signal.signal, n, signal.SIG_DFL))
            for n in self._ignored
        ]
        steps.append(Stage("pass descriptors to", partial(_dup_all, program.fds)))
        steps += stages.early_stages(tuning) if tuning is not None else []
        steps.append(Stage("limit the descriptors of", partial(fds.limit, self.soft_files)))
        steps += [stages.limit_stage(*limit) for limit in program.rlimits]
        steps += stages.rank_stages(tuning) if tuning is not None else []
        steps += stages.enclosing(enclosure.before) if enclosure is not None else []
        enter = partial(seam.chdir, program.directory)
        where = f"enter {program.directory} for"
        if program.identity is None:
            steps.append(Stage(where, enter))
            steps += stages.enclosing(enclosure.ids) if enclosure is not None else []
        else:
            uid, gid, groups = program.identity
            entered = _TwoAttempts(enter)
            steps.append(Stage(where, entered.first))
            steps += stages.enclosing(enclosure.ids) if enclosure is not None else []
            steps.append(Stage("set the groups of", partial(seam.setgroups, groups)))
            steps.append(Stage("set the group of", partial(seam.setresgid, gid, gid, gid)))
            steps.append(Stage("set the user of", partial(seam.setresuid, uid, uid, uid)))
            steps.append(Stage(where, entered.second))
        if program.umask is not None:
            steps.append(Stage("set the umask of", partial(os.umask, program.umask)))
        steps += stages.enclosing(enclosure.last) if enclosure is not None else []
        unblock = partial(signal.pthread_sigmask, signal.SIG_SETMASK, ())
        steps.append(Stage("unblock signals of", unblock))
        return steps


class _TwoAttempts:
    """Enter a directory as init, which needs no right there; if even that fails, as the user.

    On a network file system root may have fewer rights than the user.
    """

    def __init__(self, enter: Callable[[], object]) -> None:
        self._enter = enter
        self._entered = False

    def first(self) -> None:
        try:
            self._enter()
        except PermissionError:
            return
        self._entered = True

    def second(self) -> None:
        if not self._entered:
            self._enter()


def _become(
    paths: list[str],
    argv: tuple[str, ...],
    env: dict[bytes, bytes],
    steps: list[Stage],
    report: int,
) -> None:
    """Run the steps and the program in the child; never returns."""
    stage, number = 0, errno.EIO
    try:
        for stage, step in enumerate(steps):  # noqa: B007  (told when it fails)
            step.act()
        stage = len(steps)
        _execute(paths, argv, env)
    except OSError as error:
        number = error.errno or errno.EIO
    finally:  # whatever it was, a forked copy of init must not live on
        try:
            seam.write(report, _FAILURE.pack(stage, number))
        finally:  # nor if a filter of system calls forbids even that
            os._exit(EXIT_NOT_FOUND if number == errno.ENOENT else EXIT_NOT_EXECUTABLE)


def _execute(paths: list[str], argv: tuple[str, ...], env: dict[bytes, bytes]) -> None:
    """Become the first of several files that there is, as execvp(3) does; else OSError."""
    worst = errno.ENOENT
    for path in paths:
        try:
            try:
                seam.execve(path, argv, env)
            except OSError as error:
                if error.errno != errno.ENOEXEC:
                    raise
                seam.execve("/bin/sh", _as_script(path, argv), env)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.EACCES) or len(paths) == 1:
                raise
            worst = errno.EACCES if error.errno == errno.EACCES else worst
    raise OSError(worst, os.strerror(worst))


def _fork(path: str, enclosure: Enclosure | None) -> int:
    """The pid of a child, 0 in it; into namespaces of its own if it is to have some."""
    try:
        if enclosure is None or not enclosure.kinds:
            return seam.fork()
        return _fork_apart(path, enclosure)
    except OSError as error:
        raise _error(path, "fork for", error.errno) from None


def _fork_apart(path: str, enclosure: Enclosure) -> int:
    from nsinit.process.apart import fork_apart  # noqa: PLC0415  (most services have none)
    from nsinit.process.steps import StepError  # noqa: PLC0415  (the same)

    try:
        return fork_apart(enclosure.kinds, enclosure.outside)
    except StepError as error:
        raise SpawnError(path, f"{error.verb} for", error.errno, hint=error.remedy) from None
    except OSError as error:
        from nsinit.kernel.namespaces import why_refused  # noqa: PLC0415  (after a failure)

        hint = why_refused(error.errno or 0, list(enclosure.kinds))
        raise _error(path, "make namespaces for", error.errno, hint) from None


def _as_script(path: str, argv: tuple[str, ...]) -> tuple[str, ...]:
    """A file without a magic number is a shell script to execvp(3)."""
    return ("/bin/sh", path, *argv[1:])


def _tell_pid(env: dict[bytes, bytes], names: list[str]) -> None:
    """In the child, which alone can know its pid before it is somebody's program."""
    env.update(dict.fromkeys(map(os.fsencode, names), b"%d" % os.getpid()))


def _dup_all(wanted: dict[int, int]) -> None:
    for theirs, ours in fds.above(wanted).items():
        if theirs == ours:
            seam.set_inheritable(ours, True)
        else:
            seam.dup2(ours, theirs)


def _error(what: str, stage: str, number: int | None, hint: str = "") -> SpawnError:
    number = number or errno.EIO
    if hint:
        pass
    elif stage == "execute":
        if number == errno.ENOENT and os.path.exists(what):
            hint = "the interpreter that it names is missing"
        elif number == errno.EACCES:
            hint = "it is a directory" if os.path.isdir(what) else "is it executable?"
        elif number == errno.E2BIG:
            hint = "its command and its environment are too long together"
    elif stage in _IDS and number in (errno.EINVAL, errno.EPERM):
        hint = "not root, or the user namespace has no such id: a rootless sandbox has only root's"
    elif number == errno.EAGAIN:
        hint = "a limit on processes is reached"
    return SpawnError(what, stage, number, hint=hint)
