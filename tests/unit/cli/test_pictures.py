"""How the answers of the verbs that look into services read."""

from __future__ import annotations

from typing import Any

import pytest

from nsinit.cli import show
from nsinit.cli.output import amount


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No colours, wherever this runs."""
    monkeypatch.setenv("NO_COLOR", "1")


def _shown(capsys: pytest.CaptureFixture[str], verb: str, answer: dict[str, Any]) -> list[str]:
    show.SHOW[verb](answer)
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0K"), (1023, "1K"), (4096, "4K"), (1 << 20, "1.0M"), (99 << 20, "99.0M"),
        (500 << 20, "500M"), (1023 << 20, "1.0G"), (1 << 40, "1.0T"), (5000 << 40, "5000T"),
    ],
)  # fmt: skip
def test_amount_is_short_when_it_is_shown(size: int, text: str) -> None:
    """Three digits, as people read memory."""
    assert amount(size) == text


def test_graph_says_what_was_shown_when_it_comes_again(capsys: pytest.CaptureFixture[str]) -> None:
    """A diamond; what is needed from outside the choice has its state too."""
    alone = {"state": "running", "needs": {}, "wants": [], "after": []}
    rows: list[dict[str, Any]] = [
        alone | {"name": "a", "needs": {"b": "ready", "c": "started"}},
        alone | {"name": "b", "needs": {"d": "completed"}, "wants": ["x"]},
        alone | {"name": "c", "needs": {"b": "ready"}, "after": ["d"]},
        alone | {"name": "d", "state": "exited"},
    ]
    states = {row["name"]: row["state"] for row in rows} | {"x": "failed"}
    assert _shown(capsys, "graph", {"services": rows, "states": states}) == [
        "a running",
        "  b running (needs it ready)",
        "    d exited (needs it completed)",
        "    x failed (wants it)",
        "  c running (needs it started)",
        "    b running (needs it ready, see above)",
        "    d exited (comes after it)",
    ]


def test_tree_is_safe_when_a_command_line_is_anything(capsys: pytest.CaptureFixture[str]) -> None:
    """Escapes and newlines would draw on the operator's terminal."""
    process = {"pid": 7, "parent": 1, "role": "main", "state": "S", "rss": 1 << 20}
    process["command"] = "x\n\x1b[31my"
    child = process | {"pid": 8, "parent": 7, "role": "child", "command": "y"}
    answer = {"services": [
        {"name": "a", "state": "running", "processes": [child, process], "left_out": 3},
    ]}  # fmt: skip
    assert _shown(capsys, "tree", answer) == [
        "SERVICE/PID  STATE    RSS   ROLE  COMMAND",
        "a            running",
        "  7          S        1.0M        x\\n\\x1b[31my",
        "  8          S        1.0M          y",
        "  ...                             3 more are not shown",
    ]


def test_why_reads_as_text_when_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Who waits for whom is indented."""
    row = {
        "name": "a", "state": "waiting", "sentences": ["it is waiting for 1.0s", "it waits for b"],
        "chain": [
            {"name": "b", "depth": 1, "text": "is waiting", "state": "waiting"},
            {"name": "c", "depth": 2, "text": "is failed", "state": "failed"},
        ],
        "output": [{"line": "oh"}],
    }  # fmt: skip
    assert _shown(capsys, "why", {"services": [row]}) == [
        "a is waiting for 1.0s",
        "  it waits for b",
        "because:",
        "  b is waiting",
        "    c is failed",
        "its last output:",
        "  oh",
    ]


@pytest.mark.parametrize("verb", ["livez", "readyz"])
def test_probe_is_a_word_when_it_is_shown(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    """For programs the status says it."""
    assert len(_shown(capsys, verb, {})) == 1


def test_health_lists_its_reasons_when_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Under the verdict."""
    answer = {"health": "not-running", "reasons": ["a: it is starting"], "services": []}
    assert _shown(capsys, "health", answer) == ["not running", "  a: it is starting"]
