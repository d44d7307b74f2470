"""What a command in a sandbox gets, kept in a file for when there is no init to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nsinit.errors import UnreachableError
from nsinit.model.confinement import Calls, Landlock, Seccomp
from nsinit.model.security import CapNames, Security
from nsinit.model.tuning import Files
from nsinit.sandbox import place

if TYPE_CHECKING:
    import pathlib

PLACE = place.Place(
    directory="/srv",
    env={"PATH": "/bin", "ODD": "\udcff\n"},
    shared={"A": "b", "SECRET": {"file": "/run/secret"}},
    own={},
    security=Security(
        cap_add=CapNames(["KILL"]),
        ambient=CapNames(),
        seccomp=Seccomp(deny=Calls(["mount"])),
        landlock=Landlock(read=Files(["/usr"])),
        no_new_privs=False,
    ),
)


def test_place_is_the_same_when_it_was_kept(tmp_path: pathlib.Path) -> None:
    """Also bytes that are no text; nobody else can read it, as it may hold secrets."""
    place.keep(str(tmp_path), PLACE)
    assert place.find(str(tmp_path)) == PLACE
    assert (tmp_path / "place.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("data", [None, b"", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_place_is_refused_when_it_is_none(tmp_path: pathlib.Path, data: bytes | None) -> None:
    """Missing, empty, cut, or of an older nsinit."""
    if data is not None:
        (tmp_path / "place.json").write_bytes(data)
    with pytest.raises(UnreachableError, match=r"place\.json: "):
        place.find(str(tmp_path))
