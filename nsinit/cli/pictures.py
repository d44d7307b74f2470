"""The answers of the verbs that look into services, as text: verdicts, sentences, trees, tables."""

from __future__ import annotations

import time

from nsinit.cli.output import TINTS, amount, as_json, paint, printable, say, span, table
from nsinit.cli.past import death_line, show_history

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Final

_VERDICTS: Final = {"healthy": "green", "unhealthy": "red", "not-running": "yellow"}


def _state(state: str) -> str:
    return paint(state, TINTS.get(state, ""))


# --- health, livez, readyz ------------------------------------------------------------------------


def _health(answer: dict[str, Any]) -> None:
    say(paint(answer["health"].replace("-", " "), _VERDICTS.get(answer["health"], "")))
    for reason in answer["reasons"]:
        say(f"  {reason}")


def _livez(_: dict[str, Any]) -> None:
    say("init answers")


def _readyz(_: dict[str, Any]) -> None:
    say("ready")


# --- why ------------------------------------------------------------------------------------------


def _why(answer: dict[str, Any]) -> None:
    for index, row in enumerate(answer["services"]):
        if index:
            say("")
        first, *others = row["sentences"]
        text = first.removeprefix("it ")
        say(f"{row['name']} {text.replace(row['state'], _state(row['state']), 1)}")
        for sentence in others:
            say(f"  {sentence}")
        if row.get("next_run") is not None:
            say(f"  its next run is in {span(max(0.0, row['next_run'] - time.time()))}")
        if by := row.get("stopped_by"):
            at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(by["time"]))
            who = f"uid {by['uid']}" if by["uid"] >= 0 else "somebody with the token"
            say(f"  {who} stopped it at {at}")
        if row["chain"]:
            say("because:")
        for link in row["chain"]:
            say(f"  {'  ' * (link['depth'] - 1)}{link['name']} {link['text']}")
        if deaths := row.get("deaths"):
            say("its last ends:")
        for death in deaths or ():
            say(f"  {death_line(death)}")
        if row["output"]:
            say("its last output:")
        for line in row["output"]:
            say(f"  {line['line']}")


# --- blame ----------------------------------------------------------------------------------------


def _blame(answer: dict[str, Any]) -> None:
    head = ["NAME", "STATE", "WAITING", "STARTING", "UP AT"]
    rows = [
        [row["name"], row["state"], *(_seconds(row[key]) for key in ("waiting", "starting", "at"))]
        for row in answer["services"]
    ]
    say(table(head, rows, [TINTS.get(row["state"], "") for row in answer["services"]]))
    if answer["chain"]:
        say("")
        say("critical chain:")
    for depth, row in enumerate(answer["chain"]):
        took = _seconds(row["starting"])
        say(f"  {'  ' * depth}{row['name']} up at {_seconds(row['at'])}, took {took}")


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}s" if value < 60 else span(value)


# --- graph ----------------------------------------------------------------------------------------


def _graph(answer: dict[str, Any]) -> None:
    """Who is needed by nobody shown first, what each needs below it; a second time in short."""
    rows = {row["name"]: row for row in answer["services"]}
    needed = {other for row in rows.values() for other, _ in _edges(row)}
    shown: set[str] = set()
    for name in [n for n in rows if n not in needed] or list(rows):
        for line in _branch(name, rows, answer["states"], shown, 0, ""):
            say(line)


def _edges(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        *((name, f"needs it {condition}") for name, condition in row["needs"].items()),
        *((name, "wants it") for name in row["wants"]),
        *((name, "comes after it") for name in row["after"]),
    ]


def _branch(
    name: str,
    rows: dict[str, Any],
    states: dict[str, str],
    shown: set[str],
    depth: int,
    how: str,
) -> Iterator[str]:
    edges = _edges(rows[name]) if name in rows else []
    again = ", see above" if name in shown and edges else ""
    note = f" ({how}{again})" if how else ""
    yield f"{'  ' * depth}{name} {_state(states.get(name, ''))}{note}".rstrip()
    if name in shown:
        return
    shown.add(name)
    for other, relation in edges:
        yield from _branch(other, rows, states, shown, depth + 1, relation)


# --- tree and top ---------------------------------------------------------------------------------


def _tree(answer: dict[str, Any]) -> None:
    rows: list[list[str]] = []
    tints: list[str] = []
    for service in answer["services"]:
        rows.append([service["name"], service["state"], "", "", ""])
        tints.append(TINTS.get(service["state"], ""))
        for depth, process in _nested(service["processes"]):
            role = process["role"] if process["role"] in ("stray", "helper") else ""
            command = "  " * depth + process["command"]
            pid, memory = f"  {process['pid']}", amount(process["rss"])
            rows.append([pid, process["state"], memory, role, printable(command)])
            tints.append("")
        if service["left_out"]:
            rows.append(["  ...", "", "", "", f"{service['left_out']} more are not shown"])
            tints.append("")
    say(table(["SERVICE/PID", "STATE", "RSS", "ROLE", "COMMAND"], rows, tints))


def _nested(processes: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each process after its parent, with its depth."""
    pids = {process["pid"] for process in processes}
    below: dict[int, list[dict[str, Any]]] = {}
    for process in processes:
        parent = process["parent"] if process["role"] == "child" else 0
        below.setdefault(parent if parent in pids else 0, []).append(process)
    todo = [(0, process) for process in reversed(below.get(0, []))]
    while todo:
        depth, process = todo.pop()
        yield depth, process
        todo += [(depth + 1, child) for child in reversed(below.get(process["pid"], []))]


def _top(answer: dict[str, Any]) -> None:
    rows = [
        [
            row["name"],
            row["state"],
            str(row["pid"] or "-"),
            f"{row['cpu']:.1f}",
            amount(row["rss"]) if row["processes"] else "-",
            str(row["processes"]),
            "-" if row["fds"] is None else str(row["fds"]),
        ]
        for row in answer["services"]
    ]
    head = ["NAME", "STATE", "PID", "CPU%", "RSS", "PROCESSES", "FDS"]
    tints = [TINTS.get(row["state"], "") for row in answer["services"]]
    groups = [row.get("group") for row in answer["services"]]
    if (whole := answer.get("sandbox")) is not None:
        cpu = whole["rates"]["cpu"]
        count = whole["pids"]["current"]
        rows.append(["(sandbox)", "", "", "-" if cpu is None else f"{cpu:.1f}", "",
                     "-" if count is None else str(count), ""])  # fmt: skip
        tints.append("")
        groups.append(whole)
    if any(group is not None for group in groups):
        from nsinit.cli.figures import COLUMNS, cells

        head += COLUMNS
        rows = [row + cells(group) for row, group in zip(rows, groups, strict=True)]
    say(table(head, rows, tints))


PICTURES: Final[dict[str, Callable[[dict[str, Any]], None]]] = {
    "health": _health,
    "livez": _livez,
    "readyz": _readyz,
    "openapi": lambda answer: say(as_json(answer)),
    "why": _why,
    "blame": _blame,
    "graph": _graph,
    "tree": _tree,
    "top": _top,
    "history": show_history,
}
