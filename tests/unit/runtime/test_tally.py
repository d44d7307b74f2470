"""What is counted of the bytes of services."""

from __future__ import annotations

from nsinit.runtime.tally import Tallies


def test_counters_go_when_their_services_have_gone() -> None:
    """The others stay as they are; a service that comes again begins at 0."""
    tallies = Tallies()
    for service in ("a", "b"):
        tallies.of(service, "stdout", "console").bytes += 10
    tallies.forget_all_but({"b", "c"})
    assert [(one.service, one.bytes) for one in tallies.counters()] == [("b", 10)]
    assert tallies.of("a", "stdout", "console").bytes == 0
