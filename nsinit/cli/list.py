"""`nsinit list`: the sandboxes that run, and how they are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from nsinit.cli.output import as_json, say, span, table
from nsinit.client import Client
from nsinit.errors import EXIT_OK, ControlError, DeniedError
from nsinit.sandbox.pausing import is_paused
from nsinit.sandbox.state import running

if TYPE_CHECKING:
    from nsinit.sandbox.state import Found

GRACE: Final = 2.0  # s for the answer of one init: the list goes on without it
_TINTS: Final = {
    "healthy": "green",
    "not-running": "yellow",
    "paused": "yellow",
    "unhealthy": "red",
}


def run(*, quiet: bool, json: bool) -> int:
    """Print them; the exit code."""
    found = running()
    if quiet:
        for one in found:
            say(one.record.name)
        return EXIT_OK
    rows = [row(one) for one in found]
    if json:
        say(as_json(rows))
    elif rows:
        cells = [_cells(one) for one in rows]
        tints = [_TINTS.get(one["state"], "dim") for one in rows]
        head = ["NAME", "STATE", "PID", "SERVICES", "FOR", "USER", "NAMESPACES"]
        head += ["ADDRESSES", "CONFIG"]
        say(table(head, cells, tints))
    return EXIT_OK


def row(one: Found) -> dict[str, Any]:
    """What is listed of a sandbox."""
    record = one.record
    services: list[dict[str, Any]] = []
    if record.pid and is_paused(record):
        state = "paused"
    elif record.pid:
        state, services = _ask(record.control)
    else:
        state = "being-made" if record.launcher else "unknown"
    return {
        "name": record.name,
        "state": state,
        "pid": record.pid or None,
        "launcher": record.launcher or None,
        "services": {s["name"]: s["state"] for s in services},
        "since": record.created_at or None,
        "user": user_name(record.uid),
        "uid": record.uid,
        "namespaces": own_namespaces(record.namespaces),
        "addresses": [
            text.partition("/")[0] for made in record.network for text in made.get("address", ())
        ],
        "config": record.config or None,
        "control": record.control or None,
    }


def _ask(control: str) -> tuple[str, list[dict[str, Any]]]:
    """The verdict of its init, and its services; or why there is none."""
    if not control:
        return "no-socket", []
    client = Client(control, grace=GRACE)
    try:
        return str(client.health()["health"]), [dict(s) for s in client.status()["services"]]
    except DeniedError:
        return "denied", []
    except ControlError as error:
        answer = error.answer if isinstance(error.answer, dict) else {}
        return str(answer.get("health", "no-answer")), []


def own_namespaces(namespaces: dict[str, int]) -> list[str]:
    """The kinds that differ from those of this process."""
    from nsinit.sandbox.record import namespaces_of

    ours = namespaces_of(0)
    return [kind for kind, inode in namespaces.items() if ours.get(kind) != inode]


def user_name(uid: int) -> str:
    """Who that is, by name if there is one."""
    from nsinit.process.identity import find_account

    return find_account(uid).name or str(uid)


def _cells(one: dict[str, Any]) -> list[str]:
    states = list(one["services"].values())
    good = sum(state in ("running", "exited") for state in states)
    return [
        one["name"],
        one["state"],
        str(one["pid"] or "-"),
        f"{good}/{len(states)}" if states else "-",
        span(time.time() - one["since"]) if one["since"] else "-",
        one["user"],
        str(len(one["namespaces"])),
        ", ".join(one["addresses"]) or "-",
        one["config"] or "-",
    ]
