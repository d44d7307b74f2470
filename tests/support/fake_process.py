"""What the fake kernel knows of one run of a service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Process:
    """One run of a service: its main process and how many others it left behind."""

    run: int
    main: bool = True
    strays: int = 0
    stubborn: bool = False  # ends only by KILL
    watched: bool = False  # init has asked to be told when nothing is left
    frozen: bool = False
    careless: bool = False  # kill_mode "process": its strays may stay
    good: frozenset[int] = frozenset()  # what it may end with, by the plan that it was started by

    @property
    def alive(self) -> bool:
        return self.main or self.strays > 0
