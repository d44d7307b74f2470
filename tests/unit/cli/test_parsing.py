"""What follows a verb: options in all their forms, names, commands, and what makes no sense."""

from __future__ import annotations

from typing import Any

import pytest

from nsinit.cli.output import Wishes
from nsinit.cli.parsing import JSON, Parser
from nsinit.control.row import Param
from nsinit.errors import UsageError

PARAMS = (
    Param("names", "names", "them"),
    Param("follow", "flag", "go on", short="f"),
    Param("times", "flag", "tell when", short="t"),
    Param("lines", "integer", "so many", short="n"),
    Param("since", "text", "from then on"),
    Param("wait_for", "seconds", "so long", default=5.0),
    Param("state", "choice", "as they are", choices=("up", "down"), option="for"),
    JSON,
)
NOTHING = {
    "names": [], "follow": False, "times": False, "lines": None, "since": None, "wait_for": None,
    "state": None, "json": False,
}  # fmt: skip
ONE = Param("name", "name", "which", required=True)
COMMAND = Param("command", "words", "what", required=True)
ANY_COMMAND = Param("command", "words", "what, after --")


@pytest.fixture(autouse=True)
def wishes() -> Any:
    """What is asked for here is asked for by nobody else."""
    yield
    Wishes.color, Wishes.format = "auto", ""


def read(argv: str, *params: Param) -> dict[str, Any]:
    """What is understood; words are apart by one space."""
    words = argv.split(" ") if argv else []
    return Parser("ctl see", "see them", ("nsinit ctl see",), params or PARAMS).read(words)


@pytest.mark.parametrize(
    ("argv", "given"),
    [
        ("", {}),
        ("a b", {"names": ["a", "b"]}),
        ("-f a", {"names": ["a"], "follow": True}),
        ("a --follow b", {"names": ["a", "b"], "follow": True}),
        ("-ft", {"follow": True, "times": True}),
        ("-n 5", {"lines": 5}),
        ("-n5", {"lines": 5}),
        ("-n=5", {"lines": 5}),
        ("-ftn5 a", {"names": ["a"], "follow": True, "times": True, "lines": 5}),
        ("--lines=5 --lines 6", {"lines": 6}),
        ("-n -5", {"lines": -5}),
        ("--since= a", {"names": ["a"], "since": ""}),
        ("--since=-1=2", {"since": "-1=2"}),
        ("--wait-for 1m", {"wait_for": 60.0}),
        ("--for up", {"state": "up"}),
        ("-- -f --since", {"names": ["-f", "--since"]}),
        ("a -- -- b", {"names": ["a", "--", "b"]}),
        ("- -7", {"names": ["-", "-7"]}),
    ],
)
def test_words_are_parameters_when_they_are_understood(argv: str, given: dict[str, Any]) -> None:
    """In any order; what is not given is None."""
    assert read(argv) == NOTHING | given


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        ("--lnes 5", "unrecognized arguments: --lnes", 'did you mean "--lines"?'),
        ("-x a -y", "unrecognized arguments: -x -y", ""),
        ("-fx", "unrecognized arguments: -x", ""),
        ("--lines", "argument -n/--lines: expected one argument", "nsinit ctl see --help"),
        ("-n --follow", "argument -n/--lines: expected one argument", ""),
        ("-n --", "expected one argument", ""),
        ("-n five", "argument -n/--lines: expected a whole number, got 'five'", ""),
        ("--wait-for five", "argument --wait-for: expected a duration", ""),
        ("--for uo", "argument --for: invalid choice: 'uo' (choose from up, down)", '"up"'),
        ("--follow=5", "argument -f/--follow: it takes no value, got '5'", ""),
        ("--color pink", "argument --color: invalid choice", ""),
        ("--format=", "--format: expected fields", ""),
    ],
)
def test_words_are_refused_when_they_make_no_sense(argv: str, message: str, hint: str) -> None:
    """With the option that is meant, and where to look."""
    with pytest.raises(UsageError) as caught:
        read(argv)
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("params", "argv", "given"),
    [
        ((ONE,), "a", {"name": "a"}),
        ((ONE, COMMAND), "a -- b -c", {"name": "a", "command": ["b", "-c"]}),
        ((ONE, COMMAND), "a b", {"name": "a", "command": ["b"]}),
        ((ONE, COMMAND), "-- a b -- c", {"name": "a", "command": ["b", "--", "c"]}),
        ((ANY_COMMAND,), "", {"command": []}),
        ((ANY_COMMAND,), "-- b -c --", {"command": ["b", "-c", "--"]}),
        ((ONE, ANY_COMMAND), "a", {"name": "a", "command": []}),
        ((ONE, ANY_COMMAND), "a b", {"name": "a", "command": ["b"]}),
        ((ONE, ANY_COMMAND), "a -- b", {"name": "a", "command": ["b"]}),
        ((Param("file", "name", "it", default=""), ANY_COMMAND), "-- b",
         {"file": "", "command": ["b"]}),
    ],
)  # fmt: skip
def test_words_find_their_place_when_they_stand_by_themselves(
    params: tuple[Param, ...], argv: str, given: dict[str, Any]
) -> None:
    """The last place may take many; a command follows --."""
    assert read(argv, *params) == given


@pytest.mark.parametrize(
    ("params", "argv", "message"),
    [
        ((ONE,), "", "the following arguments are required: NAME"),
        ((ONE,), "a b", "unrecognized arguments: b"),
        ((ONE, COMMAND), "", "the following arguments are required: NAME, WORD"),
        ((ONE, COMMAND), "a", "the following arguments are required: WORD"),
        ((ONE, COMMAND), "a b -c", "unrecognized arguments: -c"),
        ((ONE, ANY_COMMAND), "-- b", "the following arguments are required: NAME"),
        ((ONE, ANY_COMMAND), "a b c -- d", "a command follows --, not 'b c'"),
    ],
)
def test_words_are_refused_when_there_is_no_place_for_them(
    params: tuple[Param, ...], argv: str, message: str
) -> None:
    """Too few, too many, or on the wrong side of a --."""
    with pytest.raises(UsageError, match="cannot understand nsinit ctl see") as caught:
        read(argv, *params)
    assert message in caught.value.message


def test_wishes_are_kept_when_they_are_told() -> None:
    """For whoever prints; fields are of the JSON. They are no parameters."""
    assert read("--format name,pid --color=never") == NOTHING | {"json": True}
    assert (Wishes.format, Wishes.color) == ("name,pid", "never")
    assert read("") == NOTHING
    assert (Wishes.format, Wishes.color) == ("", "auto")


@pytest.mark.parametrize("argv", ["-h", "a --help", "--bad --help", "-fh"])
def test_help_is_shown_when_it_is_asked_for(capsys: pytest.CaptureFixture[str], argv: str) -> None:
    """Whatever else is wrong."""
    with pytest.raises(SystemExit):
        read(argv)
    assert capsys.readouterr().out.startswith("usage: nsinit ctl see")
