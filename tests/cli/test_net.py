"""`nsinit net` as it is typed, where there is no sandbox yet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from nsinit.cli import net

if TYPE_CHECKING:
    import pathlib


@pytest.fixture(autouse=True)
def no_sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """A list of its own."""
    monkeypatch.setenv("NSINIT_RUN_DIR", str(tmp_path))


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ([], 2, "hint: nsinit net --help"),
        (["--help"], 0, "  nsinit net add shop --bridge br0 --address 192.168.10.12/24"),
        (["ad"], 2, 'did you mean "add"?'),
        (["add", "a", "--address", "10.0.0.2"], 2, "--address: the length of its prefix"),
        (["add", "a", "--name", "a-name-of-17-bytes"], 2, "--name: the name of an interface has"),
        (["add", "a", "--parent", "eth0"], 2, "--parent: what is on a bridge has none"),
        (["add", "a", "--type", "phys"], 2, "--parent: a phys needs one"),
        (["add", "a", "--mtu", "3"], 2, "--mtu: expected a number from 68 to 65535, got 3"),
        (["add", "a"], 4, "there is no sandbox 'a'"),
        (["remove", "a", "eth0"], 4, "there is no sandbox 'a'"),
        (["show", "a"], 4, "there is no sandbox 'a'"),
        (["show"], 0, ""),
        (["show", "--json"], 0, "[]"),
    ],
)  # fmt: skip
def test_mistake_is_told_when_it_is_typed(
    words: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the code of its kind."""
    assert net.main(words) == code
    assert re.search(re.escape(told), "".join(capsys.readouterr()))


@pytest.mark.parametrize("verb", net.VERBS)
def test_help_has_examples_when_it_is_asked(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And the exit codes."""
    assert net.main([verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert net.VERBS[verb].examples[0] in text
    assert "77 not allowed" in text
