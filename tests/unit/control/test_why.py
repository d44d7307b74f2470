"""Why a service is as it is, in sentences."""

from __future__ import annotations

from typing import Any

from nsinit.control.why import LINKS, Why
from nsinit.core import messages as m
from tests.unit.core.world import World, booted


def _why(w: World, name: str) -> dict[str, Any]:
    return Why(w.plan, w.core.state, w.now + 5).explain(name)


def _chain(w: World, name: str) -> list[tuple[int, str]]:
    return [(link["depth"], link["name"]) for link in _why(w, name)["chain"]]


def test_state_and_time_come_first_when_explained() -> None:
    """With the pid of what runs, and what is said of itself."""
    w = booted({"a": {"restart": "always"}})
    w["a"].message = "serving 3"
    w["a"].reloading = True
    assert _why(w, "a") == {
        "name": "a",
        "state": "running",
        "sentences": [
            f"it is running for 5.0s as pid {w['a'].pid}",
            "it says: serving 3",
            "it reads its configuration again",
        ],
        "chain": [],
    }


def test_chain_is_cut_when_hundreds_of_services_wait() -> None:
    """Else the answer about a thousand of them had half a million links."""
    rows: dict[str, Any] = {"s0": {"type": "notify", "start_timeout": 60}}
    rows |= {f"s{n}": {"depends_on": [f"s{n - 1}"]} for n in range(1, 300)}
    w = booted(rows)
    assert len(_chain(w, "s299")) == LINKS
    assert len(_chain(w, "s50")) == 50


def test_chain_goes_to_the_cause_when_services_wait() -> None:
    """Every blocker once, each below who waits for it; a diamond does not repeat itself."""
    w = booted(
        {
            "db": {"type": "notify", "start_timeout": 60},
            "left": {"depends_on": ["db"]},
            "right": {"depends_on": ["db"], "after": ["left"]},
            "top": {"depends_on": ["left", "right"]},
        }
    )
    assert _chain(w, "top") == [(1, "left"), (2, "db"), (1, "right")]
    assert _why(w, "top")["sentences"][1:] == [
        "it waits for left to be ready (waiting)",
        "it waits for right to be ready (waiting)",
    ]
    (link,) = [link for link in _why(w, "top")["chain"] if link["name"] == "db"]
    assert link["text"].startswith("is starting for 5.0s as pid ")
    assert link["text"].endswith(
        ": it has not said by sd_notify that it is ready, 55.0s are left for that"
    )
    assert _chain(w, "db") == []


def test_order_alone_is_told_when_a_service_comes_after_another() -> None:
    """It is no need."""
    w = booted({"a": {"type": "notify"}, "b": {"after": ["a"]}})
    assert "it comes after a, which has not started yet (starting)" in _why(w, "b")["sentences"]


def test_retry_and_limit_are_told_when_a_service_is_in_backoff() -> None:
    """With the last end."""
    crash = {"type": "notify", "restart_delay": 20, "restart_limit": 3}
    w = booted({"a": crash, "b": {"depends_on": ["a"]}})
    w.end("a", 3)
    assert _why(w, "a")["sentences"] == [
        "it is in backoff for 5.0s",
        "its last run ended with exit code 3 (result exit-code), 5.0s ago",
        "it was restarted once in a row of at most 3",
        "the next try is in 15.0s",
    ]
    assert "the next try is in 15.0s" in _why(w, "b")["chain"][0]["text"]


def test_failed_need_is_told_when_a_service_failed_for_it() -> None:
    """And why that one did."""
    w = booted({"a": {"type": "notify", "restart": "no"}, "b": {"depends_on": ["a"]}})
    w.end("a", -9)
    found = _why(w, "b")
    assert "it needs a to be ready, and a is failed" in found["sentences"]
    assert "was killed by KILL" in found["chain"][0]["text"]


def test_hand_and_pin_are_told_when_an_operator_has_been_there() -> None:
    """Both explain why nothing happens."""
    w = booted({"a": {}, "b": {"autostart": False}})
    w.stop("a")
    w.exits("a")
    w.post(m.Pin(("a",), on=True))
    sentences = _why(w, "a")["sentences"]
    assert "it was stopped by hand, and stays so until it is started" in sentences
    assert "it is pinned down" in sentences
    sentences = _why(w, "b")["sentences"]
    assert sentences == ["it is stopped: it was never started", "nobody wants it up"]


def test_dependents_are_told_when_a_stop_waits_for_them() -> None:
    """They stop first."""
    w = booted({"a": {"restart": "always"}, "b": {"depends_on": ["a"], "restart": "always"}})
    w.stop("a", "b")
    assert w.states == {"a": "running", "b": "stopping"}
    found = _why(w, "a")
    assert "it is to stop, and waits for b to stop first (stopping)" in found["sentences"]
    assert found["chain"][0]["name"] == "b"
