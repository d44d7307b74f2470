"""The vfork road: a program that needs nothing between fork and exec that init can't do around it.

Its cost does not grow with init. Directory, umask and the soft descriptor limit are inherited, so
init sets them around the call.
"""

from __future__ import annotations

import errno
import os

from nsinit.errors import SpawnError
from nsinit.kernel import fds, seam
from nsinit.kernel.spawn import Block, posix_spawn, strings

TYPE_CHECKING = False  # as `typing` has it, which would be loaded before the first service
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from nsinit.kernel.spawn import Attributes

    class Plain(Protocol):
        """A program; see `nsinit.process.program.Program`."""

        @property
        def argv(self) -> tuple[str, ...]:
            """Its words."""

        @property
        def env(self) -> dict[str, str]:
            """Its environment; values may hold any bytes."""

        @property
        def directory(self) -> str:
            """Where it runs."""

        @property
        def umask(self) -> int | None:
            """Its own, or None for that of init."""


class Road:
    """What is the same for all that goes by it."""

    def __init__(self, attributes: Attributes, soft_files: int | None, here: str = "") -> None:
        """`soft_files` is the soft RLIMIT_NOFILE of children, None for that of init.

        Init is and stays `here`; without that it is in / after each.
        """
        self._attributes = attributes
        self._soft_files = None if fds.is_limit(soft_files) else soft_files
        self._here = here
        self._is_away = False
        self._last: tuple[tuple[str, ...], dict[str, str], Block, Block] | None = None

    def take(
        self, program: Plain, path: str, sources: Mapping[int, int], argv: tuple[str, ...] = ()
    ) -> int:
        """Start it with `sources` (its descriptor: ours), by other words if `argv` has some.

        Its pid. OSError as of exec, SpawnError if its directory can't be entered.
        """
        words, env = self._blocks(argv or program.argv, program.env)
        moves, umask = self._is_away or program.directory != self._here, None
        try:
            if moves:
                _enter(program.directory)
            if program.umask is not None:
                umask = os.umask(program.umask)
            fds.limit(self._soft_files)
            return posix_spawn(path, words, env, sources, self._attributes)
        finally:
            if umask is not None:
                os.umask(umask)
            if self._soft_files is not None:
                fds.raise_limit()
            if moves:
                self._go_back()

    def _go_back(self) -> None:
        """To where init is; without that there would be a process that nobody knows."""
        try:
            seam.chdir(self._here or "/")
        except OSError:
            self._is_away = True  # the next program tries it again
        else:
            self._is_away = False

    def _blocks(self, argv: tuple[str, ...], env: dict[str, str]) -> tuple[Block, Block]:
        """What execve(2) is given; made again only if it is not that of the program before.

        So a service that is restarted at once has it already.
        """
        last = self._last
        if last is None or last[0] != argv or last[1] != env:
            words = Block([os.fsencode(word) for word in argv])
            last = self._last = (argv, dict(env), words, Block(strings(env)))
        return last[2], last[3]


def _enter(directory: str) -> None:
    try:
        seam.chdir(directory)
    except OSError as error:
        raise SpawnError(directory, "enter", error.errno or errno.EIO) from None
