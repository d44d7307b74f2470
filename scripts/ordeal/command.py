"""The whole product of calls, errnos, phases and spans, in pieces; a table of what came of it."""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import threading
import time
from collections import Counter, deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.ordeal.catalogue import CALLS, ERRORS
from scripts.ordeal.trial import PHASES, Outcome, Stage, Trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SEVERAL: Final = 5


def trials(phase: str, calls: dict[str, int], seed: int) -> Iterator[Trial]:
    """Those of a phase in which each name is called so often."""
    for name in sorted(calls):
        row = CALLS.get(name)
        for word in (*(row.errnos if row is not None else ()), *(ERRORS if row is None else ())):
            dice = random.Random(f"{seed} {phase} {name} {word}")
            at = dice.randint(1, calls[name])
            yield Trial(phase, name, word, f"@{at}")
            if calls[name] > 1:
                yield Trial(phase, name, word, f"@{at}-{at + _SEVERAL - 1}")
            yield Trial(phase, name, word, "")


def main(argv: Sequence[str]) -> int:
    """Try what is left to try, and print what is known; 1 if anything went wrong."""
    wanted = _parse(argv)
    tallies, done = _read(wanted.record)
    left = _wanted(wanted, tallies)
    total = len(left)
    left = [one for one in left if key(one) not in done]
    run = Run(wanted, left, done)
    workers = [threading.Thread(target=run.work) for _ in range(wanted.at_once)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(f"{len(done)} of {total} tried")
    show(done, wanted.verbose)
    return 1 if any(outcome.wrong for outcome in done.values()) else 0


class Run:
    """What is left to try, and several lives in which that is done at the same time.

    A trial waits for most of its time, so a few of them at once take little longer than one.
    """

    def __init__(
        self, wanted: argparse.Namespace, left: list[Trial], done: dict[str, Outcome]
    ) -> None:
        self._left = deque(left)
        self._done = done
        self._record: Path | None = wanted.record
        self._loop: str = wanted.loop
        self._until = time.monotonic() + wanted.seconds
        self._lock = threading.Lock()

    def work(self) -> None:
        """One life after the other until nothing or no time is left."""
        stage = Stage(self._loop)
        try:
            while self._left and time.monotonic() < self._until:
                with contextlib.suppress(IndexError):
                    trial = self._left.popleft()
                    self._note(trial, stage.attempt(trial))
        finally:
            stage.close()

    def _note(self, trial: Trial, outcome: Outcome) -> None:
        with self._lock:
            self._done[key(trial)] = outcome
            note(self._record, {"trial": trial, "outcome": outcome})
            if outcome.wrong:
                print(f"{trial.phase} {trial.plan}: {'; '.join(outcome.wrong)[:400]}", flush=True)


def _wanted(wanted: argparse.Namespace, tallies: dict[str, dict[str, int]]) -> list[Trial]:
    """All trials that were asked for, in an order by the seed."""
    found: list[Trial] = []
    stage = Stage(wanted.loop)
    for phase in wanted.phases:
        if phase not in tallies:
            tallies[phase] = stage.tally(phase)
            note(wanted.record, {"phase": phase, "calls": tallies[phase]})
        found += trials(phase, tallies[phase], wanted.seed)
    if wanted.only:
        found = [one for one in found if one.name in wanted.only]
    random.Random(wanted.seed).shuffle(found)  # so that a part of them shows something of all
    return found[: wanted.sample or None]


def key(trial: Trial) -> str:
    """A trial in a record."""
    return f"{trial.phase} {trial.plan}"


def show(done: dict[str, Outcome], verbose: bool) -> None:
    """A line for each call: in which phases, how many trials, how many struck, were told, wrong."""
    rows: dict[str, Counter[str]] = {}
    for text, outcome in done.items():
        phase, plan = text.split(" ", 1)
        row = rows.setdefault(plan.partition(":")[0], Counter())
        row[phase] += 1
        row["trials"] += 1
        row["struck"] += outcome.struck > 0
        row["told"] += outcome.struck > 0 and outcome.told
        row["ended"] += outcome.code is not None
        row["wrong"] += bool(outcome.wrong)
    heads = ("trials", *PHASES, "struck", "told", "ended", "wrong")
    print(f"{'call':28}" + "".join(f"{head:>8}" for head in heads))
    for name in sorted(rows):
        print(f"{name:28}" + "".join(f"{rows[name][head]:>8}" for head in heads))
    every = sum(rows.values(), Counter())
    print(f"{'all':28}" + "".join(f"{every[head]:>8}" for head in heads))
    if verbose:
        for text, outcome in sorted(done.items()):
            if outcome.struck and not outcome.told:
                print(f"not told: {text}")


def _read(record: Path | None) -> tuple[dict[str, dict[str, int]], dict[str, Outcome]]:
    """What is known: how often each name is called in a phase, and what came of trials."""
    tallies: dict[str, dict[str, int]] = {}
    done: dict[str, Outcome] = {}
    if record is not None and record.exists():
        for line in record.read_text().splitlines():
            row = json.loads(line)
            if "calls" in row:
                tallies[row["phase"]] = row["calls"]
            else:
                struck, told, wrong, code, *said = row["outcome"]
                done[key(Trial(*row["trial"]))] = Outcome(struck, told, tuple(wrong), code, *said)
    return tallies, done


def note(record: Path | None, row: dict[str, object]) -> None:
    """Remember one thing more for a later run."""
    if record is not None:
        with record.open("a") as file:
            file.write(json.dumps(row) + "\n")


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="adversity", description=__doc__)
    parser.add_argument("--phases", nargs="*", default=list(PHASES), choices=PHASES)
    parser.add_argument("--only", nargs="*", default=[], metavar="CALL")
    parser.add_argument(
        "--seconds", type=float, default=1e9, help="stop after that, to go on later"
    )
    parser.add_argument("--record", type=Path, help="what is known; a later run goes on from there")
    parser.add_argument("--sample", type=int, default=0, help="so many of them, by the seed")
    parser.add_argument("--at-once", type=int, default=3, help="lives at the same time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--loop", default="auto", choices=("auto", "uvloop", "asyncio"))
    parser.add_argument("--verbose", action="store_true", help="name those that nobody was told of")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
