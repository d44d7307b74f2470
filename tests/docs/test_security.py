"""SECURITY.md: each promise names its tests, and those exist."""

from __future__ import annotations

import re

from tests.support.live import ROOT

TEXT = (ROOT / "SECURITY.md").read_text()
PROMISED = TEXT.split("## What it does not promise")[0]
CHECKED = TEXT.split("## Checking it")[1]


def _rows(text: str) -> dict[str, str]:
    """The tables of a text: what is in the second column, by the first."""
    found = re.findall(r"^\| ([^|]+) \| (.+) \|$", text, re.MULTILINE)
    return {about: rest for about, rest in found if about != "about"}


def test_every_promise_has_a_test_when_it_is_made() -> None:
    """What is in bold at the head of an item is a promise too."""
    with_root = PROMISED.split("And with `rootfs`")[1]
    promised = {*_rows(PROMISED), *re.findall(r"^- \*\*(.+?)\*\*:", with_root, re.MULTILINE)}
    assert len(promised) > 15
    assert with_root.count("\n- ") == with_root.count("\n- **")
    assert set(_rows(CHECKED)) == promised


def test_every_test_exists_when_it_is_named() -> None:
    """A test that has another name by now is looked for in vain."""
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }
    for about, tests in _rows(CHECKED).items():
        named = re.findall(r"`(test_\w+)`", tests)
        assert named, about
        assert not set(named) - there, about
