"""Lines of services as text."""

from __future__ import annotations

import base64
import io
import sys
from typing import Any

import pytest

from nsinit.cli import logs
from nsinit.errors import UsageError


class Screen(io.TextIOWrapper):
    """A terminal, or a pipe, of an encoding."""

    def __init__(self, encoding: str, *, terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._terminal = terminal

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._terminal


def row(line: bytes, service: str = "web", **more: object) -> dict[str, Any]:
    """A row as init tells it."""
    made = {"seq": 5, "time": 1.5, "service": service, "run": 1, "stream": "stdout"}
    made["line"] = line.decode("utf-8", "replace")
    if "\ufffd" in str(made["line"]):
        made["base64"] = base64.b64encode(line).decode()
    return made | more


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize(
    ("encoding", "terminal", "shown"),
    [
        ("utf-8", False, "é ".encode() + b"\xff\n"),
        ("utf-8", True, "é ".encode() + b"\\xff\n"),
        ("ascii", False, b"\\xe9 \\xff\n"),
        ("iso-8859-1", True, b"\xe9 \\xff\n"),
    ],
)
def test_bytes_are_safe_when_they_are_no_text(
    monkeypatch: pytest.MonkeyPatch, encoding: str, terminal: bool, shown: bytes
) -> None:
    """A file gets what the service wrote, a terminal what it can show."""
    monkeypatch.setattr(sys, "stdout", Screen(encoding, terminal=terminal))
    monkeypatch.setenv("NO_COLOR", "1")
    assert logs.Lines(["web"], "web").show(row("é ".encode() + b"\xff")) == shown


def test_names_have_colours_when_a_terminal_shows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A colour for each service; none in a pipe."""
    monkeypatch.setattr(sys, "stdout", Screen("utf-8", terminal=True))
    lines = logs.Lines(["a", "b"])
    shown = [lines.show(row(b"x", name)) for name in ("a", "b", "later")]
    assert shown[0] == b"\x1b[36ma      |\x1b[0m x\n"
    assert len({one[:5] for one in shown}) == 3
    monkeypatch.setattr(sys, "stdout", Screen("utf-8", terminal=False))
    assert logs.Lines(["a", "b"]).show(row(b"x", "a")) == b"a      | x\n"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (row(b"x", "db"), b"db     | x\n"),
        (row(b"x", "web@2"), b"web@2  | x\n"),
        (row(b"x"), b"x\n"),
        (row(b"x", part="first"), b"x\n"),
        (row(b"x", part="last"), b"+ x\n"),
        (row(b"x", "db", part="middle"), b"db     + x\n"),
        (row(b"x", identifier="cron", pid=12), b"cron[12]: x\n"),
        (row(b"x", identifier="cron"), b"cron: x\n"),
        ({"skipped": 7}, b"nsinit | 7 bytes were skipped here: this reader is too slow\n"),
    ],
)
def test_line_is_whole_and_has_its_name_when_it_is_shown(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], shown: bytes
) -> None:
    """The only service that was asked for needs none."""
    monkeypatch.setattr(sys, "stdout", Screen("utf-8", terminal=False))
    assert logs.Lines(["web"], "web").show(given) == shown


def test_time_is_shown_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """First, so that the columns stay."""
    monkeypatch.setattr(sys, "stdout", Screen("utf-8", terminal=False))
    shown = logs.Lines(["db"], stamps=True).show(row(b"x", "db"))
    assert shown.split(b" ", 1)[0].startswith(b"19")
    assert b"T" in shown[:12]
    assert shown.endswith(b":00 db     | x\n") or b" db     | x" in shown


@pytest.mark.parametrize(
    ("pattern", "invert", "found"),
    [
        ("b+", False, [b"abc"]),
        ("b+", True, [b"x"]),
        ("\udcff", False, [b"\xff"]),
        (None, False, None),
    ],
)
def test_pattern_chooses_lines_when_it_is_found(
    pattern: str | None, invert: bool, found: list[bytes] | None
) -> None:
    """Also by bytes that are no text."""
    fits = logs.matcher(pattern, invert=invert)
    if found is None:
        assert fits is None
    else:
        assert fits is not None
        assert [line for line in (b"abc", b"x", b"\xff") if fits(row(line))][: len(found)] == found


@pytest.mark.parametrize("pattern", ["(", "[z-a]", "a{99999999999}", "(?P<n>"])
def test_reason_is_told_when_a_pattern_is_wrong(pattern: str) -> None:
    """As a mistake of whoever typed it."""
    with pytest.raises(UsageError, match="cannot read the pattern"):
        logs.matcher(pattern, invert=False)
    with pytest.raises(UsageError, match="goes with --grep"):
        logs.matcher(None, invert=True)
