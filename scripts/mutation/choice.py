"""Which tests are to notice a mistake in which part of nsinit: the quick ones that are about it."""

from __future__ import annotations

from typing import Final

_RECORDS: Final = (
    "tests/unit/core/test_recorder.py",
    "tests/property/test_flight.py",
)
TESTS: Final[dict[str, tuple[str, ...]]] = {
    "core": ("tests/unit/core", "tests/property/test_core_machine.py"),
    "core/recorder": _RECORDS,
    "core/replay": _RECORDS,
}
