"""Output that is compared with what is kept in a file, without what differs from run to run."""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pathlib

# Numbers that are the same in each run.
_KEPT: Final = {
    "exit_code", "exit_signal", "run", "restarts", "schema", "depth", "retries", "replicas",
}  # fmt: skip
# What is a number or null as it happens.
_EITHER: Final = {"max_rss", "rss", "cpu_user", "cpu_system"}
_NUMBER: Final = re.compile(r"(?<![\w@.])\d[\d.]*(?:[KMGT]i?B?)?(?![\w@])")
_SPAN: Final = re.compile(r"(?<![\w.])\d[\d.]*[dhms](?: \d+[dhms])?(?!\w)")
# Digits that are to stay, as letters for so long.
_HIDDEN: Final = {ord("0") + digit: chr(0xE000 + digit) for digit in range(10)}
_SEEN: Final = {0xE000 + digit: str(digit) for digit in range(10)}
_CLOCK: Final = re.compile(r"\d\d:\d\d:\d\d(\.\d+)?|\d{4}-\d\d-\d\d")


def text_of(shown: str, places: dict[str, str]) -> str:
    """Text, with paths, times and numbers as words; columns are as wide as they have to be."""
    for path, word in places.items():
        shown = shown.replace(path, word)
    shown = _CLOCK.sub("CLOCK", shown)
    shown = re.sub(r" \[[^\]\n]* system[^\]\n]*\]", " [USAGE]", shown)
    shown = re.sub(r"(?<=code )\d+", lambda m: m[0].translate(_HIDDEN), shown)
    shown = _NUMBER.sub("N", _SPAN.sub("SPAN", shown)).translate(_SEEN)
    shown = re.sub(r"^ +(?=N )", "  ", shown, flags=re.MULTILINE)
    lines = [re.sub(r"(?<=\S)  +", "  ", line).rstrip() for line in shown.splitlines()]
    return "\n".join(lines) + "\n"


def json_of(value: Any, places: dict[str, str], key: str = "") -> Any:
    """JSON, with numbers but a few, times and paths as words."""
    if isinstance(value, dict):
        return {name: json_of(item, places, name) for name, item in value.items()}
    if isinstance(value, list):
        return [json_of(item, places, key) for item in value]
    if key in _EITHER:
        return "NUMBER"
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return value if key in _KEPT else "NUMBER"
    return text_of(value, places).rstrip("\n")


def as_lines(shown: str, places: dict[str, str]) -> str:
    """What a verb has printed as JSON, each object of a stream by itself, to be read."""
    made = []
    for line in shown.splitlines():
        try:
            value = json_of(json.loads(line), places)
        except ValueError:  # what a command has printed
            made.append(text_of(line, places))
        else:
            made.append(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
    return "".join(made)


def difference(path: pathlib.Path, made: str, *, update: bool) -> str:
    """How it differs from what is kept; with `update` it is kept instead."""
    if update:
        path.parent.mkdir(exist_ok=True)
        path.write_text(made)
        return ""
    kept = path.read_text() if path.exists() else ""
    lines = difflib.unified_diff(
        kept.splitlines(), made.splitlines(), str(path), "now", lineterm=""
    )
    return "\n".join(lines)
