"""`nsinit convert` as it is typed: what is printed where, what is written, how it ends."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.live import NSINIT, environment

if TYPE_CHECKING:
    import pathlib


def run(where: pathlib.Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Type a command there."""
    return subprocess.run(
        [*NSINIT, "convert", *words],
        cwd=where, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def where(tmp_path: pathlib.Path) -> pathlib.Path:
    """A directory with a Procfile."""
    (tmp_path / "Procfile").write_text("web: sleep 100\n")
    return tmp_path


def test_file_is_written_once_when_asked(where: pathlib.Path) -> None:
    """On stdout, or in a file that is not there yet, or overwritten when that is said."""
    printed = run(where, "Procfile")
    assert (printed.returncode, printed.stderr) == (
        0, "nsinit: converted 1 service, 0 unsupported lines\n",
    )  # fmt: skip
    saved = run(where, "-o", "n.toml", "Procfile")
    assert (saved.returncode, saved.stdout) == (0, "")
    made = where / "n.toml"
    assert made.read_text() == printed.stdout
    made.write_text("mine")
    made.chmod(0o600)
    refused = run(where, "Procfile", "-o", "n.toml")
    assert (refused.returncode, made.read_text()) == (2, "mine")
    assert "cannot write n.toml: it is there already\n  hint: --force" in refused.stderr
    assert run(where, "--force", "-o", "n.toml", "Procfile").returncode == 0
    assert made.read_text() == printed.stdout
    assert made.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in where.iterdir()) == ["Procfile", "n.toml"]


def test_reason_is_told_when_nothing_can_be_converted(where: pathlib.Path) -> None:
    """A file that is not there, is no text, is of no known kind, has nothing in it."""
    (where / "empty").mkdir()
    (where / "notes.txt").write_text("hello\n")
    (where / "empty.procfile").write_text("\n")
    (where / "latin.procfile").write_bytes(b"a: b\nc: \xe4\n")
    for words, code, reason in (
        (["missing"], 1, "cannot convert missing: No such file or directory"),
        (["--from", "procfile", "empty"], 1, "cannot convert empty: there is no Procfile in it"),
        (["notes.txt"], 2, "cannot tell what notes.txt is"),
        (["empty.procfile"], 1, "cannot convert empty.procfile: there is nothing to run in it"),
        (["latin.procfile"], 1, "cannot convert latin.procfile:2: this is not UTF-8"),
        (["Procfile", "-o", "no/such"], 1, "cannot write no/such: No such file"),
        (["Procfile", "--formation", "web"], 2, "--formation: expected NAME=NUMBER, got 'web'"),
    ):
        done = run(where, *words)
        assert (done.returncode, done.stdout) == (code, ""), done
        assert reason in done.stderr


def test_end_is_told_when_stdout_is_full(where: pathlib.Path) -> None:
    """As it is when there is no space for the file."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*NSINIT, "convert", "Procfile"],
            cwd=where, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True,
            check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (
        1, "nsinit: cannot write stdout: No space left on device\n",
    )  # fmt: skip
    done = run(where, "Procfile", "--force", "-o", "/dev/full")
    assert done.stderr == "nsinit: cannot write /dev/full: No space left on device\n"


def test_lines_are_told_when_strict(where: pathlib.Path) -> None:
    """And nothing is written."""
    with open(where / "Procfile", "a") as file:
        file.write("what is this\n")
    done = run(where, "--strict", "Procfile", "-o", "n.toml")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "nsinit: unsupported: Procfile:2: what is this (expected NAME: COMMAND)\n"
        "nsinit: nothing was written: 1 line unsupported\n"
    )
    assert not (where / "n.toml").exists()
    assert "# unsupported: Procfile:2: what is this (" in run(where, "Procfile").stdout
