"""Command lines of units: their prefixes, words and variables, as commands of nsinit. Pure.

systemd.service(5), "COMMAND LINES". Variables are filled in by a shell where there are any: `${X}`
as one word, or part of it, `$X` as a word of its own split at blanks, and never as patterns.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.convert.systemd.words import BLANKS, first_word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nsinit.convert.systemd.text import Entry

_PREFIXES: Final = "-@:+!|"
_VARIABLE: Final = re.compile(r"\$\$|\$\{([^}]*)\}")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Command(NamedTuple):
    """One command of a line."""

    argv: tuple[str, ...]  # as written, with specifiers filled in
    prefixes: str
    entry: Entry
    called: str = ""  # argv[0], where that is not the program ("@")

    @property
    def may_fail(self) -> bool:
        """Whether its failure is none ("-")."""
        return "-" in self.prefixes

    @property
    def is_privileged(self) -> bool:
        """Whether it is not run as the service's user ("+", "!")."""
        return "+" in self.prefixes or self.prefixes.count("!") == 1

    @property
    def plain(self) -> list[str] | None:
        """Its words as they are; None if there are variables in them."""
        if ":" in self.prefixes:
            return list(self.argv)
        made = [self.argv[0]]
        for word in self.argv[1:]:
            if _splits(word) or any(match[0] != "$$" for match in _VARIABLE.finditer(word)):
                return None
            made.append(word.replace("$$", "$"))
        return made

    @property
    def shell(self) -> str:
        """The same for a shell."""
        quote = shlex.quote if ":" in self.prefixes else _shell_word
        return " ".join([shlex.quote(self.argv[0]), *map(quote, self.argv[1:])])

    @property
    def splits(self) -> bool:
        """Whether a variable becomes any number of words."""
        return ":" not in self.prefixes and any(map(_splits, self.argv[1:]))


def parse(entry: Entry, fill: Callable[[str], str]) -> list[Command]:
    """The commands of one line; `fill` does the specifiers. ValueError tells what is wrong."""
    made: list[Command] = []
    rest = entry.value
    while rest:
        word, rest = first_word(rest)
        if word is None:
            break
        if word == ";":
            continue
        program = word.lstrip(_PREFIXES)
        prefixes = word[: len(word) - len(program)]
        if not program:
            raise ValueError("there is no program")
        argv = [fill(program)]
        while rest:
            if rest[0] == ";" and (len(rest) == 1 or rest[1] in BLANKS):
                rest = rest[1:].lstrip(BLANKS)
                break
            if rest.startswith("\\;") and (len(rest) == 2 or rest[2] in BLANKS):
                argv.append(";")
                rest = rest[2:].lstrip(BLANKS)
                continue
            word, rest = first_word(rest)
            if word is not None:
                argv.append(fill(word))
        called = argv.pop(1) if "@" in prefixes and len(argv) > 1 else ""
        made.append(Command(tuple(argv), prefixes, entry, called))
    return made


def script(commands: Sequence[Command], *, excuse: bool = True) -> list[str] | str:
    """One command for several, as words or, if a shell is needed, as a line for it.

    `excuse`: what may fail does not (else that is left to who runs it).
    """
    only = commands[0] if len(commands) == 1 else None
    forgives = excuse and any(command.may_fail for command in commands)
    if only is not None and not forgives and (words := only.plain) is not None:
        return words
    parts = []
    for command in commands:
        line = command.shell
        if excuse and command.may_fail:
            line = f"{line} || :" if only is not None else f"{{ {line} || :; }}"
        elif command is commands[-1]:
            line = f"exec {line}"
        parts.append(line)
    head = "set -f; " if any(command.splits for command in commands) else ""
    return head + " && ".join(parts)


def _splits(word: str) -> bool:
    return len(word) > 1 and word[0] == "$" and word[1] not in "${"


def _shell_word(word: str) -> str:
    """A word for a shell; a name that no variable can have is an empty one, as in systemd."""
    if _splits(word):
        return word if _NAME.fullmatch(word[1:]) else ""
    made, at = [], 0
    for match in _VARIABLE.finditer(word):
        if match[0] == "$$":
            continue
        made.append(word[at : match.start()].replace("$$", "$"))
        made.append(match[1])
        at = match.end()
    made.append(word[at:].replace("$$", "$"))
    if len(made) == 1:
        return shlex.quote(made[0])
    parts = []
    for index, piece in enumerate(made):
        if not index % 2:
            parts.append(re.sub(r'([\\"$`])', r"\\\1", piece))
        elif _NAME.fullmatch(piece):
            parts.append(f"${{{piece}}}")
    return f'"{"".join(parts)}"'
