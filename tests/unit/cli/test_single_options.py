"""The command line and environment of the single command mode."""

from __future__ import annotations

import signal

import pytest

from nsinit.cli.single_help import help_text
from nsinit.cli.single_options import OPTIONS, parse
from nsinit.errors import UsageError
from nsinit.process.single import DEBUG, INFO, WARN, Settings


def _parsed(*words: str, peer: str = "nsinit", **env: str) -> Settings:
    return parse(peer, list(words), env).settings


@pytest.mark.parametrize(
    ("peer", "words", "command"),
    [
        ("nsinit", ["--", "run", "-g"], ["run", "-g"]),
        ("nsinit", ["-g", "sh", "-c", "x"], ["sh", "-c", "x"]),
        ("nsinit", ["-g", "--", "-odd"], ["-odd"]),
        ("nsinit", ["-g", "-"], ["-"]),
        ("nsinit", ["--", "--", "x"], ["--", "x"]),
        ("nsinit", ["-gve", "1", "ctl"], ["ctl"]),
        ("nsinit", ["-g", "echo", "--", "x"], ["echo", "--", "x"]),
        ("tini", ["run", "x"], ["run", "x"]),
        ("tini", ["-s", "--", "run"], ["run"]),
        ("tini", ["echo", "--", "-x", "--"], ["echo", "-x", "--"]),
        ("tini", ["git", "log", "--", "x"], ["git", "log", "--", "x"]),
        ("dumb-init", ["echo", "--", "x"], ["echo", "--", "x"]),
        ("catatonit", ["-g", "--", "sh"], ["sh"]),
        # what the kernel makes of a #! line
        ("nsinit", ["-- sh", "script"], ["sh", "script"]),
        ("nsinit", ["-v -e 143 -- sh -e", "script", "a b"], ["sh", "-e", "script", "a b"]),
        ("dumb-init", ["/bin/sh -e", "script"], ["/bin/sh", "-e", "script"]),
        ("dumb-init", ["a b", "c"], ["a b", "c"]),
        ("tini", ["-g", "/no such/program"], ["/no such/program"]),
    ],
)
def test_command_is_what_follows_the_options_when_read(
    peer: str, words: list[str], command: list[str]
) -> None:
    """Up to the first word that is no option, or after --."""
    assert _parsed(*words, peer=peer).command == command


@pytest.mark.parametrize(
    "words",
    [
        ["-gv", "-e143", "-e", "1", "-p", "SIGTERM", "-r", "15:3", "-rUSR1:0", "-w", "-s"],
        ["-gve", "143", "-e1", "-wspTERM", "-rTERM:QUIT", "-r", "10:0"],
        [
            "--group", "--verbose", "--success-code", "143", "--success-code=1", "--warn-reaped",
            "--subreaper", "--parent-death-signal=15", "--rewrite=TERM:SIGQUIT",
            "--rewrite", "SIGUSR1:0",
        ],
        ["--gro", "--verb", "--suc=143", "--suc=1", "--w", "--sub", "--p=TERM", "--rew=15:3",
         "--rew=10:0"],
    ],
)  # fmt: skip
def test_all_spellings_mean_the_same_when_read(words: list[str]) -> None:
    """Short, joined, long, shortened."""
    settings = _parsed(*words, "x")
    assert settings.command == ["x"]
    assert settings.group
    assert settings.verbosity == INFO
    assert settings.successes == {1, 143}
    assert settings.parent_death == signal.SIGTERM
    assert settings.rewrite == {15: 3, 10: 0}
    assert settings.warn_reaped


def test_further_options_are_read_when_given() -> None:
    """Those that neither tini nor dumb-init has."""
    settings = _parsed("--grace", "1m", "--delay=250ms", "--orphans=term", "--raise-signal", "x")
    assert (settings.grace, settings.delay, settings.orphans) == (60.0, 0.25, signal.SIGTERM)
    assert settings.raise_signal
    plain = _parsed("--", "x")
    assert (plain.grace, plain.delay, plain.orphans, plain.raise_signal) == (3.0, 0.0, 0, False)
    assert (plain.verbosity, plain.group) == (WARN, True)
    assert not plain.rewrite
    assert not plain.successes


@pytest.mark.parametrize(
    ("peer", "words", "env", "group"),
    [
        ("nsinit", [], {}, True),
        ("nsinit", ["-c"], {}, False),
        ("nsinit", ["-c", "-g"], {}, True),
        ("nsinit", [], {"DUMB_INIT_SETSID": "0"}, False),
        ("nsinit", [], {"DUMB_INIT_SETSID": "1"}, True),
        ("nsinit", ["-g"], {"DUMB_INIT_SETSID": "0"}, True),
        ("nsinit", ["-c"], {"TINI_KILL_PROCESS_GROUP": "1"}, False),
        ("nsinit", [], {"NSINIT_OPTIONS": "-c"}, False),
        ("nsinit", ["-g"], {"NSINIT_OPTIONS": "-c"}, True),
        ("tini", [], {}, False),
        ("tini", ["-g"], {}, True),
        ("tini", [], {"TINI_KILL_PROCESS_GROUP": ""}, True),
        ("tini", ["-g"], {"DUMB_INIT_SETSID": "0"}, True),
        ("dumb-init", [], {}, True),
        ("dumb-init", ["--single-child"], {}, False),
        ("dumb-init", [], {"DUMB_INIT_SETSID": "0", "TINI_KILL_PROCESS_GROUP": ""}, False),
        ("catatonit", [], {"TINI_KILL_PROCESS_GROUP": ""}, False),
        ("catatonit", ["-g"], {}, True),
    ],
)
def test_target_is_that_of_the_name_when_called_so(
    peer: str, words: list[str], env: dict[str, str], *, group: bool
) -> None:
    """The default and the variables of the program whose name it has; the command line decides."""
    assert _parsed(*words, "x", peer=peer, **env).group == group


@pytest.mark.parametrize(
    ("peer", "words", "env", "level"),
    [
        ("nsinit", ["-v"], {}, INFO),
        ("nsinit", ["-vv"], {}, DEBUG),
        ("nsinit", ["-v"], {"TINI_VERBOSITY": "0"}, WARN),
        ("tini", [], {"TINI_VERBOSITY": "3"}, DEBUG),
        ("tini", [], {"DUMB_INIT_DEBUG": "1"}, WARN),
        ("dumb-init", ["-v"], {}, DEBUG),
        ("dumb-init", [], {"DUMB_INIT_DEBUG": "1"}, DEBUG),
        ("dumb-init", [], {"DUMB_INIT_DEBUG": "0"}, WARN),
        ("catatonit", [], {"CATATONIT_DEBUG": ""}, DEBUG),
    ],
)
def test_verbosity_is_that_of_the_name_when_called_so(
    peer: str, words: list[str], env: dict[str, str], level: int
) -> None:
    """Tini counts, dumb-init knows all or nothing."""
    assert _parsed(*words, "x", peer=peer, **env).verbosity == level


def test_stop_signals_become_stop_when_called_as_dumb_init() -> None:
    """Unless told otherwise, or the command alone is signalled."""
    stops = {signal.SIGTSTP: 19, signal.SIGTTIN: 19, signal.SIGTTOU: 19}
    assert _parsed("x", peer="dumb-init").rewrite == stops
    given = _parsed("-r", "TSTP:TSTP", "-r20:20", "x", peer="dumb-init").rewrite
    assert given == stops | {signal.SIGTSTP: signal.SIGTSTP}
    assert _parsed("-c", "x", peer="dumb-init").rewrite == {}
    assert _parsed("--", "x").rewrite == {}


@pytest.mark.parametrize(
    ("words", "env", "said"),
    [
        ([], {}, "a command must follow"),
        (["-g"], {}, "a command must follow"),
        (["-z", "x"], {}, "there is no option -z"),
        (["-gz", "x"], {}, "there is no option -z"),
        (["--gruop", "x"], {}, "there is no option --gruop"),
        (["--r", "x"], {}, "--r may be --rewrite or --raise-signal"),
        (["--=3", "x"], {}, "there is no option --"),
        (["--group=1", "x"], {}, "--group takes no value"),
        (["-p"], {}, "-p needs a value: SIG"),
        (["--rewrite"], {}, "--rewrite needs a value: A:B"),
        (["--grace=", "x"], {}, "--grace needs a value: TIME"),
        (["-p", "NOPE", "x"], {}, "-p: expected a signal such as"),
        (["-p", "0", "x"], {}, "-p: expected a signal such as"),
        (["-e", "x", "x"], {}, "-e: expected a number, got 'x'"),
        (["-e", "256", "x"], {}, "-e: expected an exit code from 0 to 255"),
        (["-e", "-1", "x"], {}, "-e: expected a number"),
        (["-r", "15", "x"], {}, "-r: expected two signals"),
        (["-r", "0:15", "x"], {}, "-r: expected a signal"),
        (["-r", "15:99", "x"], {}, "-r: expected a signal"),
        (["--grace", "soon", "x"], {}, "--grace: expected a duration"),
        (["--orphans", "shoot", "x"], {}, "--orphans: expected keep, term or kill"),
        (["--", "x"], {"TINI_VERBOSITY": "much"}, "TINI_VERBOSITY: expected a number"),
        (["--", "x"], {"NSINIT_OPTIONS": "-g sh"}, "NSINIT_OPTIONS holds a word"),
        (["--", "x"], {"NSINIT_OPTIONS": "-z"}, "there is no option -z"),
    ],
)
def test_error_is_told_when_command_line_is_wrong(
    words: list[str], env: dict[str, str], said: str
) -> None:
    """What is wrong, and what was expected."""
    with pytest.raises(UsageError) as caught:
        parse("nsinit", words, env)
    assert said in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("words", "show"),
    [
        (["--version"], "version"), (["-V"], "version"), (["-l"], "license"), (["-L"], "license"),
        (["-h"], "help"), (["--help", "x"], "help"), (["-gh"], "help"),
        (["-g", "--vers"], "version"),
    ],
)  # fmt: skip
def test_something_is_shown_when_asked(words: list[str], show: str) -> None:
    """Instead of running anything, so no command is missed."""
    assert parse("tini", words, {}).show == show


@pytest.mark.parametrize("peer", ["nsinit", "tini", "dumb-init", "catatonit"])
def test_help_tells_every_option_when_shown(peer: str) -> None:
    """The table and the text can't part."""
    text = help_text(peer)
    for short, long, value in OPTIONS:
        assert f"--{long}{' ' + value if value else ''}" in text
        assert not short or short == "L" or f"  -{short}, --{long}" in text
    assert max(len(line) for line in text.splitlines()) <= 100
