"""`nsinit enter NAME -- COMMAND`: run it in a sandbox, as a child of its init.

Of one that does not answer, because it hangs or its socket is gone, nothing is asked: the command
is put into the sandbox from outside, and confined in the same way.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from nsinit.cli import execute
from nsinit.cli.output import complain
from nsinit.client import Client, CommandRun
from nsinit.errors import ControlError, TimedOutError, UnreachableError, UsageError
from nsinit.kernel.fds import fill_standard
from nsinit.sandbox.pausing import is_paused
from nsinit.sandbox.state import find

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.sandbox.direct import Direct
    from nsinit.sandbox.state import Found

_PATIENCE: Final = 3.0  # s for init to answer


def run(
    *,
    name: str,
    service: str | None,
    user: str | None,
    terminal: bool,
    no_terminal: bool,
    direct: bool,
    command: list[str],
) -> int:
    """Run it to its end; its exit code."""
    if service and user:
        raise UsageError(
            "cannot enter as a user in the place of a service: it has its own",
            hint="either --service or --user",
        )
    if service and direct:
        raise UsageError(
            "cannot enter in the place of a service without its init, which alone knows that",
            hint="either --service or --direct",
        )
    if terminal and no_terminal:
        raise UsageError("cannot enter with a terminal and without", hint="either -t or -T")
    found = find(name)
    if is_paused(found.record):
        raise UnreachableError(
            f"cannot enter {name!r}: it is paused", hint=f"nsinit unpause {name}"
        )
    fill_standard()  # what is closed here is /dev/null there
    given: dict[str, Any] = {"command": command}
    given["terminal"] = not no_terminal and (terminal or (os.isatty(0) and os.isatty(1)))
    if service:
        given |= {"name": service, "command": command or ["/bin/sh"]}
    elif user:
        given["user"] = user
    way = _Way(found, direct=direct)
    try:
        return execute.run(way, "exec" if service else "enter", given)
    finally:
        way.close()


class _Way:
    """By its init, or past it."""

    def __init__(self, found: Found, *, direct: bool) -> None:
        self._found = found
        self._direct = direct
        self._made: Direct | None = None

    def start_command(
        self, row: str, params: Mapping[str, Any], fds: Sequence[int] = (0, 1, 2)
    ) -> CommandRun:
        """Ask init; do without it if it does not answer."""
        if not self._direct:
            try:
                return self._ask(row, params, fds)
            except (UnreachableError, TimedOutError) as error:
                if error.answer is not None:  # it did, and so
                    raise
                if row != "enter":
                    hint = "without --service there is a way in past it"
                    raise type(error)(error.message, hint=hint) from None
                complain(f"{error.message}: entering without its help")
        return self._go(params, fds)

    def _ask(self, row: str, params: Mapping[str, Any], fds: Sequence[int]) -> CommandRun:
        name, control = self._found.record.name, self._found.record.control
        if not control:
            raise UnreachableError(f"the init of {name!r} has no control socket")
        return Client(control, grace=_PATIENCE).start_command(row, params, fds)

    def _go(self, params: Mapping[str, Any], fds: Sequence[int]) -> CommandRun:
        from nsinit.sandbox import direct

        term = params.get("term")
        asked = direct.Asked(
            tuple(params["command"]),
            params.get("user"),
            {"TERM": term} if term else {},
            params["terminal"],
        )
        if any("\0" in word for word in (*asked.command, term or "")):
            raise ControlError("command: no word of it can hold a null byte")
        self._made = direct.start(self._found, asked, fds)
        return CommandRun(self._made.stream, b"", self._found.record.name)

    def close(self) -> None:
        """The command has ended, or is left alone."""
        if self._made is not None:
            self._made.close()
