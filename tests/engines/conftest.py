"""The engine and the image, made once per session, with a clear word when there can be none.

Each xdist worker has its own engine: they share nothing but the cached base, which is locked while
it is built.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

import pytest

from . import packages
from .container import Containers
from .engine import Engine, EngineUnavailable
from .image import build_image

PROJECT: Final = Path(__file__).resolve().parents[2]

# A machine's first run installs packages and builds the base, both over the network.
FIRST_TEST_TIMEOUT: Final = 900


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests of this directory, which is all that this hook sees."""
    for name in ("engine", "root"):
        item.add_marker(name)
    if item.get_closest_marker("timeout") is None:
        item.add_marker(pytest.mark.timeout(FIRST_TEST_TIMEOUT))


@pytest.fixture(scope="session")
def machine() -> None:
    """Install what is missing in CI; elsewhere skip and say what to do."""
    if os.geteuid() != 0:
        _refuse("needs root: it starts a Docker engine in namespaces of its own")
    if not Path("/etc/debian_version").exists():
        _refuse("needs Debian: its packages bring the engine and the image's contents")
    if packages.missing() and _in_ci():
        packages.install()
    lacking = packages.missing()
    if lacking:
        how = "python -m tests.engines.packages"
        _refuse(f"needs the packages {' '.join(lacking)}: `{how}` installs them")


@pytest.fixture(scope="session")
def engine(machine: None) -> Iterator[Engine]:
    """Yield a running engine that nobody else uses."""
    engine = Engine()
    try:
        engine.start()
    except EngineUnavailable as reason:
        # Also in CI: this is the one reason that no change of the project can cure.
        pytest.skip(f"no Docker engine can run here: {reason}")
    try:
        yield engine
    finally:
        engine.stop()


@pytest.fixture(scope="session")
def image(engine: Engine) -> str:
    """Return the tag of the image whose entry point is this checkout's nsinit."""
    return build_image(engine, PROJECT)


@pytest.fixture
def containers(
    engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Containers]:
    """Yield a starter of containers, all of which are removed after the test."""
    made = Containers(engine, image, lambda: tmp_path_factory.mktemp("config"))
    try:
        yield made
    finally:
        made.remove_all()


def _in_ci() -> bool:
    return os.environ.get("CI") == "true"


def _refuse(reason: str) -> NoReturn:
    """Skip the test, except in CI, where a silent hole would go unnoticed."""
    if _in_ci():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
