"""The files of supervisord: sections of keys, with the place of each. Pure.

Supervisord reads them with Python's own parser, set to know comments behind a value and to let
later sections add to earlier ones; so does this.
"""

from __future__ import annotations

import configparser
import re
from typing import Final, NamedTuple

from nsinit.errors import ConvertError

_HEADER: Final = re.compile(r"\s*\[(?P<name>.+)\]")
_KEY: Final = re.compile(r"\s*(?P<key>[^\s#;=:][^=:]*?)\s*[=:]")


class Place(NamedTuple):
    """Where something stands."""

    file: str
    line: int


class Ini:
    """Sections of several files, the later ones over the earlier."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, str]] = {}
        self._places: dict[tuple[str, str], Place] = {}
        self._here: dict[tuple[str, str], str] = {}

    def read(self, file: str, text: str, here: str) -> None:
        """Add a file whose directory is `here`; ConvertError for what is no section and no key."""
        parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"), strict=False)
        try:
            parser.read_string(text, file)
        except configparser.MissingSectionHeaderError as error:
            raise ConvertError(file, error.lineno, "a [section] has to come first") from None
        except configparser.ParsingError as error:
            lines = [line for line, _ in getattr(error, "errors", ())] or [0]
            raise ConvertError(file, lines[0], "expected KEY = VALUE") from None
        except (configparser.Error, AttributeError) as error:
            raise ConvertError(file, 0, str(error).split("\n")[0]) from None
        places = _places(file, text)
        for section in parser.sections():
            self._places[section, ""] = places.get((section, ""), Place(file, 0))
            keys = self._values.setdefault(section, {})
            for key, value in parser.items(section):
                if key in keys and (section, key) not in places and key in parser.defaults():
                    continue
                keys[key] = value
                self._places[section, key] = places.get((section, key), self._places[section, ""])
                self._here[section, key] = here

    @property
    def sections(self) -> list[str]:
        """Their names, in the order of the files."""
        return list(self._values)

    def keys(self, section: str) -> dict[str, str]:
        """The keys of a section as they were written; none if there is no such section."""
        return self._values.get(section, {})

    def here(self, section: str, key: str) -> str:
        """The directory of the file that a key stands in."""
        return self._here[section, key]

    def place(self, section: str, key: str = "") -> Place:
        """Where a section or a key of it stands."""
        return self._places[section, key]


def _places(file: str, text: str) -> dict[tuple[str, str], Place]:
    """The lines of sections and keys; of what goes on over several lines, the first."""
    made: dict[tuple[str, str], Place] = {}
    section, depth = "", -1
    for number, line in enumerate(text.split("\n"), 1):
        indent = len(line) - len(line.lstrip())
        if header := _HEADER.match(line):
            section, depth = header["name"], -1
            made[section, ""] = Place(file, number)
        elif (found := _KEY.match(line)) and (indent <= depth or depth < 0):
            depth = indent
            made[section, found["key"].lower()] = Place(file, number)
    return made
