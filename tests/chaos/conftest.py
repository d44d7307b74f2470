"""What tests in trouble may use."""

from __future__ import annotations

import os
import pathlib
import tempfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def tmp_path() -> Iterator[pathlib.Path]:
    """A directory that every user can reach, with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-", ignore_cleanup_errors=True) as made:
        os.chmod(made, 0o755)
        yield pathlib.Path(made)
