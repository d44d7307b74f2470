"""Who may do what on a socket that everybody can open; how many may come; what they cost."""

from __future__ import annotations

import json
import os
import pathlib
import select
import socket
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from nsinit.client import Client
from nsinit.control.commands import ACCESS_LEVELS, COMMANDS
from nsinit.control.crowding import EACH, STRANGER
from nsinit.errors import ControlError
from tests.support.live import NSINIT, Live, eventually, status_field

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: other users"),
]

READER, OPERATOR, STRANGE, KEEPER = 54401, 54402, 54403, 54404  # uids that need no account
OWNER = 54405
GROUP, KEYS = 54411, 54412
CONFIG: Final = f"""
[init]
keep_running = true
control = {{ mode = "0666", read = [{READER}], operate = ["@{GROUP}"], admin = ["@{KEYS}"] }}
[services.a]
command = "sleep 1000"
min_uptime = 0
"""
# As (uid, gid, other groups): the level is given by uid, by the first group, by another group.
USERS: Final = {
    "none": (STRANGE, STRANGE, []),
    "read": (READER, READER, []),
    "operate": (OPERATOR, GROUP, []),
    "admin": (KEEPER, KEEPER, [1, 2, KEYS]),
}
# Asks every row that is named for something that does no harm, and prints the statuses.
ASK: Final = """
import json, socket, sys
path, asked = sys.argv[1], json.loads(sys.stdin.read())
made = {}
for name, text in asked.items():
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(path)
        connection.sendall(text.encode())
        data = b""
        while b"\\r\\n\\r\\n" not in data and (piece := connection.recv(65536)):
            data += piece
        head, _, body = data.partition(b"\\r\\n\\r\\n")
        while b"403 " in head and b"}}" not in body:
            body += connection.recv(65536)
        made[name] = [int(head.split()[1]), body.decode()]
print(json.dumps(made))
"""


@pytest.fixture
def init() -> Iterator[Live]:
    """An init that others can reach."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-") as directory:
        made = Live(pathlib.Path(directory), CONFIG, "subreaper")
        for path in (made.directory, made.socket.parent):
            path.chmod(0o755)
        try:
            made.start()
            made.wait_for("a", "running")
            yield made
        finally:
            made.close()


def _requests() -> dict[str, str]:
    """A request for each row that names nobody, or that can't be carried out; shutdown last."""
    from nsinit.wire import request

    values: dict[str, Any] = {"names": ["nobody"], "name": "nobody", "words": ["true"]}
    made = {}
    for row in sorted(COMMANDS, key=lambda row: row.name == "shutdown"):
        params = {p.name: values.get(p.kind, "CONT") for p in row.params if p.required}
        params |= {"timeout": 0} if row.name == "reexec" else {}
        params |= {"names": ["nobody=1"]} if row.name == "scale" else {}
        made[row.name] = request(row, params).decode()
    return made


def _as(user: tuple[int, int, list[int]], *command: str, **more: Any) -> Any:
    uid, gid, groups = user
    return subprocess.run(
        command, user=uid, group=gid, extra_groups=groups, capture_output=True, text=True,
        timeout=60, check=False, **more,
    )  # fmt: skip


@pytest.mark.parametrize("level", USERS)
def test_row_is_refused_when_the_user_has_too_low_a_level(init: Live, level: str) -> None:
    """Every row of the table, by what the kernel says of the client; the refusal names the need."""
    asked = json.dumps(_requests())
    done = _as(USERS[level], sys.executable, "-Ic", ASK, str(init.socket), input=asked)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    rank = ACCESS_LEVELS.index(level) if level in ACCESS_LEVELS else -1
    for row in COMMANDS:
        status, body = told[row.name]
        if ACCESS_LEVELS.index(row.access) <= rank:
            assert status not in (400, 403), (row.name, status, body)
        else:
            error = json.loads(body)["error"]
            assert (status, error["code"]) == (403, "denied"), (row.name, status)
            uid = USERS[level][0]
            wanted = f"{row.name} needs {row.access} access; uid {uid} has {level}"
            assert error["message"] == wanted
    if level == "admin":
        assert init.wait() == 0  # by the last row
    else:
        assert init.client.livez() == {"live": True}


def test_ctl_ends_with_77_when_access_is_denied(init: Live) -> None:
    """And tells what is needed, and where it is given."""
    done = _as(USERS["read"], *NSINIT, "ctl", "stop", "a", env=init.env, cwd="/")
    assert done.returncode == 77
    assert "stop needs operate access; uid 54401 has read" in done.stderr
    assert "hint: init.control in the configuration gives it" in done.stderr
    done = _as(USERS["read"], *NSINIT, "ctl", "list", env=init.env, cwd="/")
    assert (done.returncode, done.stdout) == (0, "a\n")


# Sends what stdin has by a connection that it was given, or that it makes before it is another.
AS_ANOTHER: Final = """
import os, socket, sys
path, uid, asked = sys.argv[1], int(sys.argv[2]), sys.stdin.read()
with socket.socket(socket.AF_UNIX) as connection:
    before = os.geteuid()
    os.seteuid(before if uid < 0 else uid)
    connection.connect(path)
    os.seteuid(before)
    connection.settimeout(20)
    connection.sendall(asked.encode())
    print(connection.recv(65536).decode())
"""
STOP: Final = 'POST /v1/stop HTTP/1.0\r\nContent-Length: 15\r\n\r\n{"names":["a"]}'


def _stop(path: pathlib.Path, *prefix: str, **more: Any) -> str:
    """What init answers to whoever would stop a service."""
    client = [sys.executable, "-Ic", AS_ANOTHER, str(path), str(more.pop("connect_as", -1))]
    done = subprocess.run(
        [*prefix, *client], input=STOP, capture_output=True, text=True, timeout=60, check=False,
        **more,
    )  # fmt: skip
    return f"{done.stdout}{done.stderr}"


def test_root_of_another_user_namespace_is_who_it_is_outside(init: Live) -> None:
    """As the root of a container into which the socket is bound."""
    told = _stop(init.socket, "unshare", "-Ur", user=STRANGE, group=STRANGE, extra_groups=[])
    assert f"stop needs operate access; uid {STRANGE} has none" in told
    assert init.status()["a"]["state"] == "running"


def test_level_is_that_of_who_connected_when_somebody_else_asks(init: Live) -> None:
    """A connection is handed to a program with more power, or kept by one that gains it."""
    told = _stop(init.socket, connect_as=READER)
    assert f"stop needs operate access; uid {READER} has read" in told
    assert init.status()["a"]["state"] == "running"
    assert "403" not in _stop(init.socket)


@pytest.mark.parametrize("mode", ["0600", "0666"])
def test_users_of_the_machine_have_no_level_when_init_cannot_tell_them_apart(
    tmp_path: pathlib.Path, mode: str
) -> None:
    """In a user namespace each of them is 65534, also called nobody; who may is root above it."""
    control = f'{{ mode = "{mode}", admin = [65534, "@65534"] }}'
    config = f'[init]\ncontrol = {control}\n[services.a]\ncommand = "sleep 1000"\n'
    made = Live(tmp_path, config, "subreaper")
    made.user = OWNER
    made.prefix = ["unshare", "-Ur"]
    try:
        made.start()
        made.socket.parent.chmod(0o755)
        eventually(made.socket.exists, "it listens")
        told = _stop(made.socket, user=STRANGE, group=STRANGE, extra_groups=[])
        assert ("Permission denied" if mode == "0600" else "uid 65534 has none") in told
        assert ("403" in _stop(made.socket)) == (mode == "0666")
        assert "there is no user or group '65534'" in made.said()
    finally:
        made.close()


HOLD: Final = """
import socket, sys
path, count, said = sys.argv[1], int(sys.argv[2]), sys.argv[3].encode()
held = []
for _ in range(count):
    held.append(socket.socket(socket.AF_UNIX))
    held[-1].connect(path)
    held[-1].sendall(said)
    if said.endswith(b"\\r\\n\\r\\n"):
        assert held[-1].recv(9) == b"HTTP/1.1 "
print("here", flush=True)
sys.stdin.read()
"""
FOLLOW: Final = "GET /v1/events?follow HTTP/1.1\r\nHost: x\r\n\r\n"


def _holding(init: Live, user: str, count: int, said: str) -> subprocess.Popen[str]:
    """A process of a user with so many connections, each of which has said that."""
    uid, gid, groups = USERS[user]
    made = subprocess.Popen(
        [sys.executable, "-Ic", HOLD, str(init.socket), str(count), said],
        user=uid, group=gid, extra_groups=groups,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert made.stdout is not None
    assert made.stdout.readline() == "here\n"
    return made


def test_others_find_a_place_when_one_user_takes_all_of_its_own(init: Live) -> None:
    """Who follows keeps its place; who never ends its request does not."""
    with _holding(init, "read", EACH, FOLLOW) as busy:
        done = _as(USERS["read"], *NSINIT, "ctl", "list", env=init.env, cwd="/")
        assert done.returncode == 1
        assert f"uid {READER} has {EACH} connections, and all are busy" in done.stderr
        done = _as(USERS["operate"], *NSINIT, "ctl", "list", env=init.env, cwd="/")
        assert (done.returncode, done.stdout) == (0, "a\n")
        with _holding(init, "none", STRANGER * 3, "GET /v1/st") as slow:
            about = init.client.status()["init"]
            assert about["clients_dropped"] == 1 + 2 * STRANGER
            slow.communicate("")
        busy.communicate("")
    eventually(lambda: _can_ask(init), "the places are free again")


def _can_ask(init: Live) -> bool:
    done = _as(USERS["read"], *NSINIT, "ctl", "list", env=init.env, cwd="/")
    return bool(done.returncode == 0)


def _switches(init: Live) -> int:
    return int(status_field(init.pid, "voluntary_ctxt_switches"))


def test_nothing_is_done_when_clients_are_idle(init: Live) -> None:
    """No timer and no wake-up for 50 who have asked and stay, and 50 who follow."""
    clients = []
    for said in (b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", FOLLOW.encode()):
        for _ in range(50):
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(20)
            client.connect(str(init.socket))
            client.sendall(said)
            assert client.recv(9) == b"HTTP/1.1 "
            clients.append(client)
    select.select([], [], [], 0.3)  # what was begun is over
    before, at = _switches(init), time.monotonic()
    while time.monotonic() < at + 1.5:
        select.select([], [], [], 0.1)
    assert _switches(init) - before <= 2
    for client in clients:
        client.close()


def test_memory_stays_when_a_client_asks_and_never_reads(init: Live) -> None:
    """Its requests wait in the kernel; others are answered, and so is it once it reads."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(init.socket))
        client.settimeout(0.5)
        before = int(status_field(init.pid, "VmRSS").split()[0])
        asked = b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 20_000
        with pytest.raises(TimeoutError):
            client.sendall(asked)
        grown = int(status_field(init.pid, "VmRSS").split()[0]) - before
        assert grown < 20_000  # KiB
        assert init.client.livez() == {"live": True}
        client.settimeout(20)
        got = 0
        while got < 3 << 20:  # many answers of them
            got += len(client.recv(1 << 20))


def test_client_goes_on_when_another_is_turned_away() -> None:
    """The exception tells why."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-") as directory:
        path = f"{directory}/x.sock"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            client = Client(path)
            body = b'{"error":{"code":"too-many-clients","message":"full"}}'
            child = os.fork()
            if child == 0:
                accepted, _ = listener.accept()
                accepted.sendall(b"HTTP/1.1 503 \r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                accepted.close()
                os._exit(0)
            with pytest.raises(ControlError, match="full"):
                client.status()
            os.waitpid(child, 0)
