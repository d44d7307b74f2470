"""The verbs that need no running init: check, run with a wrong file, --, help."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import pathlib

    from tests.cli.conftest import Type

RIGHT = '[services.a]\ncommand = "true"\n'
WRONG = '[services.a]\ncomand = "true"\nrestart = "allways"\ndepends_on = ["b"]\n'
TOLD = """\
nsinit: x.toml:1: services.a: the key "command" is missing
nsinit: x.toml:2: services.a.comand: unknown key (did you mean "command"?)
nsinit: x.toml:3: services.a.restart: expected one of "no", "on-failure", "always", "on-success", \
got 'allways' (did you mean "always"?)
nsinit: x.toml:4: services.a.depends_on: there is no service "b"
"""


@pytest.mark.parametrize("verb", ["check", "run"])
def test_everything_wrong_is_told_when_file_is_wrong(
    typed: Type, tmp_path: pathlib.Path, verb: str
) -> None:
    """With file and line, the expectation and the nearest spelling; exit 78; nothing started."""
    (tmp_path / "x.toml").write_text(WRONG)
    done = typed(verb, "x.toml")
    assert (done.returncode, done.stdout, done.stderr) == (78, "", TOLD)


@pytest.mark.parametrize("verb", ["check", "run"])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: path.write_text("[services"), "x.toml:1: not TOML"),
        (lambda path: path.write_bytes(b"\xff"), "this is not UTF-8"),
        (lambda path: path.write_text(""), "nothing to run"),
    ],
    ids=["missing", "directory", "syntax", "bytes", "empty"],
)
def test_reason_is_told_when_file_cannot_be_read(
    typed: Type, tmp_path: pathlib.Path, make: object, said: str, verb: str
) -> None:
    """Exit 78 and the file's name."""
    assert callable(make)
    make(tmp_path / "x.toml")
    done = typed(verb, "x.toml")
    assert done.returncode == 78
    assert said in done.stderr
    assert "x.toml" in done.stderr


def test_file_is_found_when_it_is_not_named(typed: Type, tmp_path: pathlib.Path) -> None:
    """./nsinit.toml, or $NSINIT_CONFIG; without either the places are told."""
    assert "looked for ./nsinit.toml, /etc/nsinit/nsinit.toml" in typed("check").stderr
    (tmp_path / "nsinit.toml").write_text(RIGHT)
    assert typed("check").stdout == "nsinit.toml is right: 1 service where it is started\n"
    (tmp_path / "other.toml").write_text(WRONG)
    assert typed("check", NSINIT_CONFIG="other.toml").returncode == 78


def test_advice_is_given_when_something_is_odd(typed: Type, tmp_path: pathlib.Path) -> None:
    """A warning is no error."""
    (tmp_path / "x.toml").write_text(RIGHT + "start_timeout = 5\n")
    done = typed("check", "x.toml")
    assert done.returncode == 0
    assert "warning: x.toml:3: services.a.start_timeout: has no effect" in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "hint: nsinit --help"),
        (["--help"], 0, "usage: nsinit WORD"),
        (["--version"], 0, "nsinit 0."),
        (["rnu"], 2, 'did you mean "run"?'),
        (["run", "--help"], 0, "examples:"),
        (["run", "--nonsense"], 2, "--nonsense"),
        (["run", "a", "b"], 2, "nsinit run --help"),
        (["check", "--help"], 0, "exit codes"),
        (["check", "-x"], 2, "hint: nsinit check --help"),
        (["check", "--format"], 2, "expected one argument"),
        (["check", "--format", "{ok} {files}", "--", "sh"], 0, "true the command line"),
        (["--"], 2, "a command must follow"),
        (["--", "sh", "-c", "echo $0; exit 5"], 5, "sh"),
    ],
)
def test_usage_is_told_when_command_line_is_odd(
    typed: Type, words: list[str], code: int, said: str
) -> None:
    """Errors on stderr with exit 2, help on stdout with exit 0."""
    done = typed(*words)
    assert done.returncode == code, done
    assert said in (done.stderr if code == 2 else done.stdout + done.stderr)


def test_signals_are_handed_on_when_caller_ignored_them(typed: Type) -> None:
    """`nohup`: an ignored HUP stays ignored for the single command."""
    # A shell without job control has what it starts in the background ignore the other two.
    ignored = {signal.SIGHUP: True, signal.SIGINT: False, signal.SIGQUIT: False}
    before = {
        number: signal.signal(number, signal.SIG_IGN if yes else signal.SIG_DFL)
        for number, yes in ignored.items()
    }
    try:
        done = typed("--", "grep", "SigIgn", "/proc/self/status")
    finally:
        for number, action in before.items():
            signal.signal(number, action)
    librarys_own = 3 << 31  # signals 32 and 33, with which what the C library spawned may be born
    assert int(done.stdout.split()[1], 16) & ~librarys_own == 1 << signal.SIGHUP - 1
    assert os.getpid()
