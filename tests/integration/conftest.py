"""Real nsinits in real namespaces.

There are three ways to be init and two loops. What depends on that says so (the marks `every_way`
and `every_loop`, on a test or a module) and is tested with each. Any other test is run in one of
them, which its name chooses, so that the tests of a file together are run in all; with
HYPOTHESIS_PROFILE=nightly each of them is.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile
import zlib
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


WAYS = ("pid1", "subreaper", "rootless")
LOOPS = ("uvloop", "asyncio")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the ways and loops of a test that does not choose them itself."""
    here = [way for way in WAYS if way != "pid1" or os.geteuid() == 0]
    for name, choices, mark in (("way", here, "every_way"), ("loop", LOOPS, "every_loop")):
        if name not in metafunc.fixturenames or _is_chosen(metafunc, name):
            continue
        every = metafunc.definition.get_closest_marker(mark) is not None
        if every or os.environ.get("HYPOTHESIS_PROFILE") == "nightly":
            metafunc.parametrize(name, choices, indirect=True)
        else:
            at = zlib.crc32(metafunc.definition.originalname.encode()) % len(choices)
            metafunc.parametrize(name, [choices[at]], indirect=True)


def _is_chosen(metafunc: pytest.Metafunc, name: str) -> bool:
    """Whether the test, or its module, has parameters of that name."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        names = mark.args[0]
        if name in ([one.strip() for one in names.split(",")] if isinstance(names, str) else names):
            return True
    return hasattr(metafunc.module, name)


@pytest.fixture
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


@pytest.fixture
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
