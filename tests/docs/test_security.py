"""SECURITY.md: each promise names its tests, and those exist."""

from __future__ import annotations

import re

from tests.support.claims import named, rows, there
from tests.support.live import ROOT

TEXT = (ROOT / "SECURITY.md").read_text()
PROMISED = TEXT.split("## What it does not promise")[0]
CHECKED = TEXT.split("## Checking it")[1]


def test_every_promise_has_a_test_when_it_is_made() -> None:
    """What is in bold at the head of an item is a promise too."""
    with_root = PROMISED.split("And with `rootfs`")[1]
    promised = {*rows(PROMISED), *re.findall(r"^- \*\*(.+?)\*\*:", with_root, re.MULTILINE)}
    assert len(promised) > 15
    assert with_root.count("\n- ") == with_root.count("\n- **")
    assert set(rows(CHECKED)) == promised


def test_every_test_exists_when_it_is_named() -> None:
    """A test that has another name by now is looked for in vain."""
    known = there()
    for about, tests in rows(CHECKED).items():
        assert named(tests), about
        assert not named(tests) - known, about
