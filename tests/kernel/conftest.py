"""Each wrapper of a system call in a real, fresh process or namespace."""

from __future__ import annotations

import os
import pickle
import signal
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.kernel import libc

if TYPE_CHECKING:
    from collections.abc import Callable


def _report(writer: int, function: Callable[[], Any]) -> None:
    """Run in the child: what the function returned or raised, down the pipe."""
    try:
        answer = (True, function())
    except BaseException:  # noqa: BLE001  (the test fails with it)
        answer = (False, traceback.format_exc())
    with os.fdopen(writer, "wb") as pipe:
        pickle.dump(answer, pipe)
    os._exit(0)


def in_child(function: Callable[[], Any], flags: int = 0) -> Any:
    """What a function returns in a forked child, in new namespaces if flags say so."""
    reader, writer = os.pipe()
    pid = libc.clone3(flags, signal.SIGCHLD)[0] if flags else os.fork()
    if pid == 0:
        os.close(reader)
        _report(writer, function)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    os.waitpid(pid, 0)
    assert data, "the child died"
    fine, value = pickle.loads(data)
    assert fine, value
    return value


@pytest.fixture
def needs_root() -> None:
    """Skips unless root: real namespaces without a user namespace."""
    if os.geteuid() != 0:
        pytest.skip("needs root: makes namespaces")
