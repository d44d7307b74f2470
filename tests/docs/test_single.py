"""Every example of docs/single.md is run, and its tables are complete."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nsinit.cli.single_options import OPTIONS
from tests.support.live import ROOT, environment

if TYPE_CHECKING:
    import pathlib

PAGE = (ROOT / "docs" / "single.md").read_text()
EXAMPLES = re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
MARK = "--mark--"


@pytest.mark.parametrize("example", EXAMPLES, ids=["codes", "names", "script"])
def test_example_says_what_is_shown_when_typed(tmp_path: pathlib.Path, example: str) -> None:
    """Command by command, in one shell."""
    bin_directory = tmp_path / "bin"
    bin_directory.mkdir()
    program = bin_directory / "nsinit"
    start = "import sys; from nsinit.__main__ import main; sys.exit(main())"
    program.write_text(f"#!{sys.executable}\n{start}\n")
    program.chmod(0o755)
    shown = [part.partition("\n") for part in re.split(r"^\$ ", example, flags=re.MULTILINE)[1:]]
    script = f"\necho {MARK}\n".join(command for command, _, _ in shown)
    env = environment()
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env | {"PATH": f"{bin_directory}:{env['PATH']}"},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.split(f"{MARK}\n") == [output for _, _, output in shown]


def test_options_are_all_told_when_page_is_read() -> None:
    """One row for each, with its value, and none for what is not there."""
    rows = re.findall(r"^\| (`-.*?) \| [tdcn ]+ \|", PAGE.replace("\\|", "!"), re.MULTILINE)
    told = {row.split("`, `")[-1].strip("`").replace("!", "|"): row for row in rows}
    assert len(told) == len(rows)
    expected = {f"--{long} {value}".strip() for _, long, value in OPTIONS}
    assert told.keys() == expected
    for short, long, value in OPTIONS:
        row = told[f"--{long} {value}".strip()]
        assert not short or f"`-{short}`" in row


def test_page_is_short_when_read() -> None:
    """Two screens of text and two tables."""
    assert PAGE.count("\n") <= 150
    assert max(len(line) for line in PAGE.splitlines() if line[:1] != "|") <= 100
