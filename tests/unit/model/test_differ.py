"""What an update does because of which key."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from nsinit.model.differ import differ
from nsinit.model.load import load, parse_source

if TYPE_CHECKING:
    from types import FrameType

    from nsinit.model.spec import Config


def config(text: str) -> Config:
    """One service with these keys."""
    return load([parse_source("n.toml", f"[services.a]\ncommand = 'x'\n{text}\n")], {}).config


@pytest.mark.parametrize(
    ("old", "new", "restarts"),
    [
        ("resources.pids = 5", "resources.pids = 6", False),
        ("resources.pids = 5", "resources = {}", False),
        ("resources = {}", "resources = {}\nresources_optional = true", False),
        ("resources = {}", "resources = {}\nkill_mode = 'cgroup'", False),
        ("", "resources = {}", True),  # the process is in no group that they could be set for
        ("resources = {}", "", True),
        ("resources = {}", "resources = {}\nnice = 5", True),
    ],
)
def test_service_goes_on_when_only_its_limits_change(old: str, new: str, restarts: bool) -> None:
    """They are those of its group, which it stays in."""
    found = differ(config(old), config(new))
    assert bool(found.restarted) == restarts
    assert bool(found.adjusted) != restarts


def test_keys_are_not_looked_at_when_services_are_alike() -> None:
    """An update of one in a thousand would compare a hundred keys of each in Python."""
    text = "".join(f"[services.s{number}]\ncommand = 'x'\n" for number in range(100))
    old, new = (load([parse_source("n.toml", text)], {}).config for _ in range(2))
    assert old.services is not new.services
    calls = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        found = differ(old, new)
    finally:
        sys.setprofile(None)
    assert found.is_empty
    assert calls < 10 * len(new.services)
