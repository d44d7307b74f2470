"""What tests of several modules need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import seam

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def fail() -> Iterator[Callable[[str], None]]:
    """Makes system calls fail: "write:ENOSPC"; "" ends that."""
    yield lambda text: seam.inject(seam.Plan(text) if text else None)
    seam.inject(None)
