"""Names, patterns, replicas and tags."""

from __future__ import annotations

import pytest

from nsinit.control.routes import Refusal
from nsinit.control.select import select
from nsinit.model.plan import Rules

SERVICES = {
    name: Rules(name=name, tags=tags)
    for name, tags in {
        "db": ("back", "data"),
        "web": ("front",),
        "web-admin": ("front", "back"),
        "w.1": (),
    }.items()
}


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ([], ["db", "web", "web-admin", "w.1"]),
        (["web"], ["web"]),
        (["web", "db", "web"], ["db", "web"]),
        (["web*"], ["web", "web-admin"]),
        (["*"], ["db", "web", "web-admin", "w.1"]),
        (["?b"], ["db"]),
        (["w[.e]*"], ["web", "web-admin", "w.1"]),
        (["w.1"], ["w.1"]),
        (["web@1"], ["web"]),
        (["web*@1"], ["web", "web-admin"]),
        (["tag:back"], ["db", "web-admin"]),
        (["tag:front", "db"], ["db", "web", "web-admin"]),
    ],
)
def test_services_are_chosen_when_patterns_fit(patterns: list[str], names: list[str]) -> None:
    """In starting order, each once."""
    assert select(patterns, SERVICES) == names


@pytest.mark.parametrize(
    ("patterns", "message", "hint"),
    [
        (["wbe"], "no service is called 'wbe'", 'did you mean "web"?'),
        (["db", "zzz"], "no service is called 'zzz'", ""),
        (["x*"], "no service is called 'x*'", ""),
        (["web@2"], "no service is called 'web@2'", 'did you mean "web"?'),
        (["WEB"], "no service is called 'WEB'", ""),
        (["tag:none"], "no service has the tag 'none'", ""),
        ([""], "no service is called ''", ""),
        (["["], "no service is called '['", ""),
    ],
)
def test_pattern_is_refused_when_it_fits_nothing(
    patterns: list[str], message: str, hint: str
) -> None:
    """Even if others do: a slip must not do half of what was meant."""
    with pytest.raises(Refusal) as caught:
        select(patterns, SERVICES)
    refusal = caught.value
    assert (refusal.status, refusal.code) == (404, "unknown-name")
    assert (refusal.message, refusal.hint) == (message, hint)


def test_init_is_not_held_up_when_many_patterns_are_given() -> None:
    """The same one counts once; more than a person writes are refused."""
    assert select(["*"] * 1000, SERVICES) == list(SERVICES)
    assert select(["web"] * 5 + [f"w*{'b' * (n % 2)}*" for n in range(100)], SERVICES)
    with pytest.raises(Refusal, match="at most 32 patterns"):
        select([f"*{'?' * n}" for n in range(40)], SERVICES)
    with pytest.raises(Refusal) as caught:
        select(["x" * 60_000], SERVICES)
    assert len(caught.value.message) < 300


def test_nothing_is_chosen_when_there_are_no_services() -> None:
    """No patterns means all there are."""
    assert select([], {}) == []
