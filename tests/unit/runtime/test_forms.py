"""How lines look on the console and in files."""

from __future__ import annotations

import json

import pytest

from nsinit.model.outputs import InitLog
from nsinit.model.spec import Config, Init
from nsinit.runtime import forms
from nsinit.runtime.console import Console
from nsinit.runtime.jsonlines import json_lines
from nsinit.runtime.lines import Block
from nsinit.runtime.outlet import Outlet
from nsinit.runtime.reactor import Reactor
from nsinit.runtime.tally import Tallies

AT = 1_767_225_600.25  # 2026-01-01
WHEN = "2026-01-01T00:00:00.250000Z"
FIRST, LAST = Block(b"ab\n", goes_on=True), Block(b"c\nd\n", continues=True)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (forms.prefixed("x"), "x | ab\nx + c\nx | d\n"),
        (forms.stamped("x"), f"{WHEN} x | ab\n{WHEN} x + c\n{WHEN} x | d\n"),
        (forms.raw, "abc\nd\n"),
        (forms.timed, f"{WHEN} abc\n{WHEN} d\n"),
    ],
)
def test_line_is_one_again_or_marked_when_it_was_cut(form: forms.Form, text: str) -> None:
    """A file has it whole, the console marks what goes on."""
    made = b"".join(form(block, AT, False) for block in (FIRST, LAST))
    assert made.decode() == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000000Z"),
        (AT, WHEN),
        (1_767_225_599.999_999_9, "2026-01-01T00:00:00.000000Z"),
    ],
)
def test_time_has_microseconds_when_it_is_written(at: float, text: str) -> None:
    """Rounded with a carry, in UTC."""
    assert forms.stamp(at) == text


def test_json_has_its_fields_when_lines_are_rendered() -> None:
    """Plain lines in one go, all else one by one; the same fields either way."""
    form = json_lines("web@2", 3, "stderr")
    whole = {"time": WHEN, "service": "web@2", "replica": 2, "run": 3, "stream": "stderr"}
    plain = [json.loads(row) for row in form(Block(b"a\n\nb\n"), AT, False).splitlines()]
    assert plain == [whole | {"message": text} for text in ("a", "", "b")]
    odd = [json.loads(row) for row in form(Block(b'"\n\xff\t\n'), AT, False).splitlines()]
    assert odd == [
        whole | {"message": '"'},
        whole | {"message": "\ufffd\t", "base64": "/wk="},
    ]
    cut = [json.loads(row) for b in (FIRST, LAST) for row in form(b, AT, False).splitlines()]
    assert [(row["message"], row.get("part")) for row in cut] == [
        ("ab", "first"),
        ("c", "last"),
        ("d", None),
    ]
    (joined,) = form(Block(b"a\nb\n"), AT, True).splitlines()
    assert json.loads(joined)["message"] == "a\nb"


@pytest.mark.parametrize(
    ("asked", "env", "colored"),
    [
        ("auto", {"TERM": "xterm"}, False),  # no terminal
        ("always", {"NO_COLOR": "1"}, True),
        ("never", {"TERM": "xterm"}, False),
    ],
)
def test_names_have_colors_when_asked(
    monkeypatch: pytest.MonkeyPatch, asked: str, env: dict[str, str], colored: bool
) -> None:
    """What a terminal does is shown by a real one."""
    reactor = Reactor(lambda _: None)
    out = Outlet(1, "stdout", reactor)
    log = InitLog(color=asked)  # type: ignore[arg-type]  # a parameter
    console = Console(out, out, Config(init=Init(log=log)), env)
    tally = Tallies().of("web@1", "stdout", "console")
    written: list[bytes] = []
    monkeypatch.setattr(out, "write", lambda text, _=None: written.append(text))
    console.sink("web", 1, "stdout", "", tally)(Block(b"x\n"), AT, False)
    (text,) = written
    assert tally.bytes == len(text)
    assert (b"\x1b[" in text) == colored
    assert b"\x1b[0m | x\n" in text if colored else text == b"web    | x\n"
    assert (b"\x1b[1mnsinit" in console.own("stdout", "info", "y", {})) == colored
