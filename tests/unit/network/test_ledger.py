"""The account of addresses: whose each is, and when it is free again."""

from __future__ import annotations

import multiprocessing
import os
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import seam
from nsinit.network import ledger as ledgers
from nsinit.network.ledger import Ledger, directory_of, here
from nsinit.process import alive

if TYPE_CHECKING:
    import pathlib
    from multiprocessing.connection import Connection


def owner(name: str, pid: int = 0) -> str:
    """A line for a process that runs: this one, or another."""
    pid = pid or os.getpid()
    started = alive.start_time(pid)
    return alive.format_owner(name, pid, started, alive.own_pids(), alive.boot_id())


@pytest.fixture
def place(tmp_path: pathlib.Path) -> str:
    """A registry's account of this network namespace."""
    return directory_of(str(tmp_path / "run"))


def test_address_is_had_once_when_two_want_it(place: str) -> None:
    """The second is told whose it is; on another bridge it is another address."""
    one, two = Ledger(place, owner("one")), Ledger(place, owner("two"))
    with one.held():
        assert one.take("br0", "10.0.0.2") == ""
    with two.held():
        assert two.take("br0", "10.0.0.2") == "one"
        assert two.take("br1", "10.0.0.2") == ""
        assert two.take("br0", "10.0.0.3") == ""
    with one.held():
        one.give_back("br0", ["10.0.0.2", "10.0.0.3"])  # the other is not its own
        assert two.take("br0", "10.0.0.2") == ""
        assert one.take("br0", "10.0.0.3") == "two"


def test_account_is_its_owners_when_the_umask_forbids_nothing(place: str) -> None:
    """Nobody else may put anything into any directory of it."""
    before = os.umask(0)
    try:
        with Ledger(place, owner("one")).held():
            assert not os.stat(place).st_mode & 0o022
            assert not os.stat(os.path.dirname(place)).st_mode & 0o022
    finally:
        os.umask(before)


def test_account_is_had_when_another_removes_the_one_above(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last sandbox of another network ends just then."""
    makes = seam.mkdir
    lost: list[str] = []

    def mkdir(path: str, mode: int) -> None:
        makes(path, mode)
        if path == os.path.dirname(place) and not lost:
            os.rmdir(path)
            lost.append(path)

    monkeypatch.setattr(seam, "mkdir", mkdir)
    with Ledger(place, owner("one")).held():
        assert os.path.isdir(place)
    assert lost


@pytest.mark.parametrize(
    "line",
    [
        "gone 1 1 {pids} {boot}",
        "gone {pid} 1 {pids} {boot}",
        "gone {pid} {start} {pids} other-boot",
        "rubbish",
        "",
    ],
)
def test_address_is_free_when_its_owner_is_gone(place: str, line: str) -> None:
    """A process that has ended, another of its pid, one before the last boot, a torn file."""
    pid = os.getpid()
    known = {"pids": alive.own_pids(), "boot": alive.boot_id(), "pid": pid}
    text = line.format(**known, start=alive.start_time(pid))
    one, gone = Ledger(place, owner("one")), Ledger(place, text)
    with one.held():
        gone.take("br0", "10.0.0.2")
        assert one.take("br0", "10.0.0.2") == ""


def test_address_is_not_free_when_its_owner_cant_be_seen(place: str) -> None:
    """A process of another pid namespace may well run."""
    one = Ledger(place, owner("one"))
    with one.held():
        Ledger(place, f"two 5 5 1 {alive.boot_id()}").take("br0", "10.0.0.2")
        assert one.take("br0", "10.0.0.2") == "two"


def test_nothing_is_left_when_the_last_sweeps(place: str, tmp_path: pathlib.Path) -> None:
    """Each takes away what is its own; the directories go with the last."""
    one, two = Ledger(place, owner("one")), Ledger(place, owner("two"))
    with one.held():
        one.take("br0", "10.0.0.2")
        one.take_port("br0", "nsv-no-such")
        two.take("br0", "10.0.0.3")
        one.will_make("br0", "02:00:00:00:00:01")
        assert one.has_made("br0", "02:00:00:00:00:01")
        assert not one.has_made("br0", "02:00:00:00:00:02")
        assert not one.has_made("br0", "")
        assert not one.has_made("br1", "02:00:00:00:00:01")
        assert one.port_names() == {"nsv-no-such": "br0"}
    two.sweep(own=False)
    with one.held():
        assert one.take("br0", "10.0.0.3") == "two"
    one.sweep()
    assert sorted(os.listdir(f"{place}/on.br0")) == ["10.0.0.3", "made"]
    two.sweep()
    assert os.listdir(tmp_path / "run") == []
    two.sweep()  # there is nothing to sweep


def test_bridges_of_others_stay_when_it_is_swept_elsewhere(tmp_path: pathlib.Path) -> None:
    """In another network namespace than the one it is of, only files are removed."""
    place = str(tmp_path / ".net" / str(here() + 1))
    one = Ledger(place, owner("one"))
    with one.held():
        one.will_make("lo", "00:00:00:00:00:00")
        one.take("lo", "10.0.0.2")
    one.sweep()
    assert os.listdir(f"{place}/on.lo") == ["made"]


def _take(place: str, number: int, pipe: Connection) -> None:
    one = Ledger(place, owner(f"n{number}"))
    with one.held():
        free = next(ip for ip in range(100) if not one.take("br0", f"10.0.0.{ip}"))
    pipe.send(free)
    pipe.recv()  # it stays, and so does its address
    one.sweep()


def test_addresses_differ_when_many_take_at_once(place: str) -> None:
    """While others sweep, which removes the directories under their hands."""
    context = multiprocessing.get_context("fork")
    pipes = [context.Pipe() for _ in range(6)]
    many = [
        context.Process(target=_take, args=(place, number, theirs))
        for number, (_, theirs) in enumerate(pipes)
    ]
    for one in many:
        one.start()
        Ledger(place, owner("other")).sweep()
    taken = [ours.recv() for ours, _ in pipes]
    for ours, _ in pipes:
        ours.send("end")
    for one in many:
        one.join()
    assert sorted(taken) == list(range(6))
    assert not os.path.exists(place)


def test_lock_is_waited_for_when_somebody_holds_it(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for ever."""
    monkeypatch.setattr(ledgers, "_PATIENCE", 0.05)
    one, two = Ledger(place, owner("one")), Ledger(place, owner("two"))
    with one.held(), pytest.raises(BlockingIOError), two.held():
        pass
