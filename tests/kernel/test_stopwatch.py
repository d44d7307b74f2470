"""Work is given up in time, and leaves no trace of that."""

from __future__ import annotations

import re
import signal
import time

import pytest

from nsinit.kernel.stopwatch import TooSlowError, bounded


def test_search_is_given_up_when_it_would_take_for_ever() -> None:
    """A pattern whose time doubles with each letter; mask, handler and timer are as before."""
    before = (signal.getsignal(signal.SIGVTALRM), signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    begun = time.monotonic()
    with pytest.raises(TooSlowError):
        bounded(0.1, lambda: re.search(b"^(a|a)*$", b"a" * 200 + b"b"))
    assert time.monotonic() - begun < 10
    assert bounded(5.0, lambda: 7) == 7
    after = (signal.getsignal(signal.SIGVTALRM), signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    assert after == before
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_error_of_the_work_is_its_own_when_it_has_one() -> None:
    """Nothing is hidden."""
    with pytest.raises(ZeroDivisionError):
        bounded(5.0, lambda: 1 // 0)
