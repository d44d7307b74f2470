"""The verbs for sandboxes on the command line: help, usage, rubbish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nsinit.__main__ import _BOXES
from nsinit.cli.boxes import VERBS
from nsinit.cli.inspect import mount_row

if TYPE_CHECKING:
    from tests.cli.conftest import Type


def test_verbs_are_the_same_when_written_twice() -> None:
    """The dispatcher imports no table."""
    assert tuple(VERBS) == _BOXES


@pytest.mark.parametrize("verb", VERBS.values(), ids=list(VERBS))
def test_help_has_examples_and_codes_when_asked_for(typed: Type, verb: object) -> None:
    """For each of them."""
    name = verb.name  # type: ignore[attr-defined]
    done = typed(name, "--help")
    assert done.returncode == 0
    assert f"usage: nsinit {name}" in done.stdout
    assert "examples:" in done.stdout
    assert "exit codes:" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["list"], 0, ""),
        (["list", "-q"], 0, ""),
        (["list", "--json"], 0, "[]"),
        (["list", "x"], 2, "unrecognized arguments: x"),
        (["inspect"], 2, "required: NAME"),
        (["inspect", "a"], 4, "there is no sandbox 'a'"),
        (["inspect", ""], 4, "there is no sandbox ''"),
        (["inspect", "../x"], 4, "there is no sandbox '../x'"),
        (["enter"], 2, "required: NAME"),
        (["enter", "a", "b", "--", "c"], 2, "a command follows --"),
        (["enter", "a", "-t", "-T"], 2, "either -t or -T"),
        (["stop"], 2, "required: NAME"),
        (["stop", "a", "--timeout", "soon"], 2, "soon"),
        (["stop", "a", "b"], 4, "there is no sandbox 'a'"),
        (["kill", "a", "-s", "NONE"], 2, "cannot send 'NONE'"),
        (["kill", "\udcff"], 4, "there is no sandbox"),
        (["lst"], 2, 'did you mean "list"?'),
        (["entr"], 2, 'did you mean "enter"?'),
    ],
)
def test_words_are_refused_when_they_make_no_sense(
    typed: Type, words: list[str], code: int, said: str
) -> None:
    """With the code for it, and no traceback."""
    done = typed(*words)
    assert done.returncode == code, done
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_mounts_are_read_when_they_have_odd_names() -> None:
    """The kernel escapes blanks; what is no line of mountinfo is none."""
    line = r"36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue"
    assert mount_row(line) == {
        "target": "/mnt 2",
        "type": "ext3",
        "source": "/dev/root",
        "root": "/mnt1",
        "options": ["rw", "noatime"],
        "super_options": ["rw", "errors=continue"],
        "propagation": ["master:1"],
    }
    assert mount_row("rubbish") is None
    assert mount_row("") is None
