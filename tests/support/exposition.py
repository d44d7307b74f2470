"""Reads the text of metrics strictly: what a scraper would refuse is an error."""

from __future__ import annotations

import re

Samples = dict[str, dict[frozenset[tuple[str, str]], float]]

_LINE = re.compile(r'([a-zA-Z_:][\w:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)')
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
_ENDINGS = {"counter": "_total", "info": "_info", "gauge": ""}


def read(text: str, *, openmetrics: bool = True) -> Samples:
    """The values by name and labels; every family is described and stands together."""
    made: Samples = {}
    family, kind = "", ""
    lines = text.split("\n")
    assert lines.pop() == "", "the last line ends"
    if openmetrics:
        assert lines.pop() == "# EOF"
    for line in lines:
        if line.startswith("#"):
            _, word, name, rest = line.split(" ", 3)
            if word == "HELP":
                assert name not in made, f"{name} is there twice"
                family, kind = name, ""
            assert name == family, line
            if word == "TYPE":
                kind = rest
                expected = name + _ENDINGS[kind] if openmetrics else name
                made[expected] = {}
            elif word == "UNIT":
                assert name.endswith(f"_{rest}"), line
            continue
        found = _LINE.fullmatch(line)
        assert found, f"no line of metrics: {line!r}"
        labels = frozenset(
            (name, re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), value))
            for name, value in _LABEL.findall(found[2] or "")
        )
        assert labels not in made[found[1]], f"twice: {line}"
        made[found[1]][labels] = float(found[3])
    return made


def value(samples: Samples, name: str, **labels: str) -> float | None:
    """One value; None if there is none with just these labels."""
    return samples.get(name, {}).get(frozenset(labels.items()))
