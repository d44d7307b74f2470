"""The manual pages, as mandoc sees them."""

from __future__ import annotations

import subprocess

import pytest

from nsinit.cli.manual import DIRECTORY, NAMES


@pytest.mark.parametrize("name", NAMES)
def test_page_is_clean_when_mandoc_reads_it(name: str) -> None:
    """No warning, not even one of style; and it comes out as text with its parts."""
    path = f"{DIRECTORY}/{name}"
    lint = subprocess.run(["mandoc", "-Tlint", path], capture_output=True, text=True, check=False)
    assert (lint.stdout, lint.returncode) == ("", 0)
    shown = subprocess.run(
        ["mandoc", "-Tutf8", path], capture_output=True, text=True, check=True
    ).stdout
    for part in ("DESCRIPTION", "EXIT STATUS", "SEE ALSO"):
        assert "".join(f"{c}\b{c}" if c != " " else c for c in part) in shown or part in shown
