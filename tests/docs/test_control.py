"""docs/control.md: every example is typed, every table is compared with the code."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

from nsinit.control import crowding, routes
from nsinit.control.commands import ACCESS_LEVELS, COMMANDS
from nsinit.control.openapi import refusals
from nsinit.model.load import load, parse_source
from tests.support.live import ROOT, Live, have, shared

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = (ROOT / "docs/control.md").read_text()
BLOCKS: Final = re.findall(r"^```console\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
CONFIG: Final = """
[init]
keep_running = true
[services.web]
description = "answers"
command = "sh -c 'echo ready; exec sleep 1000'"
min_uptime = 0
tags = ["front"]
"""


@pytest.fixture(scope="module")
def init() -> Iterator[Live]:
    """The service of the examples."""
    with shared(CONFIG, web="running") as made:
        yield made


def _examples() -> Iterator[tuple[str, str]]:
    """A command, and what it is to show; … stands for anything."""
    for block in BLOCKS:
        for example in block.split("$ ")[1:]:
            command, _, shown = example.partition("\n")
            yield command, shown


@pytest.mark.skipif(not have("curl"), reason="needs curl")
def test_example_shows_what_the_page_says_when_typed(init: Live) -> None:
    """All of them, in their order."""
    count = 0
    for command, shown in _examples():
        typed = command.replace("/run/nsinit/control.sock", str(init.socket))
        done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, timeout=60,
                              check=False)  # fmt: skip
        wanted = ".*".join(re.escape(part) for part in shown.strip().split("…"))
        told = done.stdout.replace("\r", "").strip()
        assert re.fullmatch(wanted, told), (command, told, done.stderr)
        count += 1
    assert count >= 10


def test_code_is_in_the_table_when_an_answer_may_have_it() -> None:
    """And the other way round."""
    listed = set(re.findall(r"^\| (\d{3}) \| `([\w-]+)` \|", PAGE, re.MULTILINE))
    given = {
        (str(status), code)
        for row in COMMANDS
        for status, codes in refusals(row).items()
        for code in codes
    }
    assert listed == given | {("404", "unknown-route"), ("405", "wrong-method")}


@pytest.mark.parametrize("level", ACCESS_LEVELS)
def test_row_is_in_the_table_when_it_needs_that_level(level: str) -> None:
    """And no other."""
    found = re.search(rf"^\| {level} \| (.*) \|$", PAGE, re.MULTILINE)
    assert found is not None
    rows = [row.name for row in COMMANDS if row.access == level]
    assert sorted(found[1].replace("`", "").split()) == sorted(rows)


def test_number_is_that_of_the_code_when_the_page_tells_a_limit() -> None:
    """Of the table of limits, and the example of a configuration is right."""
    for text in (
        f"head of a request | {routes.MAX_HEAD >> 10} KiB",
        f"body of a request | {routes.MAX_BODY >> 10} KiB",
        f"{crowding.LEAST} to {crowding.MOST}, of which {crowding.OTHERS} at most are for those",
        f"a user who is not admin | {crowding.EACH}",
        f"a user who may do nothing | {crowding.STRANGER}",
    ):
        assert text in PAGE
    (example,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    loaded = load([parse_source("x.toml", example + '[services.a]\ncommand = "true"\n')], {})
    assert loaded.config.init.control.admin == [1000]
