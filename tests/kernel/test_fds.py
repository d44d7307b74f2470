"""Descriptors that are moved out of the way."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import fds, seam

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def faults() -> Iterator[None]:
    """The seam is as it was afterwards."""
    yield
    seam.inject(None)


def _opened() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


@pytest.mark.usefixtures("faults")
def test_nothing_stays_open_when_a_later_one_can_not_be_moved() -> None:
    """The first has been moved already; it is closed, those of the caller are not."""
    reader, writer = os.pipe()
    before = _opened()
    seam.inject(seam.Plan("fcntl:EMFILE@2"))
    with pytest.raises(OSError) as caught:
        fds.above({reader: writer, writer: reader})
    assert caught.value.errno == errno.EMFILE
    seam.inject(None)
    assert _opened() == before
    os.close(reader)
    os.close(writer)
