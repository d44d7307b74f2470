"""From texts to a checked configuration, or to everything that is wrong with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from nsinit.errors import ConfigError
from nsinit.model.load import Loaded, included, load, parse_source, read_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RIGHT = "[services.a]\ncommand = 'x'\n"


def loaded(*texts: str, env: Mapping[str, str] | None = None) -> Loaded:
    """Load files called a.toml, b.toml and so on."""
    sources = [parse_source(f"{'abc'[n]}.toml", text) for n, text in enumerate(texts)]
    return load(sources, env or {})


def told(*texts: str, env: Mapping[str, str] | None = None) -> list[str]:
    """What is told about such files."""
    with pytest.raises(ConfigError) as caught:
        loaded(*texts, env=env)
    return [str(problem) for problem in caught.value.problems]


def test_configuration_is_loaded_when_it_is_right() -> None:
    """With its plan, without warnings."""
    made = loaded("[init]\nlog = 'debug'\n[services.a]\ncommand = 'x'\n[sandbox]\nname = 's'\n")
    assert made.config.init.log.level == "debug"
    assert list(made.plan.services) == ["a"]
    assert made.config.sandbox is not None
    assert made.config.sandbox.name == "s"
    assert (made.warnings, made.files) == ([], ["a.toml"])


def test_warnings_are_collected_when_something_is_odd() -> None:
    """They stop nothing."""
    made = loaded(f"{RIGHT}start_timeout = 5\n")
    assert [str(w) for w in made.warnings] == [
        (
            "a.toml:3: services.a.start_timeout: has no effect without a declared readiness "
            "(add ready = {notify = true})"
        )
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = 1\nb = \n", "a.toml:2: not TOML: "),
        ("[a\n", "a.toml:1: not TOML: "),
        ("a = 1\na = 2\n", "a.toml:2: not TOML: "),
        ('a = "\n', "a.toml:1: not TOML: "),
        ("a = 1\n\n[", "a.toml:3: not TOML: "),
        ("\x00", "a.toml:1: not TOML: "),
        ("a = " + "[" * 5000, "a.toml:1: not TOML: "),
    ],
)
def test_line_is_told_when_the_syntax_is_wrong(text: str, problem: str) -> None:
    """And tomllib's own words follow; at the end of the text it tells no line."""
    (row,) = told(text)
    assert row.startswith(problem)
    assert row != problem


@pytest.mark.parametrize("text", ["a = " + "9" * 5000, "[services.a]\nx = " + "9" * 5000])
def test_number_is_a_syntax_error_when_it_has_too_many_digits(text: str) -> None:
    """ConfigError is the only error of a text."""
    (row,) = told(text)
    assert row.startswith("a.toml:")


@pytest.mark.parametrize(
    "key",
    [
        "min_uptime = " + "9" * 400,
        "type = 0x" + "f" * 5000,
        "user = [0x" + "f" * 5000 + "]",
        "x." * 3000 + "y = 1",
        "environment." + "x." * 3000 + "y = 1",
    ],
    ids=["over 1e308", "a hex number", "a hex number in an array", "deep key", "deep variable"],
)
def test_value_is_told_when_it_is_absurdly_large_or_deep(key: str) -> None:
    """ConfigError is the only error of a text."""
    (row,) = told(f"{RIGHT}{key}\n")
    assert row.startswith("a.toml")


def test_unknown_tables_and_wrong_kinds_are_told_when_at_the_top() -> None:
    """With the nearest known spelling."""
    rows = told("service = 1\ninit = 5\n[[services]]\n")
    assert rows == [
        "a.toml: nothing to run (add a [services.NAME] table with a command)",
        'a.toml:1: service: unknown key (did you mean "services"?)',
        "a.toml:2: init: expected a table, got an integer",
        "a.toml:3: services: expected a table, got an array",
    ]


def test_tables_are_merged_when_there_are_several_files() -> None:
    """In the order of the files."""
    made = loaded(RIGHT, "[services.b]\ncommand = 'y'\n", "[init]\nkeep_running = true\n")
    assert list(made.config.services) == ["a", "b"]
    assert made.plan.keep_running
    assert made.files == ["a.toml", "b.toml", "c.toml"]


def test_second_description_is_refused_when_two_files_have_one_service() -> None:
    """The message names the first; nothing is merged key by key."""
    rows = told(f"[init]\n{RIGHT}", f"\n{RIGHT}user = true\n", "[init]\n")
    assert rows == [
        "b.toml:2: services.a: is described in a.toml already",
        "c.toml:1: init: is described in a.toml already",
    ]


def test_problem_is_in_its_own_file_when_that_is_included() -> None:
    """With the line there."""
    rows = told(RIGHT, "\n\n[services.b]\ncommand = 'x'\nrestart = 'x'\nnope = 1\n")
    assert [row.partition(": services")[0] for row in rows] == ["b.toml:5", "b.toml:6"]


def test_include_is_refused_when_an_included_file_has_it() -> None:
    """One level is enough."""
    assert told(RIGHT, "include = ['c.toml']\n") == [
        "b.toml:1: include: an included file can't include others"
    ]


@pytest.mark.parametrize(
    ("text", "patterns"),
    [
        ("", []),
        ("include = 'a'", ["a"]),
        ("include = ['a', 'b', 'a']", ["a", "b"]),
        ("include = []", []),
    ],
)
def test_patterns_are_listed_when_a_file_includes_others(text: str, patterns: list[str]) -> None:
    """One may be written as a plain string."""
    assert included(parse_source("a.toml", text)) == patterns


def test_include_is_told_when_it_is_no_list_of_names() -> None:
    """With its line."""
    with pytest.raises(ConfigError, match=r"^a.toml:2: include: expected an array of names, got 5"):
        included(parse_source("a.toml", "\ninclude = 5"))


def test_include_is_told_when_a_name_has_a_nul() -> None:
    """No path has one: to look for it ended nsinit with a traceback."""
    with pytest.raises(ConfigError, match=r"^a.toml:1: include: nothing here can contain NUL"):
        included(parse_source("a.toml", 'include = ["b.toml", "\\u0000"]'))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("restart", 'expected one of "no"'),
        ("type", 'expected one of "simple"'),
        ("log.format", "expected one of"),
        ("schedule.overlap", "expected one of"),
    ],
)
def test_variable_is_refused_when_it_has_bytes_where_a_word_is_expected(
    key: str, expected: str
) -> None:
    """Which are no Unicode: these, too, ended nsinit with a traceback, and an update."""
    rows = told(f"[services.a]\ncommand = 'x'\n{key} = '${{X}}'\nbogus = 1\n", env={"X": "\udcff"})
    assert any(row.startswith(f"a.toml:3: services.a.{key}: {expected}") for row in rows)
    assert "a.toml:4: services.a.bogus: unknown key" in rows


def test_variables_are_filled_in_when_strings_have_them() -> None:
    """Anywhere, at any depth; keys are left alone."""
    text = (
        "[services.a]\ncommand = ['${X}', 'b-${X}']\n[services.a.environment]\nA = '${X:-d}'\n"
        "B = '$$X'\n'${X}' = 'kept'\n"
    )
    spec = loaded(text, env={"X": "v"}).config.services["a"]
    assert spec.command == ("v", "b-v")
    assert spec.environment == {"A": "v", "B": "$X", "${X}": "kept"}


def test_bytes_pass_through_when_a_variable_is_no_text() -> None:
    """Values of the environment are bytes (PEP 383), in commands and in variables."""
    text = "[services.a]\ncommand = ['${X}']\nenvironment = {A = '${X}'}\n"
    spec = loaded(text, env={"X": "caf\udce9"}).config.services["a"]
    assert spec.command == ("caf\udce9",)
    assert spec.environment == {"A": "caf\udce9"}


def test_unset_variables_are_all_told_when_there_are_several() -> None:
    """Each at its own line, an item of an array too."""
    text = "[services.a]\ncommand = [\n 'x',\n '${NONE}',\n]\nuser = '${OTHER:?who}'\n"
    rows = told(text)
    assert rows == [
        (
            "a.toml:4: services.a.command[1]: ${NONE} is not set; "
            "write ${NONE:-default}, or $$ for a dollar"
        ),
        "a.toml:6: services.a.user: ${OTHER} is not set: who",
    ]


def test_service_is_told_when_it_is_no_table() -> None:
    """Other services are still checked."""
    rows = told("[services]\na = 5\nb = {command = 'x', bogus = 1}\n")
    assert rows == [
        "a.toml:2: services.a: expected a table, got an integer",
        "a.toml:3: services.b.bogus: unknown key",
    ]


@pytest.mark.parametrize("key", ["user", "group"])
@pytest.mark.parametrize("number", [-1, -2, 1 << 32, (1 << 32) - 1])
def test_id_is_refused_when_no_user_or_group_can_have_it(key: str, number: int) -> None:
    """A service that was to be nobody must not stay root because of a slip."""
    told(f"{RIGHT}{key} = {number}\n")


def test_id_is_refused_when_it_is_one_of_several_groups() -> None:
    """Ids are from 0 to 2^32 - 2."""
    told(f"{RIGHT}groups = [-1]\n")


# --- Files ----------------------------------------------------------------------------------------


def test_file_is_read_when_it_begins_with_a_byte_order_mark(tmp_path: Path) -> None:
    """Editors on other systems write one."""
    path = tmp_path / "n.toml"
    path.write_bytes(b"\xef\xbb\xbfa = 1\n")
    assert read_file(str(path)) == "a = 1\n"


def test_line_is_told_when_a_file_is_not_utf8(tmp_path: Path) -> None:
    """Of the first byte that is not."""
    path = tmp_path / "n.toml"
    path.write_bytes(b"a = 1\nb = 'caf\xe9'\n")
    with pytest.raises(ConfigError) as caught:
        read_file(str(path))
    assert str(caught.value) == f"{path}:2: cannot read: this is not UTF-8"


def test_reason_is_told_when_a_file_cannot_be_read(tmp_path: Path) -> None:
    """Missing, or a directory."""
    for path, reason in (
        (tmp_path / "none", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (tmp_path / "none" / "n.toml", "No such file or directory"),
    ):
        with pytest.raises(ConfigError) as caught:
            read_file(str(path))
        assert str(caught.value) == f"{path}: cannot read: {reason}"


def test_reason_is_told_when_a_path_has_a_nul() -> None:
    """An include may name it, by an escape."""
    with pytest.raises(ConfigError, match="cannot read"):
        read_file("a\0b")


def test_file_is_refused_when_it_is_far_too_large(tmp_path: Path) -> None:
    """Somebody named /dev/sda, or a log."""
    path = tmp_path / "n.toml"
    path.touch()
    os.truncate(path, (16 << 20) + 1)
    with pytest.raises(ConfigError, match="cannot read: over 16 MiB"):
        read_file(str(path))


A = "[services.a]\ncommand = 'x'\n"


@pytest.mark.parametrize(
    "text",
    [
        A + 'working_dir = "a\\u0000b"\n',
        '[init]\ncontrol = "/a\\u0000b"\n' + A,
        '[sandbox]\nhostname = "a\\u0000b"\n' + A,
    ],
    ids=["a directory", "a socket's path", "a host name"],
)
def test_text_is_refused_when_it_has_a_nul(text: str) -> None:
    """The kernel takes none such; what can never work is told before anything is started."""
    with pytest.raises(ConfigError, match="nothing here can contain NUL"):
        load([parse_source("n.toml", text)], {})
