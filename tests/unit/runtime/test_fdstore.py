"""What services store with init: bounded, named, given back, dropped."""

from __future__ import annotations

import os
import socket

import pytest

from nsinit.runtime.fdstore import FdStore
from nsinit.runtime.reactor import Reactor


def _fail(error: BaseException) -> None:
    raise error


@pytest.fixture
def reactor() -> Reactor:
    """One without a loop."""
    return Reactor(_fail)


@pytest.fixture
def store(reactor: Reactor) -> FdStore:
    """With room for two of a, and none of b."""
    made = FdStore(reactor)
    made.limits = {"a": 2, "b": 0}
    return made


def _file() -> int:
    return os.memfd_create("x")


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def test_descriptors_are_lent_in_order_when_stored(store: FdStore) -> None:
    """By name; a name that is none becomes "stored"; they stay stored."""
    one, other = _file(), _file()
    assert store.add("a", "x", [one]) == 0
    assert store.add("a", "x:y", [other]) == 0
    assert store.lend("a") == store.lend("a") == [("x", one), ("stored", other)]
    assert not os.get_inheritable(one)
    store.close()
    assert not _is_open(one)
    assert not _is_open(other)


def test_descriptors_are_closed_when_there_is_no_room(store: FdStore) -> None:
    """The first ones stay; 0, the default, is no room at all."""
    mine = [_file() for _ in range(3)]
    assert store.add("a", "x", mine) == 1
    assert [_is_open(fd) for fd in mine] == [True, True, False]
    for service in ("b", "unknown"):
        refused = _file()
        assert store.add(service, "x", [refused]) == 1
        assert not _is_open(refused)
    store.close()


def test_descriptor_is_stored_once_when_it_is_sent_again(store: FdStore) -> None:
    """A service may send all it has at each start; the two ends of a pipe are two."""
    one = _file()
    store.add("a", "x", [one])
    copy = os.dup(one)
    assert store.add("a", "y", [copy]) == 0
    assert not _is_open(copy)
    assert store.lend("a") == [("x", one)]
    store.drop("a")
    reader, writer = os.pipe()
    assert store.add("a", "p", [reader, writer]) == 0
    assert len(store.lend("a")) == 2
    store.close()


def test_descriptors_are_closed_when_removed_by_name(store: FdStore) -> None:
    """All that have it, and no other."""
    one, other = _file(), _file()
    store.add("a", "x", [one])
    store.add("a", "y", [other])
    store.remove("a", "x")
    store.remove("a", "nothing")
    store.remove("b", "x")
    assert store.lend("a") == [("y", other)]
    assert not _is_open(one)
    store.close()


def test_connection_is_dropped_when_its_other_end_has_gone(
    store: FdStore, reactor: Reactor
) -> None:
    """What can merely be read is kept, and costs nothing; so is what is not to be looked at."""
    ours, theirs = socket.socketpair()
    quiet, gone = socket.socketpair()
    store.add("a", "x", [ours.detach()])
    store.add("a", "y", [quiet.detach()], poll=False)
    theirs.sendall(b"data")
    reactor.turn(0)
    assert [name for name, _ in store.lend("a")] == ["x", "y"]
    theirs.close()
    gone.close()
    reactor.turn(1)
    assert [name for name, _ in store.lend("a")] == ["y"]
    reactor.turn(0)
    store.close()


def test_connection_is_forgotten_when_dropped_while_a_copy_lives(
    store: FdStore, reactor: Reactor
) -> None:
    """epoll(7) would go on telling of the copy's end."""
    ours, theirs = socket.socketpair()
    store.add("a", "x", [os.dup(ours.fileno())])
    store.drop("a")
    theirs.close()
    reactor.turn(0)
    ours.close()
    store.close()


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ("running", 1),
        ("stopping", 1),
        ("backoff", 1),
        ("waiting", 1),
        ("stopped", 0),
        ("failed", 0),
        ("exited", 0),
    ],
)
def test_store_is_dropped_when_the_service_is_over_for_good(
    store: FdStore, state: str, kept: int
) -> None:
    """A restart keeps it."""
    store.add("a", "x", [_file()])
    store.heard("a", state)
    assert len(store.lend("a")) == kept
    store.close()


def test_datagrams_are_understood_when_told(store: FdStore) -> None:
    """FDSTORE, FDSTOREREMOVE, FDNAME and FDPOLL of sd_notify(3)."""
    one, other = _file(), _file()
    assert store.told("a", {"FDSTORE": "1"}, [one])
    assert store.told("a", {"FDSTORE": "1", "FDNAME": "x", "FDPOLL": "0"}, [other])
    assert store.lend("a") == [("stored", one), ("x", other)]
    assert not store.told("a", {"FDSTOREREMOVE": "1", "FDNAME": "x"}, [])
    assert not store.told("a", {"FDSTOREREMOVE": "1"}, [])
    assert not store.told("a", {"READY": "1"}, [])
    assert store.lend("a") == [("stored", one)]
    store.close()
