"""The methods of the clients are the rows of the table."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from nsinit.aclient import AsyncClient
from nsinit.client import Client, command_of, named
from nsinit.control.commands import COMMANDS


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_method_is_listed_when_asked_for_what_there_is(kind: type) -> None:
    """For completion in an interpreter."""
    made = kind("/x")
    assert {row.name for row in COMMANDS} <= set(dir(made))
    assert all(callable(getattr(made, row.name)) for row in COMMANDS)
    with pytest.raises(AttributeError, match="init has no command 'statsu'"):
        _ = made.statsu


def test_parameter_is_found_when_given_by_position() -> None:
    """In the order of the command line; what is given twice or too often is refused as usual."""
    signal, status = command_of("signal"), command_of("status")
    assert named(signal, ("HUP", "web"), {}) == {"signal": "HUP", "names": "web"}
    assert named(status, (), {"names": ["a"]}) == {"names": ["a"]}
    with pytest.raises(TypeError, match="takes 1 positional arguments, not 2"):
        named(status, ("a", "b"), {})
    with pytest.raises(TypeError, match="two values for 'names'"):
        named(status, ("a",), {"names": "b"})


def test_clients_are_alike_when_compared() -> None:
    """The same words make both, and run a command."""
    for name in ("__init__", "exec", "enter"):
        one: Any = inspect.signature(getattr(Client, name)).parameters
        other: Any = inspect.signature(getattr(AsyncClient, name)).parameters
        assert dict(one) == dict(other)
