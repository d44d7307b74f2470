"""Text for people: tables, spans, colour."""

from __future__ import annotations

import io
import json

import pytest

from nsinit.cli import output
from nsinit.errors import NsinitError


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


class Latin(io.StringIO):
    """A stream that takes a few letters only."""

    encoding = "ascii"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the environment has a say."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("env", "on_terminal", "elsewhere"),
    [
        ({}, True, False),
        ({"TERM": "xterm"}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ({"FORCE_COLOR": ""}, True, False),
    ],
)
def test_text_is_coloured_when_the_stream_shows_it(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], on_terminal: bool, elsewhere: bool
) -> None:
    """NO_COLOR before all, as no-color.org has it; set and empty is not set."""
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert output.colours(Terminal()) is on_terminal
    assert output.colours(io.StringIO()) is elsewhere
    painted = output.paint("x", "red", Terminal())
    assert painted == ("\x1b[31mx\x1b[0m" if on_terminal else "x")


def test_text_stays_plain_when_no_colour_is_named() -> None:
    """A state without a tint."""
    assert output.paint("x", "", Terminal()) == "x"


def test_columns_are_aligned_when_a_table_is_made() -> None:
    """By the widest cell; no line ends with spaces."""
    text = output.table(["NAME", "STATE", "X"], [["a", "running", ""], ["longer", "up", "1"]])
    assert text.split("\n") == [
        "NAME    STATE    X",
        "a       running",
        "longer  up       1",
    ]


def test_head_is_there_when_a_table_has_no_rows() -> None:
    """An empty table is one."""
    assert output.table(["A", "B"], []) == "A  B"


def test_second_column_is_tinted_when_colours_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Aligned by what is seen, not by what is sent."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    text = output.table(["A", "B", "C"], [["a", "b", "c"], ["d", "eee", "f"]], ["green", ""])
    assert text.split("\n") == [
        "\x1b[1mA  B    C\x1b[0m",
        "a  \x1b[32mb  \x1b[0m  c",
        "d  eee  f",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (0, "0s"),
        (0.9, "0s"),
        (59.9, "59s"),
        (60, "1m"),
        (61, "1m 1s"),
        (3600, "1h"),
        (3661, "1h 1m"),
        (3601, "1h 1s"),
        (86_400, "1d"),
        (187_200, "2d 4h"),
        (90_061, "1d 1h"),
    ],
)
def test_span_has_two_units_when_it_is_long(seconds: float, text: str) -> None:
    """The largest that are not zero."""
    assert output.span(seconds) == text


@pytest.mark.parametrize("text", ["plain", "é", "x\udcff", "\x00"])
def test_anything_can_be_said_when_the_stream_takes_little(text: str) -> None:
    """Escaped rather than lost, and never an exception."""
    for stream in (io.StringIO(), Latin()):
        output.say(text, stream)
        assert stream.getvalue().endswith("\n")
    stream = Latin()
    output.say("é\udcff", stream)
    assert stream.getvalue() == "\\xe9\\udcff\n"


@pytest.mark.parametrize(
    ("error", "hint", "lines"),
    [
        ("cannot x", "", ["nsinit: cannot x"]),
        ("cannot x", "do y", ["nsinit: cannot x", "  hint: do y"]),
        (NsinitError("one\ntwo", hint="h"), "", ["nsinit: one", "nsinit: two", "  hint: h"]),
        (NsinitError("one", hint="h"), "other", ["nsinit: one", "  hint: other"]),
    ],
)
def test_error_is_told_on_stderr_when_there_is_one(
    capsys: pytest.CaptureFixture[str], error: NsinitError | str, hint: str, lines: list[str]
) -> None:
    """A line for each problem, and what to do."""
    output.complain(error, hint)
    caught = capsys.readouterr()
    assert caught.err == "".join(f"{line}\n" for line in lines)
    assert caught.out == ""


def test_json_is_one_line_when_anything_is_shown() -> None:
    """Letters are left as they are."""
    value = {"a": "é\n", "b": [1, None]}
    text = output.as_json(value)
    assert "\n" not in text
    assert "é" in text
    assert json.loads(text) == value
