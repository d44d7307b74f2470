"""`nsinit run [FILE] -- COMMAND`: the image's CMD as the main service, beside those of the file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from nsinit.cli.words import split_words
from nsinit.errors import UsageError

if TYPE_CHECKING:
    import pathlib

    from tests.cli.conftest import Type

SIDE = """\
[services.side]
type = "oneshot"
command = "echo beside"
"""
DECIDED: list[tuple[list[str], str | None, list[str]]] = [
    ([], None, []),
    (["--"], None, []),
    (["--", "sh", "-c", "x"], None, ["sh", "-c", "x"]),
    (["--", "--", "x"], None, ["--", "x"]),
    (["a.toml"], "a.toml", []),
    (["a.toml", "--"], "a.toml", []),
    (["a.toml", "--", "x"], "a.toml", ["x"]),
    (["plain", "--", "x"], "plain", ["x"]),
    (["sh", "--", "x"], "sh", ["x"]),
    # Without --, as a runtime appends the CMD of an image.
    (["a.toml", "sh", "-c", "x"], "a.toml", ["sh", "-c", "x"]),
    (["sh"], None, ["sh"]),
    (["sh", "-c", "x", "--", "y"], None, ["sh", "-c", "x", "--", "y"]),
    (["/bin/sh", "a.toml"], None, ["/bin/sh", "a.toml"]),
    (["no-such-program"], "no-such-program", []),
    (["/etc/passwd"], "/etc/passwd", []),
]


@pytest.mark.parametrize(("argv", "file", "command"), DECIDED)
def test_words_are_a_file_or_a_command_when_split(
    argv: list[str], file: str | None, command: list[str]
) -> None:
    """`--` decides; else a .toml is the file, a program is a command, and one word more a file."""
    assert split_words("run", argv, {"PATH": "/usr/bin:/bin"}) == (file, command)


@pytest.mark.parametrize("argv", [["-x"], ["--nope", "a"], ["a", "b"], ["a", "b", "--", "c"]])
def test_words_are_refused_when_they_are_neither(argv: list[str]) -> None:
    """With the way to say it without doubt."""
    with pytest.raises(UsageError) as caught:
        split_words("run", argv, {"PATH": "/usr/bin:/bin"})
    assert "nsinit run --help" in str(caught.value)


def test_command_runs_alone_when_there_is_no_file(typed: Type) -> None:
    """With its own code; nothing in its words is filled in."""
    done = typed("run", "--", "sh", "-c", 'echo "[$1]" "${NSINIT_SERVICE}"; exit 7', "sh",
                 "${HOME} $$")  # fmt: skip
    assert done.returncode == 7, done
    assert "main   | [${HOME} $$] main" in done.stdout


@pytest.mark.parametrize("words", [["run", "--"], ["run"]], ids=["dashes", "without"])
def test_command_runs_beside_the_services_when_there_is_a_file(
    typed: Type, tmp_path: pathlib.Path, words: list[str]
) -> None:
    """ENTRYPOINT ["nsinit", "run", "--"] or ["nsinit", "run"] with a CMD; its end ends all."""
    (tmp_path / "nsinit.toml").write_text(SIDE + '[services.other]\ncommand = "sleep 1000"\n')
    done = typed(*words, "sh", "-c", "sleep 0.3; echo in main; exit 9")
    assert done.returncode == 9, done
    assert "side   | beside" in done.stdout
    assert "main   | in main" in done.stdout


def test_file_runs_alone_when_the_command_is_empty(typed: Type, tmp_path: pathlib.Path) -> None:
    """An image without a CMD."""
    (tmp_path / "nsinit.toml").write_text(SIDE)
    done = typed("run", "--")
    assert (done.returncode, "beside" in done.stdout) == (0, True)


def test_table_says_how_when_it_has_no_command(typed: Type, tmp_path: pathlib.Path) -> None:
    """[services.main] may set all but the command."""
    (tmp_path / "x.toml").write_text(
        SIDE
        + '[services.main]\ndepends_on = ["side"]\nenvironment = {A = "from the file"}\n'
        + 'log = "inherit"\n'
    )
    done = typed("run", "x.toml", "sh", "-c", 'echo "$A"; exit 3')
    assert done.returncode == 3, done
    assert "\nfrom the file\n" in done.stdout
    assert typed("check", "x.toml").returncode == 78
    right = typed("check", "x.toml", "--", "true")
    assert right.stdout == "x.toml is right: 2 services where it is started\n"


WRONG = {
    "[services.main]\ncommand = 'x'\n": (
        "x.toml:2: services.main.command: the command line gives one too\n"
    ),
    "[services.a]\ncommand = 'x'\nmain = true\n": (
        'services.main.main: "a" is main already (one service can be main)\n'
    ),
    "[services]\nmain = 1\n": "services.main",
}


@pytest.mark.parametrize("text", WRONG)
@pytest.mark.parametrize("verb", ["run", "check"])
def test_contradiction_is_told_when_file_and_command_line_have_one(
    typed: Type, tmp_path: pathlib.Path, text: str, verb: str
) -> None:
    """Exit 78, with the place; nothing is started."""
    (tmp_path / "x.toml").write_text(text)
    done = typed(verb, "x.toml", "--", "echo", "started")
    assert done.returncode == 78
    assert WRONG[text] in done.stderr
    assert "started" not in done.stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--", "no-such-program-anywhere"], 127),
        (["--", "/etc/passwd"], 126),
        (["--", ""], 78),
        (["nope", "x"], 2),
        (["nope"], 78),
    ],
)
def test_code_tells_what_was_wrong_when_nothing_can_run(
    typed: Type, words: list[str], code: int
) -> None:
    """127 not found, 126 not executable, 78 no such file, 2 neither."""
    done = typed("run", *words)
    assert done.returncode == code, done
    assert done.stderr


def test_bytes_pass_when_words_are_no_utf8(typed: Type) -> None:
    """Arguments are bytes to the kernel."""
    odd = os.fsdecode(b"\xff\xfe")
    done = typed("run", "--", "sh", "-c", 'printf %s "$1" | od -An -tx1', "sh", odd)
    assert "ff fe" in done.stdout
