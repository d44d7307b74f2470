"""What the keys about capabilities come to, in docker's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nsinit.capnames import NAMES, NUMBERS
from nsinit.model.security import (
    DEFAULT,
    CapNames,
    CapWords,
    Security,
    grant,
    has_no_new_privs,
    is_asked,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

EVERYTHING = frozenset(range(len(NAMES)))


def _keys(**keys: object) -> Security:
    made: dict[str, object] = {}
    for key, value in keys.items():
        if key == "capabilities":
            made[key] = CapWords(CapWords.read(value))
        elif key == "no_new_privs":
            made[key] = value
        else:
            made[key] = CapNames(CapNames.read(value))
    return Security(**made)  # type: ignore[arg-type]  # (as the decoder would)


def _names(caps: Iterable[int]) -> set[str]:
    return {NAMES[cap] for cap in caps}


def _numbers(names: str) -> frozenset[int]:
    return frozenset(NUMBERS[name] for name in names.split())


SMALL = _numbers("CHOWN KILL NET_RAW SYS_ADMIN")

# keys of the sandbox (None: there is none), keys of the service, what init has, what comes of it
CASES: list[tuple[Security | None, Security, frozenset[int], set[str]]] = [
    (None, _keys(), SMALL, _names(SMALL)),
    (None, _keys(cap_drop="KILL"), SMALL, {"CHOWN", "NET_RAW", "SYS_ADMIN"}),
    (None, _keys(cap_drop="ALL"), SMALL, set()),
    (None, _keys(cap_drop=["all"], cap_add=["cap_kill"]), SMALL, {"KILL"}),
    (None, _keys(capabilities=[]), SMALL, set()),
    (None, _keys(capabilities=["ALL", "-SYS_ADMIN"]), SMALL, {"CHOWN", "KILL", "NET_RAW"}),
    (None, _keys(capabilities=["KILL", "-ALL", "CHOWN"]), SMALL, {"CHOWN"}),
    (_keys(), _keys(), EVERYTHING, _names(DEFAULT)),
    (_keys(), _keys(), SMALL, {"CHOWN", "KILL", "NET_RAW"}),
    (_keys(), _keys(cap_add="SYS_TIME"), EVERYTHING, {*_names(DEFAULT), "SYS_TIME"}),
    (_keys(), _keys(cap_add="ALL", cap_drop="KILL"), SMALL, {"CHOWN", "NET_RAW", "SYS_ADMIN"}),
    (_keys(cap_drop="ALL"), _keys(), EVERYTHING, set()),
    (_keys(cap_drop="ALL"), _keys(cap_add="KILL"), EVERYTHING, {"KILL"}),
    (_keys(cap_add="KILL"), _keys(cap_drop="ALL"), EVERYTHING, set()),
    (_keys(capabilities=["KILL"]), _keys(cap_add="CHOWN"), EVERYTHING, {"KILL", "CHOWN"}),
    (_keys(capabilities=["KILL"]), _keys(capabilities=["CHOWN"]), EVERYTHING, {"CHOWN"}),
    (_keys(capabilities=["ALL"]), _keys(), SMALL, _names(SMALL)),
]


@pytest.mark.parametrize(("sandbox", "keys", "have", "expected"), CASES)
def test_service_gets_what_the_words_say_when_init_has_it(
    sandbox: Security | None, keys: Security, have: frozenset[int], expected: set[str]
) -> None:
    """The sandbox's keys first, the service's on top of them."""
    granted = grant(keys, sandbox, have)
    assert _names(granted.caps) == expected
    assert not granted.missing


@pytest.mark.parametrize(
    ("sandbox", "keys", "missing"),
    [
        (None, _keys(cap_add="SYS_TIME"), {"SYS_TIME"}),
        (None, _keys(capabilities=["KILL", "BPF"]), {"BPF"}),
        (_keys(capabilities=["SYS_TIME"]), _keys(), {"SYS_TIME"}),
        (_keys(cap_add="SYS_TIME"), _keys(cap_drop="SYS_TIME"), set()),
        (_keys(cap_add="SYS_TIME"), _keys(capabilities=["KILL"]), set()),
        (None, _keys(capabilities=["ALL", "SYS_TIME", "-SYS_TIME"]), set()),
    ],
)
def test_capability_is_missing_when_it_is_named_and_init_has_it_not(
    sandbox: Security | None, keys: Security, missing: set[str]
) -> None:
    """What nobody named, or what was taken back, is not missed."""
    granted = grant(keys, sandbox, SMALL)
    assert _names(granted.missing) == missing
    assert granted.caps <= SMALL


def test_ambient_is_within_the_set_when_it_is_granted() -> None:
    """What is not is told, if the service itself asked for it."""
    granted = grant(_keys(capabilities=["KILL"], ambient=["KILL", "CHOWN"]), None, SMALL)
    assert (_names(granted.ambient), _names(granted.outside)) == ({"KILL"}, {"CHOWN"})
    granted = grant(_keys(ambient="ALL", capabilities=["KILL"]), None, SMALL)
    assert (_names(granted.ambient), _names(granted.outside)) == ({"KILL"}, set())
    granted = grant(_keys(capabilities=["KILL"]), _keys(ambient=["CHOWN", "KILL"]), SMALL)
    assert (_names(granted.ambient), _names(granted.outside)) == ({"KILL"}, set())
    granted = grant(_keys(ambient=[]), _keys(ambient=["KILL"]), SMALL)
    assert (granted.ambient, granted.outside) == (frozenset(), frozenset())


@pytest.mark.parametrize(
    ("sandbox", "service", "expected"),
    [
        (None, None, False), (None, True, True), (_keys(), None, True), (_keys(), False, False),
        (_keys(no_new_privs=False), None, False), (_keys(no_new_privs=False), True, True),
    ],
)  # fmt: skip
def test_no_new_privs_is_on_in_a_sandbox_unless_said_otherwise(
    sandbox: Security | None, service: bool | None, expected: bool
) -> None:
    """The service's word goes before the sandbox's."""
    assert has_no_new_privs(_keys(no_new_privs=service), sandbox) is expected


def test_nothing_is_asked_when_no_key_is_set() -> None:
    """An empty list is a wish."""
    assert not is_asked(_keys())
    assert is_asked(_keys(capabilities=[]))
    assert is_asked(_keys(no_new_privs=False))


@pytest.mark.parametrize(
    ("read", "value", "message"),
    [
        (CapNames.read, ["NET_BIND_SERVCE"], 'did you mean "NET_BIND_SERVICE"?'),
        (CapNames.read, 3, "expected names of capabilities, got 3"),
        (CapNames.read, ["-KILL"], "there is no capability '-KILL'"),
        (CapWords.read, ["-KILL"], "use cap_drop"),
        (CapWords.read, ["ALL", "-KIL"], 'did you mean "KILL"?'),
        (CapWords.read, [["KILL"]], "expected names of capabilities"),
    ],
)
def test_word_is_refused_when_it_is_no_capability(
    read: object, value: object, message: str
) -> None:
    """With the nearest spelling."""
    assert callable(read)
    with pytest.raises(ValueError, match=r".") as caught:
        read(value)
    assert message in str(caught.value)
