"""One fault in one phase of a life of init, and what came of it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from scripts.ordeal.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

PHASES: Final = ("boot", "steady", "reexec", "stop")
_SHARED: Final = ("steady", "reexec")  # many trials can be one life's
_BOOTED: Final = 4.0  # s that a boot may take until the fault is over
_STRIKES: Final = 0.6  # s for which a fault goes on that has happened
_LEFT: Final = ("left: ctl/", "its socket was left")
_SAID: Final = 400  # characters of what was said that are kept
_ENDED: Final = (70, 71, 78, 125, 126, 127)  # what a boot that failed may end with
_TELLS: Final = re.compile(
    r"cannot|error|can't|could not|lost|dropped|not used|without", re.IGNORECASE
)


class Trial(NamedTuple):
    """A plan for the seam in one phase: a name, what happens, and to which of its calls."""

    phase: str
    name: str
    word: str
    span: str  # "@1", "@3-7", "" for ever

    @property
    def plan(self) -> str:
        """As the seam reads it."""
        return f"{self.name}:{self.word}{self.span}"


class Outcome(NamedTuple):
    """How many calls failed, whether anybody was told, how init ended if it did, what was wrong."""

    struck: int
    told: bool
    wrong: tuple[str, ...]
    code: int | None = None
    said: str = ""  # the beginning of it


class Stage:
    """Where trials take place; one life serves many, until something was wrong with it."""

    def __init__(self, loop: str = "auto") -> None:
        self._loop = loop
        self._world: World | None = None

    def tally(self, phase: str) -> dict[str, int]:
        """How often each name is called in a phase when nothing fails."""
        world = self._fresh() if phase != "boot" else World(_directory(), "", self._loop)
        try:
            if phase == "boot":
                world.runs(20.0)
                return _calls(world)
            world.board.write("")
            _ACTS[phase](world)
            if phase == "stop":
                world.ended()
            time.sleep(0.5)
            return _calls(world)
        finally:
            _discard(world)

    def attempt(self, trial: Trial) -> Outcome:
        """Go through it."""
        if trial.phase == "boot":
            return self._boot(trial)
        world = self._world or self._fresh()
        self._world = None
        world.told()
        world.board.write(trial.plan)
        _ACTS[trial.phase](world)
        if trial.phase == "stop":
            wrong = tuple(world.ended())
            struck, said = _struck(world, trial), world.told()
            if trial.name == "core" and not trial.span:  # it never comes back
                wrong = tuple(word for word in wrong if word != "ended with 70")
            if trial.name == "unlink":  # what could not be removed is not
                wrong = tuple(word for word in wrong if not word.startswith(_LEFT))
        else:
            until = time.monotonic() + 0.7
            while not _struck(world, trial) and time.monotonic() < until:
                time.sleep(0.03)
            struck, said = _struck(world, trial), world.told()
            world.board.write("")
            wrong = tuple(world.recovered())
            said += world.told()
        outcome = Outcome(struck, _tells(said, trial), wrong, None, said[:_SAID])
        if trial.phase in _SHARED and not outcome.wrong:
            self._world = world
        else:
            _discard(world)
        return outcome

    def _fresh(self) -> World:
        world = World(_directory(), "", self._loop)
        try:
            world.settle()
        except BaseException:
            _discard(world)
            raise
        return world

    def _boot(self, trial: Trial) -> Outcome:
        world = World(_directory(), trial.plan, self._loop)
        try:
            _until_struck(world, trial)
            struck, said = _struck(world, trial), world.told()
            if not world.is_alive():
                assert world.live.process is not None
                code = world.live.process.returncode
                wrong = [w for w in world.ended() if not w.startswith("ended with")]
                wrong += [] if code in _ENDED else [f"ended with {code}"]
                told = _tells(said, trial)
                wrong += [] if told else ["ended without a word"]
                return Outcome(struck, told, tuple(wrong), code, said[:_SAID])
            world.board.write("")
            wrong = []
            if world.live.socket.exists():
                wrong = world.recovered()
            if world.is_alive():
                wrong += world.stop()
            said += world.told()
            return Outcome(struck, _tells(said, trial), tuple(wrong), None, said[:_SAID])
        finally:
            _discard(world)

    def close(self) -> None:
        """Nothing is left."""
        if self._world is not None:
            _discard(self._world)
            self._world = None


def _stop(world: World) -> None:
    """Tell it to end."""
    with contextlib.suppress(OSError):
        world.live.signal(signal.SIGTERM)


_ACTS: Final[dict[str, Callable[[World], None]]] = {
    "steady": World.stir,
    "reexec": World.reexec,
    "stop": _stop,
}


def _directory() -> Path:
    return Path(tempfile.mkdtemp(prefix="adversity-"))


def _discard(world: World) -> None:
    world.close()
    shutil.rmtree(world.directory, ignore_errors=True)


def _calls(world: World) -> dict[str, int]:
    return {name: calls for name, calls, _ in world.board.rows() if name != "*"}


def _struck(world: World, trial: Trial) -> int:
    return world.board.failures(trial.name)


def _until_struck(world: World, trial: Trial) -> None:
    """A boot up to where it runs, or a while after the fault happened."""
    until, struck = time.monotonic() + _BOOTED, False
    while time.monotonic() < until and not world.runs(0.05):
        if not struck and _struck(world, trial):
            until, struck = time.monotonic() + _STRIKES, True


def _tells(text: str, trial: Trial) -> bool:
    number = getattr(errno, trial.word, None)
    why = os.strerror(number) if number is not None else trial.word
    return why in text or "injected" in text or bool(_TELLS.search(text))
