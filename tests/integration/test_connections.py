"""A process for each connection: real clients, real processes."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

import pytest

from tests.integration.test_sockets import free_port
from tests.support.live import Live, eventually, is_alive, toml

if TYPE_CHECKING:
    from tests.integration.conftest import Start


def _inetd(command: list[str], port: int, *, more: str = "", table: str = "") -> str:
    return f"""
        [init]
        keep_running = true
        [services.a]
        command = {toml(command).replace("$", "$$")}
        stop_timeout = 2
        {more}
        sockets = [{{listen = "tcp:127.0.0.1:{port}", accept = true{table}}}]
        """


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def _pid(client: socket.socket) -> int:
    return int(client.recv(100))


SAY_PID = ["sh", "-c", "echo $$; exec cat"]
# The vfork road, and what forces the fork road.
ROADS = ["", 'limits = {core = "0"}']


@pytest.mark.parametrize("road", ROADS)
def test_each_client_has_its_process_when_connected(start: Start, loop: str, road: str) -> None:
    """The connection is its input and output; the service runs without a process of its own."""
    port = free_port()
    init = start(_inetd(SAY_PID, port, more=road).replace("[init]", f'[init]\nloop = "{loop}"'))
    assert init.wait_for("a", "running")["pid"] is None
    with _connect(port) as one, _connect(port) as other:
        assert _pid(one) != _pid(other)
        for client, text in ((one, b"one"), (other, b"other")):
            client.sendall(text)
            assert client.recv(100) == text
            client.shutdown(socket.SHUT_WR)
            assert client.recv(100) == b""
    assert init.status()["a"]["run"] == 1
    assert init.status()["a"]["restarts"] == 0


@pytest.mark.parametrize("road", ROADS)
def test_process_knows_its_client_when_started(start: Start, road: str) -> None:
    """REMOTE_ADDR and REMOTE_PORT; what it says on stderr goes to the log; no other descriptor."""
    port = free_port()
    script = 'echo oops >&2; echo "$REMOTE_ADDR $REMOTE_PORT $LISTEN_FDS"; exec ls /proc/self/fd'
    init = start(_inetd(["sh", "-c", script], port, more=road))
    init.wait_for("a", "running")
    with _connect(port) as client:
        told = client.makefile().read().split()
        assert told[:2] == ["127.0.0.1", str(client.getsockname()[1])]
        assert told[2:] == ["0", "1", "2", "3"]  # the last one is where it looks
    eventually(
        lambda: [(r["stream"], r["line"]) for r in init.client.logs()] == [("stderr", "oops")],
        "its stderr is in the log",
    )


def test_unix_client_is_named_when_it_has_a_name(start: Start) -> None:
    """A path or "@name"; most have none."""
    name = f"@nsinit-test-{os.getpid()}"
    init = start(
        f"""
        [services.a]
        command = ["sh", "-c", "echo ${{REMOTE_ADDR-none}} ${{REMOTE_PORT-none}}"]
        sockets = [{{listen = "{name}", accept = true}}]
        """.replace("${", "$${")
    )
    init.wait_for("a", "running")
    for mine, told in ((None, "none none"), ("\0me", "@me none")):
        with socket.socket(socket.AF_UNIX) as client:
            if mine is not None:
                client.bind(mine)
            client.settimeout(20)
            client.connect("\0" + name[1:])
            assert client.makefile().read().strip() == told


def test_client_waits_when_there_are_enough_processes(start: Start, loop: str) -> None:
    """In the backlog, until one of the others has ended; init does not spin meanwhile."""
    port = free_port()
    config = _inetd(SAY_PID, port, table=", max_connections = 2")
    init = start(config.replace("[init]", f'[init]\nloop = "{loop}"'))
    init.wait_for("a", "running")
    with _connect(port) as one, _connect(port) as two, _connect(port) as three:
        assert _pid(one) != _pid(two)
        three.settimeout(0.3)
        with pytest.raises(TimeoutError):
            three.recv(100)
        one.close()
        three.settimeout(20)
        assert _pid(three)


@pytest.mark.parametrize("verb", ["stop", "restart", "shutdown"])
def test_processes_end_when_their_service_does(start: Start, verb: str) -> None:
    """Also one that ignores TERM; after a restart there are new ones."""
    port = free_port()
    init = start(_inetd(["sh", "-c", "trap '' TERM; echo $$; cat; sleep 100"], port))
    init.wait_for("a", "running")
    with _connect(port) as one, _connect(port) as two:
        pids = [init.outer_pid(_pid(client)) for client in (one, two)]
        init.ctl(verb, *([] if verb == "shutdown" else ["a"]))
        if verb == "shutdown":
            assert init.wait() == 0
        eventually(lambda: not any(map(is_alive, pids)), "they are killed")
        assert one.recv(100) == b""
    if verb == "stop":
        stopped = init.wait_for("a", "stopped")
        assert stopped["result"] == "success"
    if verb == "restart":
        init.wait_for("a", "running", run=2)
        with _connect(port) as client:
            assert _pid(client)


def test_processes_stay_when_kill_mode_is_process(start: Start) -> None:
    """A connection goes on after its service was stopped; there are no new ones."""
    port = free_port()
    init = start(_inetd(SAY_PID, port, more='kill_mode = "process"'))
    init.wait_for("a", "running")
    with _connect(port) as client:
        assert _pid(client)
        init.ctl("stop", "a")
        client.sendall(b"still here")
        assert client.recv(100) == b"still here"
        with _connect(port) as other:
            other.settimeout(0.3)
            with pytest.raises(TimeoutError):
                other.recv(100)


def test_service_fails_when_its_command_is_missing(start: Start) -> None:
    """That need not be found out by the first client."""
    init = start(_inetd(["no-such-command"], free_port()))
    assert init.wait_for("a", "failed")["result"] == "exec"


def test_clients_are_served_again_when_forks_have_failed(start: Start) -> None:
    """One is turned away, the next one waits a moment."""
    port = free_port()
    init = start(_inetd(SAY_PID, port), NSINIT_FAULTS="fork:EAGAIN@1")
    init.wait_for("a", "running")
    with _connect(port) as client:
        assert client.recv(100) == b""
    with _connect(port) as client:
        assert _pid(client)
    assert "cannot fork" in init.said()


def test_nothing_is_left_open_when_many_have_come_and_gone(start: Start) -> None:
    """Neither descriptors nor zombies, after two hundred clients."""
    port = free_port()
    init = start(_inetd(["true"], port))
    init.wait_for("a", "running")
    before = _fds(init)
    for _ in range(20):
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(_connect(port)) for _ in range(10)]
            for client in clients:
                assert client.recv(100) == b""
    eventually(lambda: _fds(init) <= before, "descriptors are closed")
    assert init.client.status()["init"]["orphans_reaped"] == 0


def _fds(init: Live) -> int:
    return len(os.listdir(f"/proc/{init.pid}/fd"))
