"""`nsinit ctl record --out FILE`: the flight record in a file."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from nsinit import errors
from nsinit.cli.output import as_json, say
from nsinit.errors import ControlError

if TYPE_CHECKING:
    from collections.abc import Iterable


def save(rows: Iterable[dict[str, Any]], path: str) -> int:
    """Write it to another name first, so that what is there is a whole record or the old one."""
    made, count, whole = f"{path}.new", 0, False
    try:
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for row in rows:
                file.write(as_json(row).encode("utf-8", "backslashreplace") + b"\n")
                count += "event" in row
                whole = "end" in row
        if not whole:
            raise ControlError("init did not send the whole record")
        os.rename(made, path)
    except OSError as error:
        raise ControlError(f"cannot write {path}: {error.strerror}") from None
    finally:
        with suppress(OSError):
            os.unlink(made)
    say(f"{count} events are in {path}")
    return errors.EXIT_OK
