"""Supervisord's keys about log files as a `log` table. Pure.

There stdout and stderr go apart unless `redirect_stderr` says otherwise; stderr of which nothing is
said goes to a file somewhere in /tmp, here to the console.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from nsinit.model.lines import KeyPath
    from nsinit.model.report import Report

LOG_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "stdout_logfile": ("file",),
    "stdout_logfile_maxbytes": ("max_size",),
    "stdout_logfile_backups": ("keep",),
    "stderr_logfile": ("stderr", "file"),
    "stderr_logfile_maxbytes": ("stderr", "max_size"),
    "stderr_logfile_backups": ("stderr", "keep"),
}
REDIRECT: Final = "redirect_stderr"
NAMES: Final = (*LOG_KEYS, REDIRECT)

# What there stands for no file at all.
_PLACES: Final = {
    "NONE": "null", "/dev/null": "null", "AUTO": "console",
    "/dev/stdout": "console", "/dev/fd/1": "console", "/proc/self/fd/1": "console",
    "/dev/stderr": "console", "/dev/fd/2": "console", "/proc/self/fd/2": "console",
}  # fmt: skip
_FILE_ONLY: Final = ("max_size", "keep")


def take_log_keys(table: dict[str, Any], path: KeyPath, report: Report) -> None:
    """Replace supervisord's log keys in the table of a service by what they mean.

    A `log` beside them is a table by now.
    """
    given = [alias for alias in LOG_KEYS if alias in table]
    if not given and REDIRECT not in table:
        return
    log = dict(table.get("log", {}))
    if isinstance(log.get("stderr"), dict):
        log["stderr"] = dict(log["stderr"])
    for alias in given:
        value, keys = table.pop(alias), LOG_KEYS[alias]
        into = log
        if len(keys) > 1:
            into = log.setdefault("stderr", {})
        key = keys[-1]
        if key == "file" and isinstance(value, str) and value in _PLACES:
            key, value = "to", _PLACES[value]
        if not isinstance(into, dict) or key in into:
            name = ".".join(("log", *keys[:-1], key))
            report.error((*path, alias), f'is another name of "{name}", and both are given')
            continue
        report.written[(*path, "log", *keys[:-1], key)] = (*path, alias)
        into[key] = value
    _redirect(table, log, path, report)
    for part in (log, log.get("stderr")):
        if isinstance(part, dict) and "file" not in part and "to" in part:
            for key in _FILE_ONLY:  # there 0 bytes are usual for what is no file
                part.pop(key, None)
    table["log"] = log


def _redirect(table: dict[str, Any], log: dict[str, Any], path: KeyPath, report: Report) -> None:
    value = table.pop(REDIRECT, False)
    if not isinstance(value, bool):
        report.error((*path, REDIRECT), f"expected true or false, got {value!r}")
    elif value and "stderr" in log:
        report.error(
            (*path, REDIRECT), "stderr has a place of its own here", "leave one of them out"
        )
    elif not value and "stderr" not in log and ("file" in log or "to" in log):
        log["stderr"] = {"to": "console"}
