"""What a program is given open, and what it is told of that."""

from __future__ import annotations

import os
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from nsinit.errors import SpawnError
from nsinit.model.load import load, parse_source
from nsinit.process.program import Program
from nsinit.runtime.connections import describe
from nsinit.runtime.passing import Passing
from nsinit.runtime.reactor import Reactor


def _fail(error: BaseException) -> None:
    raise error


class Said:
    """Takes what init would log."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


class World:
    """The parts that `Passing` needs, and what it posted."""

    def __init__(self) -> None:
        self.said = Said()
        self.posted: list[Any] = []
        self.reactor = Reactor(_fail)
        runs: Any = SimpleNamespace(hosts={})
        say: Any = self.said
        self.passing = Passing(self.reactor, self.posted.append, runs, say)

    def update(self, text: str) -> None:
        self.passing.update(load([parse_source("n", text)], {}).config.services)

    def give(self, service: str) -> Program:
        program = Program(argv=("x",), env={})
        self.passing.give(service, program)
        return program

    def change(self, service: str, state: str) -> None:
        self.passing.heard(service, state)


def _service(name: str, sockets: str, more: str = "") -> str:
    return f"[services.{name}]\ncommand = 'x'\nsockets = [{sockets}]\n{more}\n"


def test_sockets_come_before_what_is_stored_when_given() -> None:
    """Named, counted, and with the child's pid to be told."""
    world = World()
    world.update(_service("a", "'@nsinit-passing-1', {listen = '@nsinit-passing-2', name = 'n'}",
                          "fd_store_max = 1") + _service("b", ""))  # fmt: skip
    kept = os.memfd_create("x")
    world.passing.store.add("a", "mine", [kept])
    program = world.give("a")
    assert list(program.fds) == [3, 4, 5]
    assert program.fds[5] == kept
    assert program.env == {"LISTEN_FDS": "3", "LISTEN_FDNAMES": "a:n:mine"}
    assert program.own_pid == ["LISTEN_PID"]
    plain = world.give("b")
    assert (plain.fds, plain.env, plain.own_pid) == ({}, {}, [])
    world.passing.close()


def test_socket_is_blocking_again_when_a_run_had_changed_that() -> None:
    """The flag is the open file's, and would be there for the next run."""
    world = World()
    world.update(_service("a", "'@nsinit-passing-3'"))
    fd = world.give("a").fds[3]
    os.set_blocking(fd, False)
    world.give("a")
    assert os.get_blocking(fd)
    world.passing.close()


def test_sockets_stay_when_the_file_still_has_them() -> None:
    """Also when another service has them now; what was changed is made anew."""
    world = World()
    world.update(_service("a", "'@nsinit-passing-4', '@nsinit-passing-5'"))
    first = world.give("a").fds
    world.update(_service("b", "{listen = '@nsinit-passing-4', name = 'other', lazy = true}"))
    second = world.give("b").fds
    assert second == {3: first[3]}
    with pytest.raises(OSError, match=r"."):
        os.fstat(first[4])
    with socket.socket(fileno=os.dup(second[3])) as kept:
        inode = os.fstat(kept.fileno()).st_ino
        kept.close()
        world.update(_service("b", "{listen = '@nsinit-passing-4', backlog = 1}"))
        assert os.fstat(world.give("b").fds[3]).st_ino != inode
    world.passing.close()


def test_reason_is_told_when_nobody_is_about_to_start_it() -> None:
    """One that starts at once tells it by failing."""
    with socket.socket(socket.AF_UNIX) as taker:
        taker.bind("\0nsinit-passing-6")
        taker.listen()
        world = World()
        world.update(_service("a", "'@nsinit-passing-6'"))
        assert world.said.warnings == []
        world.update(_service("a", "'@nsinit-passing-6'", "autostart = false"))
        (text,) = world.said.warnings
        assert text.startswith("a: cannot listen on unix:@nsinit-passing-6: Address already in use")
        with pytest.raises(SpawnError, match="another process listens there"):
            world.give("a")
    world.give("a")
    world.passing.close()


def test_lazy_service_is_watched_when_it_waits_and_only_then() -> None:
    """One call for all that wait at a socket, however many clients come."""
    world = World()
    world.update(_service("a", "{listen = '@nsinit-passing-7', lazy = true}, '@nsinit-passing-8'"))
    with socket.socket(socket.AF_UNIX) as client, socket.socket(socket.AF_UNIX) as other:
        other.connect("\0nsinit-passing-8")
        world.change("a", "waiting")
        world.reactor.turn(0)
        assert world.posted == []
        client.connect("\0nsinit-passing-7")
        world.reactor.turn(1)
        world.reactor.turn(0)
        assert [event.names for event in world.posted] == [("a",)]
        world.change("a", "starting")
        world.change("a", "waiting")
        world.change("a", "stopped")
        world.reactor.turn(0)
        assert len(world.posted) == 1
        world.change("a", "waiting")
        world.update(_service("a", "{listen = '@nsinit-passing-7', lazy = true}"))
        world.reactor.turn(0)
        assert len(world.posted) == 2
    world.passing.close()


@pytest.mark.parametrize(
    ("peer", "told"),
    [
        (("127.0.0.1", 5), {"REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "5"}),
        (("::ffff:127.0.0.1", 5, 0, 0), {"REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "5"}),
        (("::1", 5, 0, 0), {"REMOTE_ADDR": "::1", "REMOTE_PORT": "5"}),
        ("", {}),
        ("/run/x", {"REMOTE_ADDR": "/run/x"}),
        (b"\0me", {"REMOTE_ADDR": "@me"}),
        (b"\0m\0e", {}),
        (None, {}),
    ],
)
def test_client_is_described_when_it_has_an_address(peer: object, told: dict[str, str]) -> None:
    """As systemd.exec(5) has it: no mapped addresses, and nothing of the nameless."""
    assert describe(peer) == told
