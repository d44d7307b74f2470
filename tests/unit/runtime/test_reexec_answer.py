"""What the program that is to go on answers, on real descriptors."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.kernel import memory, seam
from nsinit.runtime.reexec import Reexec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def _restored() -> Iterator[None]:
    yield
    seam.inject(None)


@pytest.mark.usefixtures("_restored")
@pytest.mark.parametrize("fault", ["read:EIO", "stat:ENOMEM", "read:MemoryError"])
def test_answer_is_closed_once_when_it_can_not_be_read(fault: str) -> None:
    """Whatever fails is called again, and by then the number may be another's."""
    soon: list[Callable[[], object]] = []
    init: Any = SimpleNamespace(reactor=SimpleNamespace(soon=soon.append))
    one = Reexec(init)
    told = memory.unsealed("answer")
    os.write(told, b"why not")
    seam.inject(seam.Plan(fault))
    one._answered(0, told, 1)
    seam.inject(None)
    assert len(soon) == 1
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(told)
