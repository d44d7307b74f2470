"""Inits whose system calls, actions and callbacks fail when a test says so."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from nsinit.kernel.board import SIZE, Board
from tests.support.live import Way, live

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

    from tests.support.live import Live


@contextlib.contextmanager
def faulty(
    directory: pathlib.Path, config: str, plan: str = "", way: Way = "subreaper", **env: str
) -> Iterator[tuple[Live, Board]]:
    """A started init, and the board where it looks what is to fail: at first what `plan` says."""
    path = directory / "board"
    path.write_bytes(bytes(SIZE))
    board = Board(str(path))
    board.write(plan)
    with live(directory, config, way, NSINIT_FAULTS=f"@{path}", **env) as init:
        yield init, board
