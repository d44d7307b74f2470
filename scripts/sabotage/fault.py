"""What a fault is, and the short names of the tests that are to notice it."""

from __future__ import annotations

from typing import Final, NamedTuple

# A sandbox that runs a program and ends with its code; and one that is only planned, for faults
# under which the first one's own tools are in trouble.
RUNS: Final = "sandbox/test_first.py::test_box_tells_how_it_ended_when_run_to_its_end[rootful]"
PLANNED: Final = "sandbox/test_options.py::test_plan_has_the_options_when_it_is_printed[rootful]"


class Fault(NamedTuple):
    """One fault: a text that stands in a file once, and what stands there instead."""

    name: str
    file: str  # below nsinit
    old: str
    new: str
    danger: str
    rows: tuple[int, ...]  # of the acceptance list: those that are not kept with it
    tests: tuple[str, ...]  # each has to fail with it; see `node`
    still: str = RUNS  # what goes on working: what breaks everything shows nothing


def node(short: str) -> str:
    """The whole name of a test: "sandbox/..." and "test_..." are integration tests."""
    where = "tests/integration" if short.startswith(("sandbox/", "test_")) else "tests"
    return f"{where}/{short}"
