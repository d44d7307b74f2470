"""Reads what is to be converted, and tells what can't be read. The one place with I/O here."""

from __future__ import annotations

import os

from nsinit.errors import ConvertError

_MAX_BYTES = 16 << 20


def read_text(path: str) -> str:
    """The text of a file, without a byte order mark; ConvertError says why it can't be read."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConvertError(path, 0, error.strerror or str(error)) from None
    except ValueError:
        raise ConvertError(path, 0, "a path can't contain NUL") from None
    if len(data) > _MAX_BYTES:
        raise ConvertError(path, 0, f"has over {_MAX_BYTES >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConvertError(path, line, "this is not UTF-8") from None
    if "\0" in text:
        raise ConvertError(path, text.count("\n", 0, text.index("\0")) + 1, "there is a NUL")
    return text


def entries(path: str) -> list[str]:
    """The names in a directory, sorted; ConvertError says why it can't be read."""
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        raise ConvertError(path, 0, error.strerror or str(error)) from None
