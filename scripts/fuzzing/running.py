"""Runs inputs of one target in this process: counts, times, and keeps what went wrong."""

from __future__ import annotations

import gc
import hashlib
import os
import signal
import time
import traceback
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from types import FrameType

    from scripts.fuzzing.target import Target

_WARM: Final = 1000  # inputs, after which memory counts
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


class TooSlowError(BaseException):
    """An input takes more than twice what it may; no `except Exception` is to stop this."""


class Finding(NamedTuple):
    """What went wrong, with the first input that showed it."""

    kind: str  # "raised", "slow", "killed", "hangs"
    what: str
    data: bytes

    @property
    def name(self) -> str:
        """For a file."""
        return f"{self.kind}-{hashlib.sha256(self.data).hexdigest()[:12]}"


class Runner:
    """One target, input after input."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.count = self.taken = 0
        self.slowest = (0.0, b"")  # s
        self.findings: dict[str, Finding] = {}
        self.failures = 0  # inputs that were findings, also those seen before
        self.before = 0  # bytes
        self._ticked = -1
        self._began = time.monotonic()

    def watch(self) -> None:
        """Interrupt what takes too long, by CPU time: others may keep this machine busy."""
        signal.signal(signal.SIGPROF, self._tick)
        signal.setitimer(signal.ITIMER_PROF, self.target.bound, self.target.bound)

    def rest(self) -> None:
        """Watch no more."""
        signal.setitimer(signal.ITIMER_PROF, 0.0)

    def _tick(self, _: int, __: FrameType | None) -> None:
        if self._ticked == self.count:
            raise TooSlowError
        self._ticked = self.count

    def run(self, data: bytes) -> None:
        """One input."""
        begun = time.process_time()
        try:
            self.taken += self.target.feed(data)
        except TooSlowError:
            self._found("slow", f"takes over {self.target.bound:g} s of CPU", data)
        except MemoryError as error:
            self._found("raised", _where(error), data)
        except Exception as error:  # noqa: BLE001  (that is what is looked for)
            self._found("raised", _where(error), data)
        took = time.process_time() - begun
        self.count += 1
        if took > self.slowest[0]:
            self.slowest = (took, data)
            if took > self.target.bound:
                self._found("slow", f"takes over {self.target.bound:g} s of CPU", data)
        if self.count == _WARM:
            self.before = resident()

    def _found(self, kind: str, what: str, data: bytes) -> None:
        self.failures += 1
        known = self.findings.get(f"{kind} {what}")
        if known is None or len(data) < len(known.data):
            self.findings[f"{kind} {what}"] = Finding(kind, what, data)

    def summary(self) -> dict[str, Any]:
        """What came of it, as JSON can say it; sizes are bytes, times s."""
        return {
            "target": self.target.name,
            "inputs": self.count,
            "taken": self.taken,
            "seconds": time.monotonic() - self._began,
            "failures": self.failures,
            "slowest": self.slowest[0],
            "slowest_size": len(self.slowest[1]),
            "before": self.before or resident(),
            "after": resident(),
            "findings": [(f.kind, f.what, f.data.hex()) for f in self.findings.values()],
        }


def resident() -> int:
    """The memory of this process, once what nobody uses is gone."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * _PAGE


def _where(error: BaseException) -> str:
    """What it is and where it came from: the same mistake is told once."""
    rows = traceback.extract_tb(error.__traceback__)
    ours = [row for row in rows if "/nsinit/" in row.filename] or rows
    place = ours[-1]
    file = place.filename.rpartition("/nsinit/")[2]
    text = str(error)[:80] if isinstance(error, AssertionError) else ""
    return f"{type(error).__name__} at {file}:{place.lineno} {text}".strip()
