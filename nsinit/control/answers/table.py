"""Which row of the command table answers what."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.control.answers import looking, rows, steering
from nsinit.control.answers.basics import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping


class Shape(NamedTuple):
    """What a row of the table answers.

    `answer` is the body of a 200, `rows` what each line of a stream can be instead. `refusals` are
    the codes by status beyond those that any row may give; `failures` the bodies by status that
    hold more than an error.
    """

    answer: type | None = None
    rows: tuple[type, ...] = ()
    refusals: Mapping[int, tuple[str, ...]] = MappingProxyType({})
    failures: Mapping[int, type] = MappingProxyType({})


_STEERING: Final = {409: ("pinned", "shutting-down"), 504: ("timed-out",)}
_EXECUTION: Final = (rows.Descriptors, rows.Started, rows.Exited, rows.Killed, Failure)
_TERMINAL: Final = (rows.Attached, rows.Shown, rows.Skipped, rows.Exited, rows.Killed, Failure)
_LATE: Final[dict[int, type]] = {504: steering.LateResults}
_OF_TERMINAL: Final = {409: ("no-terminal", "not-running", "not-one")}

SHAPES: Final[dict[str, Shape]] = {
    "status": Shape(looking.Status),
    "list": Shape(looking.Listing),
    "wait": Shape(steering.Results, refusals={504: ("timed-out",)}, failures=_LATE),
    "health": Shape(looking.Health),
    "why": Shape(looking.Reasons),
    "history": Shape(looking.Past),
    "record": Shape(
        rows=(
            rows.RecordHead,
            rows.RecordBegin,
            rows.RecordEvent,
            rows.RecordError,
            rows.RecordEnd,
        ),
        refusals={409: ("no-recorder",)},
    ),
    "blame": Shape(looking.Boot),
    "graph": Shape(looking.Graph),
    "tree": Shape(looking.Tree),
    "top": Shape(looking.Top),
    "metrics": Shape(str),
    "livez": Shape(looking.Live),
    "readyz": Shape(
        looking.Ready, refusals={503: ("not-ready",)}, failures={503: steering.NotReady}
    ),
    "openapi": Shape(dict),
    "start": Shape(steering.Results, refusals=_STEERING, failures=_LATE),
    "stop": Shape(
        steering.Results, refusals={409: ("pinned",), 504: ("timed-out",)}, failures=_LATE
    ),
    "restart": Shape(steering.Results, refusals=_STEERING, failures=_LATE),
    "reload": Shape(
        steering.Results,
        refusals={
            409: ("no-reload", "not-running", "paused", "shutting-down"),
            504: ("timed-out",),
        },
        failures=_LATE,
    ),
    "reset": Shape(steering.Results),
    "pin": Shape(steering.PinResults),
    "unpin": Shape(steering.PinResults),
    "pause": Shape(
        steering.PauseResults,
        refusals={
            409: ("no-cgroup", "no-freezer", "not-running", "shutting-down"),
            504: ("timed-out",),
        },
        failures={504: steering.LatePauseResults},
    ),
    "unpause": Shape(steering.PauseResults),
    "exec": Shape(rows=_EXECUTION, refusals={409: ("paused",)}),
    "enter": Shape(rows=_EXECUTION),
    "attach": Shape(rows=(rows.LogLine, rows.Skipped)),
    "screen": Shape(rows=_TERMINAL, refusals=_OF_TERMINAL),
    "terminal": Shape(rows=_TERMINAL, refusals=_OF_TERMINAL),
    "signal": Shape(steering.SignalResults),
    "logs": Shape(rows=(rows.LogLine, rows.Skipped)),
    "events": Shape(rows=(rows.Event,)),
    "update": Shape(
        steering.Change, refusals={409: ("shutting-down",), 422: ("bad-configuration",)}
    ),
    "scale": Shape(
        steering.Change, refusals={409: ("shutting-down",), 422: ("bad-configuration",)}
    ),
    "shutdown": Shape(steering.Ending),
    "reexec": Shape(steering.Replaced, refusals={409: ("no-reexec", "not-replaced")}),
    "version": Shape(looking.Version),
}
