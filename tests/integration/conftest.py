"""Real nsinits in real namespaces."""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.support.live import Live, Way, have

if TYPE_CHECKING:
    from collections.abc import Iterator


class Start(Protocol):
    """Starts an init with a configuration; it is ended after the test."""

    def __call__(self, config: str, **env: str) -> Live: ...


def _skip_unless_possible(way: Way) -> None:
    if way in ("pid1", "sandbox") and os.geteuid() != 0:
        pytest.skip(f"{way}: needs root")
    if way == "pid1" and not have("unshare"):
        pytest.skip(f"{way}: needs unshare of util-linux")


@pytest.fixture(params=["pid1", "subreaper", "rootless"])
def way(request: pytest.FixtureRequest) -> Way:
    """How init is made."""
    way: Way = request.param
    _skip_unless_possible(way)
    return way


@pytest.fixture
def tmp_path() -> Iterator[pathlib.Path]:
    """A directory that every user can reach, with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-", ignore_cleanup_errors=True) as made:
        os.chmod(made, 0o755)
        yield pathlib.Path(made)


@pytest.fixture(params=["uvloop", "asyncio"])
def loop(request: pytest.FixtureRequest) -> str:
    """On which event loop."""
    return str(request.param)


@pytest.fixture
def start(tmp_path: pathlib.Path, way: Way) -> Iterator[Start]:
    """Start inits, and end them."""
    with contextlib.ExitStack() as stack:
        count = 0

        def begin(config: str, **env: str) -> Live:
            nonlocal count
            count += 1
            directory = tmp_path / str(count)
            directory.mkdir()
            made = Live(directory, config, way, **env)
            stack.callback(made.close)
            return made.start()

        yield begin
