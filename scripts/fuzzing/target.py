"""What can be fed: a name, how one input is run, what to begin with, what counts as an answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).parents[2]
CORPUS: Final = ROOT / "tests/corpus"


def _no_seeds() -> list[bytes]:
    return []


class Target(NamedTuple):
    """One thing that reads bytes of others.

    `run` reads one input; an exception of `answers` is a proper answer to it, every other one is a
    finding, as is an input that takes more than `bound` seconds of CPU.
    """

    name: str
    run: Callable[[bytes], object]
    reads: tuple[str, ...]  # modules of nsinit, whose parsers this reaches
    answers: tuple[type[BaseException], ...] = ()
    words: tuple[bytes, ...] = ()  # what is worth putting somewhere
    seeds: Callable[[], list[bytes]] = _no_seeds  # besides the kept corpus
    most: int = 4096  # bytes of an input
    bound: float = 1.0  # s of CPU for one input

    def feed(self, data: bytes) -> bool:
        """Run one input; whether it was taken, and not refused by a proper answer."""
        try:
            self.run(data)
        except self.answers:
            return False
        return True

    def corpus(self, directory: Path = CORPUS) -> list[bytes]:
        """What was kept of earlier runs: what reaches something that no other does."""
        kept = directory / self.name
        return [path.read_bytes() for path in sorted(kept.iterdir())] if kept.is_dir() else []

    def begin(self, directory: Path = CORPUS) -> list[bytes]:
        """What to begin with; never nothing."""
        return [*self.seeds(), *self.corpus(directory)] or [b""]


def text_of(data: bytes) -> str:
    """As files of names and paths are read: any bytes are some text."""
    return data.decode("utf-8", "surrogateescape")


def plain_text(data: bytes) -> str:
    """As it is in documents: what is not UTF-8 is told as such before anything else."""
    return data.decode("utf-8", "replace")


def words_of(text: str) -> tuple[bytes, ...]:
    """The words of a text, for `words`."""
    return tuple(word.encode() for word in text.split())
