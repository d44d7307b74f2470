"""A place in the steps of init where it waits for its launcher to do something first."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nsinit.errors import EXIT_SANDBOX
from nsinit.isolation.basics import Inside

if TYPE_CHECKING:
    import _socket

CALL = b"halfway"
GO = b"go"


class Halfway(Inside):
    """Wait; the launcher takes the `halfway` steps of the plan, and lets init go on."""

    def __init__(self) -> None:
        self.socket: _socket.socket | None = None  # set by init, before it takes its steps

    def describe(self) -> str:
        """For people."""
        return "wait for the launcher to go halfway"

    def apply(self) -> None:
        """Ask, and wait for the word; without a launcher there is no use in going on."""
        assert self.socket is not None  # noqa: S101  (nobody else takes such a step)
        self.socket.send(CALL)
        if self.socket.recv(len(GO)) != GO:
            os._exit(EXIT_SANDBOX)
