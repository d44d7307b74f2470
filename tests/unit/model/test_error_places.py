"""Every kind of error in a configuration is told with its file and line."""

from __future__ import annotations

import pytest

from nsinit.errors import ConfigError
from nsinit.model.load import included, load, parse_source

RIGHT = "[services.a]\ncommand = 'x'\n"
# What is wrong, the line that it is in, and a word of what is told.
CASES = [
    ("x = 1\n" + RIGHT, 1, "unknown key"),
    (RIGHT + "comand = 'x'\n", 3, "unknown key"),
    (RIGHT + "restart = 'allways'\n", 3, "expected one of"),
    (RIGHT + "main = 1\n", 3, "true or false"),
    (RIGHT + "stop_timeout = 'soon'\n", 3, "a duration"),
    (RIGHT + "log.max_size = 'big'\n", 3, "a size"),
    (RIGHT + "[services.a.health]\ntcp = 80\nretries = 'x'\n", 5, "an integer"),
    (RIGHT + "limits = {nofiles = 1}\n", 3, "unknown limit"),
    (RIGHT + "depends_on = ['b']\n", 3, "there is no service"),
    (RIGHT + "depends_on = ['a']\n", 3, "names itself"),
    (RIGHT + "environment = {X = '${NO_SUCH_VARIABLE}'}\n", 3, "NO_SUCH_VARIABLE"),
    (RIGHT + "sockets = ['tcp:x:80']\n", 3, "IPv4"),
    (RIGHT + "schedule = '61 * * * *'\n", 3, "cron"),
    (RIGHT + "cap_add = 'NOTHING'\n", 3, "capability"),
    (RIGHT + "seccomp = {deny = 'no_such_call'}\n", 3, "system call"),
    (RIGHT + "restart = 'no'\nautorestart = true\n", 4, "another name"),
    ("[services.a]\nrestart = 'no'\n", 1, "is missing"),
    ("[services.'a b']\ncommand = 'x'\n", 1, "a name has"),
    ("services = 5\n", 1, "expected a table"),
    (RIGHT + "[init]\nloop = 'x'\n", 4, "expected one of"),
    (RIGHT + "[sandbox]\nhostname = 5\n", 4, "a string"),
    (RIGHT + "[sandbox.network]\nmode = 'brigde'\n", 4, "expected one of"),
    (RIGHT + "[sandbox]\nresources.memory = 'x'\n", 4, "a size"),
    ("[services.a\ncommand = 'x'\n", 1, "not TOML"),
    (RIGHT + RIGHT, 3, "Cannot declare [services.a] twice"),
    (RIGHT + "command = 'y'\n", 3, "not TOML"),
    (RIGHT + "user = \x01\n", 3, "not TOML"),
]


@pytest.mark.parametrize(("text", "line", "said"), CASES)
def test_error_has_file_and_line_when_it_is_told(text: str, line: int, said: str) -> None:
    """And what is wrong."""
    with pytest.raises(ConfigError) as caught:
        load([parse_source("conf/n.toml", text)], {})
    places = [(p.file, p.line) for p in caught.value.problems if said in str(p)]
    assert places == [("conf/n.toml", line)], caught.value


def test_error_names_the_other_file_when_it_is_in_an_included_one() -> None:
    """Two descriptions of one service, an include in an included file, a wrong include."""
    main = parse_source("n.toml", "include = ['b.toml']\n" + RIGHT)
    other = parse_source("b.toml", "include = ['c.toml']\n" + RIGHT)
    with pytest.raises(ConfigError) as caught:
        load([main, other], {})
    assert [(p.file, p.line) for p in caught.value.problems] == [("b.toml", 1), ("b.toml", 2)]
    with pytest.raises(ConfigError) as caught:
        included(parse_source("n.toml", "\ninclude = 5\n"))
    assert [(p.file, p.line) for p in caught.value.problems] == [("n.toml", 2)]


@pytest.mark.parametrize(
    ("text", "excerpt"),
    [
        ("[services.a]\nrestart = no\n", "    restart = no\n              ^"),
        ("a = \n", "    a =\n        ^"),
        ("a = 'x", "    a = 'x"),
        ("a = " + "[" * 200 + "\n", ""),
        ("\x1b[2J = = 1\n", ""),
    ],
)
def test_line_is_shown_when_it_is_no_toml(text: str, excerpt: str) -> None:
    """With a mark where the error is; not where it is long, or would upset a terminal."""
    with pytest.raises(ConfigError) as caught:
        parse_source("n.toml", text)
    (problem,) = caught.value.problems
    assert problem.excerpt.split("\n")[0].rstrip() == excerpt.split("\n", maxsplit=1)[0]
    assert str(caught.value).startswith(f"n.toml:{problem.line}: not TOML: ")
    if "^" in excerpt:
        assert problem.excerpt.split("\n")[1].strip() == "^"
