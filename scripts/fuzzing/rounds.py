"""Starts workers, sees whether they go on, and collects what came of them.

A worker that dies or hangs has found something: the input it was at is in the memory they share.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from scripts.fuzzing.running import Finding
from scripts.fuzzing.target import ROOT
from scripts.fuzzing.worker import HEAD

if TYPE_CHECKING:
    from scripts.fuzzing.target import Target

_STATE: Final = 1 << 20  # bytes
_STUCK: Final = 120.0  # s without a next input
_LOOK: Final = 0.05
# Files of inputs are written by the million: not on a disk, where there is another place.
_MEMORY: Final = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
_DEATHS: Final = 5  # of workers, after which it is enough


class Asked(NamedTuple):
    """How much of what."""

    inputs: int
    seconds: float
    engine: str
    seed: int
    corpus: Path
    keep: bool


class Outcome:
    """What came of one target."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.inputs = self.taken = self.failures = 0
        self.seconds = self.slowest = 0.0
        self.slowest_size = 0
        self.before = self.after = 0
        self.findings: dict[str, Finding] = {}
        self.keep: list[bytes] = []

    def add(self, told: dict[str, Any]) -> None:
        """What a worker tells in the end."""
        self.inputs += told["inputs"]
        self.taken += told["taken"]
        self.seconds += told["seconds"]
        self.failures += told["failures"]
        if told["slowest"] > self.slowest:
            self.slowest, self.slowest_size = told["slowest"], told["slowest_size"]
        if not self.after or told["after"] - told["before"] > self.after - self.before:
            self.before, self.after = told["before"], told["after"]
        for kind, what, data in told["findings"]:
            self.find(Finding(kind, what, bytes.fromhex(data)))
        self.keep += map(bytes.fromhex, told.get("keep", ()))

    def find(self, finding: Finding) -> None:
        """Something went wrong; of two inputs that show the same the shorter is better."""
        key = f"{finding.kind} {finding.what}"
        known = self.findings.get(key)
        if known is None or len(finding.data) < len(known.data):
            self.findings[key] = finding

    def as_json(self) -> dict[str, Any]:
        """As a worker would have told all of it."""
        names = (
            "inputs",
            "taken",
            "failures",
            "seconds",
            "slowest",
            "slowest_size",
            "before",
            "after",
        )
        made: dict[str, Any] = {name: getattr(self, name) for name in names}
        findings = [(f.kind, f.what, f.data.hex()) for f in self.findings.values()]
        return {"target": self.target.name, **made, "findings": findings}


def fuzz(target: Target, asked: Asked) -> Outcome:
    """Feed a target as much as was asked for, by one worker after the other if they die."""
    outcome = Outcome(target)
    until = time.monotonic() + asked.seconds
    with tempfile.TemporaryDirectory(prefix="fuzz-round-", dir=_MEMORY) as name:
        for number in range(_DEATHS):
            left = until - time.monotonic()
            if outcome.inputs >= asked.inputs or left <= 0:
                break
            _one(outcome, asked._replace(seed=asked.seed + number, seconds=left), Path(name))
    return outcome


def _one(outcome: Outcome, asked: Asked, where: Path) -> None:
    state, result = where / "state", where / "result"
    state.write_bytes(bytes(_STATE))
    result.unlink(missing_ok=True)
    work = {
        "target": outcome.target.name,
        "engine": asked.engine,
        "inputs": asked.inputs - outcome.inputs,
        "seconds": asked.seconds,
        "seed": asked.seed,
        "corpus": str(asked.corpus),
        "keep": asked.keep,
        "state": str(state),
        "result": str(result),
    }
    begun = time.monotonic()
    with (where / "said").open("w+b") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts.fuzzing.worker", json.dumps(work)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(where)},
            stdout=said,
            stderr=said,
        )
        hung = _wait(process, state)
        said.seek(0)
        words = said.read().decode("utf-8", "replace")
    if result.exists():
        outcome.add(json.loads(result.read_text()))
        return
    count, data = _last(state)
    if not count:
        raise RuntimeError(f"cannot fuzz {outcome.target.name}: {words[-2000:]}")
    outcome.inputs += count
    outcome.failures += 1
    outcome.seconds += time.monotonic() - begun
    code = process.returncode
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with {code}: {words[-200:]}"
    kind, what = ("hangs", "does not end") if hung else ("killed", f"ends the process {how}")
    outcome.find(Finding(kind, what, data))


def _wait(process: subprocess.Popen[bytes], state: Path) -> bool:
    """Until it ends; whether it had to be ended."""
    seen, since = -1, time.monotonic()
    while process.poll() is None:
        count, _ = _last(state)
        if count != seen or not count:
            seen, since = count, time.monotonic()
        elif time.monotonic() - since > _STUCK:
            process.kill()
            process.wait()
            return True
        time.sleep(_LOOK)
    return False


def _last(state: Path) -> tuple[int, bytes]:
    with state.open("rb") as file:
        head = file.read(HEAD)
        return int.from_bytes(head[:8], "little"), file.read(int.from_bytes(head[8:], "little"))
