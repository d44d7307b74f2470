"""Runs pytest, and what has failed once more by itself: beside others a test can be too late.

    again.py NOTE WORKERS PYTEST-ARGUMENTS...

Ends as pytest does. NOTE is a file that gets the tests which passed only in the second run, one a
line. No second run when more than a few have failed, when one of them makes its cases at random (it
may have found what it does not find again), or when the arguments say what to do about failures.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

TESTS_FAILED: Final = 1  # and nothing else: the status of pytest
MOST: Final = 3  # failures that may be accidents; more are not
_RANDOM: Final = "tests/property/"
_THEIRS: Final = (
    "-x", "--exitfirst", "--maxfail", "--lf", "--last-failed", "--ff", "--failed-first",
    "--nf", "--new-first", "--sw", "--stepwise", "--cache", "--pdb", "no:cacheprovider",
)  # fmt: skip


def run(*arguments: str) -> int:
    """Run pytest here; its exit status."""
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.run(command, check=False).returncode


def main(arguments: Sequence[str]) -> int:
    """Run once or twice."""
    note, workers, *given = arguments
    if any(word.startswith(_THEIRS) for word in given):
        return run("-n", workers, *given)
    with tempfile.TemporaryDirectory(prefix="nsinit-pytest-") as made:
        cache = f"cache_dir={made}/cache"
        status = run("-n", workers, "-o", cache, *given)
        failed = failed_in(Path(made))
        if status != TESTS_FAILED or not 0 < len(failed) <= MOST:
            return status
        if any(name.startswith(_RANDOM) or "::" not in name for name in failed):
            return status  # without "::" it is a file whose tests could not even be collected
        print(f"== {len(failed)} failed, and run once more by themselves", flush=True)
        junit = Path(made) / "junit.xml"
        last = ("--last-failed", "--last-failed-no-failures", "none", f"--junit-xml={junit}")
        status = run("-o", cache, *given, "-n", "0", *last)
        if status == 0 and passed_in(junit) != len(failed):
            print("== not all of them have passed", flush=True)
            return 1
    if status == 0:
        Path(note).write_text("".join(f"{name}\n" for name in failed))
    return status


def failed_in(directory: Path) -> list[str]:
    """The tests that pytest has noted as failed."""
    path = directory / "cache" / "v" / "cache" / "lastfailed"
    return sorted(json.loads(path.read_text())) if path.exists() else []


def passed_in(junit: Path) -> int:
    """How many tests neither failed nor were skipped."""
    return sum(len(case) == 0 for case in ET.parse(junit).getroot().iter("testcase"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
