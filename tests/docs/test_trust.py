"""docs/trust.md: each claim and each find names its tests, and those and the scripts exist."""

from __future__ import annotations

import re

from tests.support.claims import named, rows, there
from tests.support.live import ROOT

TEXT = (ROOT / "docs/trust.md").read_text()
CLAIMED = TEXT.split("## What holds")[1].split("## The harnesses")[0]
FOUND = TEXT.split("## What they found")[1].split("## What is not shown")[0]


def test_every_claim_and_find_has_a_test_when_it_is_told() -> None:
    """What nobody can look up is no claim."""
    claims = rows(CLAIMED)
    assert len(claims) > 10
    finds = {what: tests for what, tests in rows(FOUND).items() if what != "what went wrong"}
    assert len(finds) > 10
    assert all(named(tests) for tests in (*claims.values(), *finds.values()))


def test_every_test_exists_when_trust_names_it() -> None:
    """A test that has another name by now is looked for in vain."""
    assert not named(TEXT) - there()


def test_every_script_exists_when_trust_names_it() -> None:
    """The commands that are shown can be typed."""
    scripts = set(re.findall(r"scripts/(\w+)", TEXT))
    assert len(scripts) > 5
    assert all((ROOT / "scripts" / name).exists() for name in scripts)
