"""Random programs against a real nsinit, and that each of their checks can fail."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nsinit.control.commands import COMMANDS
from scripts.mayhem.expect import EFFECTS, Model
from scripts.mayhem.generate import generate
from scripts.mayhem.life import Life, Outcome
from scripts.mayhem.program import Program, Step, Subject, parse
from scripts.mayhem.shrink import shrink
from scripts.mayhem.world import Violation
from tests.support.live import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

SHORT = ROOT / "tests/chaos/mayhem.txt"
BROKEN = ROOT / "tests/chaos/broken.py"
MINUTES = "0.25"


def _chaos(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/chaos"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


@pytest.mark.parametrize("seed", ["2", "4", "random"])  # of 4 the services have cgroups
def test_nothing_goes_wrong_when_a_random_program_is_run(seed: str) -> None:
    """The seed is printed, so whoever sees this fail can run it again."""
    number = str(random.randrange(1 << 31)) if seed == "random" else seed
    done = _chaos("--minutes", MINUTES, "--seed", number, "--shrink", "60")
    print(done.stdout)
    assert done.returncode == 0, f"seed {number}\n{done.stderr}\n{done.stdout}"


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("leave-strays", "left"),
        ("spawn-twice", "one"),
        ("lose-events", "events"),
        ("lie", "up"),
        ("leak-descriptors", "fds"),
        ("leak-memory", "memory"),
        ("leave-zombies", "zombies"),
        ("restart-nothing", "up"),
        ("stop-nothing", "up"),
        ("end-wrongly", "exit-code"),
        ("die", "alive"),
        ("take-anything", "answers"),
    ],
)
def test_a_check_fails_when_init_is_broken(fault: str, check: str) -> None:
    """A check that can't fail is none."""
    init = f"{sys.executable} {BROKEN} {fault}"
    options = ["--replay", str(SHORT), "--init", init, "--shrink", "0", "--patience", "5"]
    done = _chaos(*options)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"\n{check}: " in done.stdout, done.stdout


def test_a_short_program_is_right_when_init_is_sound() -> None:
    """So it is the fault that the others find; it is replayed as it was printed."""
    done = _chaos("--replay", str(SHORT), "--init", f"{sys.executable} {BROKEN} nothing")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all was right" in done.stdout


def test_each_row_has_an_effect_when_it_changes_something() -> None:
    """The model knows every command of the table that is more than a look."""
    changing = {row.name for row in COMMANDS if row.access != "read"}
    assert changing == EFFECTS.keys()


def test_a_program_is_the_same_when_it_is_printed_and_read() -> None:
    """What a failure prints is what is replayed."""
    made = generate(5, "pid1", 30, 200)
    assert parse(made.text()) == made
    assert generate(5, "pid1", 30, 200) == made


def test_each_kind_of_step_can_be_done_when_it_is_generated() -> None:
    """No step of a program is unknown to what carries it out."""
    kinds = {step.kind for seed in range(20) for step in generate(seed, "pid1", 20, 200).steps}
    assert not [kind for kind in kinds if not hasattr(Life, f"_{kind}")]


def test_a_program_gets_shorter_when_most_of_it_is_not_needed() -> None:
    """Steps and services that the failure does not need are left out."""

    def run(program: Program) -> Outcome:
        outcome = Outcome(program)
        kills = [step for step in program.steps if step.kind == "kill"]
        if len(kills) > 1 and any(one.name == "s007" for one in program.services):
            outcome.violation = Violation("up", "it is not")
            outcome.at = len(program.steps) - 1
        return outcome

    whole = generate(3, "pid1", 20, 150)
    short = shrink(run(whole), run, 30.0, lambda _: None).program
    assert [step.kind for step in short.steps] == ["kill", "kill"]
    assert [one.name for one in short.services] == ["s007"]


MODELS: list[tuple[Callable[[Model], None], str | None]] = [
    (lambda _: None, "up"),
    (lambda model: model.stop(["b"]), "down"),
    (lambda model: model.stop(["a"]), None),  # it runs on, but what it needs does not
    (lambda model: model.update({"b": Subject("b", "steady", 1)}), "up"),
]


@pytest.mark.parametrize(("do", "expected"), MODELS)
def test_the_model_knows_what_is_wanted_when_services_are_steered(
    do: Callable[[Model], None], expected: str | None
) -> None:
    """It is independent of the core, so it has tests of its own."""
    model = Model([Subject("a", "steady"), Subject("b", "steady", needs=(("a", "ready"),))])
    do(model)
    assert model.expected("b") == expected


def test_the_model_is_not_sure_when_what_has_ended_may_still_count() -> None:
    """A oneshot that was stopped after its end is completed still: it need not run again."""
    needs = (("b", "completed"),)
    subjects = [Subject("a", "steady"), Subject("b", "task", needs=(("a", "ready"),))]
    model = Model([*subjects, Subject("c", "steady", needs=needs)])
    model.stop(["a", "b", "c"])
    model.start(["c"])
    assert [model.expected(name) for name in "abc"] == [None, None, None]


def test_the_model_is_not_sure_when_what_should_end_was_stopped_by_a_signal() -> None:
    """A start changes nothing of what still runs, if only in name; a restart ends it."""
    model = Model([Subject("a", "crashing")])
    model.signalled("a", "STOP")
    model.start(["a"])
    assert model.expected("a") is None
    model.restart(["a"])
    assert model.expected("a") == "churn"


def test_a_step_is_one_line_when_it_has_any_text() -> None:
    """Quotes and blanks survive."""
    step = Step("call", ("why", '{"names": ["it\'s"]}'))
    program = Program(1, "pid1", "auto", "", (), (step,))
    assert parse(program.text()).steps == (step,)
