"""What people read when a configuration is wrong: each `golden/X.toml` has its `golden/X.txt`."""

from __future__ import annotations

import os

import pytest

from nsinit.errors import ConfigError
from nsinit.model.load import load, parse_source, read_file

GOLDEN = os.path.join(os.path.dirname(__file__), "golden")
NAMES = sorted(file.removesuffix(".toml") for file in os.listdir(GOLDEN) if file.endswith(".toml"))


@pytest.mark.parametrize("name", NAMES)
def test_errors_read_as_in_the_golden_file_when_told(name: str) -> None:
    """All of them, each with its line, its key path, what was expected, and a hint."""
    text = read_file(os.path.join(GOLDEN, f"{name}.toml"))
    with pytest.raises(ConfigError) as caught:
        load([parse_source(f"{name}.toml", text)], {"HOME": "/root"})
    assert str(caught.value) + "\n" == read_file(os.path.join(GOLDEN, f"{name}.txt"))


def test_golden_files_come_in_pairs_when_listed() -> None:
    """A text without a configuration would never be looked at."""
    assert {f"{name}{end}" for name in NAMES for end in (".toml", ".txt")} == set(
        os.listdir(GOLDEN)
    )
