"""Tests that fail run once more by themselves, and only an accident is forgiven."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.live import ROOT, environment

if TYPE_CHECKING:
    import pathlib

PASSES = "def test_fine(): pass\n"
# Fail in the first run of this directory, and in the second: fail, pass, or are skipped.
FAILS = "def test_fails{n}(): assert False\n"
FLAKY = """
def test_flaky{n}():
    seen = pathlib.Path("seen{n}")
    if not seen.exists():
        seen.touch()
        raise AssertionError("the first time")
    {then}
"""


def _again(
    directory: pathlib.Path, text: str, *arguments: str, place: str = "tests/unit", many: str = "0"
) -> tuple[int, list[str], str]:
    """The exit status, the tests that passed only in a second run, and what was said."""
    path = directory / place / "test_x.py"
    path.parent.mkdir(parents=True)
    path.write_text(f"import pathlib, pytest\n{PASSES}{text}")
    note = directory / "note"
    note.touch()
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/again.py", note, many, "--rootdir=.", *arguments, place],
        cwd=directory, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, note.read_text().splitlines(), done.stdout


def _flaky(count: int, then: str = "pass") -> str:
    return "".join(FLAKY.format(n=n, then=then) for n in range(count))


def test_nothing_runs_again_when_all_pass(tmp_path: pathlib.Path) -> None:
    """Nor is anything said."""
    status, noted, said = _again(tmp_path, "")
    assert (status, noted) == (0, [])
    assert "once more" not in said


def test_accident_is_forgiven_and_noted_when_it_does_not_happen_again(
    tmp_path: pathlib.Path,
) -> None:
    """Three of them at most; only they run again."""
    status, noted, said = _again(tmp_path, _flaky(3), many="2")
    assert status == 0
    assert noted == [f"tests/unit/test_x.py::test_flaky{n}" for n in range(3)]
    assert "== 3 failed, and run once more by themselves" in said
    assert "\n3 passed in" in said


@pytest.mark.parametrize(
    "text",
    [FAILS.format(n=0), _flaky(1) + FAILS.format(n=0), _flaky(1, then="pytest.skip('no')")],
    ids=["fails", "one of two", "skipped"],
)
def test_group_fails_when_a_test_does_not_pass_by_itself(tmp_path: pathlib.Path, text: str) -> None:
    """One that is only skipped has not passed."""
    status, noted, said = _again(tmp_path, text)
    assert (status, noted) == (1, [])
    assert "once more" in said


@pytest.mark.parametrize(
    ("text", "arguments", "place"),
    [
        (_flaky(4), (), "tests/unit"),
        (_flaky(1), (), "tests/property"),
        (_flaky(1), ("-x",), "tests/unit"),
        (_flaky(1), ("--maxfail=1",), "tests/unit"),
    ],
    ids=["too many", "random cases", "stop at once", "stop soon"],
)
def test_nothing_runs_again_when_it_may_be_no_accident(
    tmp_path: pathlib.Path, text: str, arguments: tuple[str, ...], place: str
) -> None:
    """Many failures, random cases that are not found again, or a run that was not whole."""
    status, noted, said = _again(tmp_path, text, *arguments, place=place)
    assert status != 0
    assert noted == []
    assert "once more" not in said


@pytest.mark.parametrize("many", ["0", "2"])
def test_nothing_runs_again_when_a_file_is_wrong(tmp_path: pathlib.Path, many: str) -> None:
    """Its tests have not run at all."""
    status, noted, said = _again(tmp_path, "import nothing_of_that_name\n", many=many)
    assert status != 0
    assert noted == []
    assert "once more" not in said
