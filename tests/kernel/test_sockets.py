"""Listening sockets: made as asked, or refused with what stands in the way."""

from __future__ import annotations

import errno
import os
import pathlib
import socket
import stat
import tempfile
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import sockets

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def directory() -> Iterator[pathlib.Path]:
    """With a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-") as made:
        yield pathlib.Path(made)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _inet(host: str, port: int, *, stream: bool = True, **more: bool) -> socket.socket:
    options = {"reuse_port": False, "ipv6_only": False} | more
    made = sockets.listen_inet(host, port, stream=stream, backlog=5, **options)
    return socket.socket(fileno=made.detach())


def _connect(family: int, host: str, port: int) -> None:
    with socket.socket(family) as client:
        client.settimeout(5)
        client.connect((host, port))


def test_both_families_are_heard_when_no_host_is_named() -> None:
    """As far as the machine has both."""
    port = _free_port()
    with _inet("", port) as made:
        _connect(socket.AF_INET, "127.0.0.1", port)
        if made.family == socket.AF_INET6:
            _connect(socket.AF_INET6, "::1", port)


def test_ipv4_is_left_out_when_ipv6_only_is_asked() -> None:
    """Whatever net.ipv6.bindv6only says."""
    port = _free_port()
    try:
        with _inet("::", port, ipv6_only=True):
            with pytest.raises(ConnectionRefusedError):
                _connect(socket.AF_INET, "127.0.0.1", port)
            _connect(socket.AF_INET6, "::1", port)
        with _inet("::", port, ipv6_only=False):
            _connect(socket.AF_INET, "127.0.0.1", port)
    except OSError as error:
        if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            raise
        pytest.skip("this kernel has no IPv6")


@pytest.mark.parametrize("stream", [True, False])
def test_port_is_refused_when_it_is_taken(stream: bool) -> None:
    """Also one of UDP, which SO_REUSEADDR would let two have; on purpose two can share it."""
    port = _free_port()
    with (
        _inet("127.0.0.1", port, stream=stream),
        pytest.raises(OSError, match="already in use"),
    ):
        _inet("127.0.0.1", port, stream=stream)
    with _inet("127.0.0.1", port, stream=stream, reuse_port=True):
        _inet("127.0.0.1", port, stream=stream, reuse_port=True).close()


def test_socket_is_blocking_and_closed_on_exec_when_made(directory: pathlib.Path) -> None:
    """What init itself executes must not have it; whom it is for gets it blocking."""
    for made in (
        sockets.listen_inet(
            "127.0.0.1", _free_port(), stream=True, backlog=1, reuse_port=False, ipv6_only=False
        ),
        sockets.listen_unix(f"{directory}/x", stream=True, backlog=1, mode=0o600),
    ):
        assert not os.get_inheritable(made.fileno())
        assert os.get_blocking(made.fileno())
        made.close()


def test_zone_is_taken_when_an_address_is_link_local() -> None:
    """An interface by name; one that is not there is an error."""
    with pytest.raises(OSError, match=r"\w") as caught:
        _inet("fe80::1%nosuch0", _free_port())
    assert caught.value.errno in (errno.ENODEV, errno.EAFNOSUPPORT)


def test_file_has_mode_and_owner_when_made(directory: pathlib.Path) -> None:
    """Whatever the umask."""
    path = f"{directory}/x"
    uid = 1234 if os.geteuid() == 0 else -1
    before = os.umask(0o077)
    try:
        sockets.listen_unix(path, stream=True, backlog=1, mode=0o662, uid=uid).close()
    finally:
        os.umask(before)
    found = os.stat(path)
    assert stat.S_IMODE(found.st_mode) == 0o662
    if uid > 0:
        assert found.st_uid == uid


@pytest.mark.parametrize("stream", [True, False])
def test_file_is_replaced_when_nobody_listens_there(directory: pathlib.Path, stream: bool) -> None:
    """A dead init left it behind."""
    path = f"{directory}/x"
    sockets.listen_unix(path, stream=stream, backlog=1, mode=0o600).close()
    sockets.listen_unix(path, stream=stream, backlog=1, mode=0o600).close()


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("alike", [True, False])
def test_file_is_refused_when_somebody_listens_there(
    directory: pathlib.Path, stream: bool, alike: bool
) -> None:
    """Of whichever kind; and it works on."""
    path = f"{directory}/x"
    other = stream if alike else not stream
    with socket.socket(
        fileno=sockets.listen_unix(path, stream=stream, backlog=1, mode=0o600).detach()
    ):
        with pytest.raises(sockets.TakenError, match="another process listens there"):
            sockets.listen_unix(path, stream=other, backlog=1, mode=0o600)
        assert os.path.exists(path)


def test_file_is_refused_when_the_queue_of_the_other_is_full(directory: pathlib.Path) -> None:
    """It is alive all the same."""
    path = f"{directory}/x"
    with (
        socket.socket(
            fileno=sockets.listen_unix(path, stream=True, backlog=0, mode=0o600).detach()
        ),
        socket.socket(socket.AF_UNIX) as client,
    ):
        client.connect(path)
        with pytest.raises(sockets.TakenError):
            sockets.free_path(path)


def test_other_file_is_left_alone_when_it_stands_there(directory: pathlib.Path) -> None:
    """It may be somebody's."""
    path = directory / "x"
    path.write_text("mine")
    with pytest.raises(sockets.TakenError, match="no socket"):
        sockets.listen_unix(str(path), stream=True, backlog=1, mode=0o600)
    assert path.read_text() == "mine"


def test_nothing_is_left_when_the_owner_cannot_be_set(directory: pathlib.Path) -> None:
    """Half a socket would be in the way of the next attempt."""
    from nsinit.kernel import seam

    path = f"{directory}/x"
    seam.inject(seam.Plan("chown:EPERM"))
    try:
        with pytest.raises(PermissionError):
            sockets.listen_unix(path, stream=True, backlog=1, mode=0o600, uid=1)
    finally:
        seam.inject(None)
    assert not os.path.lexists(path)
