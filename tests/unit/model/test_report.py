"""Key paths as text, and where problems are found."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from nsinit.errors import ConfigError
from nsinit.model.report import Report, Source, dotted

if TYPE_CHECKING:
    from nsinit.model.lines import KeyPath


def _source(file: str, text: str) -> Source:
    return Source(file, text, tomllib.loads(text))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("init",), "init"),
        (("services", "web", "command"), "services.web.command"),
        (("services", "my app", "command", 0), 'services."my app".command[0]'),
        (("a", 0, "b", 12), "a[0].b[12]"),
        (("a-b_c", "1"), "a-b_c.1"),
        (("", "a.b"), '""."a.b"'),
        (("é",), '"é"'),
    ],
)
def test_path_is_shown_as_toml_writes_it_when_told(path: KeyPath, text: str) -> None:
    """Names that are no bare keys are quoted."""
    assert dotted(path) == text


@pytest.mark.parametrize("key", ["a\nb", 'a"b', "a\\b", "a\x1bb"])
def test_path_can_be_read_back_when_a_key_holds_anything(key: str) -> None:
    """It is TOML, so it is escaped as TOML; and a problem stays on one line."""
    text = dotted(("services", key))
    assert "\n" not in text
    assert "\x1b" not in text
    assert tomllib.loads(f"{text} = 1") == {"services": {key: 1}}


def test_problem_has_the_line_of_its_key_when_that_is_written() -> None:
    """Of the longest part of the path that stands in the text."""
    report = Report([_source("n.toml", "[init]\nlog = 1\n\n[services.a]\ncommand = 'x'\n")])
    report.error(("init", "log"), "wrong")
    report.error(("services", "a", "restart"), "missing")
    report.error(("services", "a", "command", 3), "wrong")
    report.error(("other", "key"), "nowhere")
    report.error((), "nothing")
    assert [p.line for p in report.problems] == [2, 4, 5, 0, 0]
    assert report.paths >= {("init", "log"), ()}


def test_problem_is_in_the_file_that_holds_the_key_when_there_are_several() -> None:
    """The main file has what nobody wrote."""
    main = _source("main.toml", "[services.a]\ncommand = 'x'\n")
    more = _source("more.toml", "\n[services.b]\ncommand = 'x'\n[sandbox]\n")
    report = Report([main, more])
    report.error(("services", "a"), "x")
    report.error(("services", "b"), "x")
    report.error(("services", "c"), "x")
    report.error(("services", "a"), "forced", "", more)
    places = [(p.file, p.line) for p in report.problems]
    assert places == [
        ("main.toml", 1),
        ("more.toml", 2),
        ("main.toml", 1),
        ("more.toml", 2),
    ]


def test_problem_is_in_the_file_that_holds_the_table_when_its_key_is_missing() -> None:
    """The table may stand in an included file."""
    main = _source("main.toml", "[services.a]\ncommand = 'x'\n")
    more = _source("more.toml", "\n[sandbox]\n")
    report = Report([main, more])
    report.error(("sandbox", "name"), "x")
    assert [(p.file, p.line) for p in report.problems] == [("more.toml", 2)]


def test_all_problems_are_raised_together_when_there_are_any() -> None:
    """Warnings alone raise nothing."""
    report = Report([_source("n.toml", "a = 1\n")])
    report.warning(("a",), "odd", "change it")
    report.raise_if_wrong()
    assert [str(w) for w in report.warnings] == ["n.toml:1: a: odd (change it)"]
    report.error(("a",), "one")
    report.error(("a",), "two")
    with pytest.raises(ConfigError) as caught:
        report.raise_if_wrong()
    assert str(caught.value) == "n.toml:1: a: one\nn.toml:1: a: two"
