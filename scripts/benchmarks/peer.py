"""What a benchmark needs to know of a program, and of an init: configure, start and ask it."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Setup(NamedTuple):
    """One configured init: how to run it, and the commands that show, stop and start services."""

    argv: tuple[str, ...]
    status: tuple[str, ...]
    stop: tuple[str, ...]  # and the name of a service after it
    start: tuple[str, ...]
    update: tuple[str, ...] = ()  # what takes over a changed configuration
    path: str = ""  # of the configuration
    socket: str = ""  # where it speaks HTTP


class Wish(NamedTuple):
    """What a measurement wants of every service beside its command.

    `grace` is how long (s) one may take to end before it is killed; `logs` a directory in which the
    output of each is to be kept in files of 10 MiB, five of them, under its name; `stamped` puts
    the time before each line.
    """

    grace: int = 10
    logs: str = ""
    stamped: bool = False


PLAIN = Wish()


class Contender(ABC):
    """A program that is measured beside others of its family."""

    name: ClassVar[str]
    family: ClassVar[str]
    get: ClassVar[str]  # how to install it
    only_starts = False  # whether it is another one that is started otherwise

    @abstractmethod
    def is_there(self) -> bool:
        """Whether it can be measured."""

    def prepare(self, directory: str) -> None:  # noqa: B027  (most have nothing to do)
        """Get ready, once; `directory` is its own."""

    def close(self) -> None:  # noqa: B027  (the same)
        """Leave nothing behind."""

    @abstractmethod
    def version(self) -> tuple[str, ...]:
        """The command that tells its version."""


class OnPath(Contender):
    """One that is a single program, which tells its version."""

    path: ClassVar[str]  # where it is looked for

    @property
    def program(self) -> str:
        """Where it is; nothing if it isn't."""
        return shutil.which(self.name, path=self.path) or ""

    def is_there(self) -> bool:
        """Whether it can be measured."""
        return bool(self.program)

    def version(self) -> tuple[str, ...]:
        """The command that tells its version."""
        return (self.program, "--version")


class Peer(Contender):
    """One init, in its best sane configuration, written in its own format.

    What it can't do is said in words that a `Measure` may need.

    Every service restarts at once and for ever, and its output goes to the output of init.
    """

    family = "init"
    keeps_logs = True  # whether it can write the output of services to rotated files
    stamps_logs = False  # whether it has been told here how to write the time before each line
    speaks_http = False  # on a socket of its own
    answers = True  # whether it has commands
    kills = True  # whether it kills what ignores TERM
    restarts_at_once = True  # also a service that ran for less than a second
    turn = 0.0  # s between looks at its services, if it looks at them in turns

    @abstractmethod
    def write(self, directory: str, services: Mapping[str, tuple[str, ...]], wish: Wish) -> Setup:
        """Write the configuration of these commands into a directory; names are [a-z0-9]+."""

    def name_of(self, service: str) -> str:
        """How a command names a service."""
        return service

    def says_all_run(self, answer: str, count: int) -> bool:
        """Whether the status command's answer says that `count` services run."""
        return answer.lower().count("running") >= count


class Packaged(Peer):
    """One of Debian's packages, of the same name, whose programs tell no version."""

    program: ClassVar[str]  # that shows that it is installed
    path: ClassVar[str]  # where it is looked for

    def is_there(self) -> bool:
        """Whether its programs are there."""
        return shutil.which(self.program, path=self.path) is not None

    def version(self) -> tuple[str, ...]:
        """The command that tells the package's."""
        return ("/usr/bin/dpkg-query", "-W", "-f", "${Version}", self.name)
