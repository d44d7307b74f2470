"""`nsinit top`: a running init on the whole screen."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from nsinit.cli.boxes import Verb
from nsinit.cli.families import read, tell
from nsinit.control.row import Param
from nsinit.errors import EXIT_OK, NotInstalledError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MORE: Final = """

States, what is used, output as it comes, reasons; services are started, stopped and restarted.
Leaving the screen leaves init as it is; the key ? shows all keys. It needs the extra "tui":
pip install 'nsinit[tui]'. Without it, `nsinit ctl top` prints once.

exit codes: 0 left by the user · 1 the extra is missing · 2 usage, no terminal · 4 no init answers
· 77 not allowed"""
_LEAST: Final = 0.2  # s
_MOST: Final = 60.0

VERB: Final = Verb(
    "top",
    "show the services of a running init on the whole screen, as they change",
    (
        Param("name", "text", "the sandbox of that name; without it the only init", short="s"),
        Param("socket", "text", "the control socket at that path"),
        Param(
            "delay",
            "seconds",
            f"measure what is used for so long each time (s), from {_LEAST:g} to {_MOST:g}",
            short="d",
            default=2.0,
        ),
    ),
    ("nsinit top", "nsinit top -s shop -d 5s"),
    _MORE,
)


def main(argv: Sequence[str]) -> int:
    """Show it until the user leaves; returns the exit code."""
    return tell(lambda: _run(**read(VERB.name, VERB, list(argv))))


def _run(*, name: str | None, socket: str | None, delay: float | None) -> int:
    from nsinit.locate import find_socket

    delay = 2.0 if delay is None else delay
    if not _LEAST <= delay <= _MOST:
        raise UsageError(f"cannot measure for {delay:g}s: from {_LEAST:g}s to {_MOST:g}s")
    # The screen is written to stderr (the driver of textual).
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError("cannot fill a screen: this is no terminal", hint="nsinit ctl top")
    path = socket or find_socket(name or "")
    try:
        from nsinit.cli.tui.app import Top
    except ImportError as error:
        hint = "pip install 'nsinit[tui]', or nsinit ctl top"
        raise NotInstalledError(
            f"cannot show the screen: {error.name} is not installed", hint=hint
        ) from None
    from nsinit.aclient import AsyncClient
    from nsinit.client import Client

    Client(path).version()  # who can't be asked at all is told so before the screen is taken
    Top(AsyncClient(path), delay, title=name or "").run()
    return EXIT_OK
