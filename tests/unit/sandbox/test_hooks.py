"""What the keeper of hooks believes of what it hears."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nsinit.bundles.hooks import State
from nsinit.sandbox import hooks

if TYPE_CHECKING:
    import pytest


def test_words_count_once_when_they_are_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither another process nor the hooks once more; what is no word is nothing."""
    ran: list[tuple[str, int]] = []
    keeper = hooks.Keeper(
        (), (), State(oci_version="1.0.0", id="x", bundle="/b", annotations={}), {}
    )
    monkeypatch.setattr(keeper, "_run_all", lambda _hooks, status, pid: ran.append((status, pid)))
    reader, writer = os.pipe()
    lines = (b"started 0", b"created 7", b"created 1", b"created x", b"\xff", b"")
    os.write(writer, b"\n".join([*lines, b"started 0", b"started 0", b""]))
    os.close(writer)
    try:
        assert keeper._hear(reader) == 7
    finally:
        os.close(reader)
    assert ran == [("running", 7)]
