"""One process that feeds one target; what it is at is in shared memory, should it be killed.

Started by `rounds`, with one JSON object on its command line.
"""

from __future__ import annotations

import json
import mmap
import os
import random
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scripts.fuzzing.mutation import Mutator
from scripts.fuzzing.reach import Step, steps, worth_keeping
from scripts.fuzzing.running import Runner

if TYPE_CHECKING:
    from scripts.fuzzing.target import Target

HEAD: Final = 16  # bytes: how many were begun, how long the one is that runs
_MEMORY: Final = 4 << 30  # bytes of address space: nothing that is read needs so much
_LOOK_EVERY: Final = 128  # inputs, of which one is looked at for what it reaches
_POOL: Final = 2000  # inputs to make others of


class Work:
    """What the command line asks for."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.target: str = asked["target"]
        self.inputs: int = asked["inputs"]
        self.seconds: float = asked["seconds"]
        self.seed: int = asked["seed"]
        self.corpus = Path(asked["corpus"])
        self.keep: bool = asked["keep"]
        self.state: str = asked["state"]
        self.result: str = asked["result"]


class Round:
    """Feeds inputs until there were enough, or it took long enough."""

    def __init__(self, work: Work, target: Target) -> None:
        self.work = work
        self.target = target
        self.runner = Runner(target)
        self.reached: list[bytes] = []  # inputs that may be worth keeping
        self._until = time.monotonic() + work.seconds
        fd = os.open(work.state, os.O_RDWR)
        self._state = mmap.mmap(fd, 0)
        os.close(fd)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        self.runner.watch()

    @property
    def is_over(self) -> bool:
        """Whether it was enough; the clock is asked now and then."""
        count = self.runner.count
        return count >= self.work.inputs or (count % 16 == 0 and time.monotonic() > self._until)

    def run(self, data: bytes) -> None:
        """One input, which is known should it be the last."""
        size = min(len(data), len(self._state) - HEAD)
        self._state[:HEAD] = (self.runner.count + 1).to_bytes(8, "little") + size.to_bytes(
            8, "little"
        )
        self._state[HEAD : HEAD + size] = data[:size]
        self.runner.run(data)

    def finish(self) -> None:
        """Tell what came of it, and what is worth keeping."""
        made = self.runner.summary()
        if self.work.keep:
            known = self.target.begin(self.work.corpus)
            found = worth_keeping(self.target, known, self.reached)
            made["keep"] = [data.hex() for data in found]
        Path(self.work.result).write_text(json.dumps(made))


def by_chance(work: Work, target: Target) -> None:
    """Inputs made of others; what reaches something new joins them."""
    chance = random.Random(work.seed)
    pool = target.begin(work.corpus)
    mutator = Mutator(chance, target.words, target.most)
    seen: set[Step] = set()
    for data in pool:
        seen |= steps(target, data)
    round_ = Round(work, target)
    for data in pool:
        round_.run(data)
    while not round_.is_over:
        data = mutator.make(pool)
        round_.run(data)
        if round_.runner.count % _LOOK_EVERY == 0 and len(pool) < _POOL:
            found = steps(target, data)
            if not found <= seen:
                seen |= found
                pool.append(data)
                round_.reached.append(data)
    round_.finish()


def by_atheris(work: Work) -> None:
    """The same by libFuzzer, which sees every branch; this process ends in it."""
    import atheris  # noqa: PLC0415  (it need not be there)

    with atheris.instrument_imports(include=["nsinit"], enable_loader_override=False):
        from scripts.fuzzing.targets import TARGETS  # noqa: PLC0415  (loaded instrumented)
    target = TARGETS[work.target]
    scratch = Path(tempfile.mkdtemp(prefix="fuzz-atheris-"))
    seeds, words = scratch / "corpus", scratch / "words"
    seeds.mkdir()
    for number, data in enumerate(target.begin(work.corpus)):
        (seeds / f"{number}").write_bytes(data)
    words.write_text(
        "".join(f'"{"".join(f"{chr(92)}x{byte:02x}" for byte in word)}"\n' for word in target.words)
    )
    round_ = Round(work, target)

    def one(data: bytes) -> None:
        round_.run(data)
        if round_.is_over:
            round_.reached = [path.read_bytes() for path in seeds.iterdir()]
            round_.finish()
            os._exit(0)

    limits = [f"-max_len={target.most}", f"-seed={work.seed}", "-rss_limit_mb=4096", "-timeout=100"]
    quiet = ["-verbosity=0", "-handle_int=0", f"-dict={words}"]
    atheris.Setup([sys.argv[0], *limits, *quiet, str(seeds)], one)
    atheris.Fuzz()


def main(argument: str) -> None:
    """Work."""
    asked = json.loads(argument)
    work = Work(asked)
    if asked["engine"] == "atheris":
        by_atheris(work)
        return
    from scripts.fuzzing.targets import TARGETS  # noqa: PLC0415  (for atheris instrumented)

    by_chance(work, TARGETS[work.target])


if __name__ == "__main__":
    main(sys.argv[1])
