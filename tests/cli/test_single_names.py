"""The single command under other names, in `#!` lines, and without `--`."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.support.live import environment

if TYPE_CHECKING:
    import pathlib

    from tests.cli.conftest import Done, Type

# As pip writes a console script.
SCRIPT = f"""\
#!{sys.executable}
import re
import sys
from nsinit.__main__ import main
if __name__ == "__main__":
    sys.argv[0] = re.sub(r"(-script\\.pyw|\\.exe)?$", "", sys.argv[0])
    sys.exit(main())
"""
NAMES = ("tini", "tini-static", "docker-init", "dumb-init", "catatonit")


class Named(Protocol):
    """Runs a program of the directory by its path."""

    def __call__(self, name: str, *words: str, **env: str) -> Done: ...


@pytest.fixture
def named(tmp_path: pathlib.Path) -> Named:
    """A console script `nsinit` with links to it under the other names."""
    (tmp_path / "nsinit").write_text(SCRIPT)
    (tmp_path / "nsinit").chmod(0o755)
    for name in NAMES:
        (tmp_path / name).symlink_to("nsinit")

    def run(name: str, *words: str, **env: str) -> Done:
        return subprocess.run(
            [f"./{name}", *words], cwd=tmp_path, env=environment(**env), text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
        )  # fmt: skip

    return run


@pytest.mark.parametrize("name", NAMES)
def test_command_runs_when_called_by_another_name(named: Named, name: str) -> None:
    """With and without --; options of that program."""
    assert named(name, "sh", "-c", "exit 3").returncode == 3
    assert named(name, "--", "sh", "-c", "exit 3").returncode == 3
    assert named(name, "-v", "sh", "-c", "exit 3").returncode == 3
    assert named(name, "run").returncode == 127  # a program's name, no verb
    assert named(name).returncode == 2
    shown = named(name, "--version")
    assert shown.returncode == 0
    assert "(nsinit 0." in shown.stdout
    helped = named(name, "--help")
    assert helped.returncode == 0
    assert helped.stdout.startswith("usage: ")


def test_name_counts_when_found_in_path(named: Named, tmp_path: pathlib.Path) -> None:
    """A shell gives the whole path as argv[0]."""
    path = f"{tmp_path}:{environment()['PATH']}"
    done = subprocess.run(
        ["sh", "-c", "tini -e 3 -- sh -c 'exit 3'"], env=environment() | {"PATH": path}, check=False
    )
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{}/dumb-init /bin/sh", 5),
        ("{}/dumb-init /bin/sh -e", 5),
        ("{}/dumb-init -v /bin/sh", 5),
        ("{}/tini -e 5 -- /bin/sh", 0),
        ("{}/tini -s /bin/sh", 5),
        ("{}/nsinit -- sh", 5),
        ("{}/nsinit -g -e 5 -- sh -e", 0),
        ("/usr/bin/env -S {}/nsinit -- sh", 5),
    ],
)
def test_script_runs_when_its_first_line_names_init(
    named: Named, tmp_path: pathlib.Path, line: str, code: int
) -> None:
    """The kernel hands over all that follows the program as one word."""
    script = tmp_path / "script"
    script.write_text(f'#!{line.format(tmp_path)}\necho "$0:$1:$2"\nexit 5\n')
    script.chmod(0o755)
    done = named("script", "a b", "--")
    assert (done.returncode, done.stdout) == (code, "./script:a b:--\n"), done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["-g", "sh", "-c", "exit 4"], 4, ""),
        (["-e", "4", "sh", "-c", "exit 4"], 0, ""),
        (["--", "run"], 127, "cannot execute run: No such file"),
        (["-g", "check"], 127, "cannot execute check: No such file"),
        (["sleep", "0"], 2, "to run the program of that name: nsinit -- sleep"),
        (["-z"], 2, "there is no option -z"),
        (["-g", "--version"], 0, ""),
        (["--help"], 0, ""),
    ],
)
def test_dashes_may_be_left_out_when_it_is_clear(
    typed: Type, words: list[str], code: int, said: str
) -> None:
    """An option first means a command; a bare word is a verb, or a slip."""
    done = typed(*words)
    assert done.returncode == code, done
    assert said in done.stderr
    assert said or done.stderr == ""


def test_help_is_one_topic_away_when_asked_of_nsinit(typed: Type) -> None:
    """The words first; the options of the single command are a topic, which the hints name."""
    assert "nsinit help single" in typed("--help").stdout
    assert "--rewrite A:B" in typed("help", "single").stdout
    assert "nsinit help single" in typed("-z").stderr
