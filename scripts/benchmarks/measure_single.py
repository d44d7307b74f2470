"""The single command: the whole run of an init around `true`, as PID 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .measure import Ask, Found, Limits, Measure, Trial
from .records import Records

if TYPE_CHECKING:
    from .single import Single
    from .stage import Stage

_IN_A_ROW: Final = 5
_TIMEOUT: Final = 20.0


def _sample(stage: Stage, init: Single, _: Ask) -> Found:
    return {MEASURE.name: [_run(stage, init, number) for number in range(_IN_A_ROW)]}


def _run(stage: Stage, init: Single, number: int) -> float:
    path = f"{stage.directory}/single-{init.name}-{number}"
    records = Records(path)
    try:
        argv = (f"{stage.directory}/launch", path, *init.run(("/bin/true",)))
        stage.ask(argv)
        gone = records.wait("X", 1, _TIMEOUT)[0].at
        return (gone - records.of("I")[-1].at) / 1e6
    finally:
        records.forget()


MEASURE: Final = Measure("true", "an init around `true`: its whole run", "ms")
TRIAL: Final = Trial(
    (MEASURE,), sample=_sample, starts=True, full=Limits(20, 10.0), family="single", counts=(1,)
)
