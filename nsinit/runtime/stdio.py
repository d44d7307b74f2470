"""A service that has the first three descriptors from somebody else than init's logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from nsinit.named import Named
from nsinit.process.program import Tuning

if TYPE_CHECKING:
    from nsinit.process.program import Program


class Stdio(Named):
    """Whose they are (nobody's: ""), init's descriptors for them, and what they are."""

    service: str = ""
    fds: tuple[int, int, int] = (0, 1, 2)
    is_terminal: bool = True  # made for that service: it is the terminal of its session

    def give(self, service: str, program: Program) -> Program:
        """The program with them, if it is that service's."""
        if not service or service != self.service:
            return program
        program.fds.update(enumerate(self.fds))
        if not self.is_terminal:
            return program
        return structs.replace(program, tuning=structs.replace(program.tuning or Tuning(), tty=""))
