"""What a benchmark needs to know of an init: how to configure it, to start it, to ask it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Setup(NamedTuple):
    """One configured init: how to run it, and the command that shows its services."""

    argv: tuple[str, ...]
    status: tuple[str, ...]


class Peer(ABC):
    """One init, in its best sane configuration, written in its own format.

    Every service restarts at once and for ever, and its output goes to the output of init.
    """

    name: ClassVar[str]
    get: ClassVar[str]  # how to install it

    @abstractmethod
    def is_there(self) -> bool:
        """Whether it can be measured."""

    @abstractmethod
    def prepare(self, directory: str) -> None:
        """Get ready, once; `directory` is its own."""

    @abstractmethod
    def version(self) -> tuple[str, ...]:
        """The command that tells its version."""

    @abstractmethod
    def write(self, directory: str, services: Mapping[str, tuple[str, ...]]) -> Setup:
        """Write the configuration of these commands into a directory; names are [a-z0-9]+."""

    def says_all_run(self, answer: str, count: int) -> bool:
        """Whether the status command's answer says that `count` services run."""
        return answer.lower().count("running") >= count
