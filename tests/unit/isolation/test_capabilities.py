"""Steps of a service that limit what it may do, in a process that takes them."""

from __future__ import annotations

from nsinit.isolation.capabilities import LimitCaps
from nsinit.kernel import creds
from tests.kernel.conftest import in_child


def test_copy_of_init_is_closed_when_its_capabilities_go() -> None:
    """Until the exec it has what init has in its memory, and no power that others lack."""

    def closed() -> tuple[bool, bool]:
        creds.set_dumpable(dumpable=True)
        before = creds.is_dumpable()
        LimitCaps(0, 0).apply()
        return before, creds.is_dumpable()

    assert in_child(closed) == (True, False)
