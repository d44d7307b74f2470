"""Services that get their listening sockets from init: real sockets, real clients."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.live import ORDINARY, Live, eventually, have, toml

if TYPE_CHECKING:
    import pathlib

    from tests.integration.conftest import Start

# Tells what it was given, as JSON; then greets whoever connects.
SERVER = """
import json, os, socket, sys
from functools import partial
count = int(os.environ.get("LISTEN_FDS", "0"))
given = [socket.socket(fileno=3 + i) for i in range(count)]
print(json.dumps({
    "pid": os.getpid(), "listen_pid": os.environ.get("LISTEN_PID"), "fds": count,
    "names": os.environ.get("LISTEN_FDNAMES"),
    "open": sorted(int(fd) for fd in os.listdir("/proc/self/fd")),
    "families": [s.family.name for s in given], "kinds": [s.type.name for s in given],
    "blocking": [os.get_blocking(s.fileno()) for s in given],
}), flush=True)
"""
GREETER = (
    SERVER
    + """
left = int(sys.argv[1]) if len(sys.argv) > 1 else -1
while left:
    left -= 1
    if given[0].type == socket.SOCK_DGRAM:
        data, address = given[0].recvfrom(100)
        given[0].sendto(data.upper(), address)
        continue
    connection, _ = given[0].accept()
    connection.sendall(b"hello from %d" % os.getpid())
    connection.close()
"""
)


def _command(script: str, *arguments: str) -> str:
    return toml([sys.executable, "-I", "-S", "-c", script, *arguments])


def _told(init: Live, name: str = "a") -> list[dict[str, Any]]:
    return [json.loads(row["line"]) for row in init.client.logs(names=[name]) if "{" in row["line"]]


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port of the loopback that nobody has at this moment."""
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ask(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        return client.recv(100)


# The vfork road, and what forces the fork road.
@pytest.mark.every_way
@pytest.mark.parametrize("road", ["", 'limits = {core = "0"}'])
def test_service_is_given_its_sockets_when_spawned(start: Start, loop: str, road: str) -> None:
    """They are 3, 4, …, with names, and LISTEN_PID is the pid that the service has."""
    port = free_port()
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        command = {_command(GREETER)}
        {road}
        sockets = [
            "tcp:127.0.0.1:{port}",
            {{listen = "unix:${{HERE}}/a.sock", name = "local"}},
            {{listen = "unix-dgram:${{HERE}}/b.sock", name = "log"}},
        ]
        """
    )
    init.wait_for("a", "running")
    (told,) = _told(init)
    assert told["listen_pid"] == str(told["pid"])
    assert told["fds"] == 3
    assert told["names"] == "a:local:log"
    assert told["open"] == [0, 1, 2, 3, 4, 5, 6]  # the last one lists them
    assert told["families"] == ["AF_INET", "AF_UNIX", "AF_UNIX"]
    assert told["kinds"] == ["SOCK_STREAM", "SOCK_STREAM", "SOCK_DGRAM"]
    assert told["blocking"] == [True, True, True]
    assert _ask(port).startswith(b"hello")


@pytest.mark.skipif(not have("systemd-socket-activate"), reason="needs systemd-socket-activate")
def test_service_is_given_the_same_when_systemd_does_it(start: Start) -> None:
    """Descriptors, names, kinds and LISTEN_PID, beside systemd-socket-activate(1)."""
    ours, theirs = free_port(), free_port()
    init = start(
        f"""
        [services.a]
        command = {_command(GREETER)}
        sockets = [
            {{listen = "tcp:127.0.0.1:{ours}", name = "x"}},
            {{listen = "unix:${{HERE}}/a.sock", name = "y"}},
        ]
        """
    )
    init.wait_for("a", "running")
    peer = subprocess.Popen(
        [
            *("systemd-socket-activate", "-l", f"127.0.0.1:{theirs}"),
            *("-l", f"{init.directory}/b.sock", "--fdname=x:y"),
            *(sys.executable, "-I", "-S", "-c", GREETER, "1"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: _connects(theirs), "systemd-socket-activate listens")
        assert peer.stdout is not None
        told, expected = _told(init)[0], json.loads(peer.stdout.readline())
    finally:
        peer.kill()
        peer.communicate()
    for one in (told, expected):
        assert one.pop("listen_pid") == str(one.pop("pid"))
    assert told == expected


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.every_way
def test_no_client_is_refused_when_the_service_restarts(start: Start, loop: str) -> None:
    """Clients connect without pause while the service restarts five times: all are answered."""
    port = free_port()
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        command = {_command(GREETER)}
        min_uptime = 0
        sockets = ["tcp:127.0.0.1:{port}"]
        """
    )
    init.wait_for("a", "running")
    over, failures, answers = threading.Event(), [], []

    def connect() -> None:
        while not over.is_set():
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
                    answers.append(client.recv(100))
            except ConnectionRefusedError as error:
                failures.append(error)
            except ConnectionResetError:
                pass  # accepted by the run that was just ended: that no init can help

    clients = [threading.Thread(target=connect) for _ in range(3)]
    for one in clients:
        one.start()
    try:
        for run in range(2, 7):
            init.ctl("restart", "a")
            init.wait_for("a", "running", run=run)
            before = len(answers)
            eventually(lambda before=before: len(answers) > before + 3, "clients are answered")  # type: ignore[misc]
    finally:
        over.set()
        for one in clients:
            one.join()
    assert not failures
    assert len({answer for answer in answers if answer}) == 6


def test_lazy_service_starts_when_somebody_connects(start: Start, loop: str) -> None:
    """Not before; and when it has ended with success it waits for the next."""
    port = free_port()
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        command = {_command(GREETER, "1")}
        sockets = [{{listen = "tcp:127.0.0.1:{port}", lazy = true}}]
        """
    )
    for run in range(3):
        waiting = init.wait_for("a", "waiting", reason="for a connection")
        assert waiting["run"] == run
        assert waiting["pid"] is None
        assert _ask(port).startswith(b"hello")
    init.wait_for("a", "waiting", run=3)
    assert init.status()["a"]["restarts"] == 0


def test_lazy_service_gets_the_datagram_when_that_started_it(start: Start) -> None:
    """What has arrived before it is there for it to read."""
    port = free_port(socket.SOCK_DGRAM)
    init = start(
        f"""
        [services.a]
        command = {_command(GREETER)}
        min_uptime = 0
        sockets = [{{listen = "udp:127.0.0.1:{port}", lazy = true}}]
        """
    )
    init.wait_for("a", "waiting")
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(20)
        client.sendto(b"hello", ("127.0.0.1", port))
        assert client.recv(100) == b"HELLO"
    init.wait_for("a", "running", run=1)


def test_lazy_service_is_not_started_when_operator_stopped_it(start: Start) -> None:
    """A connection waits in the backlog until somebody starts the service again."""
    port = free_port()
    init = start(
        f"""
        [services.a]
        command = {_command(GREETER, "1")}
        sockets = [{{listen = "tcp:127.0.0.1:{port}", lazy = true}}]
        """
    )
    init.wait_for("a", "waiting")
    init.ctl("stop", "a")
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(100)
        assert init.status()["a"]["state"] == "stopped"
        init.ctl("start", "a")
        client.settimeout(20)
        assert client.recv(100).startswith(b"hello")


def test_lazy_service_starts_at_once_when_operator_asks_for_a_run(start: Start) -> None:
    """Start of what waits already, and restart of what runs, need no connection."""
    init = start(
        f"""
        [services.a]
        command = {_command(GREETER)}
        min_uptime = 0
        sockets = [{{listen = "@nsinit-test-{os.getpid()}", lazy = true}}]
        """
    )
    init.wait_for("a", "waiting")
    init.ctl("start", "a")
    init.wait_for("a", "running", run=1)
    init.ctl("restart", "a")
    init.wait_for("a", "running", run=2)
    init.ctl("stop", "a")
    init.ctl("start", "a")
    init.wait_for("a", "waiting", reason="for a connection")


def _cpu(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("command", ["false", "true"])
def test_lazy_service_gives_up_when_it_never_takes_the_connection(
    start: Start, command: str
) -> None:
    """Whether it fails or ends with success: with the client still there, backoff and limits."""
    port = free_port()
    init = start(
        f"""
        [init]
        keep_running = true
        [services.a]
        command = "{command}"
        restart_delay = 0.01
        restart_max_delay = 0.05
        restart_limit = 3
        sockets = [{{listen = "tcp:127.0.0.1:{port}", lazy = true}}]
        """
    )
    init.wait_for("a", "waiting")
    with socket.create_connection(("127.0.0.1", port), timeout=20):
        ended = init.wait_for("a", "failed")
        assert ended["result"] == "start-limit"
        assert ended["run"] <= 200
        if command == "true":
            assert "does it take what is waiting" in ended["reason"]
        before = _cpu(init.pid)
        init.ctl("status")
        assert _cpu(init.pid) - before < 0.5


# --- What can go wrong ----------------------------------------------------------------------------


def _one(address: str, *, more: str = "", table: str = "") -> str:
    return f"""
        [init]
        keep_running = true
        [services.other]
        command = "sleep 1000"
        min_uptime = 0
        [services.a]
        command = {_command(GREETER)}
        min_uptime = 0
        {more}
        sockets = [{{listen = {toml(address)}{table}}}]
        """


@pytest.mark.parametrize("table", ["", ", lazy = true"])
def test_service_fails_clearly_when_its_port_is_taken(start: Start, table: str) -> None:
    """Init goes on; when the port is free again, the next start works."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taker:
        port = taker.getsockname()[1]
        init = start(_one(f"tcp:127.0.0.1:{port}", table=table))
        failed = init.wait_for("a", "failed")
        assert failed["result"] == "exec"
        assert failed["reason"] == (
            f"cannot listen on tcp:127.0.0.1:{port}: Address already in use "
            "(another process listens there)"
        )
        init.wait_for("other", "running")
    init.ctl("start", "a")
    assert _ask(port).startswith(b"hello")
    init.wait_for("a", "running")


def test_service_fails_with_a_hint_when_the_address_is_not_ours(start: Start) -> None:
    """192.0.2.1 is nobody's (RFC 5737)."""
    init = start(_one("tcp:192.0.2.1:8080"))
    assert "no interface has that address" in init.wait_for("a", "failed")["reason"]


def test_service_fails_with_a_hint_when_the_port_is_privileged(tmp_path: pathlib.Path) -> None:
    """An ordinary user may not, unless the machine says so."""
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as file:
        if int(file.read()) <= 81:
            pytest.skip("this kernel has no privileged ports")
    if os.geteuid() != 0:
        pytest.skip("needs root to be somebody else")
    init = Live(tmp_path, _one("tcp:127.0.0.1:81"), "subreaper")
    init.user = ORDINARY
    try:
        init.start()
        reason = init.wait_for("a", "failed")["reason"]
        assert "CAP_NET_BIND_SERVICE" in reason
        assert "ip_unprivileged_port_start" in reason
    finally:
        init.close()


def test_service_fails_when_the_directory_of_its_socket_is_missing(start: Start) -> None:
    """And starts when it has been made."""
    init = start(_one("${HERE}/sub/a.sock"))
    assert "its directory is missing" in init.wait_for("a", "failed")["reason"]
    os.mkdir(init.directory / "sub")
    os.chmod(init.directory / "sub", 0o777)
    init.ctl("start", "a")
    init.wait_for("a", "running")


def test_socket_file_is_replaced_when_dead_and_refused_when_alive(start: Start) -> None:
    """What a killed init left behind is in nobody's way."""
    init = start(_one("${HERE}/a.sock", more="autostart = false"))
    path = init.directory / "a.sock"
    init.wait_for("other", "running")
    assert path.exists()
    init.process.kill()  # type: ignore[union-attr]  # it was started
    init.close()
    assert path.exists()
    again = start(f'[init]\nkeep_running = true\n[services.a]\ncommand = "sleep 1000"\n'
                  f'min_uptime = 0\nsockets = "{path}"\n')  # fmt: skip
    again.wait_for("a", "running")
    refused = start(f'[init]\nkeep_running = true\n[services.a]\ncommand = "sleep 1000"\n'
                    f'min_uptime = 0\nsockets = "{path}"\n')  # fmt: skip
    assert "another process listens there" in refused.wait_for("a", "failed")["reason"]
    refused.ctl("shutdown")
    refused.wait()
    assert path.exists()
    again.ctl("shutdown")
    again.wait()
    assert not path.exists()


def test_socket_file_has_mode_and_owner_when_asked(tmp_path: pathlib.Path) -> None:
    """0666 unless given, as systemd has it; the service need not be the owner."""
    if os.geteuid() != 0:
        pytest.skip("needs root to give a file away")
    config = f"""
        [services.a]
        command = {_command(GREETER)}
        min_uptime = 0
        user = {ORDINARY}
        sockets = [
            {{listen = "${{HERE}}/a.sock", mode = "0640", user = 1234, group = "{4321}"}},
            "${{HERE}}/b.sock",
        ]
        """
    init = Live(tmp_path, config, "subreaper")
    try:
        init.start()
        init.wait_for("a", "running")
        (told,) = eventually(lambda: _told(init), "it has told what it sees")
        assert told["listen_pid"] == str(told["pid"])
        first, second = (os.stat(tmp_path / name) for name in ("a.sock", "b.sock"))
        assert (first.st_mode & 0o777, first.st_uid, first.st_gid) == (0o640, 1234, 4321)
        assert second.st_mode & 0o777 == 0o666
    finally:
        init.close()


def test_other_file_stays_when_it_took_the_place_of_the_socket(start: Start) -> None:
    """At the end init removes what it made, nothing else."""
    init = start(_one("${HERE}/a.sock"))
    init.wait_for("a", "running")
    path = init.directory / "a.sock"
    path.unlink()
    path.write_text("mine")
    init.ctl("shutdown")
    init.wait()
    assert path.read_text() == "mine"


# --- Updates and instances ------------------------------------------------------------------------


def test_no_client_is_refused_when_the_file_is_updated(start: Start) -> None:
    """What stays in the file stays bound, what is new is bound, what is gone is closed."""
    ports = [free_port() for _ in range(3)]
    table = """
        [init]
        keep_running = true
        [services.{name}]
        command = {command}
        min_uptime = 0
        sockets = [{sockets}]
        """

    def config(name: str, *wanted: int) -> str:
        listed = ", ".join(f'"tcp:127.0.0.1:{port}"' for port in wanted)
        return table.format(name=name, command=_command(GREETER), sockets=listed)

    init = start(config("a", ports[0], ports[1]))
    init.wait_for("a", "running")
    with socket.socket() as early:
        early.settimeout(20)
        init.config.write_text(config("a", ports[0], ports[2]))
        os.kill(descend(init), signal.SIGSTOP)  # it will not answer, and has to be killed
        early.connect(("127.0.0.1", ports[0]))
        os.kill(descend(init), signal.SIGCONT)
        init.ctl("update")
        init.wait_for("a", "running", run=2)
        assert early.recv(100).startswith(b"hello")
    assert _ask(ports[0]).startswith(b"hello")
    socket.create_connection(("127.0.0.1", ports[2])).close()
    with pytest.raises(ConnectionRefusedError):
        _ask(ports[1])
    init.config.write_text(config("b", ports[0]))
    init.ctl("update")
    init.wait_for("b", "running")
    assert _ask(ports[0]).startswith(b"hello")


def descend(init: Live) -> int:
    """The process of the one service."""
    return init.outer_pid(init.status()["a"]["pid"])


def test_sockets_come_with_an_update_when_there_were_none(start: Start) -> None:
    """A lazy one, and one with a process per connection."""
    first, second = free_port(), free_port()
    init = start('[services.other]\ncommand = "sleep 1000"\nmin_uptime = 0\n')
    init.wait_for("other", "running")
    text = init.config.read_text()
    init.config.write_text(
        f"""{text}
        [services.a]
        command = {_command(GREETER, "1")}
        sockets = [{{listen = "tcp:127.0.0.1:{first}", lazy = true}}]
        [services.b]
        command = ["echo", "hello"]
        sockets = [{{listen = "tcp:127.0.0.1:{second}", accept = true}}]
        """
    )
    init.ctl("update")
    init.wait_for("a", "waiting", reason="for a connection")
    init.wait_for("b", "running")
    assert _ask(first).startswith(b"hello")
    assert _ask(second).startswith(b"hello")
    init.config.write_text(text)
    init.ctl("update")
    gone = {"stopped", None}
    eventually(
        lambda: {init.status().get(name, {}).get("state") for name in ("a", "b")} <= gone,
        "the others are gone",
    )
    for port in (first, second):
        with pytest.raises(ConnectionRefusedError):
            _ask(port)


def test_instances_share_a_socket_when_there_are_several(start: Start) -> None:
    """The kernel gives each connection to one of them."""
    port = free_port()
    init = start(
        f"""
        [services.a]
        command = {_command(GREETER)}
        min_uptime = 0
        replicas = 2
        sockets = ["tcp:127.0.0.1:{port}"]
        """
    )
    for name in ("a@1", "a@2"):
        init.wait_for(name, "running")
        told = eventually(partial(_told, init, name), "it has told")
        assert told[0]["names"] == "a"
    eventually(lambda: len({_ask(port) for _ in range(10)}) == 2, "both answer")
