"""The text of a unit file: sections, assignments, comments, continued lines. Pure.

As systemd.syntax(7) has it: a line that makes no sense is told and left out, the rest counts.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_COMMENTS: Final = ("#", ";")


class Entry(NamedTuple):
    """One assignment, or what a file has instead of one (then `key` is "")."""

    section: str
    key: str
    value: str
    file: str
    line: int  # from 1: where it begins


def parse(text: str, file: str) -> tuple[list[Entry], list[tuple[int, str]]]:
    """The assignments of a file in order, and what is wrong with other lines: number, why."""
    entries: list[Entry] = []
    wrong: list[tuple[int, str]] = []
    section = ""
    for number, line in _joined(text.removeprefix("\ufeff")):
        if line.startswith("["):
            section = line[1:-1] if line.endswith("]") else ""
            if not section:
                wrong.append((number, f"{line[:40]!r} is no section"))
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            wrong.append((number, f"{line[:40]!r} is no assignment"))
        elif not section:
            wrong.append((number, f"{key.strip()[:40]}= stands outside of a section"))
        elif not section.startswith("X-") and not key.startswith("X-"):  # others' own
            entries.append(Entry(section, key.strip(), value.strip(), file, number))
    return entries, wrong


def _joined(text: str) -> list[tuple[int, str]]:
    """Lines with those that they are continued by; comments may stand in between."""
    made: list[tuple[int, str]] = []
    begun, start = "", 0
    for number, raw in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        bare = raw.lstrip()
        if bare.startswith(_COMMENTS):
            continue
        line = begun + (raw if begun else bare)
        start = start if begun else number
        if _goes_on(line):
            begun = line[:-1] + " "
            continue
        begun = ""
        if line.strip():
            made.append((start, line.strip()))
    if begun.strip():
        made.append((start, begun.strip()))
    return made


def _goes_on(line: str) -> bool:
    """Whether its last backslash is not itself escaped."""
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1
