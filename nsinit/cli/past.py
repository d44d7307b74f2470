"""What has happened, as text: events, and the ends of runs."""

from __future__ import annotations

import time

from nsinit.cli.output import TINTS, amount, clock, paint, printable, say, span

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

_BY: Final = {
    "stop": "stopped by an operator",
    "restart": "stopped for a restart",
    "shutdown": "stopped by the shutdown",
    "update": "stopped by an update",
    "signal": "signalled by an operator",
    "health": "ended by init: unhealthy",
    "watchdog": "ended by init: its watchdog was not fed",
    "timeout": "ended by init: it took too long",
}


def event_line(row: dict[str, Any]) -> str:
    """An event: its number, when, whose, and what."""
    if "skipped" in row:
        return f"{row['skipped']} bytes of events were skipped here: this reader is too slow"
    kind = row.get("type", "state")
    row = row | {"reason": printable(row["reason"] or "")}
    text = _LINES[kind](row) if kind in _LINES else _anything(row, kind)
    return f"{row['seq']:>5} {clock(row['time'])} {row['service'] or 'init'} {text}"


def _change(row: dict[str, Any]) -> str:
    pid = f" pid {row['pid']}" if row["pid"] else ""
    reason = f" ({row['reason']})" if row["reason"] else ""
    new = paint(row["new"], TINTS.get(row["new"], ""))
    return f"{row['old']} -> {new}{pid}{reason}"


def _phase(row: dict[str, Any]) -> str:
    code = "" if row["exit_code"] is None else f" with exit code {row['exit_code']}"
    return f"{row['old']} -> {row['new']}{code}{' in a hurry' if row['hurry'] else ''}"


def _exited(row: dict[str, Any]) -> str:
    parts = [f"run {row['run']} {how_it_ended(row)} after {_seconds(row['seconds'])}"]
    return ", ".join(parts + _details(row))


def _request(row: dict[str, Any]) -> str:
    who = f"uid {row['by_uid']}" if row["by_uid"] is not None else "the kernel"
    who += f" (pid {row['by_pid']})" if row["by_pid"] else ""
    signal = f" by {row['signal']}" if row["signal"] else ""
    names = "".join(f" {printable(name)}" for name in row["names"])
    reason = f": {row['reason']}" if row["reason"] else ""
    return f"{who} asks for {row['verb']}{names}{signal}{reason}"


def _update(row: dict[str, Any]) -> str:
    parts = [
        f"{word} {', '.join(row[key])}"
        for word, key in (
            ("starts", "added"), ("stops", "removed"), ("restarts", "restarted"),
            ("adjusts", "adjusted"), ("leaves for later", "ignored"),
        )
        if row[key]
    ]  # fmt: skip
    return f"{row['type']}: {'; '.join(parts) or 'nothing has changed'}"


def _lost(row: dict[str, Any]) -> str:
    if row["last"] is None:
        return f"lost: {row['reason']}"
    return f"lost: events {row['first']} to {row['last']}: {row['reason']}"


def _anything(row: dict[str, Any], kind: str) -> str:
    return f"{kind}: {row['reason']}" if row["reason"] else kind


_LINES: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "state": _change,
    "health": lambda row: f"is {row['reason']}",
    "reload": lambda row: f"reload: {row['reason']}",
    "pause": lambda row: f"is {row['reason']}",
    "phase": _phase,
    "boot": lambda row: f"nsinit {row['version']} boots",
    "started": lambda row: f"run {row['run']} started as pid {row['pid'] or '-'}",
    "start-failed": lambda row: f"run {row['run']} could not be started: {row['reason']}",
    "ready": lambda row: f"ready ({row['by']})",
    "probe": lambda row: f"{row['probe']} probe {row['reason']}",
    "hook": lambda row: f"{row['hook']} {'done' if row['ok'] else row['reason']}",
    "exited": _exited,
    "request": _request,
    "trigger": lambda row: f"triggered by its {row['by']}",
    "watch": lambda row: f"{row['action']}: {row['reason']}",
    "update": _update,
    "scale": _update,
    "reexec": lambda row: f"nsinit {row['version']} goes on where {row['before']} was",
    "orphans": lambda row: f"{row['count']} orphans reaped ({row['total']} so far)",
    "drop": lambda row: f"{row['count']} {row['what']} dropped ({row['total']} so far)",
    "remark": lambda row: str(row["reason"]),
    "internal": lambda row: f"internal error: {row['reason']}",
    "lost": _lost,
}


# --- history --------------------------------------------------------------------------------------


def show_history(answer: dict[str, Any]) -> None:
    """Service by service, the last end first."""
    if not answer["services"]:
        say("no run has ended yet")
    for index, service in enumerate(answer["services"]):
        if index:
            say("")
        say(f"{service['name']} {_now(service)}")
        if not service["deaths"]:
            say("  no run of it has ended yet")
        for death in service["deaths"]:
            say(f"  {death_line(death)}")
            for line in death["output"]:
                say(f"      {printable(line)}")


def _now(service: dict[str, Any]) -> str:
    if service["state"] is None:
        return "is no more"
    state = paint(service["state"], TINTS.get(service["state"], ""))
    last = service["deaths"][0]["run"] if service["deaths"] else 0
    since = f" for {span(time.time() - service['since'])}" if service["since"] else ""
    again = f", came back as run {service['run']}" if last and service["run"] > last else ""
    back = again if service["state"] in ("running", "starting") else ""
    return f"{state}{since}{back}"


def death_line(death: dict[str, Any]) -> str:
    """One end of a run."""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(death["time"]))
    head = f"run {death['run']} {how_it_ended(death)} at {at} after {_seconds(death['seconds'])}"
    used = ""
    if death["cpu_user"] is not None:
        cpu = f"{death['cpu_user']:.2f}s user, {death['cpu_system']:.2f}s system"
        most = f", {amount(death['max_rss'])} at most" if death["max_rss"] else ""
        used = f" [{cpu}{most}]"
    result = death["result"]
    known = {None, "success", "exit-code", "signal", death["by"]}
    parts = [head, *([result] if result not in known else []), *_details(death)]
    return ", ".join(parts) + used


def how_it_ended(row: dict[str, Any]) -> str:
    """By its exit code or signal."""
    if row["exit_signal"] is not None:
        from nsinit.units import format_signal

        core = " (core dumped)" if row["core_dumped"] else ""
        return f"was killed by {format_signal(row['exit_signal'])}{core}"
    if row["exit_code"] is not None and row["pid"] is not None:
        return f"ended with exit code {row['exit_code']}"
    return "failed"


def _details(row: dict[str, Any]) -> list[str]:
    by = [_BY.get(row["by"], row["by"])] if row["by"] else []
    oom = ["killed by the kernel for its memory"] if row["oom"] else []
    return by + oom + ([printable(row["reason"])] if row["reason"] else [])


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f}s" if seconds < 60 else span(seconds)
