"""Which words after `nsinit run` name a file, and which are a command.

`nsinit run [FILE] -- COMMAND` leaves no doubt. A container's runtime only appends the image's CMD
to the ENTRYPOINT, so without `--` a command is recognized too: after a FILE that ends in .toml, or
when the first word is a program.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nsinit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def has_options(argv: Sequence[str]) -> bool:
    """Whether there are options, before the file or right behind it."""
    first = argv[1:2] if argv and argv[0].endswith(".toml") else argv[:1]
    return bool(first) and first[0].startswith("-") and first[0] != "--"


def split_words(
    verb: str, argv: Sequence[str], env: Mapping[str, str]
) -> tuple[str | None, list[str]]:
    """The file, if one is named, and the command, if there is one. UsageError if neither fits."""
    words = list(argv)
    if "--" in words[:2]:
        at = words.index("--")
        before, command = words[:at], words[at + 1 :]
    elif words and words[0].endswith(".toml"):
        before, command = words[:1], words[1:]
    elif words and not words[0].startswith("-") and _is_program(words[0], env):
        before, command = [], words
    else:
        before, command = words, []
    if before and before[0].startswith("-"):
        raise UsageError(f"cannot use {' '.join(argv)!r}", hint=f"nsinit {verb} --help")
    if len(before) > 1:
        raise UsageError(
            f"cannot {verb} {before[0]!r}: it is neither a program nor a file that ends in .toml",
            hint=f"a command follows --, see nsinit {verb} --help",
        )
    return (before[0] if before else None), command


def _is_program(word: str, env: Mapping[str, str]) -> bool:
    """Whether execvp(3) would find something to execute."""
    if "/" in word:
        return _is_executable(word)
    directories = env.get("PATH", _PATH).split(":")
    return any(_is_executable(os.path.join(directory or ".", word)) for directory in directories)


def _is_executable(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
