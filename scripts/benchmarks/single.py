"""Programs that are PID 1 for one command, measured by their whole run."""

from __future__ import annotations

import sys
from abc import abstractmethod

from .peer import OnPath
from .peer_nsinit import Ours


class Single(OnPath):
    """One such program."""

    family = "single"
    path = "/usr/local/bin:/usr/bin:/bin"

    @abstractmethod
    def run(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """How to run a command."""


class NsinitSingle(Ours, Single):
    """`nsinit -- COMMAND`."""

    def run(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """As in a container."""
        return (*self.command, "--", *command)


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
