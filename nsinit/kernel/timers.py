"""Timers as descriptors, for whoever has no event loop to ask. Source: timerfd_create(2)."""

from __future__ import annotations

import errno
from typing import Final

from nsinit.kernel import libc, seam

_SHORT: Final = 60.0  # s: as late as a step is seen where the kernel does not tell of it


class Timer:
    """Goes off at an instant of the monotonic clock, or of the wall clock (`calendar`).

    One of the wall clock goes off when that is put to another time too: whoever waits for it looks
    at the clock again, and sets it anew.
    """

    def __init__(self, *, calendar: bool = False) -> None:
        """OSError if the kernel has no such timer."""
        self._calendar = calendar
        self._tells = True  # of steps
        real = calendar and seam.wake_at(0.0) is None  # no clock of a test stands in for it
        self._real = real
        self.fd = libc.timerfd_create(libc.CLOCK_REALTIME if real else libc.CLOCK_MONOTONIC)

    def set(self, at: float | None) -> None:
        """Go off once at this instant (s), at once if it is over, or never."""
        if at is not None and self._calendar and not self._real:
            at = seam.wake_at(at)
        if self._real and self._tells:
            flags = libc.TFD_TIMER_ABSTIME | libc.TFD_TIMER_CANCEL_ON_SET
            try:
                libc.timerfd_settime(self.fd, flags, at)
            except OSError as error:
                # The clock was set since the last `read`: whoever waits should look at it again.
                at = seam.wall() if error.errno == errno.ECANCELED else at
                self._tells = error.errno == errno.ECANCELED
            else:
                return
        if self._real and at is not None:
            at = min(at, seam.wall() + _SHORT)
        libc.timerfd_settime(self.fd, libc.TFD_TIMER_ABSTIME, at)

    def read(self) -> None:
        """Take note that it went off; it may go off for nothing."""
        try:
            seam.read(self.fd, 8)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECANCELED, errno.EINTR):
                raise
