"""The faults of scripts/faults fit the source as it is; whether they are noticed takes minutes."""

from __future__ import annotations

import ast
from functools import cache
from typing import Final

import pytest

from scripts.sabotage.catalogue import EXCUSED, FAULTS
from scripts.sabotage.command import doubtful, judge
from scripts.sabotage.fault import Fault, node
from scripts.sabotage.trial import Report
from tests.support.live import ROOT

# Of those in test_rows, all but the ones about networks and cgroups: a trial has none that a fault
# could be made in without reaching those of the machine.
ROWS: Final = frozenset({*range(1, 33), 38, *range(47, 66)})


@cache
def _marks(path: str) -> dict[str, set[int]]:
    """The tests of a file, and the rows that they are marked with."""
    found: dict[str, set[int]] = {}
    for function in ast.parse((ROOT / path).read_text()).body:
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test_"):
            calls = [one for one in function.decorator_list if isinstance(one, ast.Call)]
            rows = [one for one in calls if ast.unparse(one.func) == "pytest.mark.row"]
            found[function.name] = {ast.literal_eval(n) for one in rows for n in one.args}
    return found


def _rows_of(test: str) -> set[int]:
    """The rows of a test, which is there."""
    path, _, name = node(test).partition("::")
    return _marks(path)[name.partition("[")[0]]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_applies_when_the_source_is_what_it_is(fault: Fault) -> None:
    """Its text is there once, what stands there instead is Python, and its tests show its rows."""
    text = (ROOT / "nsinit" / fault.file).read_text()
    assert text.count(fault.old) == 1
    changed = text.replace(fault.old, fault.new)
    assert changed != text
    compile(changed, fault.file, "exec")
    assert fault.tests
    assert set(fault.rows) <= set().union(*map(_rows_of, fault.tests))
    if fault.still:
        _rows_of(fault.still)


def test_row_has_a_fault_when_our_code_can_break_it() -> None:
    """Or the reason why it can't; names are told apart, and nothing is there twice."""
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 60
    assert len({(fault.file, fault.old, fault.new) for fault in FAULTS}) == len(FAULTS)
    covered = {row for fault in FAULTS for row in fault.rows}
    assert sorted(ROWS - covered - EXCUSED.keys()) == []
    assert sorted(covered & EXCUSED.keys()) == []


@pytest.mark.parametrize(
    ("one", "two", "still", "word"),
    [
        ("failed", "failed", "passed", "caught"),
        ("failed", "passed", "passed", "SURVIVED"),
        ("passed", "skipped", "passed", "SURVIVED"),
        ("failed", "failed", "failed", "BREAKS ALL"),
    ],
)
def test_fault_is_caught_when_all_of_its_tests_fail(
    one: str, two: str, still: str, word: str
) -> None:
    """One case of each is enough; and only while other things go on working."""
    fault = Fault("x", "x.py", "a", "b", "harm", (), ("test_x.py::a", "test_x.py::b[1]"))
    results = {"test_x.py::a[1]": "passed", "test_x.py::a[2]": one, "test_x.py::b[1]": two}
    here = {f"tests/integration/{name}": how for name, how in results.items()}
    report = Report(here | {node(fault.still): still})
    assert judge(fault, report)[0] == word
    assert bool(doubtful([fault], report)) == ("passed" not in {one} & {two} & {still})
