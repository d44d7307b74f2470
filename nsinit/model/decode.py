"""Tables to structs: all at once when they are right, key by key to tell all that is wrong. Pure.

msgspec stops at the first error and hides the keys of tables, so its answer is only used when it
is a success; after a failure `_diagnose` walks the types itself and reports every key.
"""

from __future__ import annotations

from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from nsinit.model import mounting, network, supervisord
from nsinit.model.sandboxes import Sandbox
from nsinit.model.spec import Init, Log, Service, StderrLog
from nsinit.model.types import decode_hook, show
from nsinit.nearest import did_you_mean
from nsinit.units import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.model.lines import KeyPath
    from nsinit.model.report import Report

T = TypeVar("T", bound=msgspec.Struct)

# The latter for one of some words, when a variable has brought in bytes that are no UTF-8.
_REFUSED: Final = (msgspec.ValidationError, UnicodeEncodeError)

_NAMES: Final[dict[object, str]] = {
    bool: "true or false", int: "an integer", float: "a number", str: "a string",
    dict: "a table", list: "an array",
}  # fmt: skip

_HOOKS: Final = (
    "pre_start", "post_start", "pre_stop", "stop_command", "post_stop", "on_fail", "reload_command",
)  # fmt: skip
# Tables that may be written as one value: log = "null" is log = {to = "null"}; a path is a file.
SHORTHANDS: Final[dict[type, dict[str, str]]] = {
    Service: {
        "log": "to",
        "seccomp": "profile",
        "schedule": "cron",
        "watch": "paths",
        **dict.fromkeys(_HOOKS, "command"),
    },
    Init: {
        "control": "path",
        "listen": "address",
        "log": "level",
        "pre_start": "command",
        "post_stop": "command",
    },
    Sandbox: {"users": "map", "seccomp": "profile"},
    Log: {"syslog": "address", "rate_limit": "lines", "multiline": "first"},
    StderrLog: {"syslog": "address"},
}


def _restart_of(value: object) -> object:
    """Supervisord's autorestart: true, false or unexpected."""
    if isinstance(value, bool):
        return "always" if value else "no"
    return "on-failure" if value == "unexpected" else value


def _codes_of(value: object) -> object:
    """Supervisord's exitcodes: "0,2"."""
    return [item.strip() for item in value.split(",")] if isinstance(value, str) else value


def _same(value: object) -> object:
    return value


# The spelling of supervisord, with what turns its value into ours.
ALIASES: Final[dict[str, tuple[str, Callable[[object], object]]]] = {
    "autorestart": ("restart", _restart_of),
    "directory": ("working_dir", _same),
    "exitcodes": ("success_exit_codes", _codes_of),
    "startretries": ("restart_limit", _same),
    "startsecs": ("min_uptime", _same),
    "stopsignal": ("stop_signal", _same),
    "stopwaitsecs": ("stop_timeout", _same),
}


def decode(table: object, kind: type[T], path: KeyPath, report: Report) -> T:
    """The struct that a table describes; errors are reported and left out of it.

    So what is right in a wrong table still takes part in the checks across tables.
    """
    shaped = _shape(table, kind, path, report) if isinstance(table, dict) else table
    try:
        return msgspec.convert(shaped, kind, dec_hook=decode_hook)
    except _REFUSED as error:
        before = len(report.problems)
        _diagnose(shaped, kind, path, report)
        if len(report.problems) == before:
            report.error(path, str(error))
    depth = len(path)
    bad = {at[depth] for at in report.paths if at[:depth] == path and len(at) > depth}
    rest = (
        {key: shaped[key] for key in shaped if key not in bad} if isinstance(shaped, dict) else {}
    )
    if kind is Service and "command" not in rest:
        rest = {**rest, "command": ["?"], "shell": False}
    return msgspec.convert(rest, kind, dec_hook=decode_hook)


def _shape(table: dict[str, Any], kind: type, path: KeyPath, report: Report) -> dict[str, Any]:
    """The table with aliases and shorthands written out, and the shell in front of a command."""
    shaped = dict(table)
    for key, inner in SHORTHANDS.get(kind, {}).items():
        if key in shaped and not isinstance(shaped[key], dict):
            is_path = key == "log" and _is_path(shaped[key])
            shaped[key] = {"file" if is_path else inner: shaped[key]}
    for key, write_out in _INNER.items():
        if isinstance(shaped.get(key), dict):
            shaped[key] = write_out(shaped[key])
    if kind in (Sandbox, Service) and "mounts" in shaped:
        shaped["mounts"] = mounting.written_out(shaped["mounts"])
    if kind is Sandbox and "network" in shaped:
        shaped["network"] = network.written_out(shaped["network"])
    if kind is not Service:
        return shaped
    supervisord.take_log_keys(shaped, path, report)
    if "sockets" in shaped:
        shaped["sockets"] = _sockets_of(shaped["sockets"])
    for alias, (key, convert) in ALIASES.items():
        if alias in shaped:
            value = shaped.pop(alias)
            report.written[(*path, key)] = (*path, alias)
            if key in shaped:
                del report.written[(*path, key)]
                report.error((*path, alias), f'is another name of "{key}", and both are given')
            shaped[key] = convert(value)
    return _through_shell(shaped)


def _sockets_of(value: object) -> object:
    """One socket or several, each of them a table or only its address."""
    items = value if isinstance(value, list) else [value]
    return [{"listen": item} if isinstance(item, str) else item for item in items]


def _through_shell(table: dict[str, Any]) -> dict[str, Any]:
    if table.get("shell") is True and isinstance(table.get("command"), str):
        return {**table, "command": ["/bin/sh", "-c", table["command"]]}
    return table


def _shape_log(log: dict[str, Any]) -> dict[str, Any]:
    """With the tables in it written out that may be one value too."""
    made = _written_out(log, Log)
    if "stderr" not in log:
        return made
    own = log["stderr"]
    if isinstance(own, dict):
        return {**made, "stderr": _written_out(own, StderrLog)}
    return {**made, "stderr": {"file" if _is_path(own) else "to": own}}


def _written_out(table: dict[str, Any], kind: type) -> dict[str, Any]:
    short = SHORTHANDS[kind]
    return {
        key: {short[key]: value} if key in short and not isinstance(value, dict) else value
        for key, value in table.items()
    }


def _is_path(value: object) -> bool:
    return isinstance(value, str) and value.startswith("/")


def _shape_probe(table: dict[str, Any]) -> dict[str, Any]:
    """With the URL of an HTTP probe in its table."""
    http = table.get("http")
    return {**table, "http": {"url": http}} if isinstance(http, str) else table


_INNER: Final[dict[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    **dict.fromkeys(_HOOKS, _through_shell),
    "ready": _shape_probe,
    "health": _shape_probe,
    "log": _shape_log,
}


def _diagnose(value: object, kind: Any, path: KeyPath, report: Report) -> None:  # noqa: ANN401
    """Report everything in `value` that `kind`, a type annotation of a spec, does not allow."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        kinds = [part for part in args if part is not NoneType]
        if len(kinds) == 1:
            _diagnose(value, kinds[0], path, report)
        elif not _converts(value, kind):
            words = " or ".join(_NAMES.get(part, str(part)) for part in kinds)
            report.error(path, f"expected {words}, got {show(value)}")
    elif origin is Literal:
        if value not in args or isinstance(value, bool):
            known = ", ".join(f'"{word}"' for word in args)
            hint = did_you_mean(value, args) if isinstance(value, str) else ""
            report.error(path, f"expected one of {known}, got {show(value)}", hint)
    elif origin is dict and isinstance(value, dict):
        for key, item in value.items():
            _diagnose(key, args[0], (*path, key), report)
            _diagnose(item, args[1], (*path, key), report)
    elif origin is list and isinstance(value, list):
        for index, item in enumerate(value):
            _diagnose(item, args[0], (*path, index), report)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        _diagnose_struct(value, kind, path, report)
    else:
        _diagnose_value(value, kind, path, report)


def _diagnose_struct(
    table: dict[str, Any], kind: type[msgspec.Struct], path: KeyPath, report: Report
) -> None:
    fields = _fields(kind)
    for key, value in table.items():
        if key in fields:
            _diagnose(value, fields[key].type, (*path, key), report)
        else:
            known = [*fields, *((*ALIASES, *supervisord.NAMES) if kind is Service else ())]
            report.error((*path, key), "unknown key", did_you_mean(key, known))
    for name, field in fields.items():
        if field.required and name not in table:
            report.error(path, f'the key "{name}" is missing')


@cache
def _fields(kind: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """By the names in files: a millisecond of resolving types, for each table that is wrong."""
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def _diagnose_value(value: object, kind: Any, path: KeyPath, report: Report) -> None:  # noqa: ANN401
    try:
        msgspec.convert(value, kind, dec_hook=decode_hook)
    except UnicodeEncodeError:
        report.error(path, f"expected text, got bytes that are no UTF-8: {show(value)}")
    except msgspec.ValidationError as error:
        message = str(error).partition(" - at `$")[0]
        plain = get_origin(kind) or kind
        if isinstance(plain, type) and issubclass(plain, msgspec.Struct):
            plain = dict
        if plain in _NAMES:
            message = f"expected {_NAMES[plain]}, got {kind_of(value)}"
        report.error(path, message)


def _converts(value: object, kind: Any) -> bool:  # noqa: ANN401
    try:
        msgspec.convert(value, kind, dec_hook=decode_hook)
    except _REFUSED:
        return False
    return True
