"""The whole product of calls, errnos, phases and spans, in pieces; a table of what came of it."""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
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
    done = _read(wanted.record)
    rng = random.Random(wanted.seed)
    until = time.monotonic() + wanted.seconds
    stage = Stage(wanted.loop)
    tallies: dict[str, dict[str, int]] = done.pop("tallies", {})  # type: ignore[assignment]
    try:
        left: list[Trial] = []
        for phase in wanted.phases:
            if phase not in tallies:
                tallies[phase] = stage.tally(phase)
                _note(wanted.record, {"phase": phase, "calls": tallies[phase]})
            left += trials(phase, tallies[phase], wanted.seed)
        if wanted.only:
            left = [one for one in left if one.name in wanted.only]
        rng.shuffle(left)  # so that a part of them shows something of everything
        left = left[: wanted.sample or None]
        total = len(left)
        left = [one for one in left if key(one) not in done]
        for trial in left:
            if time.monotonic() > until:
                break
            outcome = stage.attempt(trial)
            done[key(trial)] = outcome
            _note(wanted.record, {"trial": trial, "outcome": outcome})
            if outcome.wrong:
                print(f"{trial.phase} {trial.plan}: {'; '.join(outcome.wrong)[:400]}", flush=True)
    finally:
        stage.close()
    print(f"{len(done)} of {total} tried")
    show(done, wanted.verbose)
    return 1 if any(outcome.wrong for outcome in done.values()) else 0


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


def _read(record: Path | None) -> dict[str, Outcome]:
    done: dict[str, Outcome] = {}
    tallies: dict[str, dict[str, int]] = {}
    if record is not None and record.exists():
        for line in record.read_text().splitlines():
            row = json.loads(line)
            if "calls" in row:
                tallies[row["phase"]] = row["calls"]
            else:
                struck, told, wrong, code = row["outcome"]
                done[key(Trial(*row["trial"]))] = Outcome(struck, told, tuple(wrong), code)
    done["tallies"] = tallies  # type: ignore[assignment]
    return done


def _note(record: Path | None, row: dict[str, object]) -> None:
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
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--loop", default="auto", choices=("auto", "uvloop", "asyncio"))
    parser.add_argument("--verbose", action="store_true", help="name those that nobody was told of")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
