"""Programs that are PID 1 for one command, measured by their whole run."""

from __future__ import annotations

import shutil
import sys
from abc import abstractmethod
from typing import Final

from .peer import Contender
from .peer_nsinit import Nsinit

_PATH: Final = "/usr/local/bin:/usr/bin:/bin"


class Single(Contender):
    """One such program."""

    family = "single"

    @property
    def program(self) -> str:
        """Where it is; nothing if it isn't."""
        return shutil.which(self.name, path=_PATH) or ""

    def is_there(self) -> bool:
        """Whether it can be measured."""
        return bool(self.program)

    def version(self) -> tuple[str, ...]:
        """The command that tells its version."""
        return (self.program, "--version")

    @abstractmethod
    def run(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """How to run a command."""


class NsinitSingle(Single):
    """`nsinit -- COMMAND`."""

    name = "nsinit"
    get = Nsinit.get

    def __init__(self) -> None:
        self._nsinit = Nsinit()

    def is_there(self) -> bool:
        """Whether it can be imported."""
        return self._nsinit.is_there()

    def prepare(self, directory: str) -> None:
        """Compile it, if need be."""
        self._nsinit.prepare(directory)

    def version(self) -> tuple[str, ...]:
        """The command that tells its version."""
        return self._nsinit.version()

    def run(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """As in a container."""
        return (*self._nsinit.command, "--", *command)


class Python(Single):
    """The interpreter alone, with nothing to do: what Python can't be faster than."""

    name = "python"
    get = "it runs this"

    @property
    def program(self) -> str:
        """This one."""
        return sys.executable

    def run(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """It runs no command."""
        del command
        return (sys.executable, "-I", "-S", "-c", "pass")


class Tini(Single):
    """tini, as docker's --init is."""

    name = "tini"
    get = "apt-get install tini"

    def run(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """As in a container."""
        return (self.program, "--", *command)


class DumbInit(Tini):
    """dumb-init."""

    name = "dumb-init"
    get = "apt-get install dumb-init"


class Catatonit(Tini):
    """catatonit, as podman's --init is."""

    name = "catatonit"
    get = "apt-get install catatonit"
