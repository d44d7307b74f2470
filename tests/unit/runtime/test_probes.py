"""Probes of real sockets and files, waited for by a reactor without a loop."""

from __future__ import annotations

import gc
import os
import socket
import time
from typing import TYPE_CHECKING

import pytest

from nsinit.core import messages as m
from nsinit.kernel import seam
from nsinit.model.spec import Health, Http, Ready
from nsinit.runtime.probes import Probes
from nsinit.runtime.reactor import Reactor

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class World:
    """Probes, what they have told, and what has gone wrong beside them."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []
        self.told: list[m.Event] = []
        self.reactor = Reactor(self.errors.append)
        self.probes = Probes(self.reactor, self.told.append)
        gc.collect()  # what other tests have left in cycles holds descriptors
        self.fds = len(os.listdir("/proc/self/fd"))

    def ask(self, table: Ready | Health) -> None:
        """Begin one."""
        self.probes.start("a", 1, "ready", table)

    def answer(self) -> tuple[int | None, str]:
        """Wait for the one answer."""
        until = time.monotonic() + 10
        while not self.told and time.monotonic() < until:
            self.reactor.turn(0.1)
        for _ in range(3):
            self.reactor.turn(0)
        (event,) = self.told
        assert isinstance(event, m.TaskEnded)
        assert (event.service, event.run, event.task) == ("a", 1, "ready")
        return event.status, event.text


@pytest.fixture
def world() -> Iterator[World]:
    """At the end nothing has raised, and no descriptor is left."""
    made = World()
    yield made
    seam.inject(None)
    assert made.errors == []
    assert not made.reactor._readers
    assert not made.reactor._writers
    assert len(os.listdir("/proc/self/fd")) == made.fds


def test_tcp_is_told_when_somebody_accepts_or_nobody(world: World) -> None:
    """Refused is an answer too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        world.ask(Ready(tcp=port))
        assert world.answer() == (0, "")
    world.told.clear()
    world.ask(Health(tcp=f"localhost:{port}"))
    assert world.answer() == (1, "connection refused")


def test_localhost_is_found_when_it_is_only_version_6(world: World) -> None:
    """The second address is tried after the first."""
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this kernel has no IPv6")
    with server:
        world.ask(Ready(tcp=f"localhost:{server.getsockname()[1]}"))
        assert world.answer() == (0, "")


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM])
@pytest.mark.parametrize("abstract", [False, True])
def test_unix_socket_is_found_when_it_is_of_any_kind(
    world: World, tmp_path: pathlib.Path, kind: int, *, abstract: bool
) -> None:
    """In the file system and as an abstract name."""
    path = f"{'@' if abstract else ''}{tmp_path}/s"
    with socket.socket(socket.AF_UNIX, kind) as server:
        server.bind(path.replace("@", "\0"))
        if kind != socket.SOCK_DGRAM:
            server.listen()
        world.ask(Ready(unix=path))
        assert world.answer() == (0, "")
    world.told.clear()
    world.ask(Ready(unix=path))
    assert world.answer() == (1, "connection refused")


@pytest.mark.parametrize(
    "table",
    [
        Ready(unix="/" + "x" * 500),
        Ready(unix="@" + "x" * 500),
        Ready(unix=""),
        Ready(unix="/\0"),
        Ready(unix="/nowhere/at/all"),
        Ready(file="/nowhere/at/all"),
        Ready(file="/\0"),
        Ready(file="/" + "x" * 5000),
        Ready(tcp="255.255.255.255:1"),
    ],
)
def test_probe_fails_when_what_it_asks_can_not_be(world: World, table: Ready) -> None:
    """Never an exception, whatever came past the checks."""
    world.ask(table)
    status, text = world.answer()
    assert status == 1
    assert text


def test_file_is_told_when_it_is_there(world: World, tmp_path: pathlib.Path) -> None:
    """Whatever it is."""
    world.ask(Ready(file=str(tmp_path)))
    assert world.answer() == (0, "")


def test_full_queue_is_told_when_nobody_accepts(world: World, tmp_path: pathlib.Path) -> None:
    """Unix sockets don't wait."""
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as first:
        server.bind(path)
        server.listen(0)
        first.connect(path)
        world.ask(Ready(unix=path))
        assert world.answer() == (1, "its queue of connections is full")


class Server:
    """A web server that the test drives step by step."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/x"

    def accept(self) -> socket.socket:
        """Take the connection and its request."""
        self.world.reactor.turn(0.1)
        one, _ = self.listener.accept()
        one.settimeout(10)
        self.world.reactor.turn(0.1)
        assert one.recv(10_000).startswith(b"GET /x HTTP/1.1\r\n")
        return one


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    """Closed at the end."""
    world.fds += 1
    made = Server(world)
    yield made
    made.listener.close()
    world.fds -= 1


def test_http_is_judged_when_the_answer_comes_byte_by_byte(world: World, server: Server) -> None:
    """As long as it takes; the core has the time limit."""
    world.ask(Ready(http=Http(url=server.url)))
    with server.accept() as one:
        for at in range(len(OK)):
            assert not world.told
            one.sendall(OK[at : at + 1])
            world.reactor.turn(0.1)
        assert world.answer() == (0, "")


@pytest.mark.parametrize(
    ("status", "good"), [(200, True), (299, True), (302, False), (404, True), (500, False)]
)
def test_http_is_good_when_its_status_is_one_of_those_wanted(
    world: World, server: Server, status: int, good: bool
) -> None:
    """The ends of a range count."""
    from nsinit.model.types import Statuses

    wanted = Statuses(Statuses.read(["200-299", 404]))
    world.ask(Ready(http=Http(url=server.url, status=wanted)))
    with server.accept() as one:
        one.sendall(OK.replace(b"200", b"%d" % status))
        assert world.answer() == ((0, "") if good else (1, f"it answered {status}"))


def test_http_fails_when_the_connection_is_reset(world: World, server: Server) -> None:
    """By a server that dies."""
    world.ask(Ready(http=Http(url=server.url)))
    with server.accept() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert world.answer() == (1, "connection reset by peer")


def test_nothing_is_told_when_a_probe_is_cancelled(world: World, server: Server) -> None:
    """While it waits, and when its answer is on its way."""
    world.ask(Ready(http=Http(url=server.url)))
    with server.accept() as one:
        world.probes.cancel("a", 1, "ready")
        assert one.recv(10) == b""
    world.ask(Ready(file="/"))
    world.probes.cancel("a", 1, "ready")
    world.probes.cancel("a", 1, "ready")
    for _ in range(3):
        world.reactor.turn(0)
    assert world.told == []


def test_one_answer_is_told_when_a_probe_is_started_again(world: World) -> None:
    """The earlier one is cancelled by that."""
    world.ask(Ready(file="/nowhere"))
    world.ask(Ready(file="/"))
    assert world.answer() == (0, "")


@pytest.mark.parametrize(
    "fault", ["socket:EMFILE", "connect:ENETUNREACH", "send:EPIPE", "recv:EIO"]
)
def test_probe_fails_when_the_kernel_does(world: World, server: Server, fault: str) -> None:
    """Any call, by the seam."""
    seam.inject(seam.Plan(fault))
    world.ask(Ready(http=Http(url=server.url)))
    if fault.startswith("recv"):
        with server.accept() as one:
            one.sendall(OK)
            assert world.answer()[0] == 1
    else:
        assert world.answer()[0] == 1
