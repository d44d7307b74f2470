"""The help of every verb, and what is told of a wrong command line."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from nsinit.cli import boxes, ctl
from nsinit.cli import help as helps
from nsinit.cli.manual import DIRECTORY, NAMES, as_text, page_named
from nsinit.cli.programs import MODULES, PROGRAMS
from nsinit.control.commands import VERBS

if TYPE_CHECKING:
    from tests.cli.conftest import Type

FAMILIES = {
    word: family
    for word in MODULES
    if (family := getattr(import_module(f"nsinit.cli.{word}"), "FAMILY", None)) is not None
}
IN_FAMILIES = [f"{word} {verb}" for word, family in FAMILIES.items() for verb in family.verbs]
SINGLE = [word for word in MODULES if word not in FAMILIES]
ALL = [*(f"ctl {verb}" for verb in VERBS), *boxes.VERBS, *IN_FAMILIES, *SINGLE]


@pytest.mark.parametrize("words", ALL)
def test_help_fits_a_screen_when_a_verb_is_looked_up(words: str) -> None:
    """Usage, what it does, options and examples, in a window of 100 columns and 40 lines."""
    made = helps._verbs(words)
    assert made, f"nsinit help {words}"
    lines = made[0].splitlines()
    assert lines[0].startswith(f"usage: nsinit {words}")
    assert len(lines) <= 40, len(lines)
    assert max(map(len, lines)) <= 100
    assert "examples:" in lines
    assert f"  nsinit {words}" in made[0] or "curl" in made[0]


def _run(words: str, more: list[str]) -> int:
    first, _, verb = words.partition(" ")
    if first == "ctl":
        return ctl.main([verb, *more])
    if first in boxes.VERBS:
        return boxes.main(first, more)
    code: int = import_module(f"nsinit.cli.{first}").main([verb, *more] if verb else more)
    return code


@pytest.mark.parametrize("words", [*ALL, *FAMILIES])
def test_error_is_one_line_and_a_hint_when_an_option_is_unknown(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit code 2, and no help on stderr."""
    assert _run(words, ["--no-such-option"]) == 2
    told = capsys.readouterr()
    lines = told.err.splitlines()
    assert (told.out, len(lines)) == ("", 2), told
    assert lines[0].startswith("nsinit: ")
    assert lines[1].startswith("  hint: ")


@pytest.mark.parametrize("words", [[], ["ctl"], ["ns"], ["completion"], ["no such"], ["ctl", "x"]])
def test_error_is_short_when_words_are_missing(typed: Type, words: list[str]) -> None:
    """Nobody looks for a line in a page of help."""
    done = typed(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert 1 <= len(done.stderr.splitlines()) <= 2


def test_overviews_name_every_verb_when_they_are_shown(typed: Type) -> None:
    """Of nsinit, of ctl, of a family; `run --help` names each option, `help run` explains it."""
    text = typed("--help").stdout
    assert all(word in text for word in PROGRAMS)
    assert len(text.splitlines()) < 40
    text = typed("ctl", "--help").stdout
    assert all(f"  {verb} " in text for verb in VERBS)
    short, full = typed("run", "--help").stdout, typed("help", "run").stdout
    assert len(short.splitlines()) <= 40 < len(full.splitlines())
    for flag in ("--detach", "--hostname", "--publish", "--[no-]nat", "--preserve-fds"):
        assert flag in short
        assert flag in full


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["services.web.restart"], 0, 'restart = "always"'),
        (["sandbox.network.nat"], 0, "takes:    true or false"),
        (["stop"], 0, "usage: nsinit ctl stop"),
        (["ctl", "logs"], 0, "usage: nsinit ctl logs"),
        (["ns", "pin"], 0, "usage: nsinit ns pin"),
        (["net"], 0, "usage: nsinit net VERB"),
        (["toml"], 0, "NSINIT.TOML"),
        (["nsinit-sandbox(7)"], 0, "OPTIONS OF NSINIT RUN"),
        ([], 0, "nsinit.toml.5"),
        (["services.web.restrat"], 2, "hint: "),
        (["strat"], 2, 'did you mean "start"?'),
        (["ns", "pni"], 2, "hint: "),
        (["\udcff\x1b["], 2, "there is no help on"),
    ],
)
def test_topic_is_found_when_it_is_named(
    typed: Type, words: list[str], code: int, said: str
) -> None:
    """Verbs, keys, pages; of what there is not, the nearest."""
    done = typed("help", *words)
    assert done.returncode == code, done
    assert said.lower() in (done.stderr if code else done.stdout).lower()


def test_page_is_plain_text_when_there_is_no_man() -> None:
    """No request and no escape is left in it; lines fit a terminal."""
    for name in NAMES:
        assert page_named(name) == page_named(name.rpartition(".")[0]) == name
        with open(f"{DIRECTORY}/{name}", encoding="utf-8") as file:
            text = as_text(file.read())
        assert text.startswith("NAME\n")
        assert "EXIT STATUS" in text
        assert "\n." not in text
        assert not any(escape in text for escape in ("\\f", "\\-", "\\(", "\\&"))
    assert page_named("nothing") is None
