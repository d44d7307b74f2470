"""The command line of scripts/fuzz, and the table that it prints."""

from __future__ import annotations

import argparse
import fnmatch
import json
import random
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.fuzzing.reach import BUDGET
from scripts.fuzzing.rounds import Asked, Outcome, fuzz
from scripts.fuzzing.target import CORPUS
from scripts.fuzzing.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_GROWN: Final = 32 << 20  # bytes that a process may have more in the end
_HEADER: Final = (
    "target", "inputs", "a second", "taken", "crashes", "slowest", "memory before", "after (MB)",
)  # fmt: skip
_LIVE: Final = "live"


def main(arguments: Sequence[str]) -> int:
    """0: nothing was found; 1: something was; 2: it can't be done."""
    given = _parser().parse_args(arguments)
    if given.list:
        for target in TARGETS.values():
            print(f"{target.name:22}{', '.join(target.reads)}")
        print(f"{_LIVE:22}the sockets of a real init: control, notify, syslog, journal")
        return 0
    if given.summary:
        return show(_read(given.summary))
    patterns = given.target or ["*"]
    chosen = [t for t in TARGETS.values() if any(fnmatch.fnmatch(t.name, p) for p in patterns)]
    live = any(fnmatch.fnmatch(_LIVE, p) for p in patterns)
    if not chosen and not live:
        print(f"fuzz: there is no target {' '.join(patterns)}: see --list", file=sys.stderr)
        return 2
    engine = given.engine or ("atheris" if find_spec("atheris") else "random")
    if given.engine is None and engine == "random":
        print("atheris is not installed here: inputs are made by chance, from the same seeds")
    seed = random.randrange(1 << 31) if given.seed is None else given.seed
    print(f"engine {engine}, seed {seed}, up to {given.inputs} inputs and {given.seconds:g} s each")
    outcomes: list[Outcome] = []
    for target in chosen:
        asked = Asked(given.inputs, given.seconds, engine, seed, given.corpus, given.keep)
        outcome = fuzz(target, asked)
        outcomes.append(outcome)
        print(_row(outcome), flush=True)
        _keep(outcome, given.corpus)
        _save(outcome, given.findings)
        _note(outcome.as_json(), given.results)
    failed = show(outcomes) if outcomes else 0
    if live:
        from scripts.fuzzing.live import attack  # noqa: PLC0415  (it needs an init)

        told = attack(given.inputs, given.seconds, seed)
        print(told.table())
        _note(told.as_json(), given.results)
        failed |= bool(told.wrong)
    return failed


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("target", nargs="*", help="names or patterns of targets; all without any")
    parser.add_argument("--list", action="store_true", help="tell the targets and what they read")
    parser.add_argument("--inputs", type=int, default=100_000, help="how many for each")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long for each at most")
    parser.add_argument("--engine", choices=("atheris", "random"), help="atheris if it is there")
    parser.add_argument("--seed", type=int, help="for the same inputs again")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="where inputs are kept")
    parser.add_argument(
        "--keep", action="store_true", help="add to the corpus what reaches something new"
    )
    parser.add_argument("--findings", type=Path, help="a directory for what went wrong")
    parser.add_argument("--results", type=Path, help="a file to add a line of JSON for each to")
    parser.add_argument("--summary", type=Path, help="the table of such a file, all runs together")
    return parser


def _keep(outcome: Outcome, corpus: Path) -> None:
    directory = corpus / outcome.target.name
    room = BUDGET - sum(len(data) for data in outcome.target.corpus(corpus))
    for data in outcome.keep:
        if len(data) <= room:
            directory.mkdir(parents=True, exist_ok=True)
            (directory / _name(data)).write_bytes(data)
            room -= len(data)


def _name(data: bytes) -> str:
    import hashlib  # noqa: PLC0415  (rarely)

    return hashlib.sha256(data).hexdigest()[:12]


def _save(outcome: Outcome, directory: Path | None) -> None:
    for finding in outcome.findings.values():
        print(f"    {finding.kind}: {finding.what}\n    {finding.data[:120]!r}")
        if directory is not None:
            place = directory / outcome.target.name
            place.mkdir(parents=True, exist_ok=True)
            (place / finding.name).write_bytes(finding.data)


def _note(told: object, results: Path | None) -> None:
    if results is not None:
        with results.open("a") as file:
            file.write(json.dumps(told) + "\n")


def _read(path: Path) -> list[Outcome]:
    """Of each target all that was noted of it."""
    made: dict[str, Outcome] = {}
    for line in path.read_text().splitlines():
        row = json.loads(line)
        if row["target"] in TARGETS:
            name = row["target"]
            made.setdefault(name, Outcome(TARGETS[name])).add(row)
    return [made[name] for name in TARGETS if name in made]


def _cells(outcome: Outcome) -> tuple[str, ...]:
    slowest = f"{outcome.slowest * 1000:.1f} ms ({outcome.slowest_size} B)"
    return (
        outcome.target.name,
        f"{outcome.inputs:,}",
        f"{outcome.inputs / max(outcome.seconds, 0.001):,.0f}",
        f"{100 * outcome.taken / max(outcome.inputs, 1):.0f} %",
        f"{outcome.failures}",
        slowest,
        f"{outcome.before / 1e6:.1f}",
        f"{outcome.after / 1e6:.1f}",
    )


def _row(outcome: Outcome) -> str:
    return " · ".join(_cells(outcome))


def show(outcomes: Iterable[Outcome]) -> int:
    """The table; 1 if something was found."""
    rows = [_cells(outcome) for outcome in outcomes]
    print(f"\n| {' | '.join(_HEADER)} |\n|{'---|' * len(_HEADER)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    wrong = [outcome for outcome in outcomes if outcome.findings]
    grown = [outcome for outcome in outcomes if outcome.after - outcome.before > _GROWN]
    for outcome in wrong:
        for finding in outcome.findings.values():
            print(f"{outcome.target.name}: {finding.kind}: {finding.what}")
    for outcome in grown:
        print(f"{outcome.target.name}: memory has grown by {outcome.after - outcome.before} bytes")
    total = sum(outcome.inputs for outcome in outcomes)
    print(f"{total:,} inputs, {len(wrong)} targets with findings, {len(grown)} that have grown")
    return 1 if wrong or grown else 0
