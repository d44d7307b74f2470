"""Tries mutants made by rule, tells which survive, and keeps what is known of each.

Verdicts may be kept in a file, one line of JSON for each: what is in it is not tried again, so a
long run can be done in parts. Survivors that make no difference are explained in survivors.toml.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from . import plant, trial
from .choice import TESTS
from .copies import ROOT
from .made import Module

if TYPE_CHECKING:
    import argparse

    from .made import Made
    from .trial import Verdict

EXPLAINED: Final = Path(__file__).with_name("survivors.toml")
_GOOD: Final = ("killed", "timeout")


def modules(name: str) -> list[Module]:
    """Those of a part of nsinit ("core"), or one ("core/order")."""
    path = ROOT / "nsinit" / name
    files = sorted(path.glob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    return [Module(ROOT, str(file.relative_to(ROOT / "nsinit"))) for file in files]


def tests_for(file: str) -> list[str]:
    """What is to notice a mistake in this file, "core/order.py"."""
    known = TESTS.get(file.removesuffix(".py")) or TESTS[file.partition("/")[0]]
    return list(known)


def explained() -> dict[str, str]:
    """Why mutants of these names may survive."""
    table = tomllib.loads(EXPLAINED.read_text())
    return {name: why for why, names in table.items() for name in names}


def stale(found: list[Module]) -> list[str]:
    """What is explained of these files and is no mutant of them any more: its code is gone."""
    files = {module.file for module in found}
    made = {mutant.name for module in found for mutant in module.mutants}
    return [name for name in explained() if name.partition(" ")[0] in files and name not in made]


class Tally:
    """What became of the mutants so far; in a file, since more than one process adds to it."""

    def __init__(self, file: Path, *, again: bool, until: float) -> None:
        """With `again` what has survived is tried once more."""
        self._file = file
        self._until = until
        self.known: dict[str, str] = {}
        self.load()
        self.skip = {name for name, word in self.known.items() if not again or word in _GOOD}

    def load(self) -> None:
        """Read what was added."""
        for line in self._file.read_text().splitlines():
            row = json.loads(line)
            self.known[row["name"]] = row["word"]

    @property
    def over(self) -> bool:
        """Whether the time is."""
        return time.monotonic() >= self._until

    def hear(self, verdict: Verdict) -> bool:
        """One more; whether to go on."""
        name = verdict.mutant.name
        with self._file.open("a") as out:
            row = {"name": name, "word": verdict.word, "seconds": round(verdict.seconds, 2)}
            out.write(json.dumps(row) + "\n")
        if verdict.word not in _GOOD:
            print(f"{verdict.word:<9} line {verdict.mutant.line:<4} {name}", flush=True)
        return not self.over


def run(given: argparse.Namespace) -> int:
    """Try what was asked for; 1 if one survives that nobody has explained, or a reason is stale."""
    os.environ["HYPOTHESIS_PROFILE"] = "mutants"  # see trial.py
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    asked: list[str] = []
    gone: list[str] = []
    with tempfile.TemporaryDirectory(prefix="nsinit-mutants-") as directory:
        sys.pycache_prefix, sys.dont_write_bytecode = directory, False
        file = Path(given.results or f"{directory}/results")
        file.touch()
        tally = Tally(file, again=given.again, until=time.monotonic() + given.seconds)
        for name in given.module:
            found = modules(name)
            gone += stale(found)
            sample = _sample(found, given.sample, given.seed)
            asked += [mutant.name for _, mutant in sample]
            todo = [one for one in sample if one[1].name not in tally.skip]
            for tests, pairs in _by_tests(todo).items():
                if not tally.over and not _try(pairs, list(tests), tally, given):
                    print(f"cannot run {' '.join(tests)}, or they fail without any mistake")
                    return 2
        tally.load()
    failed = _report(asked, tally.known)
    for name in gone:
        print(f"explained, and no mutant any more: {name}")
    return 1 if gone else failed


def _sample(found: list[Module], most: int | None, seed: int) -> list[tuple[Module, Made]]:
    pairs = [(module, mutant) for module in found for mutant in module.mutants]
    if most is not None and most < len(pairs):
        pairs = random.Random(seed).sample(pairs, most)
    return pairs


def _by_tests(
    todo: list[tuple[Module, Made]],
) -> dict[tuple[str, ...], list[tuple[Module, Made]]]:
    groups: dict[tuple[str, ...], list[tuple[Module, Made]]] = {}
    for module, mutant in todo:
        groups.setdefault(tuple(tests_for(module.file)), []).append((module, mutant))
    return groups


def _try(
    pairs: list[tuple[Module, Made]], tests: list[str], tally: Tally, given: argparse.Namespace
) -> bool:
    """Those in functions, then what runs at import; False if the tests fail by themselves."""
    inner, outer = [], []
    for module, mutant in pairs:
        changed = plant.differing(module.code, module.changed(mutant))
        if changed:
            inner.append((module, mutant, changed))
        else:
            outer.append((module, mutant))
    if inner and not _in_functions(inner, tests, tally, given):
        return False
    jobs = (
        (mutant, trial.at_import(module, mutant, tests), given.limit + 60.0)
        for module, mutant in outer
    )
    for verdict in trial.wait_for(jobs, given.jobs):
        if not tally.hear(verdict):
            break
    return True


def _in_functions(
    inner: list[trial.Changed], tests: list[str], tally: Tally, given: argparse.Namespace
) -> bool:
    """In a process of its own, since it loads nsinit."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    status = 70
    try:
        one = trial.Trial(inner, jobs=given.jobs, limit=given.limit, hear=tally.hear)
        status = one.run(tests)
    finally:
        os._exit(status)


def _report(asked: list[str], known: dict[str, str]) -> int:
    """What became of those that were asked for, by the part of nsinit they are in."""
    why = explained()
    words = ("killed", "timeout", "survived", "unseen")
    table: dict[str, Counter[str]] = {}
    failed = 0
    for name in asked:
        word = known.get(name, "not tried")
        if word in words[2:] and name in why:
            word = "explained"
        failed += word in words[2:]
        table.setdefault(name.partition(" ")[0], Counter())[word] += 1
    columns = (*words, "explained", "not tried")
    print(f"{'':<28}{'mutants':>9}" + "".join(f"{word:>11}" for word in columns))
    table["all"] = sum(table.values(), Counter())
    for file, counts in table.items():
        row = "".join(f"{counts[word]:>11}" for word in columns)
        print(f"{file:<28}{counts.total():>9}{row}")
    return 1 if failed else 0
