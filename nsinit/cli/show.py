"""The answers of init as text, verb by verb."""

from __future__ import annotations

import time

from nsinit.cli.output import TINTS as _TINTS
from nsinit.cli.output import as_json, paint, say, span, table

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

_WIDTH: Final = 8  # of a name before a line of output


def _status(answer: dict[str, Any]) -> None:
    services = answer["services"]
    rows = [
        [
            s["name"],
            s["state"],
            str(s["pid"] or "-"),
            span(s["seconds"]) if s["seconds"] is not None else "-",
            str(s["restarts"]),
            _details(s),
        ]
        for s in services
    ]
    tints = [_TINTS.get(s["state"], "") for s in services]
    say(table(["NAME", "STATE", "PID", "FOR", "RESTARTS", "DETAILS"], rows, tints))
    known = [(s["name"], s["usage"]) for s in services if s.get("usage")]
    if (whole := answer.get("init", {}).get("usage")) is not None:
        known.append(("the whole sandbox", whole))
    if known:
        from nsinit.cli.figures import lines

        for name, usage in known:
            say("\n".join(("", name, *(f"  {line}" for line in lines(usage)))))


def _details(s: dict[str, Any]) -> str:
    """Why it is as it is, in a few words."""
    parts = []
    if s["state"] in ("backoff", "failed", "exited", "stopped") and s["run"]:
        if s["exit_signal"] is not None:
            from nsinit.units import format_signal

            parts.append(f"killed by {format_signal(s['exit_signal'])}")
        elif s["exit_code"] is not None and s["result"] != "exec":
            parts.append(f"exit code {s['exit_code']}")
    if s["state"] == "failed" and s["result"] in ("timeout", "start-limit", "dependency"):
        parts.append(s["result"])
    if s["next_retry"] is not None:
        parts.append(f"next try in {max(0.0, s['next_retry'] - time.time()):.1f}s")
    if s.get("next_run") is not None:
        parts.append(f"next run in {span(max(0.0, s['next_run'] - time.time()))}")
    elif s["reason"]:
        parts.append(s["reason"])
    return ", ".join(parts + _notes(s)) or s["description"]


def _notes(s: dict[str, Any]) -> list[str]:
    """What else is worth a word about it."""
    parts = ["unhealthy"] if s.get("health") == "unhealthy" else []
    if s.get("message"):
        parts.append(f'"{s["message"]}"')
    return parts + [word for word in ("paused", "reloading", "pinned", "main") if s.get(word)]


def _list(answer: dict[str, Any]) -> None:
    for s in answer["services"]:
        say(s["name"])


def _results(answer: dict[str, Any]) -> None:
    for row in answer["results"]:
        state = row.get("state", "signalled" if row["ok"] else "")
        reason = f": {row['reason']}" if row["reason"] else ""
        tint = "green" if row["ok"] else "red"
        say(f"{row['name']} {paint(state, tint)}".rstrip() + reason)


def _pins(answer: dict[str, Any]) -> None:
    for row in answer["results"]:
        pinned = f"pinned {row['pinned']}" if row["pinned"] else "not pinned"
        say(f"{row['name']} {paint(row['state'], _TINTS.get(row['state'], ''))}, {pinned}")


def _pauses(answer: dict[str, Any]) -> None:
    for row in answer["results"]:
        paused = "paused" if row["paused"] and row["ok"] else "not paused"
        why = f": {row['reason']}" if row["reason"] and not row["ok"] else ""
        say(f"{row['name']} {paint(row['state'], _TINTS.get(row['state'], ''))}, {paused}{why}")


def _shutdown(answer: dict[str, Any]) -> None:
    say("init has ended" if answer.get("ended") else "init is shutting down")


def _text(answer: dict[str, Any]) -> None:
    say(answer["text"].rstrip("\n"))


def _version(answer: dict[str, Any]) -> None:
    say(f"nsinit {answer['version']} (pid {answer['pid']})")
    if answer["on_disk"] not in (None, answer["version"]):
        say(f"nsinit {answer['on_disk']} is installed: nsinit ctl reexec")


def _reexec(answer: dict[str, Any]) -> None:
    say(f"nsinit {answer['version']} (pid {answer['pid']}) goes on where {answer['before']} was")


def log_line(row: dict[str, Any]) -> str:
    """A line of output with the name of its service; pieces of a cut line are marked by +."""
    if "skipped" in row:
        return f"nsinit   | {row['skipped']} bytes were skipped here: this reader is too slow"
    mark = "+" if row.get("part") in ("middle", "last") else "|"
    return f"{row['service']:<{_WIDTH}} {mark} {row['line']}"


def _change(answer: dict[str, Any]) -> None:
    """What an update or a change of scale does."""
    told = False
    for word, key in (("start", "added"), ("stop", "removed")):
        for name in answer[key]:
            say(f"{word:<8} {name}")
            told = True
    for word, key in (("restart", "restarted"), ("adjust", "adjusted")):
        for name, keys in answer[key].items():
            say(f"{word:<8} {name} ({', '.join(keys)})")
            told = True
    for key in answer["ignored"]:
        say(f"{'later':<8} {key} (counts from the next start of init)")
        told = True
    if not told:
        say("nothing has changed")


def _elsewhere(verb: str) -> Callable[[dict[str, Any]], None]:
    """What is shown by a module that is loaded by then."""

    def show(answer: dict[str, Any]) -> None:
        from nsinit.cli.pictures import PICTURES

        PICTURES[verb](answer)

    return show


def _event_line(row: dict[str, Any]) -> str:
    from nsinit.cli.past import event_line

    return event_line(row)


_PICTURES: Final = (
    "health", "livez", "readyz", "why", "blame", "graph", "tree", "top", "openapi", "history",
)  # fmt: skip
SHOW: Final[dict[str, Callable[[dict[str, Any]], None]]] = {
    "status": _status,
    "list": _list,
    "start": _results,
    "stop": _results,
    "restart": _results,
    "signal": _results,
    "update": _change,
    "scale": _change,
    "reload": _results,
    "reset": _results,
    "pin": _pins,
    "unpin": _pins,
    "pause": _pauses,
    "unpause": _pauses,
    "wait": _results,
    "shutdown": _shutdown,
    "reexec": _reexec,
    "version": _version,
    "metrics": _text,
    **{verb: _elsewhere(verb) for verb in _PICTURES},
}
STREAM: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "logs": log_line,  # with all its options: nsinit.cli.logs
    "attach": log_line,
    "screen": str,
    "terminal": str,
    "exec": str,
    "enter": str,
    "events": _event_line,
    "record": as_json,
}
