"""`nsinit openapi`: the OpenAPI document of the control socket, without an init."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from nsinit.cli.output import complain, say
from nsinit.errors import EXIT_OK, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_HELP: Final = """\
usage: nsinit openapi

Writes what the control socket of this version understands and answers as an OpenAPI 3.1 document,
for generators of clients, editors and tests. A running init gives its own at /v1/openapi.json.

examples:
  nsinit openapi > nsinit.json
  curl --unix-socket /run/nsinit/control.sock http://nsinit/v1/openapi.json"""


def main(argv: Sequence[str]) -> int:
    """Print it; returns the exit code."""
    if argv:
        if argv[0] in ("-h", "--help"):
            say(_HELP)
            return EXIT_OK
        error = UsageError("openapi takes no words", hint="nsinit openapi --help")
        complain(error)
        return error.exit_code
    from nsinit.control.openapi import as_json

    sys.stdout.flush()
    sys.stdout.buffer.write(as_json() + b"\n")
    return EXIT_OK
