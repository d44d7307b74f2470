"""A program made ready to be started: everything looked up, nothing left to the child.

The lookups happen before the fork, so the child only makes system calls from a prepared list.
"""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from msgspec import Struct, field, structs

from nsinit.errors import SpawnError
from nsinit.kernel import seam
from nsinit.model.spec import Service
from nsinit.model.types import UNLIMITED, Words
from nsinit.process.executable import find_in_path
from nsinit.process.identity import find_identity
from nsinit.process.variables import DEFAULT_PATH, service_variables

if TYPE_CHECKING:
    from nsinit.process.identity import Identity
    from nsinit.process.steps import Enclosure
else:
    Enclosure = object  # it never travels: an init that goes on for another makes its own


class Tuning(Struct, frozen=True, kw_only=True):
    """What the child sets for itself beyond ids and limits, as the keys of those names say."""

    nice: int | None = None
    ioprio: tuple[int, int] | None = None  # class, level
    scheduler: tuple[int, int] | None = None  # policy, priority
    cpu_affinity: tuple[int, ...] | None = None
    oom_score_adj: int | None = None
    tty: str | None = None  # "": what is its stdin already


_UNTUNED: Final = Tuning()


class Program(Struct, frozen=True, kw_only=True):
    """What to execute, as whom, and where. Environment values may hold any bytes (os.fsdecode)."""

    argv: tuple[str, ...]
    env: dict[str, str]
    directory: str = "/"
    umask: int | None = None
    identity: tuple[int, int, tuple[int, ...]] | None = None  # uid, gid, groups
    rlimits: tuple[tuple[str, int, int], ...] = ()  # name as in the configuration, soft, hard
    tuning: Tuning | None = None
    enclosure: Enclosure | None = None
    fds: dict[int, int] = field(default_factory=dict)  # its descriptor: ours
    own_pid: list[str] = field(default_factory=list)  # variables that are to hold its pid

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return self.argv[0]


# What confines a process of a service with these variables; beside the main process of that pid,
# if there is one. SpawnError if it can't be.
Enclose = Callable[[Service, Mapping[str, str], int], Enclosure | None]


class Surroundings(Struct, frozen=True):
    """What every service gets from init: where that was started, and its environment."""

    directory: str
    env: dict[str, str]
    shared: dict[str, str | dict[str, str]] = field(default_factory=dict)  # [init].environment
    enclose: Enclose = lambda *_: None
    passable: frozenset[int] = frozenset()  # descriptors that init was given, to pass on


def prepare(
    spec: Service, around: Surroundings, own: Mapping[str, str], beside: int = 0
) -> Program:
    """The program of a service; `own` are the variables that nsinit sets for it.

    It runs in what the service has of its own: made anew, or that of the process `beside`.

    SpawnError names the user, group or file that can't be found.
    """
    enclosure = around.enclose(spec, own, beside)
    root = enclosure.root if enclosure is not None else ""
    identity = find_identity(spec.user, spec.group, spec.groups, root)
    ids = identity[:3] if identity is not None else None
    account: dict[str, str] = {}
    if spec.user is not None and identity is not None:
        account = _account_variables(identity)
    return Program(
        argv=spec.command,
        env=service_variables(spec, around, account, own),
        directory=os.path.join(around.directory if not root else "/", spec.working_dir or ""),
        umask=spec.umask,
        identity=None if ids is None or _has_already(ids, spec) else ids,
        rlimits=tuple(
            (name, _limit(soft), _limit(hard)) for name, (soft, hard) in spec.limits.items()
        ),
        tuning=_tuning(spec),
        enclosure=enclosure,
        fds=_passed(spec, around),
    )


def in_place_of_init(command: Sequence[str], user: str | None, around: Surroundings) -> Service:
    """What a command is as that runs in the place of init itself; a shell if there is none."""
    here = os.path.isdir(around.directory)  # else it is in the file system of the launcher
    return Service(
        command=Words(tuple(command) or (_shell(user, around),)),
        user=user,
        working_dir=None if here else "/",
    )


def _shell(user: str | None, around: Surroundings) -> str:
    """The shell of a user who is named, else $SHELL; /bin/sh where there is none of these."""
    identity = find_identity(user, None, None)
    choices = [identity.account.shell if identity else "", around.env.get("SHELL", "")]
    return next((path for path in choices if path and os.access(path, os.X_OK)), "/bin/sh")


def on_descriptors(program: Program, fds: Sequence[int], *, terminal: bool) -> Program:
    """With these as its first three; they are of a terminal that is to be its own if that is said.

    A service's own terminal is not that of the command in its place.
    """
    tuning = program.tuning or Tuning()
    tty = "" if terminal else None
    if tuning.tty != tty:
        program = structs.replace(program, tuning=structs.replace(tuning, tty=tty))
    program.fds.update(enumerate(fds))
    if terminal and program.identity is not None:
        with suppress(OSError):  # without CAP_CHOWN only its name stays closed to the user
            seam.fchown(fds[0], program.identity[0], -1)
    return program


def _passed(spec: Service, around: Surroundings) -> dict[int, int]:
    """The descriptors that a service is to have as init has them."""
    for fd in spec.pass_fds:
        if fd not in around.passable:
            raise SpawnError(
                spec.command[0], f"pass descriptor {fd} to", errno.EBADF,
                hint=f"nsinit was not started with it: nsinit run {fd}<FILE",
            )  # fmt: skip
    return {fd: fd for fd in spec.pass_fds}


def _tuning(spec: Service) -> Tuning | None:
    """What the service asks for, None for most."""
    made = Tuning(
        **{name: getattr(spec, name) for name in Tuning.__struct_fields__ if name != "tty"}
    )
    if spec.tty:  # True: init has made it, and it is stdin
        made = structs.replace(made, tty="" if spec.tty is True else spec.tty)
    return None if made == _UNTUNED else made


def _has_already(ids: tuple[int, int, tuple[int, ...]], spec: Service) -> bool:
    """Whether init has these ids itself; without privilege they could not be set again."""
    uid, gid, groups = ids
    if (uid, gid) != (os.geteuid(), os.getegid()):
        return False
    unprivileged = uid != 0 and spec.groups is None
    return unprivileged or {gid, *groups} == {gid, *os.getgroups()}


def _limit(value: int) -> int:
    return resource.RLIM_INFINITY if value == UNLIMITED else value


def _account_variables(identity: Identity) -> dict[str, str]:
    account = identity.account
    name = account.name or str(account.uid)
    return {"HOME": account.home, "USER": name, "LOGNAME": name, "SHELL": account.shell}


def _is_elsewhere(program: Program) -> bool:
    """Whether it has a root directory of its own: what is in it only the child can see."""
    return program.enclosure is not None and program.enclosure.root != ""


def candidates(program: Program) -> list[str]:
    """The files that may be meant by a name in a root of its own, for the child to try."""
    name = program.argv[0]
    if "/" in name or not _is_elsewhere(program):
        return []
    places = program.env.get("PATH", DEFAULT_PATH).split(":")
    return [os.path.join(program.directory, place or ".", name) for place in places]


def find_executable(program: Program) -> str:
    """The file that execvp(3) would run; SpawnError tells not found (127) from not runnable (126).

    A name with a slash is taken relative to the program's directory.
    """
    name = program.argv[0]
    if "/" in name or _is_elsewhere(program):
        return name
    return find_in_path(name, program.env.get("PATH", DEFAULT_PATH), program.directory)
