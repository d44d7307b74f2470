"""`nsinit enter NAME -- COMMAND`: run it in a sandbox, as a child of its init."""

from __future__ import annotations

import os
from typing import Any

from nsinit.cli import execute
from nsinit.client import Client
from nsinit.errors import UnreachableError, UsageError
from nsinit.sandbox.pausing import is_paused
from nsinit.sandbox.state import find


def run(
    *,
    name: str,
    service: str | None,
    user: str | None,
    terminal: bool,
    no_terminal: bool,
    command: list[str],
) -> int:
    """Run it to its end; its exit code."""
    if service and user:
        raise UsageError(
            "cannot enter as a user in the place of a service: it has its own",
            hint="either --service or --user",
        )
    if terminal and no_terminal:
        raise UsageError("cannot enter with a terminal and without", hint="either -t or -T")
    found = find(name)
    if not found.record.control:
        raise UnreachableError(f"cannot enter {name!r}: its init has no control socket")
    if is_paused(found.record):
        raise UnreachableError(
            f"cannot enter {name!r}: it is paused", hint=f"nsinit unpause {name}"
        )
    given: dict[str, Any] = {"command": command}
    given["terminal"] = not no_terminal and (terminal or (os.isatty(0) and os.isatty(1)))
    if service:
        given |= {"name": service, "command": command or ["/bin/sh"]}
    elif user:
        given["user"] = user
    return execute.run(Client(found.record.control), "exec" if service else "enter", given)
