"""The short form of the ids of a mount."""

from __future__ import annotations

from nsinit.isolation.idmapped import maps_of


def test_maps_are_written_out_when_they_are_short() -> None:
    """Both unless one is named; what is given for one only leaves the other empty."""
    assert maps_of("0:1000:1") == {"uid": "0 1000 1", "gid": "0 1000 1"}
    assert maps_of("b:0:1:2 u:5:6:7") == {"uid": "0 1 2\n5 6 7", "gid": "0 1 2"}
    assert maps_of("g:0:100:5") == {"uid": "", "gid": "0 100 5"}
