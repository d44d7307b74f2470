"""The example of a whole shop: seven services of Debian, a network, a published port, limits."""

from __future__ import annotations

import os
import pathlib
import shutil
import tempfile
from typing import TYPE_CHECKING

import pytest

from nsinit.errors import NsinitError
from tests.support.boxes import Box, traces
from tests.support.live import ROOT, eventually
from tests.support.outer import outer
from tests.support.ports import elsewhere
from tests.support.ranges import FIRST, GROUP, PASSWD, RangedBox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.outer import Outer

pytestmark = [pytest.mark.root, pytest.mark.row(41, 46, 64)]
CONFIG = (ROOT / "config/shop.toml").read_text()
RUNNING = {"db", "redis", "app", "worker", "nginx"}
_TUN = "mount -t tmpfs none /dev/net && mknod -m 0666 /dev/net/tun c 10 200"


@pytest.fixture
def directory(machine: None) -> Iterator[pathlib.Path]:
    """Where the example and its sandbox are; nothing of that is left."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-") as name:
        path = pathlib.Path(name)
        path.chmod(0o755)
        yield path
        eventually(lambda: not traces(path), "nothing is left")


@pytest.fixture
def host(machine: None) -> Iterator[Outer]:
    """A network that stands for the host's."""
    with outer() as made:
        yield made


def _prepare(box: Box) -> None:
    """The example beside its files; a report every second."""
    shutil.copytree(ROOT / "config/shop", box.directory / "shop")
    box.config.write_text(CONFIG.replace("[init]\n", f'[init]\ncontrol = "{box.socket}"\n'))
    box.env["SHOP_REPORT"] = "1s"


def _fetch(where: Outer, address: str, *options: str) -> str:
    words = ("curl", "--silent", "--max-time", "10", *options, f"http://{address}:8080/orders")
    return where.run(*words, check=False)


def _trade(box: Box, where: Outer, address: str) -> None:
    """From the first order to the report of it, from there; the ends of services are survived."""
    eventually(lambda: _running(box) >= RUNNING, "all run", 90)
    assert _fetch(where, address, "--request", "POST") == "order 1\n"
    eventually(lambda: "1 orders, 1 done; " in _fetch(where, address), "the order is done")
    assert box.run("ctl", "-s", "shop", "signal", "KILL", "redis").returncode == 0
    eventually(lambda: "order 2" in _fetch(where, address, "--request", "POST"), "it is back")
    done = "2 orders, 2 done; as of the last report 2 orders, 2 done"
    eventually(lambda: done in _fetch(where, address), "and reported")


def _running(box: Box) -> set[str]:
    assert box.process is not None
    assert box.process.poll() is None, box.said()
    try:
        services = box.client.status()["services"]
    except NsinitError:
        return set()
    states = {one["name"]: one["state"] for one in services}
    assert "failed" not in states.values(), (states, box.said())
    return {name for name, state in states.items() if state == "running"}


def test_shop_is_open_to_others_when_root_runs_it(host: Outer, directory: pathlib.Path) -> None:
    """By the bridge and a published port; its limits are those of the file."""
    (directory / "box").mkdir()
    box = Box(directory / "box", CONFIG, 0)
    _prepare(box)
    host.holds(box)
    try:
        with elsewhere(host) as client:
            box.start()
            _trade(box, client, "192.0.2.1")
            assert "2 done" in _fetch(host, "127.0.0.1")
            told = box.run("ctl", "-s", "shop", "status", "app").stdout
            assert "limit 256" in told, told
            assert box.stop() == 0
            assert _fetch(client, "192.0.2.1") == ""
        assert "nsinit" not in host.run("nft", "list", "ruleset")
    finally:
        box.close()


def test_shop_is_open_when_an_ordinary_user_runs_it(host: Outer, directory: pathlib.Path) -> None:
    """The same file, with pasta for the network, and nobody in it is somebody of the host."""
    box = RangedBox(directory / "box", CONFIG)
    _prepare(box)
    for name, text in (("passwd", PASSWD), ("group", GROUP)):
        (ann,) = [line for line in text.splitlines() if line.startswith("ann:")]
        own = pathlib.Path("/etc", name).read_text()
        (box.directory / "etc" / name).write_text(f"{own}{ann}\n")
    box.env["PREPARED"] = _TUN
    box.outside = host.enter
    box.env["SHOP_NETWORK"] = "pasta"
    box.options = ["--users", "auto"]
    try:
        with elsewhere(host):
            box.start()
            _trade(box, host, "127.0.0.1")
            owners = {os.stat(f"/proc/{pid}").st_uid for pid in _pids(box)}
            assert min(owners) >= FIRST, owners
            assert box.stop() == 0
    finally:
        box.close()


def _pids(box: Box) -> list[int]:
    """Of its services, as they are outside."""
    found = pathlib.Path(f"/proc/{box.pid}/task/{box.pid}/children").read_text().split()
    return [int(pid) for pid in found]
