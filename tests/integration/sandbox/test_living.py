"""Sandboxes as the host sees them: listed, described, stopped, killed, and tidied up after."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.live import ORDINARY, eventually, is_alive

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from tests.support.boxes import Box

SLEEPER = """
[sandbox]
name = "{name}"
hostname = "{name}"
[services.a]
command = "sleep 1000"
min_uptime = 0
"""


@pytest.fixture
def hall(tmp_path: pathlib.Path, user: int) -> str:
    """A place for the records of several sandboxes."""
    path = tmp_path / "hall"
    path.mkdir()
    os.chown(path, user, user)
    return str(path)


@pytest.fixture
def make(box: Callable[..., Box], hall: str) -> Callable[..., Box]:
    """Start a sandbox beside others."""

    def start(name: str, config: str = SLEEPER) -> Box:
        made = box(config.format(name=name), NSINIT_RUN_DIR=hall).start()
        made.wait_for_line("a is running")
        return made

    return start


def _list(made: Box) -> dict[str, dict[str, Any]]:
    done = made.run("list", "--json")
    assert done.returncode == 0, done.stderr
    return {row["name"]: row for row in json.loads(done.stdout)}


@pytest.mark.row(62)
def test_sandboxes_are_listed_when_they_run_side_by_side(make: Callable[..., Box]) -> None:
    """Each is a process of the host, with namespaces of its own, that the host can tell apart."""
    shop, bank = make("shop"), make("bank")
    listed = _list(shop)
    assert sorted(listed) == ["bank", "shop"]
    assert {row["state"] for row in listed.values()} == {"healthy"}
    assert (listed["shop"]["pid"], listed["bank"]["pid"]) == (shop.pid, bank.pid)
    assert listed["shop"]["services"] == {"a": "running"}
    assert {"pid", "uts", "mnt", "ipc"} <= set(listed["shop"]["namespaces"])
    assert listed["shop"]["config"] == str(shop.config)
    table = shop.run("list").stdout.splitlines()
    assert table[0].split() == [
        "NAME", "STATE", "PID", "SERVICES", "FOR", "USER", "NAMESPACES", "ADDRESSES", "CONFIG",
    ]  # fmt: skip
    assert table[2].split()[:4] == ["shop", "healthy", str(shop.pid), "1/1"]
    assert shop.run("list", "-q").stdout == "bank\nshop\n"
    assert shop.run("ctl", "-s", "bank", "status").returncode == 0


@pytest.mark.row(62)
def test_everything_is_told_when_a_sandbox_is_inspected(make: Callable[..., Box]) -> None:
    """Namespaces by their inodes, mounts as it sees them, and what its init says."""
    shop = make("shop")
    done = shop.run("inspect", "shop")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["pid"] == shop.pid
    assert told["launcher"] == shop.process.pid  # type: ignore[union-attr]
    assert f"pid:[{told['namespaces']['pid']}]" == shop.namespace("pid")
    assert "net" not in told["own_namespaces"]
    procs = [row for row in told["mounts"] if row["target"] == "/proc"]
    assert procs[-1]["type"] == "proc"
    assert [s["name"] for s in told["services"]] == ["a"]
    assert (told["health"], told["error"]) == ("healthy", None)
    brief = shop.run("inspect", "shop", "--format", "{name} {pid} {namespaces.pid}").stdout
    assert brief == f"shop {shop.pid} {told['namespaces']['pid']}\n"
    assert shop.run("inspect", "shop", "--json").stdout.count("\n") == 1


@pytest.mark.row(62)
def test_sandboxes_are_gone_when_they_were_stopped(make: Callable[..., Box], hall: str) -> None:
    """Several at once; the launcher too, with code 0, and nothing of the entry is left."""
    shop, bank, third = make("shop"), make("bank"), make("third")
    done = shop.run("stop", "shop", "bank")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [one.process.poll() for one in (shop, bank, third)] == [0, 0, None]  # type: ignore[union-attr]
    assert os.listdir(hall) == ["third"]
    assert shop.run("stop", "shop").returncode == 4


def test_stop_is_told_late_when_a_service_takes_its_time(make: Callable[..., Box]) -> None:
    """With code 124 and what to do; the sandbox goes on stopping."""
    config = SLEEPER.replace(
        '"sleep 1000"', '["sh", "-c", "trap : TERM; while :; do read x; done"]'
    )
    slow = make("slow", config + "stop_timeout = 5\n")
    done = slow.run("stop", "slow", "--timeout", "0.1")
    assert done.returncode == 124, done.stderr
    assert "these still run: slow" in done.stderr
    assert "nsinit kill slow" in done.stderr
    assert slow.run("kill", "slow").returncode == 0


@pytest.mark.row(62)
def test_sandbox_is_gone_when_it_was_killed(make: Callable[..., Box], hall: str) -> None:
    """At once, and its launcher tells by which signal."""
    shop = make("shop")
    pid = shop.pid
    done = shop.run("kill", "shop")
    assert done.returncode == 0, done.stderr
    assert not is_alive(pid)
    assert shop.wait() == 128 + signal.SIGKILL
    assert os.listdir(hall) == []


def test_init_hears_another_signal_when_it_is_sent_one(make: Callable[..., Box]) -> None:
    """USR2 lets it tell its state; it goes on."""
    shop = make("shop")
    assert shop.run("kill", "-s", "USR2", "shop").returncode == 0
    shop.wait_for_line("USR2 received")
    assert shop.stop() == 0


@pytest.mark.row(62)
def test_leftovers_are_removed_when_the_launcher_was_killed(
    make: Callable[..., Box], hall: str
) -> None:
    """Its init dies with it; the next command that looks removes what is left, and only that."""
    shop, bank = make("shop"), make("bank")
    pid = shop.pid
    assert shop.process is not None
    shop.process.kill()
    shop.wait()
    eventually(lambda: not is_alive(pid), "init has ended too")
    assert sorted(os.listdir(hall)) == ["bank", "shop"]
    assert shop.socket.exists()
    assert list(_list(bank)) == ["bank"]
    assert os.listdir(hall) == ["bank"]
    assert not shop.socket.exists()
    assert bank.socket.exists()
    assert bank.run("stop", "bank").returncode == 0


@pytest.mark.row(62)
@pytest.mark.parametrize("user", ["rootful"], indirect=True)  # to mount something there
def test_mounts_are_spared_when_leftovers_are_removed(
    make: Callable[..., Box], box: Callable[..., Box], hall: str
) -> None:
    """What somebody has mounted in the directory of a dead sandbox is not its own."""
    shop = make("shop")
    pid = shop.pid
    assert shop.process is not None
    shop.process.kill()
    shop.wait()
    eventually(lambda: not is_alive(pid), "init has ended too")
    place = f"{hall}/shop/mounted"
    os.mkdir(place)
    looks = box("", NSINIT_RUN_DIR=hall)
    script = f'mount -t tmpfs x {place}; touch {place}/file; "$@"; ls {place}'
    looks.program = ["unshare", "-m", "sh", "-ec", script, "sh", *looks.program]
    assert looks.run("list").stdout == "file\n"


def test_name_can_be_used_again_when_its_launcher_was_killed(make: Callable[..., Box]) -> None:
    """Without any command in between."""
    shop = make("shop")
    assert shop.process is not None
    shop.process.kill()
    shop.wait()
    again = make("shop")
    assert list(_list(again)) == ["shop"]


@pytest.mark.row(61)
def test_second_of_a_name_is_refused_when_the_first_runs(
    make: Callable[..., Box], box: Callable[..., Box], hall: str
) -> None:
    """The error of the sandbox that can't be made reaches the caller: code 125, and the name."""
    shop = make("shop")
    done = box(SLEEPER.format(name="shop"), NSINIT_RUN_DIR=hall).run()
    assert done.returncode == 125
    assert "cannot make the sandbox 'shop': one of that name runs" in done.stderr
    assert "nsinit stop shop" in done.stderr
    assert list(_list(shop)) == ["shop"]


@pytest.mark.row(61)
def test_one_of_two_runs_when_both_begin_at_once(box: Callable[..., Box], hall: str) -> None:
    """Never both, never none."""
    pair = [box(SLEEPER.format(name="shop"), NSINIT_RUN_DIR=hall).start() for _ in range(2)]
    processes = [one.process for one in pair if one.process is not None]
    eventually(lambda: any(one.poll() is not None for one in processes), "one has given up")
    assert sorted(one.poll() is None for one in processes) == [False, True]
    ended = next(one for one in pair if one.process is not None and one.process.poll() is not None)
    assert ended.wait() == 125
    other = pair[1 - pair.index(ended)]
    other.wait_for_line("a is running")
    assert other.stop() == 0


def test_file_can_run_twice_when_nobody_chose_a_name(box: Callable[..., Box], hall: str) -> None:
    """The second gets a number."""
    config = "[sandbox]\n[services.a]\ncommand = 'sleep 1000'\nmin_uptime = 0\n"
    first = box(config, NSINIT_RUN_DIR=hall).start()
    first.wait_for_line("a is running")
    second = box(config, NSINIT_RUN_DIR=hall).start()
    second.wait_for_line("a is running")
    assert sorted(_list(first)) == ["nsinit", "nsinit-2"]


@pytest.mark.parametrize("fault", ["mkdir:EROFS", "write:ENOSPC@1", "rename:EIO", "flock:ENOLCK"])
def test_sandbox_runs_when_it_can_not_be_listed(
    box: Callable[..., Box], hall: str, fault: str
) -> None:
    """A full or read-only disk costs the entry, not the sandbox; it says so."""
    made = box(SLEEPER.format(name="shop"), NSINIT_RUN_DIR=hall).with_faults(fault).start()
    made.wait_for_line("a is running")
    said = made.said()
    assert "the sandbox is in no list" in said or "cannot write the record" in said
    assert made.stop() == 0
    assert os.listdir(hall) == []


@pytest.mark.parametrize("verb", ["inspect", "enter", "stop", "kill"])
def test_unknown_name_is_told_when_no_sandbox_has_it(make: Callable[..., Box], verb: str) -> None:
    """Code 4, and the nearest that there is."""
    shop = make("shop")
    done = shop.run(verb, "shpo")
    assert done.returncode == 4
    assert "there is no sandbox 'shpo'" in done.stderr
    assert "shop" in done.stderr.splitlines()[-1]


@pytest.mark.row(65)
@pytest.mark.parametrize("user", ["rootful"], indirect=True)  # what users have is private to them
def test_others_are_denied_when_they_stop_a_sandbox(box: Callable[..., Box]) -> None:
    """Code 77 for another user, who has root's in the list too."""
    name = f"test-{os.getpid()}"
    shop = box(SLEEPER.format(name=name), NSINIT_RUN_DIR="").start()
    shop.wait_for_line("a is running")
    shop.directory.chmod(0o755)
    shop.user = ORDINARY
    assert _list(shop)[name]["user"] == "root"
    for mode in (0o600, 0o666):  # to whom the socket is closed, and whom init itself refuses
        shop.socket.chmod(mode)
        for words in (["stop", name], ["kill", name], ["enter", name, "--", "true"]):
            done = shop.run(*words)
            assert done.returncode == 77, (words, done)
