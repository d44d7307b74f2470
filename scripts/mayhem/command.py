"""scripts/chaos: programs of chaos one after another for so long, or one of them again."""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.support.cells import can_be_made

from .generate import generate
from .life import PATIENCE, Outcome, run
from .program import Program, ProgramError, Way, parse
from .report import figures, summary
from .shrink import shrink

if TYPE_CHECKING:
    from collections.abc import Sequence

_STEPS: Final = 200
_EXAMPLES: Final = """\
examples:
  scripts/chaos                             one minute, from a random seed that is printed
  scripts/chaos --minutes 60 --seed 1       an hour of programs 1, 2, 3, ...
  scripts/chaos --seed 7 --services 200     that one begins with 200 services
  scripts/chaos --replay failure.txt        a program that a failure has printed
"""


def main(argv: Sequence[str]) -> int:
    """Run programs; 1 if one of them has shown what must not be."""
    wanted = _parse(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # not without ending what was started
    try:
        with tempfile.TemporaryDirectory(prefix="chaos-subject-") as place:
            os.chmod(place, 0o755)
            return _Command(wanted, build(Path(place))).run()
    except (ProgramError, BuildError, OSError) as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 2


class BuildError(Exception):
    """There is no program for services."""


def build(place: Path) -> str:
    """Compile what services run; its path."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise BuildError("there is no C compiler: apt-get install gcc libc6-dev")
    source, target = Path(__file__).parent / "subject.c", place / "subject"
    done = subprocess.run(
        [compiler, "-O1", "-static", "-o", str(target), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"cannot compile {source}:\n{done.stderr}")
    return str(target)


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="chaos",
        description="Drives a real nsinit by random programs, and checks from outside that wanted"
        " services are up, never twice, that nothing is left of stopped ones, that statuses are"
        " true, that no event is lost and nothing grows. 0: all was right; 1: a failure, which is"
        " printed with its seed as the shortest program that shows it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--minutes", type=float, default=1.0, metavar="N", help="for so long (default 1)")
    add("--seed", type=int, help="of the first program; those after it count on from there")
    add("--services", type=int, help="so many at the start (default: 6 to 200, by the seed)")
    add("--steps", type=int, default=_STEPS, help=f"of each program (default {_STEPS})")
    add("--way", choices=("pid1", "subreaper", "rootless"),
        help="how to be init (default: PID 1 as root, in a user namespace otherwise)")  # fmt: skip
    add("--replay", metavar="FILE", help="run this program instead")
    add("--times", type=int, default=1, help="so often (of --replay)")
    add("--shrink", type=float, default=120.0, metavar="SECONDS",
        help="look for a shorter program for so long (default 120; 0: not at all)")  # fmt: skip
    add("--patience", type=float, default=PATIENCE, metavar="SECONDS",
        help=f"for what may take longer than configured (default {PATIENCE:.0f})")  # fmt: skip
    add("--init", metavar="COMMAND", default="", help="the init to try, in place of this nsinit")
    add("--trace", action="store_true", help="print each step, with the time since the start")
    add("--print", action="store_true", help="only print the program of the seed")
    add("--json", action="store_true", help="the summary as JSON")
    return parser.parse_args(argv)


class _Command:
    """One call of scripts/chaos."""

    def __init__(self, wanted: argparse.Namespace, subject: str) -> None:
        self._wanted = wanted
        self._subject = subject
        self._init = wanted.init.split()
        self._groups = can_be_made()
        self._began = time.monotonic()
        self._until = self._began + wanted.minutes * 60
        self._outcomes: list[Outcome] = []
        self._counted: Counter[str] = Counter()

    def run(self) -> int:
        """All programs, until one fails or the time is over."""
        wanted = self._wanted
        seed = wanted.seed if wanted.seed is not None else random.randrange(1 << 31)
        way: Way = wanted.way or ("pid1" if os.geteuid() == 0 else "rootless")
        if wanted.print:
            print(self._generate(seed, way).text(), end="")
            return 0
        if wanted.replay:
            program = parse(Path(wanted.replay).read_text())
            programs = [program] * wanted.times
            self._until = float("inf")
        else:
            programs = []
            self._say(f"seed {seed}\n")
        number = 0
        while number < len(programs) if programs else time.monotonic() < self._until or not number:
            program = programs[number] if programs else self._generate(seed + number, way)
            outcome = self._one(program)
            if outcome.violation is not None:
                self._fail(outcome)
                return self._end(1)
            number += 1
        return self._end(0)

    def _generate(self, seed: int, way: Way) -> Program:
        wanted = self._wanted
        return generate(seed, way, wanted.services, wanted.steps, groups=self._groups)

    def _one(self, program: Program) -> Outcome:
        def tell(number: int) -> None:
            if self._wanted.trace:
                at = time.monotonic() - self._began
                self._say(f"{at:8.3f} {number:4} {program.steps[number].text()}\n")
                return
            self._progress(
                f"seed {program.seed} ({program.way}), {len(program.services)} services:"
                f" step {number} of {len(program.steps)}"
            )

        outcome = run(
            program,
            self._subject,
            self._init,
            patience=self._wanted.patience,
            until=self._until,
            tell=tell,
        )
        self._outcomes.append(outcome)
        return outcome

    def _fail(self, outcome: Outcome) -> None:
        self._progress("")
        program, patience = outcome.program, self._wanted.patience
        print(f"FAILED with seed {program.seed}, step {outcome.at}"
              f" ({program.steps[outcome.at].text() if outcome.at >= 0 else 'boot'})")  # fmt: skip
        print(outcome.violation)
        if self._wanted.shrink > 0:
            again = partial(run, subject=self._subject, init=self._init, patience=patience)
            outcome = shrink(outcome, again, self._wanted.shrink, self._progress)
            self._progress("")
            print(f"\nthe shortest program found: {outcome.violation}\n")
        print(outcome.program.text())
        if outcome.said:
            print(f"init said:\n{outcome.said}")

    def _end(self, code: int) -> int:
        self._progress("")
        took = time.monotonic() - self._began
        made: dict[str, Any] = figures(self._outcomes, took)
        if self._wanted.json:
            print(json.dumps(made))
        else:
            print(summary(made))
        return code

    def _progress(self, text: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{text}")
            sys.stderr.flush()

    def _say(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
