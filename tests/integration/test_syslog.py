"""Output to syslog daemons of every kind, that come, go and do not read."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

import pytest

from tests.support.live import eventually
from tests.support.logfiles import SLEEPER
from tests.support.replacing import replace

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

    from tests.integration.conftest import Start
    from tests.support.live import Live

KINDS = ("dgram", "unix", "udp", "tcp")


class Daemon:
    """Hears messages by one of four ways."""

    def __init__(self, kind: str, directory: pathlib.Path, port: int = 0) -> None:
        self.kind, self.data = kind, bytearray()
        self.whole: list[bytes] = []
        stream = kind in ("unix", "tcp")
        family = socket.AF_UNIX if kind in ("unix", "dgram") else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
        self.path = directory / "log"
        if family == socket.AF_UNIX:
            with contextlib.suppress(OSError):
                self.path.unlink()
            self.socket.bind(str(self.path))
            self.path.chmod(0o777)
            self.address = str(self.path) if kind == "dgram" else f"unix:{self.path}"
        else:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(("127.0.0.1", port))
            self.port = self.socket.getsockname()[1]
            self.address = f"{kind}:127.0.0.1:{self.port}"
        self.connection = None if stream else self.socket
        if stream:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self.socket.listen()

    def hear(self) -> list[bytes]:
        """All messages so far."""
        if self.connection is None:
            self.socket.settimeout(20)
            self.connection = self.socket.accept()[0]
        self.connection.settimeout(0.05)
        with contextlib.suppress(TimeoutError):
            while data := self.connection.recv(1 << 17):
                if self.kind in ("unix", "tcp"):
                    self.data += data
                else:
                    self.whole.append(data)
        return self._read() if self.kind in ("unix", "tcp") else self.whole

    def _read(self) -> list[bytes]:
        if self.kind == "unix":
            return bytes(self.data).split(b"\0")[:-1]
        made, at = [], 0
        while (space := self.data.find(b" ", at)) >= 0:
            end = space + 1 + int(self.data[at:space])
            if end > len(self.data):
                break
            made.append(bytes(self.data[space + 1 : end]))
            at = end
        return made

    def close(self) -> None:
        """The daemon ends."""
        for one in {self.connection, self.socket}:
            if one is not None:
                one.close()


@pytest.fixture(params=KINDS)
def daemon(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[Daemon]:
    """One of each kind."""
    made = Daemon(request.param, tmp_path)
    yield made
    made.close()


def config(script: str, address: str, more: str = "") -> str:
    """A service b that logs there."""
    return (
        f"{SLEEPER}[services.b]\ntype = 'oneshot'\ncommand = [\"sh\", \"-c\", '''{script}''']\n"
        f"[services.b.log]\nto = ['console', 'syslog']\nsyslog = '{address}'\n{more}\n"
    )


def counts(init: Live) -> tuple[int, int]:
    """Bytes for syslog, and how many of them were dropped."""
    rows = init.client.status(names=["b"])["services"][0]["logs"]["sinks"]
    mine = [row for row in rows if row["sink"] == "syslog"]
    return sum(row["bytes"] for row in mine), sum(row["dropped"] for row in mine)


def test_messages_arrive_when_a_service_writes(start: Start, daemon: Daemon) -> None:
    """Each line is one, with its stream, pid and severity; the console has them as well."""
    init = start(config("echo $$$$; echo bad >&2; sleep 0.2; printf last", daemon.address))
    init.wait_for("b", "exited")
    eventually(lambda: len(daemon.hear()) == 3, "three messages")
    pid = init.client.logs(names=["b"], lines=3)
    pid = next(row["line"] for row in pid if row["line"].isdigit())
    said = sorted(daemon.hear())
    if daemon.kind in ("udp", "tcp"):
        host = os.uname().nodename
        heads = [message.split(b" ", 7) for message in said]
        assert {(head[0], head[5], head[7]) for head in heads} == {
            (b"<30>1", b"stdout", pid.encode()),
            (b"<27>1", b"stderr", b"bad"),
            (b"<30>1", b"stdout", b"last"),
        }
        assert {(head[2], head[3]) for head in heads} == {(host.encode(), b"b")}
        assert {head[4] for head in heads} <= {pid.encode(), b"-"}
    else:
        assert {(message[:4], message.rpartition(b": ")[2]) for message in said} == {
            (b"<30>", pid.encode()),
            (b"<27>", b"bad"),
            (b"<30>", b"last"),
        }
    assert sum(map(len, said)) == counts(init)[0]
    assert "b      | last" in init.said()


@pytest.mark.parametrize("kind", ["dgram", "tcp"])
def test_every_message_is_there_or_counted_when_the_daemon_is_slow(
    start: Start, tmp_path: pathlib.Path, kind: str
) -> None:
    """It does not read for a while: more than fits is dropped, to the byte, and told."""
    daemon = Daemon(kind, tmp_path)
    try:
        script = "yes 0123456789 | head -n 120000; exec >&- 2>&-"
        init = start(config(script, daemon.address))
        init.wait_for("b", "exited")
        before = init.status()["a"]
        os.kill(init.outer_pid(before["pid"]), 9)
        init.wait_for("a", "running", run=before["run"] + 1)

        size, dropped = counts(init)
        note = b" bytes were dropped here: syslog took no more"

        def told() -> int:
            notes = [one.removesuffix(note) for one in daemon.hear() if one.endswith(note)]
            return sum(int(one.rpartition(b" ")[2]) for one in notes)

        eventually(lambda: told() == dropped, "the whole loss is told")
        mine = [message for message in daemon.hear() if message.endswith(b"0123456789")]
        assert sum(map(len, mine)) == size - dropped
        assert dropped > 0
    finally:
        daemon.close()


@pytest.mark.parametrize("kind", KINDS[:2] + KINDS[3:])
def test_nothing_is_lost_when_the_daemon_comes_late(
    start: Start, tmp_path: pathlib.Path, kind: str, loop: str
) -> None:
    """What was said waits, over another init too; then all of it comes in order."""
    first = Daemon(kind, tmp_path)
    first.close()
    script = "seq 1 500; sleep 1.5; seq 501 1000"
    init = start(f'[init]\nloop = "{loop}"\n' + config(script, first.address))
    eventually(lambda: "cannot reach syslog" in init.said(), "it is told")
    eventually(lambda: "| 500" in init.said(), "it has begun")
    replace(init)
    daemon = Daemon(kind, tmp_path, getattr(first, "port", 0))
    try:
        init.wait_for("b", "exited")
        eventually(lambda: len(daemon.hear()) == 1000, "all of them")
        texts = [message.split()[-1].decode() for message in daemon.hear()]
        assert texts == [str(number) for number in range(1, 1001)]
        assert counts(init) == (sum(map(len, daemon.hear())), 0)
        eventually(lambda: "takes messages again" in init.said(), "that is told too")
    finally:
        daemon.close()
