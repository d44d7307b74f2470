"""`nsinit inspect NAME`: all that is known of one sandbox, as JSON."""

from __future__ import annotations

import os
from typing import Any

from nsinit.cli.list import GRACE, own_namespaces, user_name
from nsinit.cli.output import as_one, say
from nsinit.client import Client
from nsinit.errors import EXIT_OK, ControlError
from nsinit.sandbox.record import namespaces_of
from nsinit.sandbox.state import find


def run(*, name: str, json: bool) -> int:
    """Print it; the exit code."""
    made = describe(name)
    if json:
        say(as_one(made))
    else:
        from json import dumps

        say(dumps(made, indent=2, ensure_ascii=False))
    return EXIT_OK


def describe(name: str) -> dict[str, Any]:
    """Its record, what /proc says of its init now, and what its init says itself."""
    one = find(name)
    record = one.record
    known = record._asdict() | {"directory": one.directory, "user": user_name(record.uid)}
    known["cleanup"] = [{"kind": kind, "path": path} for kind, path in record.cleanup]
    pid = record.pid if record.countable() else 0
    now = namespaces_of(pid) if pid else {}
    known["namespaces"] = now or record.namespaces
    known["own_namespaces"] = own_namespaces(known["namespaces"])
    known["root"] = _root(pid)
    known["mounts"] = _mounts(pid)
    known |= _status(record.control)
    return known


def _root(pid: int) -> str | None:
    """Its root directory as the host sees it; None where that may not be asked."""
    try:
        return os.readlink(f"/proc/{pid}/root") if pid else None
    except OSError:
        return None


def _mounts(pid: int) -> list[dict[str, Any]] | None:
    """The mounts that it sees (proc_pid_mountinfo(5)); None where that may not be asked."""
    try:
        with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            return [made for line in file if (made := mount_row(line))]
    except OSError:
        return None


def mount_row(line: str) -> dict[str, Any] | None:
    """One line of mountinfo; None if it is none."""
    left, mark, right = line.rstrip("\n").partition(" - ")
    fields, more = left.split(" "), right.split(" ")
    if not mark or len(fields) < 6 or len(more) < 3:
        return None
    return {
        "target": _plain(fields[4]),
        "type": more[0],
        "source": _plain(more[1]),
        "root": _plain(fields[3]),
        "options": fields[5].split(","),
        "super_options": more[2].split(","),
        "propagation": fields[6:] or ["private"],
    }


def _plain(text: str) -> str:
    r"""Without the octal escapes (\040) of the kernel."""
    head, *rest = text.split("\\")
    parts = [chr(int(part[:3], 8)) + part[3:] if part[:3].isdigit() else part for part in rest]
    return head + "".join(parts)


def _status(control: str) -> dict[str, Any]:
    """What its init says; why it says nothing."""
    try:
        client = Client(control or "/", grace=GRACE)
        services = client.status()["services"]
    except ControlError as error:
        return {"health": None, "services": None, "error": error.message}
    try:
        health: str | None = client.health()["health"]
    except ControlError as error:
        health = error.answer.get("health") if isinstance(error.answer, dict) else None
    return {"health": health, "services": services, "error": None}
