"""Tries each mutant on a copy of the core: the unit tests first, then random lives."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .catalogue import MUTANTS
from .copies import copy_tree, replace_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .catalogue import Mutant

LIMIT: Final = 300.0  # s for the tests of one mutant; one that makes them hang is noticed too
UNIT: Final = "tests/unit/core"
LIVES: Final = "tests/property/test_core_machine.py"
_PYTEST: Final = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]


def apply(mutant: Mutant, root: Path) -> None:
    """Make the mistake in the tree under `root`; ValueError if its text is not there once."""
    replace_once(root / "nsinit" / "core" / mutant.file, mutant.old, mutant.new)


def killed_by(mutant: Mutant) -> str:
    """Which tests notice it: "unit", "lives", or "" if none."""
    with tempfile.TemporaryDirectory(prefix="nsinit-mutant-") as directory:
        root = Path(directory)
        names = ("nsinit", "tests", "pyproject.toml")
        copy_tree(root, names, "__pycache__", "integration", "engines")
        apply(mutant, root)
        for name, tests in (("unit", UNIT), ("lives", LIVES)):
            if not _pass(root, tests):
                return name
    return ""


def _pass(root: Path, tests: str) -> bool:
    env = os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    env.setdefault("HYPOTHESIS_PROFILE", "quick")
    try:
        done = subprocess.run(
            [*_PYTEST, tests], cwd=root, env=env, capture_output=True, check=False, timeout=LIMIT
        )
    except subprocess.TimeoutExpired:
        return False
    if done.returncode not in (0, 1):
        raise RuntimeError(f"cannot run {tests}: {done.stdout.decode()[-2000:]}")
    return done.returncode == 0


def _try(mutant: Mutant) -> str:
    try:
        return killed_by(mutant)
    except ValueError as error:
        return str(error)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try all, or those whose file or words contain one of the given texts; 1 if one survives."""
    parser = argparse.ArgumentParser(prog="scripts/mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="only mutants whose file or words contain one")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="how many at once (2)")
    made = parser.add_argument_group("mutants that are made by rule")
    made.add_argument("--module", action="append", help="of core, process, model, or core/order")
    made.add_argument("--sample", type=int, metavar="N", help="so many, chosen at random")
    made.add_argument("--seed", type=int, default=1, help="of that choice (1)")
    made.add_argument("--limit", type=float, default=10.0, help="s for one, beside its tests' (10)")
    made.add_argument("--seconds", type=float, default=1e9, help="begin no more after so long")
    made.add_argument("--results", metavar="FILE", help="add to this; what is in it is not tried")
    made.add_argument("--again", action="store_true", help="but what survived is, once more")
    given = parser.parse_args(arguments)
    if given.module:
        from .automatic import run  # noqa: PLC0415  (loads pytest)

        return run(given)
    return _try_catalogue(given.words, given.jobs)


def _try_catalogue(words: list[str], jobs: int) -> int:
    chosen = [
        mutant
        for mutant in MUTANTS
        if not words or any(w in f"{mutant.file} {mutant.breaks}" for w in words)
    ]
    failed = 0
    with ThreadPoolExecutor(jobs) as pool:
        for mutant, how in zip(chosen, pool.map(_try, chosen), strict=True):
            verdict = f"killed ({how})" if how in ("unit", "lives") else how or "SURVIVED"
            failed += how not in ("unit", "lives")
            print(f"{verdict:<15} {mutant.file:<14} {mutant.breaks}", flush=True)
    print(f"{len(chosen)} mutants, {len(chosen) - failed} killed, {failed} not")
    return 1 if failed or not chosen else 0
