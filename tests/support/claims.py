"""Pages that name the tests of what they say: tables whose second column has them."""

from __future__ import annotations

import re

from tests.support.live import ROOT


def rows(text: str) -> dict[str, str]:
    """The tables of a text: what is in the last column, by the first."""
    found = re.findall(r"^\| ([^|]+) \| (?:.*\| )?(.+?) \|$", text, re.MULTILINE)
    return {about: rest for about, rest in found if about != "about"}


def named(text: str) -> set[str]:
    """The tests that are named in it."""
    return set(re.findall(r"`(test_\w+)`", text))


def there() -> set[str]:
    """The names of all tests that there are."""
    return {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }
