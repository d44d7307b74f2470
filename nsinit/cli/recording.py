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
    """Write it to another name first, so that what is there is a whole record or the old one.

    What is there and is no file, such as /dev/stdout, is written to.
    """
    is_file = not os.path.exists(path) or os.path.isfile(path)
    path = os.path.realpath(path) if is_file else path
    made, count, whole = f"{path}.new" if is_file else path, 0, False
    try:
        if is_file:
            with suppress(FileNotFoundError):
                os.unlink(made)
        flags = os.O_WRONLY | (os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW if is_file else 0)
        with open(os.open(made, flags, 0o600), "wb") as file:
            for row in rows:
                file.write(as_json(row).encode("utf-8", "backslashreplace") + b"\n")
                count += "event" in row
                whole = "end" in row
        if not whole:
            raise ControlError("init did not send the whole record")
        if is_file:
            os.rename(made, path)
    except OSError as error:
        raise ControlError(f"cannot write {path}: {error.strerror}") from None
    finally:
        if is_file:
            with suppress(OSError):
                os.unlink(made)
    if is_file:
        say(f"{count} events are in {path}")
    return errors.EXIT_OK
