"""What a value can be beyond TOML's own types, in the words of JSON Schema.

One entry for each type of `nsinit.model` that has a `read`; a test compares what the patterns and
`read` accept. Any text may hold ${X}, which is expanded before it is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from nsinit import units
from nsinit.capnames import NUMBERS
from nsinit.model import confinement, resources, security, tuning, types
from nsinit.model.idmaps import IdMap
from nsinit.model.publish import Publish
from nsinit.model.syslog import SyslogAddress

if TYPE_CHECKING:
    from collections.abc import Callable

EXPANDED: Final = r"\$\{|\{\{"  # ${X}, and {{index}} of replicas
_NUMBER: Final = r"([0-9]+\.?[0-9]*|\.[0-9]+)"
_DURATION: Final = rf"^({_NUMBER}| *({_NUMBER}(d|h|min|m|ms|us|s) *)+)$"
_SIZE: Final = rf"^\s*{_NUMBER}\s*([KMGTkmgt]([iI]?[bB])?|[bB])?\s*$"
_MODE: Final = r"^(0o)?0?[0-7]{1,4}$"
_WAIT: Final = r"^[0-9.]+[a-z]"
_RANGES: Final = r"^\s*[0-9]+(-[0-9]+)?\s*(,\s*[0-9]+(-[0-9]+)?\s*)*$"
_MAX_SECONDS: Final = 315_360_000

Schema = dict[str, Any]


class Kind(NamedTuple):
    """What it is called, its schema, and how a value of it is written for people."""

    words: str
    schema: Schema
    show: Callable[[Any], object] = list


def _any(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def text(pattern: str = "") -> Schema:
    """Text; one with a pattern may hold a variable instead."""
    if not pattern:
        return {"type": "string"}
    return {"type": "string", "anyOf": [{"pattern": pattern}, {"pattern": EXPANDED}]}


def words(*choice: object) -> Schema:
    """One of these, or a variable."""
    return _any({"enum": list(choice)}, {"type": "string", "pattern": EXPANDED})


def many(item: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": item}


def whole(low: int, high: int) -> Schema:
    """A number in a range."""
    return {"type": "integer", "minimum": low, "maximum": high}


def _signal_names() -> str:
    names = "|".join(sorted(units.SIGNAL_NUMBERS))
    numbers = r"RTMIN(\+[0-9]{1,2})?|RTMAX(-[0-9]{1,2})?|[0-9]{1,2}"
    # Any case is understood; an editor is to propose the usual one.
    return rf"^(SIG|sig)?({names}|{names.lower()}|{numbers}|{numbers.lower()})$"


_STRING: Final = text()
_STRINGS: Final = many(_STRING)
_ONE_OR_MANY: Final = _any(_STRING, _STRINGS)
_SIGNAL: Final = _any(whole(1, 64), text(_signal_names()))
_CODE: Final = _any(whole(-64, 255), text(rf"{_signal_names()}|^[0-9]{{1,3}}$"))
_DURATION_SCHEMA: Final = _any(
    {"type": "number", "minimum": 0, "maximum": _MAX_SECONDS}, text(_DURATION)
)
_SIZE_SCHEMA: Final = _any({"type": "integer", "minimum": 0}, text(_SIZE))
_LIMIT: Final = _any(
    {"type": "integer", "minimum": -1}, text(rf"^unlimited$|{_SIZE}|^[^:]+:[^:]+$")
)
_CAPABILITIES: Final = "|".join(("ALL", *sorted(NUMBERS)))
_CAPABILITY: Final = rf"^-?(CAP_|cap_)?({_CAPABILITIES}|{_CAPABILITIES.lower()})$"
_STATUS: Final = _any(whole(100, 599), text(r"^[0-9]{3}(-[0-9]{3})?$"))
_SECRET: Final = {
    "type": "object",
    "properties": {"file": _STRING},
    "required": ["file"],
    "additionalProperties": False,
}
_VARIABLES: Final = {
    "type": "object",
    "additionalProperties": _any({"type": ["string", "number", "boolean"]}, _SECRET),
}
_ROW: Final = _any(
    _STRING,
    {"type": "array", "items": {"type": "integer"}, "minItems": 3, "maxItems": 3},
    {
        "type": "object",
        "properties": {name: whole(0, 2**32 - 1) for name in ("inside", "outside", "size")},
        "required": ["inside", "outside"],
        "additionalProperties": False,
    },
)
_PORT: Final = _any({"type": "integer", "minimum": 1, "maximum": 65_535}, text(r"^[0-9-]+$"))
_PUBLISHED: Final = _any(
    text(r":[0-9-]+(/(tcp|udp))?$"),
    {
        "type": "object",
        "properties": {
            "published": _PORT, "target": _PORT, "protocol": words("tcp", "udp"),
            "host_ip": _STRING,
        },
        "required": ["target"],
        "additionalProperties": False,
    },
)  # fmt: skip
_IO: Final = r"^(idle|(realtime|best-effort)(:[0-7])?)$"
_POLICY: Final = r"^(other|batch|idle|(fifo|rr):[1-9][0-9]?)$"
_CPUS: Final = _any(whole(0, tuning.CPUS_MAX - 1), text(_RANGES))


def _code_name(code: int) -> object:
    return code if code >= 0 else units.format_signal(-code)


def _stop_words(steps: types.StopSequence) -> object:
    made: list[str] = []
    for number, wait in steps:
        made.append(units.format_signal(number))
        made += [] if wait is None else [units.format_duration(wait)]
    return made if len(made) > 1 else made[0]


def _statuses(ranges: types.Statuses) -> object:
    return [f"{first}-{last}" if first != last else first for first, last in ranges]


KINDS: Final[dict[type, Kind]] = {
    types.Seconds: Kind("duration", _DURATION_SCHEMA, units.format_duration),
    types.Size: Kind("size", _SIZE_SCHEMA, units.format_size),
    types.Signal: Kind("signal", _SIGNAL, units.format_signal),
    types.Mode: Kind("mode", _any(whole(0, 0o7777), text(_MODE)), units.format_mode),
    types.Limit: Kind('number or "unlimited"', _any(whole(-1, 1_000_000), words("unlimited")), int),
    types.Address: Kind("address", text(r"^(tcp|udp|unix|unix-dgram):|^[/@]"), str),
    types.Words: Kind("command", _any(_STRING, {**_STRINGS, "minItems": 1})),
    types.Names: Kind("names", _ONE_OR_MANY),
    types.Needs: Kind(
        "names, or a table of conditions",
        _any(
            _ONE_OR_MANY,
            {"type": "object", "additionalProperties": words(*types.CONDITIONS)},
        ),
        dict,
    ),
    types.Environment: Kind("table of variables", _any(_VARIABLES, many(text("="))), dict),
    types.StopSequence: Kind(
        "signal, or signals and waits",
        _any(_SIGNAL, {**many(_any(_SIGNAL, text(_WAIT))), "minItems": 1}),
        _stop_words,
    ),
    types.Codes: Kind(
        "exit codes and signals",
        _any(_CODE, many(_CODE)),
        lambda codes: [_code_name(code) for code in sorted(codes)],
    ),
    types.Rlimit: Kind("limit", _any(_LIMIT, {**many(_LIMIT), "minItems": 2, "maxItems": 2})),
    types.Sinks: Kind("place, or several", _any(words(*types.SINKS), many(words(*types.SINKS)))),
    types.Period: Kind(
        "a period, or a duration",
        _any(words(*types.PERIODS), {"type": "number", "minimum": 60}, text(_DURATION)),
    ),
    SyslogAddress: Kind("an address", text("^(tcp|udp|unix|unix-dgram):|^[/@]"), str),
    types.Statuses: Kind("HTTP statuses", _any(_STATUS, many(_STATUS)), _statuses),
    tuning.Files: Kind("path, or several", _ONE_OR_MANY),
    tuning.Nice: Kind("number from -20 to 19", whole(-20, 19), int),
    tuning.OomScore: Kind("number from -1000 to 1000", whole(-1000, 1000), int),
    tuning.IoPriority: Kind("class and level", text(_IO)),
    tuning.Scheduler: Kind("policy and priority", text(_POLICY)),
    tuning.CpuSet: Kind("CPUs", _any(_CPUS, {**many(_CPUS), "minItems": 1})),
    confinement.Profile: Kind("profile", _STRING, str),
    confinement.Calls: Kind("system calls", _any(text(r"^@?[a-z0-9_-]+$"), _STRINGS)),
    confinement.Ports: Kind("ports", _any(whole(0, 65_535), many(whole(0, 65_535)))),
    security.CapNames: Kind("capabilities", _any(text(_CAPABILITY), many(text(_CAPABILITY)))),
    security.CapWords: Kind("capabilities", _any(text(_CAPABILITY), many(text(_CAPABILITY)))),
    resources.Cpus: Kind(
        "CPUs",
        _any(
            {"type": "number", "minimum": resources.CPU_MIN, "maximum": resources.CPU_MAX},
            text(rf"^\s*{_NUMBER}\s*%$"),
        ),
        float,
    ),
    resources.Weight: Kind("number from 1 to 10000", whole(1, resources.WEIGHT_MAX), int),
    resources.Count: Kind("number", whole(1, 2**31 - 1), int),
    resources.DeviceRules: Kind(
        "rules",
        _any(
            text(r"^(default|a \*:\* rwm|[bc] [0-9*]+:[0-9*]+ [rwm]+)$"),
            many(text(r"^(default|a \*:\* rwm|[bc] [0-9*]+:[0-9*]+ [rwm]+)$")),
        ),
    ),
    IdMap: Kind("rows of ids", _any(_ROW, many(_ROW))),
    Publish: Kind("ports", _any(_PUBLISHED, many(_PUBLISHED))),
}
