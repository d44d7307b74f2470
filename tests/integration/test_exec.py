"""Commands beside services: their place, their descriptors, their terminal, their end."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.client import Client
from nsinit.errors import ControlError
from tests.support.live import NSINIT, ORDINARY, descendants, eventually, have, is_alive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.conftest import Start
    from tests.support.live import Live, Way

CONFIG = """
[init]
keep_running = true
loop = "{loop}"
[services.a]
command = "sleep 1000"
min_uptime = 0
restart_delay = 0.05
working_dir = "/usr"
environment = {{ COLOUR = "blue" }}
umask = "027"
[services.off]
autostart = false
command = "sleep 1000"
"""


@pytest.fixture
def init(start: Start, way: Way) -> Live:
    """An init with a service that runs, on one loop or the other."""
    loop = "asyncio" if way == "subreaper" else "uvloop"
    made = start(CONFIG.format(loop=loop))
    made.wait_for("a", "running")
    return made


def _exec(init: Live, *words: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*NSINIT, "ctl", "exec", *words], env=init.env, capture_output=True, timeout=30,
        check=False, **more,
    )  # fmt: skip


@pytest.mark.every_way
def test_command_is_in_the_place_of_the_service_when_run(init: Live) -> None:
    """Its environment, directory and umask; a session of its own; running or not."""
    script = "pwd; umask; echo $COLOUR $NSINIT_SERVICE; ps -o sid= $$; echo $$"
    done = _exec(init, "a", "--", "sh", "-c", script)
    directory, umask, names, session, pid = done.stdout.decode().split("\n")[:5]
    assert (directory, umask, names) == ("/usr", "0027", "blue a")
    assert session.strip() == pid
    assert _exec(init, "off", "--", "sh", "-c", "echo $NSINIT_SERVICE").stdout == b"off\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["a", "--", "true"], 0),
        (["a", "--", "sh", "-c", "exit 7"], 7),
        (["a", "--", "sh", "-c", "kill -9 $$"], 137),
        (["a", "--", "no-such-command"], 127),
        (["a", "--", "/etc"], 126),
        (["nobody", "--", "true"], 4),
        (["a"], 2),
        (["--", "true"], 2),
        (["a", "ls", "-l"], 2),
    ],
)
def test_code_is_that_of_the_command_when_it_ends(init: Live, words: list[str], code: int) -> None:
    """As a shell has it; what can't be run is told."""
    done = _exec(init, *words)
    assert done.returncode == code, done
    assert bool(done.stderr) == (code in (2, 4, 126, 127))


def test_streams_are_those_of_the_caller_when_it_runs(init: Live) -> None:
    """Any bytes, any amount, stdout and stderr apart; init is not in between."""
    data = os.urandom(1 << 20)
    done = _exec(init, "a", "--", "sh", "-c", "echo oops >&2; cat", input=data)
    assert done.stdout == data
    assert done.stderr == b"oops\n"
    done = _exec(init, "--json", "a", "--", "sh", "-c", "exit 3")
    assert json.loads(done.stderr) == {"exit_code": 3}


def test_signal_is_handed_on_when_the_caller_has_one(init: Live) -> None:
    """^C ends the command, or does not: that is for the command to say."""
    script = 'trap "echo INT; exit 5" INT; echo ready; while :; do sleep 0.05; done'
    command = [*NSINIT, "ctl", "exec", "a", "--", "sh", "-c", script]
    with subprocess.Popen(command, env=init.env, stdout=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == b"ready\n"
        caller.send_signal(signal.SIGINT)
        assert caller.stdout.readline() == b"INT\n"
        assert caller.wait(20) == 5


def _helpers(init: Live, service: str = "a") -> list[dict[str, Any]]:
    (row,) = init.client.tree(names=[service])["services"]
    return [p for p in row["processes"] if p["role"] == "helper"]


def test_command_is_hung_up_when_the_caller_is_killed(init: Live) -> None:
    """As by a terminal."""
    command = [*NSINIT, "ctl", "exec", "a", "--", "sh", "-c", "echo ready; exec sleep 1000"]
    with subprocess.Popen(command, env=init.env, stdout=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == b"ready\n"
        eventually(lambda: [p["command"] for p in _helpers(init)] == ["sleep 1000"], "its exec")
        caller.kill()
        eventually(lambda: not _helpers(init), "the end of the command")


def test_command_stays_when_its_service_is_restarted(init: Live) -> None:
    """It is no part of the run; the end of init ends it in time."""
    command = [*NSINIT, "ctl", "exec", "a", "--", "sh", "-c", "echo ready; exec sleep 1000"]
    with subprocess.Popen(command, env=init.env, stdout=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == b"ready\n"
        (before,) = _helpers(init)
        init.ctl("restart", "a")
        assert [p["pid"] for p in _helpers(init)] == [before["pid"]]
        outer = init.outer_pid(before["pid"])
        init.ctl("shutdown")
        assert init.wait() == 0
        assert not is_alive(outer)
        assert caller.wait(20) in (4, 143)


def test_nothing_is_left_when_many_commands_have_run(init: Live, way: Way) -> None:
    """No zombie, no descriptor, no client; and init answers meanwhile."""
    _exec(init, "a", "--", "true")

    def used() -> int:
        (row,) = [len(os.listdir(f"/proc/{init.pid}/fd"))]
        return row

    before = used()
    commands = [*NSINIT, "ctl", "exec", "a", "--", "sh", "-c", "exit 3"]
    callers = [subprocess.Popen(commands, env=init.env) for _ in range(8)]
    assert [caller.wait(30) for caller in callers] == [3] * 8
    eventually(lambda: used() <= before, "the descriptors")
    assert not _helpers(init)
    assert len(descendants(init.pid)) == 1
    assert init.status()["a"]["run"] == 1


@pytest.mark.every_way
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: another user")
@pytest.mark.parametrize("way", ["pid1", "subreaper"], indirect=True)
def test_command_has_the_user_when_the_service_has_one(start: Start) -> None:
    """And the terminal belongs to that user; a rootless sandbox has no other."""
    init = start(f'[services.a]\ncommand = "sleep 1000"\nmin_uptime = 0\nuser = {ORDINARY}\n')
    init.wait_for("a", "running")
    assert _exec(init, "a", "--", "id", "-u").stdout == f"{ORDINARY}\n".encode()
    done = _exec(init, "-t", "a", "--", "sh", "-c", "stat -L -c %u /dev/stdin; : > /dev/tty",
                 stdin=subprocess.DEVNULL)  # fmt: skip
    assert done.stdout == f"{ORDINARY}\r\n".encode()


# --- Odd callers ----------------------------------------------------------------------------------


def _ask(init: Live) -> tuple[socket.socket, bytes]:
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(20)
    made.connect(str(init.socket))
    body = b'{"name": "a", "command": ["cat"]}'
    made.sendall(b"POST /v1/exec HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    data = b""
    while b"}\n" not in data:
        data += made.recv(1000)
    return made, data


def _rest(connection: socket.socket) -> bytes:
    data = b""
    while piece := connection.recv(1000):
        data += piece
    return data


def test_command_is_refused_when_the_descriptors_are_not_three(init: Live) -> None:
    """None, or one; the others are closed again, and init goes on."""
    for fds in ((), (0,), (0, 1)):
        connection, data = _ask(init)
        assert data.endswith(b'{"descriptors":3}\n')
        if fds:
            socket.send_fds(connection, [b"x"], fds)
        else:
            connection.sendall(b"x")
        assert b"expected 3 descriptors" in _rest(connection)
        connection.close()
    connection, _ = _ask(init)
    connection.close()
    assert init.status()["a"]["state"] == "running"


def test_signal_is_ignored_when_it_is_none(init: Live) -> None:
    """Bytes that are no signal, and more descriptors than anybody wants."""
    connection, _ = _ask(init)
    reader, writer = os.pipe()
    socket.send_fds(connection, [b"x"], [reader, 1, 2])
    os.close(reader)
    connection.sendall(bytes([0, 200, 255, 65]))
    socket.send_fds(connection, [b"\0"], [0, 1, 2, 0, 1])
    os.close(writer)
    assert b'"exit_code":0' in _rest(connection)
    connection.close()


@pytest.mark.parametrize(
    ("command", "said"),
    [(["a\0b"], "null byte"), (["\ud800"], "surrogates not allowed"), ([""], "cannot")],
)
def test_command_is_refused_when_it_cannot_be_one(
    init: Live, command: list[str], said: str
) -> None:
    """Words that no program could be given."""
    with pytest.raises(ControlError, match=said):
        Client(str(init.socket)).exec("a", command).wait()


# --- Terminals ------------------------------------------------------------------------------------


class Terminal:
    """A terminal with `nsinit ctl exec -t` in it, as a person has it."""

    def __init__(self, init: Live, *words: str) -> None:
        self.master, slave = pty.openpty()
        self.resize(30, 100)
        self.seen = b""
        self.process = subprocess.Popen(
            ["setsid", "-c", "-w", *NSINIT, "ctl", "exec", "-t", "a", "--", *words],
            env=init.env | {"TERM": "vt100"}, stdin=slave, stdout=slave, stderr=slave,
        )  # fmt: skip
        os.close(slave)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def expect(self, text: str) -> None:
        until = time.monotonic() + 20
        while text.encode() not in self.seen:
            ready = select.select([self.master], [], [], max(0.0, until - time.monotonic()))[0]
            assert ready, (text, self.seen)
            self.seen += os.read(self.master, 4096)
        self.seen = self.seen.partition(text.encode())[2]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def shell(init: Live) -> Iterator[Terminal]:
    """A shell beside a service."""
    if not have("setsid", "stty"):
        pytest.skip("needs setsid and stty")
    made = Terminal(init, "sh", "-c", "stty -echo; PS1='> ' exec sh -i")
    try:
        made.expect("> ")
        yield made
    finally:
        made.close()


@pytest.mark.every_way
def test_terminal_is_real_when_asked_for(init: Live, shell: Terminal) -> None:
    """Job control, the size of the window and its changes, ^C, the code at the end."""
    shell.type("stty size; echo $TERM; test -t 0 && test -t 1 && echo both\n")
    shell.expect("30 100\r\nvt100\r\nboth\r\n")
    shell.resize(50, 132)
    eventually(lambda: _size_is(shell, "50 132"), "the new size")
    shell.type("sleep 1000\n")
    eventually(lambda: any("sleep 1000" in c for c in _commands(init)), "the command")
    shell.type("\x03")
    shell.expect("> ")
    shell.type("exit 9\n")
    assert shell.process.wait(20) == 9


def _size_is(shell: Terminal, size: str) -> bool:
    shell.type("echo $(stty size).\n")
    shell.expect(".\r\n")
    shell.type(f"test \"$(stty size)\" = '{size}' && echo ye''s || echo n''o\n")
    until = time.monotonic() + 20
    while b"yes\r\n" not in shell.seen and b"no\r\n" not in shell.seen:
        assert select.select([shell.master], [], [], max(0.0, until - time.monotonic()))[0]
        shell.seen += os.read(shell.master, 4096)
    return b"yes\r\n" in shell.seen


def _commands(init: Live) -> list[str]:
    (row,) = init.client.tree(names=["a"])["services"]
    return [p["command"] for p in row["processes"] if p["pid"] != row.get("pid")][1:]


def test_shell_ends_when_its_terminal_is_closed(init: Live, shell: Terminal) -> None:
    """A closed window is HUP to everything in it."""
    assert _helpers(init)
    shell.process.kill()
    for pid in descendants(shell.process.pid):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not _helpers(init), "the end of the shell")


def test_output_is_whole_when_a_terminal_shows_much(init: Live) -> None:
    """The last lines too, though the command ends at once; from a script, without a terminal."""
    done = _exec(init, "-t", "a", "--", "seq", "20000", stdin=subprocess.DEVNULL)
    assert done.stdout.split() == [str(n).encode() for n in range(1, 20001)]


def test_input_waits_when_the_command_does_not_read(init: Live) -> None:
    """What is typed ahead neither blocks what is shown nor gets lost."""
    line = b"x" * 100 + b"\n"
    script = "stty -echo; sleep 0.3; echo begin; head -n 400 | wc -c"
    done = _exec(init, "-t", "a", "--", "sh", "-c", script, input=line * 400)
    assert done.stdout.replace(b"\r\n", b"\n").split(b"begin\n")[-1].split()[-1] == b"40400"
