"""Services that do too much of everything: init answers, and takes no more than it may."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.test_readiness import python
from tests.support.live import eventually, live, status_field

if TYPE_CHECKING:
    import pathlib

SECONDS = 1.0  # of each flood
# Tells that it has begun, floods for a while, and tells how often it has done it.
FLOOD = """
import os, socket, sys, time
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.connect(os.environ["NOTIFY_SOCKET"])
notify.send(b"READY=1")
notify.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
reader, writer = os.pipe()
def status(n): notify.send(b"STATUS=%d" % n + b"x" * 2000)
def giant(n): notify.send(b"STATUS=" + b"x" * 150_000)
def fields(n): notify.send(b"\\n".join(b"X%d=%d" % (i, n) for i in range(300)))
def states(n): notify.send(b"RELOADING=1" if n % 2 else b"READY=1")
def mains(n): notify.send(b"MAINPID=%d" % (n % 40000))
def watchdog(n): notify.send(b"WATCHDOG_USEC=1000000000\\nWATCHDOG=1\\nEXTEND_TIMEOUT_USEC=9")
def fds(n): socket.send_fds(notify, [b"FDSTORE=1\\nFDNAME=%d" % n], [reader] * 200)
def barrier(n): socket.send_fds(notify, [b"BARRIER=1"], [writer])
def endless(n): os.write(1, b"x" * 65536)
def lines(n): os.write(2, b"x\\n" * 32768)
def escapes(n): os.write(1, b"\\x1b[31m\\0\\xff\\r" * 8192)
flood, until = globals()[sys.argv[1]], time.monotonic() + float(sys.argv[2])
n = 0
while time.monotonic() < until:
    flood(n)
    n += 1
open("done", "w").write(str(n))
time.sleep(1000)
"""
KINDS = (
    "status", "giant", "fields", "states", "mains", "watchdog", "fds", "barrier", "endless",
    "lines", "escapes",
)  # fmt: skip
ROOM = 24 << 10  # KiB: rings and buffers that fill, and what is taken for good


def _memory(pid: int) -> int:
    return int(status_field(pid, "VmRSS").split()[0])


@pytest.mark.parametrize("kinds", [KINDS[:4], KINDS[4:8], KINDS[8:]], ids="".join)
def test_init_answers_and_stays_small_when_a_service_floods_it(
    tmp_path: pathlib.Path, kinds: tuple[str, ...]
) -> None:
    """All at once, each from a service of its own; what is too much waits or is dropped."""
    services = ""
    for kind in kinds:
        (tmp_path / kind).mkdir()
        words = python(FLOOD).rstrip("]") + f", '{kind}', '{SECONDS}']"
        services += f"""
            [services.{kind}]
            type = "notify"
            command = {words}
            working_dir = "{tmp_path}/{kind}"
            fd_store_max = 2
            log.file = "{tmp_path}/{kind}/log"
            log.max_size = "1MiB"
            log.keep = 1
            log.compress = false
            """
    with live(tmp_path, services) as init:
        for kind in kinds:
            init.wait_for(kind, "running")
        before, slowest = _memory(init.pid), 0.0
        while not all((tmp_path / kind / "done").exists() for kind in kinds):
            asked = time.monotonic()
            assert init.client.livez() == {"live": True}
            slowest = max(slowest, time.monotonic() - asked)
        assert slowest < 10
        assert _memory(init.pid) - before < ROOM
        counts = {kind: int((tmp_path / kind / "done").read_text() or 0) for kind in kinds}
        assert min(counts.values()) > 5, counts
        assert len(init.events()) < 5000
        assert len(os.listdir(f"/proc/{init.pid}/fd")) < 100
        eventually(init.client.livez, "an answer")
        assert len(init.said()) < 1 << 20
        written = [path.stat().st_size for path in tmp_path.glob("*/log*")]
        assert all(size <= 1 << 20 for size in written), written
        init.ctl("shutdown", "--now")
        init.wait()
