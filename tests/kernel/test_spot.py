"""Opening by a path that others can change: root is not led to what is not theirs."""

from __future__ import annotations

import os
import pathlib
import socket
import stat
import tempfile
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import sockets
from nsinit.kernel.spot import Spot

if TYPE_CHECKING:
    from collections.abc import Iterator

THEM, OTHER = 54421, 54422  # uids that need no account
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: others cannot be led anywhere")


@pytest.fixture
def place() -> Iterator[pathlib.Path]:
    """`theirs` belongs to somebody, `ours` with the file `secret` to root."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-") as made:
        top = pathlib.Path(made)
        top.chmod(0o755)
        for name in ("theirs", "ours"):
            (top / name).mkdir()
        (top / "ours" / "secret").write_text("secret")
        if os.geteuid() == 0:
            os.chown(top / "theirs", THEM, THEM)
        yield top


def read(path: object, *, follow: bool = True) -> str:
    """The text of a file, as init reads one."""
    with Spot(str(path), follow=follow) as spot:
        fd = spot.open(os.O_RDONLY)
    with open(fd, encoding="utf-8") as file:
        return file.read()


def link(path: pathlib.Path, target: object, owner: int = THEM) -> None:
    """A symbolic link of somebody."""
    path.symlink_to(str(target))
    os.chown(path, owner, owner, follow_symlinks=False)


def test_file_is_opened_when_nobody_is_in_the_way(place: pathlib.Path) -> None:
    """By any way of writing its path, from the working directory too."""
    for path in ("ours/secret", "ours//./secret", "theirs/../ours/secret"):
        assert read(place / path) == read(f"{place}/{path}") == "secret"
    before = os.getcwd()
    os.chdir(place)
    try:
        assert read("ours/secret") == "secret"
    finally:
        os.chdir(before)


def test_links_are_followed_when_they_are_our_own(place: pathlib.Path) -> None:
    """As Kubernetes shows secrets: a link to a file below a link to a directory."""
    (place / "..data").symlink_to("ours")
    (place / "token").symlink_to("..data/secret")
    assert read(place / "token") == "secret"
    assert read(place / "..data" / "secret", follow=False) == "secret"
    with pytest.raises(OSError, match="symbolic links"):
        read(place / "token", follow=False)


@pytest.mark.parametrize("path", ["", "/", ".", "x/", "no/x", "ours/secret/x", "x"])
def test_reason_is_the_kernel_s_when_there_is_no_such_file(place: pathlib.Path, path: str) -> None:
    """As open(2) would say it."""
    path = f"{place}/{path}" if path not in ("", "/", ".") else path
    with pytest.raises(OSError, match=r"\w") as ours:
        read(path)
    with pytest.raises(OSError, match=r"\w") as theirs, open(path, encoding="utf-8"):
        pass
    assert ours.value.errno == theirs.value.errno or path == ""


def test_walk_ends_when_links_lead_in_a_circle(place: pathlib.Path) -> None:
    """As the kernel's does."""
    (place / "a").symlink_to("b/x")
    (place / "b").symlink_to("a")
    with pytest.raises(OSError, match="Too many levels"):
        read(place / "a" / "x")


@as_root
@pytest.mark.parametrize("where", ["file", "directory", "far"])
def test_root_is_not_led_to_another_s_file_when_a_link_is_theirs(
    place: pathlib.Path, where: str
) -> None:
    """Of the file, of a directory on the way, and by a link of root behind it."""
    path = place / "theirs" / "x"
    if where == "file":
        link(path, place / "ours" / "secret")
    elif where == "directory":
        link(path, place / "ours")
        path /= "secret"
    else:
        (place / "to").symlink_to("ours")
        link(path, "../to/secret")
    with pytest.raises(PermissionError, match=f"a link of uid {THEM} leads there"):
        read(path)
    made = path.parent / "made"
    if where == "directory":
        with pytest.raises(PermissionError), Spot(str(made)) as spot:
            spot.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        assert not (place / "ours" / "made").exists()


@as_root
def test_root_follows_when_a_link_leads_to_what_its_owner_has(place: pathlib.Path) -> None:
    """They could have put the file itself there."""
    home = place / "theirs" / "home"
    home.mkdir()
    (home / "x").write_text("mine")
    for path in (home, home / "x"):
        os.chown(path, THEM, THEM)
    link(place / "theirs" / "way", "home")
    link(home / "other", "x")
    assert read(place / "theirs" / "way" / "other") == "mine"
    link(place / "theirs" / "far", "way/x", OTHER)
    with pytest.raises(PermissionError):
        read(place / "theirs" / "far")


@as_root
def test_another_s_file_is_not_opened_when_it_was_linked_there(place: pathlib.Path) -> None:
    """link(2) gives a file another name where fs.protected_hardlinks lets it."""
    os.link(place / "ours" / "secret", place / "theirs" / "x")
    with pytest.raises(PermissionError, match="a name that others gave it"):
        read(place / "theirs" / "x")
    assert read(place / "ours" / "secret") == "secret"
    (place / "theirs" / "own").write_text("mine")
    os.chown(place / "theirs" / "own", THEM, THEM)
    os.link(place / "theirs" / "own", place / "theirs" / "again")
    assert read(place / "theirs" / "again") == "mine"


@as_root
@pytest.mark.parametrize("instead", ["link", "name", "file", "other"])
def test_only_the_socket_is_given_away_when_something_takes_its_place(
    place: pathlib.Path, instead: str
) -> None:
    """Between bind(2) and chown(2) whoever owns the directory can put anything there."""
    path, secret = place / "theirs" / "x", place / "ours" / "secret"
    with socket.socket(socket.AF_UNIX) as made, Spot(str(path)) as spot:
        sockets.bind_file(made, str(path), 0o640)
        assert stat.S_IMODE(path.lstat().st_mode) == 0o640
        path.unlink()
        if instead == "link":
            link(path, secret)
        elif instead == "name":
            os.link(secret, path)
        elif instead == "file":
            path.write_text("")
        else:
            with socket.socket(socket.AF_UNIX) as another:
                another.bind(str(path))
        with pytest.raises(OSError, match=r"something else there|symbolic links|others gave it"):
            spot.give_socket(0o640, THEM, THEM)
    assert secret.stat().st_uid == 0


@as_root
def test_socket_is_not_made_elsewhere_when_a_link_is_theirs(place: pathlib.Path) -> None:
    """Its directory is where the path says."""
    link(place / "theirs" / "run", place / "ours")
    with pytest.raises(PermissionError):
        sockets.listen_unix(
            f"{place}/theirs/run/x", stream=True, backlog=1, mode=0o600, uid=THEM, gid=THEM
        )
    assert os.listdir(place / "ours") == ["secret"]
