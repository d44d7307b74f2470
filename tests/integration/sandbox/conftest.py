"""Sandboxes for real: as root and as an ordinary user, and nothing is left of them."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.boxes import Box, traces
from tests.support.cells import Cell
from tests.support.live import ORDINARY, eventually
from tests.support.roots import make_root, owned

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator


@pytest.fixture(params=["rootful", "rootless"])
def user(request: pytest.FixtureRequest) -> int:
    """The uid that starts nsinit: root, and an ordinary user."""
    if os.geteuid() != 0:
        if request.param == "rootful":
            pytest.skip("rootful: needs root")
        return os.geteuid()
    return 0 if request.param == "rootful" else ORDINARY


@pytest.fixture
def box(tmp_path: pathlib.Path, user: int) -> Iterator[Callable[..., Box]]:
    """Make sandboxes of that user; they are ended after the test."""
    with contextlib.ExitStack() as stack:
        count = 0

        def make(config: str = "", *options: str, **env: str) -> Box:
            nonlocal count
            count += 1
            directory = tmp_path / f"box{count}"
            directory.mkdir()
            made = Box(directory, config, user, options, **env)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def cell(user: int) -> Iterator[Cell]:
    """A cgroup that belongs to that user; nothing that nsinit made in it is left."""
    made = Cell(f"nsinit-test-{os.getpid()}-{os.urandom(3).hex()}", user)
    try:
        yield made
        eventually(lambda: not made.left(), f"removed: {made.left()}", 3)
    finally:
        made.close()


@pytest.fixture
def celled(cell: Cell, box: Callable[..., Box]) -> Callable[..., Box]:
    """As `box`, started within the cell."""

    def make(config: str = "", *options: str, **env: str) -> Box:
        made = box(config, *options, **env)
        made.cell = cell
        return made

    return make


@pytest.fixture
def rootfs(tmp_path: pathlib.Path, user: int) -> pathlib.Path:
    """A small root of the user who starts the sandbox."""
    return make_root(owned(tmp_path / "root", user), user)


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: pathlib.Path) -> Iterator[None]:
    """After any test there is no process and no mount of it any more."""
    yield
    eventually(lambda: not traces(tmp_path), f"gone: {traces(tmp_path)}")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(tmp_path)
