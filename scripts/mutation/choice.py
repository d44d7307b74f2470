"""Which tests are to notice a mistake in which part of nsinit: the quick ones that are about it."""

from __future__ import annotations

from typing import Final

_RECORDS: Final = (
    "tests/unit/core/test_recorder.py",
    "tests/unit/core/test_flight_record.py",
    "tests/unit/core/test_replaying.py",
    "tests/property/test_flight.py",
)
_STRAYS: Final = (
    "tests/kernel/process/test_strays.py",
    "tests/kernel/process/test_strays_signals.py",
    "tests/unit/process/test_strays_of_many.py",
    "tests/unit/process/test_strays_of_probes.py",
)
TESTS: Final[dict[str, tuple[str, ...]]] = {
    "core": ("tests/unit/core", "tests/property/test_core_machine.py"),
    "core/recorder": _RECORDS,
    "core/replay": _RECORDS,
    "process": ("tests/unit/process", "tests/kernel/process"),
    "process/alive": ("tests/kernel/process/test_alive.py",),
    "process/daemons": ("tests/kernel/process/test_daemons.py",),
    "process/environment": ("tests/kernel/process/test_environment.py",),
    "process/executable": ("tests/kernel/process/test_executable.py",),
    "process/identity": (
        "tests/unit/process/test_identity.py",
        "tests/kernel/process/test_own_ids.py",
    ),
    "process/oom": (
        "tests/unit/process/test_oom.py",
        "tests/unit/process/test_blame.py",
        "tests/kernel/process/test_lack_of_memory.py",
    ),
    "process/owned": ("tests/kernel/process/test_owned.py",),
    "process/program": ("tests/kernel/process/test_program.py",),
    "process/programs": ("tests/kernel/process/test_programs.py",),
    "process/smallfile": ("tests/kernel/process/test_smallfile.py",),
    "process/stages": ("tests/kernel/process/test_stages.py",),
    "process/steps": ("tests/unit/process/test_steps.py",),
    "process/strays": _STRAYS,
    "process/tell": ("tests/kernel/process/test_tell.py",),
    "process/variables": ("tests/kernel/process/test_variables.py",),
}
