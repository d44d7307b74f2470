"""Nothing that reads what others write is left out of what is fuzzed, and the fuzzer works."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from scripts.fuzzing import readers
from scripts.fuzzing.mutation import Mutator
from scripts.fuzzing.reach import BUDGET, modules, worth_keeping
from scripts.fuzzing.rounds import Asked, fuzz
from scripts.fuzzing.target import CORPUS, Target
from scripts.fuzzing.targets import TARGETS

if TYPE_CHECKING:
    from pathlib import Path

READ = {name for target in TARGETS.values() for name in target.reads}


def test_every_module_that_reads_is_fuzzed_or_says_why_not() -> None:
    """By the rule of `readers`: who adds a parser adds a target."""
    found = readers.found()
    left = {n: what for n, what in found.items() if n not in READ and n not in readers.ELSEWHERE}
    assert not left
    assert not READ & readers.ELSEWHERE.keys()
    assert set(readers.ELSEWHERE) <= set(found), "these read nothing any more"


def test_every_module_is_reached_when_its_targets_run_what_is_kept() -> None:
    """What a target says that it reads, it does."""
    missed = {
        target.name: left
        for target in TARGETS.values()
        if (left := set(target.reads) - modules(target, target.begin()))
    }
    assert not missed


def test_corpus_is_small_and_has_a_target() -> None:
    """A few KB for each; what has no target any more is gone."""
    for directory in CORPUS.iterdir():
        assert directory.name in TARGETS
        size = sum(path.stat().st_size for path in directory.iterdir())
        assert 0 < size <= 2 * BUDGET, directory.name


def _odd(data: bytes) -> None:
    """Has a mistake of every kind."""
    if data.startswith(b"wrong"):
        raise ValueError
    if b"loop" in data:
        while time.process_time():
            continue
    if b"bug" in data:
        raise KeyError(data)


ODD = Target("odd", _odd, (), (ValueError,), (b"bug",), seeds=lambda: [b"a", b"wrong"], bound=0.05)


def test_inputs_are_the_same_when_the_seed_is() -> None:
    """So that a run can be had again."""
    one, other = (Mutator(random.Random(3), ODD.words, 100) for _ in range(2))
    made = [one.make([b"abc", b"d"]) for _ in range(200)]
    assert made == [other.make([b"abc", b"d"]) for _ in range(200)]
    assert all(len(data) <= 100 for data in made)


def test_what_went_wrong_is_told_once_when_it_happens_often() -> None:
    """With the shortest input; a proper answer is none of it; what takes too long is stopped."""
    from scripts.fuzzing.running import Runner

    runner = Runner(ODD)
    runner.watch()
    for data in (b"xx bug", b"bug", b"wrong bug", b"a", b"loop"):
        runner.run(data)
    runner.rest()
    assert runner.count == 5
    assert runner.taken == 1
    assert {(found.kind, found.data) for found in runner.findings.values()} == {
        ("raised", b"bug"),
        ("slow", b"loop"),
    }


@pytest.mark.parametrize("name", ["syslog", "plan-file"])
def test_target_is_run_in_a_process_of_its_own(name: str, tmp_path: Path) -> None:
    """It counts what was asked for, and keeps what reaches something new."""
    asked = Asked(300, 60.0, "random", 1, tmp_path, keep=True)
    outcome = fuzz(TARGETS[name], asked)
    assert not outcome.findings
    assert outcome.inputs == 300
    assert outcome.before > 0


def test_input_is_kept_when_it_alone_reaches_something() -> None:
    """Of two that reach the same, the shorter one."""
    target = TARGETS["syslog"]
    new = [b"<13>again", b"<13>a", b"\0\0"]
    assert worth_keeping(target, [b"plain"], new) == [b"\0\0", b"<13>a"]
    assert worth_keeping(target, new, [b"<14>b"]) == []
