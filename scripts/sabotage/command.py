"""Tries each fault on a copy of the tree: its tests have to pass without it and to fail with it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from nsinit.kernel import mountinfo
from scripts.mutation.copies import replace_once

from .catalogue import EXCUSED, FAULTS
from .fault import Fault, node
from .trial import LIMIT_OF_ALL, PREFIX, TrialError, copied, run_tests

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from .trial import Report

_CAUGHT: Final = "caught"


class Verdict(NamedTuple):
    """What came of one fault."""

    fault: Fault
    word: str  # "caught", "SURVIVED", "BREAKS ALL" or "ERROR"
    detail: str
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        fault = self.fault
        return {
            "name": fault.name,
            "file": f"nsinit/{fault.file}",
            "danger": fault.danger,
            "rows": list(fault.rows),
            "tests": [node(test) for test in fault.tests],
            "caught": self.word == _CAUGHT,
            "verdict": self.word,
            "detail": self.detail,
            "seconds": round(self.seconds, 1),
        }


def judge(fault: Fault, report: Report) -> tuple[str, str]:
    """The word and the detail of a verdict."""
    if fault.still and (broken := report.failed(node(fault.still))):
        return "BREAKS ALL", f"{broken} fails too"
    nodes = [node(test) for test in fault.tests]
    if unseen := [one for one in nodes if not report.failed(one)]:
        return "SURVIVED", f"these pass with it: {' '.join(unseen)}"
    return _CAUGHT, "by " + " ".join(report.failed(one).partition("::")[2] for one in nodes)


def try_fault(fault: Fault, source: Path) -> Verdict:
    """Make the fault in a copy of a copy, and run its tests there."""
    begun = time.monotonic()
    tests = [*([fault.still] if fault.still else []), *fault.tests]  # before the harm is done
    try:
        with copied(source) as root:
            replace_once(root / "nsinit" / fault.file, fault.old, fault.new)
            word, detail = judge(fault, run_tests(root, [*dict.fromkeys(map(node, tests))]))
    except (TrialError, ValueError) as error:
        word, detail = "ERROR", str(error)
    return Verdict(fault, word, detail, time.monotonic() - begun)


def doubtful(faults: Iterable[Fault], report: Report) -> list[str]:
    """Tests of these faults that do not pass as it is: what they find says nothing."""
    nodes = {node(test) for fault in faults for test in (*fault.tests, fault.still) if test}
    return sorted(one for one in nodes if not report.passed(one))


def choose(names: Sequence[str], rows: Sequence[int]) -> list[Fault]:
    """Those with one of the texts in their name or file, and one of the rows, if any are given."""
    return [
        fault
        for fault in FAULTS
        if (not names or any(name in f"{fault.name} {fault.file}" for name in names))
        and (not rows or set(rows) & set(fault.rows))
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Try all, or those that are chosen; 1 if one survives, or if a test fails without a fault."""
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__)
    parser.add_argument("names", nargs="*", help="only faults with one of these in name or file")
    parser.add_argument("--row", type=int, action="append", default=[], help="only of this row")
    parser.add_argument("--list", action="store_true", help="tell them, and try nothing")
    parser.add_argument("--json", action="store_true", help="JSON instead of lines")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="how many at once (2)")
    given = parser.parse_args(arguments)
    chosen = choose(given.names, given.row)
    if given.list:
        return _tell(chosen, given.row, as_json=given.json)
    if not chosen:
        print("scripts/faults: there is no such fault (--list tells them)", file=sys.stderr)
        return 1
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("setpriv")):
        print("scripts/faults: needs root, unshare and setpriv of util-linux", file=sys.stderr)
        return 1
    try:
        return _try_all(chosen, given.jobs, as_json=given.json)
    except TrialError as error:
        print(f"scripts/faults: {error}", file=sys.stderr)
        return 1


def _tell(chosen: Sequence[Fault], rows: Sequence[int], *, as_json: bool) -> int:
    excused = {row: why for row, why in EXCUSED.items() if not rows or row in rows}
    if as_json:
        print(
            json.dumps({"faults": [one._asdict() for one in chosen], "excused": excused}, indent=1)
        )
        return 0
    for fault in chosen:
        print(f"{fault.name}: {fault.danger}")
        print(f"    nsinit/{fault.file}; rows {', '.join(map(str, fault.rows)) or 'none'}")
        print(*(f"    {node(test)}" for test in fault.tests), sep="\n")
    for row, why in sorted(excused.items()):
        print(f"row {row} has none: {why}")
    return 0


def _try_all(chosen: Sequence[Fault], jobs: int, *, as_json: bool) -> int:
    begun, verdicts = time.monotonic(), []
    before = _machine()
    nodes = {node(test) for fault in chosen for test in (*fault.tests, fault.still) if test}
    with copied() as source, ThreadPoolExecutor(jobs) as pool:
        failing = doubtful(chosen, run_tests(source, sorted(nodes), jobs, LIMIT_OF_ALL))
        if not as_json:
            print(f"{len(nodes)} tests without a fault, {len(failing)} do not pass", flush=True)
            print(*(f"    {one}" for one in failing), sep="\n", end="\n" if failing else "")
        for verdict in pool.map(lambda fault: try_fault(fault, source), chosen):
            verdicts.append(verdict)
            if not as_json:
                print(f"{verdict.word:<10} {verdict.fault.name}: {verdict.detail}", flush=True)
    harmed = before != _machine()
    missed = [one for one in verdicts if one.word != _CAUGHT]
    seconds = time.monotonic() - begun
    if as_json:
        told = {
            "faults": [one.as_json() for one in verdicts],
            "failing": failing,
            "excused": EXCUSED,
            "machine_changed": harmed,
            "seconds": round(seconds, 1),
        }
        print(json.dumps(told, indent=1))
    else:
        _sum_up(verdicts, missed, seconds)
        print("THE MACHINE IS NOT AS IT WAS" if harmed else "the machine is as it was")
    return 1 if missed or failing or harmed else 0


def _sum_up(verdicts: Sequence[Verdict], missed: Sequence[Verdict], seconds: float) -> None:
    rows: dict[int, list[bool]] = {}
    for one in verdicts:
        for row in one.fault.rows:
            rows.setdefault(row, []).append(one.word == _CAUGHT)
    print("\nrow  faults  caught")
    for row, caught in sorted(rows.items()):
        print(f"{row:>3}  {len(caught):>6}  {sum(caught):>6}")
    for one in missed:
        print(f"{one.word}: {one.fault.name}: {one.fault.danger}")
    count = len(verdicts)
    print(f"{count} faults, {count - len(missed)} caught, {len(missed)} not, in {seconds:.0f} s")


def _machine() -> tuple[object, ...]:
    """What tests could have changed if they were not apart: names, mounts that matter, interfaces.

    Other mounts are other people's, who go on meanwhile.
    """
    places = {"/", "/dev", "/dev/null", "/dev/pts", "/dev/shm", "/proc", "/run", "/sys", "/tmp"}
    mounts = [
        (one.target, one.kind, one.options, one.tags)
        for one in mountinfo.read()
        if one.target in places or PREFIX in one.target
    ]
    return (*os.uname(), *mounts, *sorted(os.listdir("/sys/class/net")))
