"""Where services may log other than by their output."""

from __future__ import annotations

import pytest

from nsinit.model.intake import intakes, intakes_have_places
from nsinit.model.spec import Config, Init


@pytest.mark.parametrize(
    ("init", "paths"),
    [
        (Init(), {}),
        (Init(syslog=True), {"syslog": "/dev/log"}),
        (
            Init(syslog="/x/log", journal=True),
            {"syslog": "/x/log", "journal": "/run/systemd/journal/socket"},
        ),
    ],
)
def test_places_are_the_usual_ones_when_none_are_given(init: Init, paths: dict[str, str]) -> None:
    """Nothing listens that was not asked for."""
    assert intakes(init) == paths
    assert not list(intakes_have_places(Config(init=init)))


@pytest.mark.parametrize(
    ("init", "said"),
    [
        (Init(syslog="log"), "expected an absolute path"),
        (Init(journal="/run/journal/"), "expected an absolute path"),
        (Init(syslog="/" + 107 * "x"), "at most 107 bytes"),
        (Init(syslog="/run/x", journal="/run/x"), "the other one is there already"),
    ],
)
def test_mistake_is_told_when_there_can_be_no_socket(init: Init, said: str) -> None:
    """Before anything is started."""
    ((_, message, _),) = intakes_have_places(Config(init=init))
    assert said in message
