"""The command table: no row lacks what a row needs."""

from __future__ import annotations

import inspect
import shlex

import pytest

from nsinit.cli import ctl, show
from nsinit.client import Client
from nsinit.control import commands
from nsinit.control.commands import COMMANDS, Command, Param
from nsinit.control.handlers import Handlers
from nsinit.control.readers import READERS
from nsinit.control.routes import parse_call

ROWS = pytest.mark.parametrize("row", COMMANDS, ids=lambda row: str(row.name))


def test_names_and_paths_are_unique_when_listed() -> None:
    """And are found by name."""
    assert len({row.path for row in COMMANDS}) == len(COMMANDS)
    assert {row.name: row for row in COMMANDS} == commands.BY_NAME
    assert {row.path: row for row in COMMANDS} == commands.BY_PATH
    assert all(row.path == f"/v1/{row.name}" for row in COMMANDS if not row.route)
    assert commands.BY_NAME["metrics"].path == "/metrics"  # where every scraper looks
    assert {row.name for row in COMMANDS if not row.is_verb} == {
        "livez",
        "openapi",
        "readyz",
        "screen",
        "terminal",
    }


def test_no_handler_or_renderer_is_left_over_when_rows_are_counted() -> None:
    """What no row leads to is never used."""
    handlers = {n.removeprefix("do_") for n in dir(Handlers) if n.startswith("do_")}
    assert handlers == set(commands.BY_NAME)
    assert set(show.SHOW) | set(show.STREAM) == set(commands.BY_NAME)
    assert not set(show.SHOW) & set(show.STREAM)


@ROWS
def test_row_has_a_handler_when_it_is_in_the_table(row: Command) -> None:
    """Called with the parameters and a reply."""
    handler = getattr(Handlers, f"do_{row.name}")
    assert len(inspect.signature(handler).parameters) == 3
    assert handler.__doc__


@ROWS
def test_row_has_a_renderer_when_it_is_in_the_table(row: Command) -> None:
    """Of its own kind: rows of a stream come one by one."""
    assert row.name in (show.STREAM if row.stream else show.SHOW)


@ROWS
def test_row_is_a_route_when_it_is_in_the_table(row: Command) -> None:
    """Only what changes nothing is a GET that anybody may read."""
    needed = {"names": "a", "name": "a", "words": "a", "signal": "HUP"}
    values = {p.name: needed[p.kind] + "%3D1" * bool(p.pattern) for p in row.params if p.required}
    query = "&".join(f"{name}={value}" for name, value in values.items())
    call = parse_call(row.method, f"{row.path}?{query}", b"")
    assert call.command is row
    assert set(call.params) == {param.name for param in row.params}
    assert (row.method == "GET") == (row.access == "read")
    assert row.access in commands.ACCESS_LEVELS


@ROWS
def test_row_is_a_method_of_the_client_when_it_is_in_the_table(row: Command) -> None:
    """By its name; anything else is no attribute."""
    client = Client("/nowhere")
    assert callable(getattr(client, row.name))
    with pytest.raises(AttributeError, match="init has no command"):
        getattr(client, f"{row.name}x")


@ROWS
def test_row_is_a_verb_when_it_is_in_the_table(row: Command) -> None:
    """Its examples are read by its own parser, and give its own parameters."""
    assert row.examples
    if not row.is_verb:
        assert row.path in row.examples[0]
        return
    for line in row.examples:
        program, tool, verb, *rest = shlex.split(line)
        assert (program, tool, verb) == ("nsinit", "ctl", row.name)
        given = ctl.parser(row).read(rest)
        known = {param.name for param in (*row.params, *row.options)} | {"json"}
        assert set(given) - {"quiet"} == known  # which those have that wait


@ROWS
def test_row_is_told_in_small_letters_when_it_is_in_the_table(row: Command) -> None:
    """The help makes sentences of them."""
    for text in (row.summary, *(param.help for param in (*row.params, *row.options))):
        assert text
        assert not text.endswith(".")
    assert row.summary[0].islower()


def _params() -> list[Param]:
    return [param for row in COMMANDS for param in (*row.params, *row.options)]


@pytest.mark.parametrize("param", _params(), ids=lambda param: str(param.name))
def test_parameter_has_a_reader_when_it_is_in_the_table(param: Param) -> None:
    """And its default is what that reader would make of it."""
    reader = READERS[param.kind]
    if param.default is not None:
        assert reader(param.default) == param.default
    assert param.positional == (param.kind in ("names", "name", "words", "signal"))
    assert (param.kind == "choice") == bool(param.choices)
    assert param.default is None or not param.choices or param.default in param.choices
    assert not (param.required and param.default is not None)


@ROWS
def test_short_options_are_unique_when_a_row_has_several(row: Command) -> None:
    """One letter each; -h is taken."""
    letters = [param.short for param in row.params if param.short]
    assert len(set(letters)) == len(letters)
    assert all(len(letter) == 1 and letter != "h" for letter in letters)
