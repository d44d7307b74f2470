"""The words after `nsinit run`."""

from __future__ import annotations

import os

import pytest

from nsinit.cli.run_help import GROUPS, help_text
from nsinit.cli.run_options import OWN, Asked, parse
from nsinit.cli.words import has_options
from nsinit.errors import ConfigError, UsageError
from nsinit.model.find import with_command, with_options
from nsinit.model.load import load, parse_source
from nsinit.model.options import sandbox_options
from nsinit.model.resources import Count, Resources
from nsinit.model.types import Size

ENV = {"PATH": "/usr/bin:/bin"}
FILE = '[sandbox]\nhostname = "old"\ndomainname = "kept"\n[services.a]\ncommand = "true"\n'


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["--hostname", "a"], Asked(sandbox={"hostname": "a"})),
        (["--hostname=a", "x.toml"], Asked("x.toml", sandbox={"hostname": "a"})),
        (["x.toml", "--hostname", "a"], Asked("x.toml", sandbox={"hostname": "a"})),
        (["x.toml", "-d", "sh", "-c"], Asked("x.toml", ("sh", "-c"), detach=True)),
        (["-d", "x.toml", "--", "sh"], Asked("x.toml", ("sh",), detach=True)),
        (["-d", "--", "sh", "-d"], Asked(None, ("sh", "-d"), detach=True)),
        (["--dry-run", "sh", "-x"], Asked(None, ("sh", "-x"), dry=True)),
        (["--no-no-new-privs", "--", "sh"], Asked(None, ("sh",), {"no_new_privs": False})),
        (["--no-new-privs", "--", "sh"], Asked(None, ("sh",), {"no_new_privs": True})),
        (["--cap-drop", "A", "--cap-drop=B,C"], Asked(sandbox={"cap_drop": ["A", "B", "C"]})),
        (["--pid-file", "p"], Asked(pid_file=os.path.abspath("p"))),
        (
            ["--memory", "1M", "--resources", "pids=5,memory=9M", "--cpuset=0-1"],
            Asked(
                sandbox={
                    "resources.memory": "1M",
                    "resources": {"pids": 5, "memory": "9M"},
                    "resources.cpuset": ["0-1"],
                }
            ),
        ),
        (["--info-fd", "1", "--block-fd=0"], Asked(info_fd=1, block_fd=0)),
        (["--hostname", "--x"], Asked(sandbox={"hostname": "--x"})),
    ],
)
def test_options_are_told_from_file_and_command(words: list[str], asked: Asked) -> None:
    """Before the file or right behind it; never in the command."""
    assert has_options(words)
    assert parse(words, ENV) == asked


@pytest.mark.parametrize("words", [[], ["--", "-d"], ["x.toml", "--", "-d"], ["sh", "-d"]])
def test_nothing_is_loaded_for_options_when_there_are_none(words: list[str]) -> None:
    """What most are started with."""
    assert not has_options(words)


@pytest.mark.parametrize("words", [["--x"], ["-"], ["--hostname"], ["--hostname", "--"], ["-xd"]])
def test_options_are_refused_when_they_are_none(words: list[str]) -> None:
    """Each with a hint."""
    with pytest.raises(UsageError) as caught:
        parse(words, ENV)
    assert caught.value.hint


def test_every_option_is_in_the_help() -> None:
    """Those of the struct and our own."""
    text = help_text()
    flags = [name for rows in GROUPS.values() for name in rows]
    assert sorted(f"--{name}" for name in flags) == sorted(
        option.flag for option in sandbox_options().values()
    )
    for option in sandbox_options().values():
        metavar = next(row[option.flag[2:]] for row in GROUPS.values() if option.flag[2:] in row)
        assert option.is_switch == (not metavar), option.flag
    for name in (row[0] for row in OWN):
        assert f"--{name}" in text
    assert max(map(len, text.splitlines())) <= 100


def test_options_go_before_the_file_key_by_key() -> None:
    """And nothing in them is filled in."""
    sources = with_options([parse_source("/n.toml", FILE)], {"hostname": "${X}$"})
    sandbox = load(sources, {}).config.sandbox
    assert sandbox is not None
    assert (sandbox.hostname, sandbox.domainname) == ("${X}$", "kept")


def test_error_names_the_option_or_the_line_that_it_comes_from() -> None:
    """Whichever was used."""
    text = FILE.replace("kept", "x" * 65)
    sources = with_options([parse_source("/n.toml", text)], {"hostname": "y" * 65})
    with pytest.raises(ConfigError) as caught:
        load(sources, {})
    assert [str(problem).partition(": ")[0] for problem in caught.value.problems] == [
        "--hostname",
        "/n.toml:3",
    ]


def test_limits_of_options_go_before_those_of_the_file_one_by_one() -> None:
    """An option for one leaves the others as they are; what is wrong is told by the option."""
    text = f"[sandbox.resources]\npids = 5\nmemory = '9M'\n{FILE[FILE.index('[services') :]}"

    def given(memory: object) -> Resources | None:
        sources = with_options([parse_source("/n.toml", text)], {"resources.memory": memory})
        sandbox = load(sources, {}).config.sandbox
        return sandbox.resources if sandbox is not None else None

    assert given("64M") == Resources(memory=Size(64 << 20), pids=Count(5))
    with pytest.raises(ConfigError, match=r"^--memory: expected at least 1 MiB"):
        given(4096)


def test_line_of_the_file_is_told_when_an_option_stands_beside_a_wrong_key() -> None:
    """Not an option that nobody has given."""
    text = "[sandbox.resources]\nmemory = 5\n[sandbox.network]\nmtu = 5\naddress = '1.2.3.4'\n"
    sources = with_options(
        [parse_source("/n.toml", text + FILE[FILE.index("[services") :])],
        {"resources.pids": 5, "network.dns": ["10.0.0"]},
    )
    with pytest.raises(ConfigError) as caught:
        load(sources, {})
    assert sorted(str(problem).partition(": ")[0] for problem in caught.value.problems) == [
        "--dns",
        "/n.toml:2",
        "/n.toml:4",
        "/n.toml:5",
    ]


def test_sandbox_is_made_of_options_when_there_is_no_file() -> None:
    """With the command as its main service."""
    loaded = load(with_options(with_command([], ["true"]), {"hostname": "a"}), {})
    assert loaded.config.sandbox is not None
    assert list(loaded.config.services) == ["main"]
