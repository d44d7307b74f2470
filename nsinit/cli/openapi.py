"""`nsinit openapi`: the OpenAPI document of the control socket, without an init."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from nsinit.cli.boxes import Verb
from nsinit.cli.families import read, tell
from nsinit.errors import EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Sequence

VERB: Final = Verb(
    "openapi",
    "print what the control socket understands and answers, as an OpenAPI document",
    (),
    (
        "nsinit openapi > nsinit.json",
        "curl --unix-socket /run/nsinit/control.sock http://nsinit/v1/openapi.json",
    ),
    "\n\nA running init gives its own at /v1/openapi.json.\n\nexit codes: 0 done · 2 usage",
)


def main(argv: Sequence[str]) -> int:
    """Print it; returns the exit code."""
    return tell(lambda: _run(**read("openapi", VERB, list(argv))))


def _run() -> int:
    from nsinit.control.openapi import as_json

    sys.stdout.flush()
    sys.stdout.buffer.write(as_json() + b"\n")
    return EXIT_OK
