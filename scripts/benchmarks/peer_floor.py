"""Floors: programs that start, restart and reap, and do nothing else that an init does.

They have no configuration, no commands, no readiness and no grace. What an init in C, in Python and
in Python on a loop takes for the work itself is what the others' figures are to be read against.
"""

from __future__ import annotations

import importlib.util
import os
import py_compile
import sys
from typing import TYPE_CHECKING

from .peer import Peer, Setup, Wish

if TYPE_CHECKING:
    from collections.abc import Mapping

_SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "floor.py")


class Floor(Peer):
    """One of them."""

    answers = False
    kills = False

    def __init__(self) -> None:
        self.directory = ""

    def is_there(self) -> bool:
        """It is made here."""
        return True

    def prepare(self, directory: str) -> None:
        """Remember the place."""
        self.directory = directory

    def write(self, directory: str, services: Mapping[str, tuple[str, ...]], wish: Wish) -> Setup:
        """A line for each service."""
        path = f"{directory}/services"
        with open(path, "w") as file:
            file.writelines(f"{name} {' '.join(words)}\n" for name, words in services.items())
        logs = (wish.logs,) if wish.logs else ()
        return Setup(argv=(*self.command(), path, *logs), status=(), stop=(), start=())

    def command(self) -> tuple[str, ...]:
        """The program."""
        raise NotImplementedError


class FloorC(Floor):
    """In C; the stage has compiled it."""

    name = "C"
    get = "apt-get install gcc libc6-dev"

    def command(self) -> tuple[str, ...]:
        """The program."""
        return (f"{os.path.dirname(self.directory)}/floor",)

    def version(self) -> tuple[str, ...]:
        """The compiler's."""
        return ("/usr/bin/env", "gcc", "-dumpfullversion")


class FloorEpoll(Floor):
    """In Python, on epoll."""

    name = "epoll"
    get = "it is the Python that runs this"

    def prepare(self, directory: str) -> None:
        """Byte code, as every other Python program has it."""
        super().prepare(directory)
        py_compile.compile(_SOURCE, cfile=f"{directory}/floor.pyc", doraise=True)

    def command(self) -> tuple[str, ...]:
        """The program."""
        return self._python("epoll", "-")

    def _python(self, kind: str, uvloop: str) -> tuple[str, ...]:
        return (sys.executable, "-I", "-S", f"{self.directory}/floor.pyc", kind, uvloop)

    def version(self) -> tuple[str, ...]:
        """The interpreter's."""
        return (sys.executable, "--version")


class FloorStaged(FloorEpoll):
    """In Python: first the services, then asyncio and uvloop."""

    name = "staged"
    get = f"{sys.executable} -m pip install uvloop"

    def is_there(self) -> bool:
        """Whether there is a uvloop."""
        return importlib.util.find_spec("uvloop") is not None

    def command(self) -> tuple[str, ...]:
        """The program."""
        spec = importlib.util.find_spec("uvloop")
        assert spec is not None
        assert spec.origin is not None
        return self._python("staged", os.path.dirname(os.path.dirname(spec.origin)))
