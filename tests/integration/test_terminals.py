"""Services on terminals that init makes: what they get, what is shown, typed, kept and closed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from nsinit.client import Client
from nsinit.errors import ControlError
from tests.support.live import DEADLINE, NSINIT, ORDINARY, eventually, have, is_alive, status_field
from tests.support.replacing import replace
from tests.support.terminal import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nsinit.attached import Attached
    from tests.integration.conftest import Start
    from tests.support.live import Live, Way

    Attach = Callable[..., Screen]

CONFIG = """
[init]
keep_running = true
loop = "{loop}"
[services.shell]
command = "sh -i"
tty = true
min_uptime = 0
restart = "no"
stop_signal = "HUP"
environment = {{ PS1 = "$ ", HISTFILE = "" }}
[services.plain]
command = "sh -c 'echo hello; exec sleep 1000'"
min_uptime = 0
"""
PROMPT = r"\$ $"


def _loop(way: Way) -> str:
    return "asyncio" if way == "subreaper" else "uvloop"


@pytest.fixture
def init(start: Start, way: Way) -> Live:
    """An init with a shell on a terminal, on one loop or the other."""
    if not have("setsid", "stty"):
        pytest.skip("needs setsid and stty")
    made = start(CONFIG.format(loop=_loop(way)))
    made.wait_for("shell", "running")
    made.wait_for("plain", "running")
    return made


@pytest.fixture
def attach(init: Live) -> Iterator[Attach]:
    """`nsinit ctl attach` on real terminals."""
    with contextlib.ExitStack() as stack:

        def begin(*words: str) -> Screen:
            command = [*NSINIT, "ctl", "attach", *(words or ("shell",))]
            env = {"NSINIT_SOCKET": init.env["NSINIT_SOCKET"]}
            return stack.enter_context(Screen(command, init.directory, **env))

        yield begin


def _one_shot(start: Start, way: Way, command: str, *more: str) -> Live:
    """An init with one service on a terminal, which runs once."""
    lines = "\n".join(more)
    text = json.dumps(["python3", "-c", command])
    init = start(
        f'[init]\nkeep_running = true\nloop = "{_loop(way)}"\n'
        f'[services.a]\ntype = "oneshot"\ntty = true\ncommand = {text}\n{lines}\n'
    )
    init.wait_for("a", "exited")
    return init


# --- What a service gets --------------------------------------------------------------------------

TELL = """
import json, os, sys
ttys = {os.ttyname(fd) for fd in (0, 1, 2)}
print(json.dumps({
    "one": len(ttys), "size": list(os.get_terminal_size(0)), "TERM": os.environ["TERM"],
    "session": os.getsid(0) == os.getpid(), "foreground": os.tcgetpgrp(0) == os.getpgrp(),
    "controlling": os.open("/dev/tty", os.O_RDWR) == 3, "mine": os.fstat(0).st_uid == os.getuid(),
}))
print("to stderr", file=sys.stderr)
"""


@pytest.mark.every_way
def test_service_has_a_terminal_of_its_own_when_tty_is_true(start: Start, way: Way) -> None:
    """Its session's, with a size and a TERM; its lines end in the log as those of any service."""
    init = _one_shot(start, way, TELL)
    told, last = init.client.logs(names=["a"])
    assert json.loads(told["line"]) == {
        "one": 1, "size": [80, 24], "TERM": "xterm", "session": True, "foreground": True,
        "controlling": True, "mine": True,
    }  # fmt: skip
    assert (last["line"], last["stream"]) == ("to stderr", "stdout")
    assert b"\r" not in init.out.read_bytes()


@pytest.mark.every_way
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: another user")
@pytest.mark.parametrize("way", ["pid1", "subreaper"], indirect=True)
def test_terminal_is_the_users_when_the_service_has_one(start: Start, way: Way) -> None:
    """Who then may open it by its name; a TERM that is set stays."""
    tell = TELL + "os.close(os.open(os.ttyname(0), os.O_RDWR))\n"
    more = (f"user = {ORDINARY}", 'environment = { TERM = "vt100" }')
    told = json.loads(next(_one_shot(start, way, tell, *more).client.logs(names=["a"]))["line"])
    assert (told["mine"], told["TERM"]) == (True, "vt100")


def test_output_is_whole_when_the_service_ends_at_once(start: Start, way: Way) -> None:
    """The last word too, without a newline; in the ring, in a file and on the console alike."""
    command = "import os\nfor n in range(3000): os.write(1, b'%d\\n' % n)\nos.write(1, b'end')"
    init = _one_shot(start, way, command, 'log = { to = ["console", "file"], file = "${HERE}/a" }')
    wanted = [*map(str, range(3000)), "end"]
    assert [row["line"] for row in init.client.logs(names=["a"])] == wanted
    assert (init.directory / "a").read_bytes() == "\n".join(wanted).encode()
    printed = init.out.read_text().splitlines()
    assert [row.partition(" | ")[2] for row in printed if row.startswith("a ")] == wanted


def test_output_is_read_when_it_goes_nowhere(start: Start, way: Way) -> None:
    """A terminal that nobody reads would stop its service."""
    init = _one_shot(start, way, "print('x' * (1 << 20))", 'log = "null"')
    assert list(init.client.logs(names=["a"])) == []


def _fds(init: Live) -> int:
    return len(os.listdir(f"/proc/{init.pid}/fd"))


def test_no_descriptor_is_left_when_runs_have_ended(start: Start, way: Way) -> None:
    """Neither of runs, nor of those that could not be executed."""
    init = _one_shot(start, way, "print('hello')", "[services.no]", "autostart = false",
                     'command = "/no/such"', "tty = true", 'restart = "no"')  # fmt: skip
    init.ctl("start", "a")
    init.ctl("start", "no", check=False)
    before = _fds(init)
    for _ in range(5):
        init.ctl("start", "a")
        init.ctl("start", "no", check=False)
    eventually(lambda: _fds(init) <= before, "the descriptors")
    assert init.status()["no"]["result"] == "exec"


def test_program_may_close_its_terminal_when_it_opens_it_again(start: Start, way: Way) -> None:
    """As login does: nothing ends in between."""
    command = (
        "import os, time\npath = os.ttyname(0)\n[os.close(fd) for fd in (0, 1, 2)]\n"
        "time.sleep(0.3)\nfd = os.open(path, os.O_RDWR)\nos.write(fd, b'back\\n')"
    )
    assert [r["line"] for r in _one_shot(start, way, command).client.logs(names=["a"])] == ["back"]


def test_commands_beside_it_have_their_own_streams_when_run(init: Live) -> None:
    """Hooks and what an operator runs are not on the terminal of the service."""
    assert init.ctl("exec", "shell", "--", "tty", check=False).stdout == "not a tty\n"


@pytest.mark.every_way
def test_start_fails_when_no_terminal_can_be_made(start: Start, way: Way) -> None:
    """And says what helps; the next one may work."""
    init = start(
        f'[init]\nkeep_running = true\nloop = "{_loop(way)}"\n'
        '[services.a]\ncommand = "sleep 1000"\ntty = true\nrestart = "no"\nmin_uptime = 0\n',
        NSINIT_FAULTS="openpty:ENOSPC@1,ioctl:EIO@1",
    )
    reason = init.wait_for("a", "failed")["reason"]
    assert "cannot make a terminal for a: No space left on device (is there a devpts" in reason
    init.ctl("start", "a", check=False)
    assert "Input/output error" in init.wait_for("a", "failed")["reason"]
    init.ctl("start", "a")
    assert init.status()["a"]["state"] == "running"


# --- On a real terminal ---------------------------------------------------------------------------


@pytest.mark.every_way
def test_shell_is_typed_at_when_attached(init: Live, attach: Attach) -> None:
    """Its prompt is there, ^C interrupts, ^Z suspends; the size of the window follows."""
    screen = attach()
    screen.wait_for(PROMPT)
    screen.type("echo a$((1 + 1)); stty size\n")
    screen.wait_for("a2\r\n24 80\r\n")
    screen.type("sleep 1000\n")
    eventually(lambda: "sleep 1000" in _commands(init), "the command")
    screen.type("\x03")
    screen.wait_for(PROMPT)
    screen.type("sleep 1001\n")
    eventually(lambda: "sleep 1001" in _commands(init), "the command")
    screen.type("\x1a")
    screen.wait_for("(?i)stopped|suspended")
    screen.type("kill -9 %1\n")
    eventually(lambda: "sleep 1001" not in _commands(init), "its end")
    screen.resize(50, 132)
    eventually(lambda: _has_size(screen, "50 132"), "the new size")


def _commands(init: Live) -> list[str]:
    (row,) = init.client.tree(names=["shell"])["services"]
    return [p["command"] for p in row["processes"]]


def _has_size(screen: Screen, size: str) -> bool:
    screen.type("stty size; echo do''ne\n")
    return size in screen.wait_for(r"\d+ \d+\s+done")


def test_window_is_told_when_a_client_comes(init: Live, attach: Attach) -> None:
    """Whoever comes with a window of the same size has all drawn again."""
    first = attach()
    first.wait_for(PROMPT)
    first.resize(40, 100)
    eventually(lambda: _has_size(first, "40 100"), "the size")
    first.type("trap 'echo wi''nch' WINCH; echo se''t\n")
    first.wait_for("set\r\n")
    with _attached(init) as second:
        second.resize(40, 100)
        first.type("\n")
        first.wait_for("winch")


def _modes(screen: Screen) -> list[object]:
    import termios

    return termios.tcgetattr(screen.master)


def test_terminal_is_as_before_when_detached(init: Live, attach: Attach) -> None:
    """The service goes on, and what came last is shown to who attaches again."""
    screen = attach()
    screen.wait_for(PROMPT)
    eventually(lambda: not _is_cooked(screen), "raw mode")
    screen.type("X=kept\n")
    screen.wait_for(PROMPT)
    screen.type("\x10")
    screen.type("\x11")
    assert screen.process.wait(DEADLINE) == 0
    assert _is_cooked(screen)
    screen.wait_for("shell goes on without this terminal")
    again = attach()
    again.wait_for(r"(?s)X=kept\r\n.*\$ $")
    again.type("echo $X.\n")
    again.wait_for(r"kept\.\r\n")
    assert init.status()["shell"]["run"] == 1


def _is_cooked(screen: Screen) -> bool:
    import termios

    local = termios.tcgetattr(screen.master)[3]
    wanted = termios.ECHO | termios.ICANON | termios.ISIG
    return bool(local & wanted == wanted)


def test_keys_that_leave_are_others_when_asked_for(attach: Attach) -> None:
    """What only begins as they do is passed on."""
    screen = attach("shell", "--detach-keys", "ctrl-x,d")
    screen.wait_for(PROMPT)
    screen.type("\x18y\x03")
    screen.wait_for(PROMPT)
    screen.type("\x10\x11\x03")
    screen.wait_for(PROMPT)
    screen.type("\x18d")
    assert screen.process.wait(DEADLINE) == 0


@pytest.mark.parametrize(("keys", "code"), [("exit 7\n", 7), ("kill -9 $$\n", 137)])
def test_terminal_is_as_before_when_the_service_ends(attach: Attach, keys: str, code: int) -> None:
    """The code is that of the run."""
    screen = attach()
    screen.wait_for(PROMPT)
    screen.type(keys)
    assert screen.process.wait(DEADLINE) == code
    assert _is_cooked(screen)
    screen.wait_for("shell has ended with")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_terminal_is_as_before_when_the_client_is_signalled(
    init: Live, attach: Attach, number: int
) -> None:
    """The service does not notice."""
    screen = attach()
    screen.wait_for(PROMPT)
    eventually(lambda: not _is_cooked(screen), "raw mode")
    pid = _client_of(screen)
    os.kill(pid, number)
    assert screen.process.wait(DEADLINE) == 128 + number
    assert _is_cooked(screen)
    assert init.status()["shell"]["state"] == "running"


def test_terminal_is_as_before_when_nobody_reads_what_it_shows(init: Live, attach: Attach) -> None:
    """A signal ends the client in the middle of a write."""
    screen = attach()
    screen.wait_for(PROMPT)
    screen.type("while :; do echo y; done\n")
    eventually(lambda: _is_asleep_in_write(_client_of(screen)), "a full terminal")
    os.kill(_client_of(screen), signal.SIGTERM)
    assert screen.process.wait(DEADLINE) == 128 + signal.SIGTERM
    assert _is_cooked(screen)
    assert init.status()["shell"]["state"] == "running"


def _is_asleep_in_write(pid: int) -> bool:
    with open(f"/proc/{pid}/syscall") as file:
        return file.read().split()[1:2] == ["0x1"]  # its first argument is stdout


def _client_of(screen: Screen) -> int:
    assert status_field(screen.process.pid, "Name") != "setsid"
    return screen.process.pid


def test_terminal_is_as_before_when_init_ends(init: Live, attach: Attach) -> None:
    """In order, and at once."""
    screen = attach()
    screen.wait_for(PROMPT)
    init.ctl("shutdown", "--now")
    assert init.wait() == 0
    assert screen.process.wait(DEADLINE) in (4, 129, 137, 143)
    assert _is_cooked(screen)


def test_terminal_is_as_before_when_init_is_killed(init: Live, attach: Attach) -> None:
    """Which is told."""
    screen = attach()
    screen.wait_for(PROMPT)
    os.kill(init.pid, signal.SIGKILL)
    assert screen.process.wait(DEADLINE) in (4, 137)
    assert _is_cooked(screen)


def test_both_see_and_type_when_two_are_attached(init: Live, attach: Attach) -> None:
    """One that goes leaves the other; a third only looks on."""
    one, two, looker = attach(), attach(), attach("shell", "--no-stdin")
    for screen in (one, two, looker):
        screen.wait_for(PROMPT)
    one.type("echo from o''ne\n")
    two.wait_for("from one\r\n")
    looker.wait_for("from one\r\n")
    two.type("echo from t''wo\n")
    one.wait_for("from two\r\n")
    looker.type("echo never typ''ed\n")
    one.process.kill()
    two.type("echo st''ill\n")
    looker.wait_for("still\r\n")
    lines = [row["line"] for row in init.client.logs(names=["shell"])]
    assert not any("never" in line for line in lines)


@pytest.mark.every_way
def test_terminal_goes_on_when_init_is_replaced(init: Live, attach: Attach) -> None:
    """Several times, with clients at it, half a line typed, and nothing lost of what is shown."""
    screen, looker = attach(), attach("shell", "--no-stdin")
    screen.wait_for(PROMPT)
    looker.wait_for(PROMPT)
    screen.type(
        "trap 'echo in''t' INT; i=0; while [ $i -lt 4000 ]; do i=$((i + 1)); echo $i; done\n"
    )
    replace(init)
    screen.type("echo ha")
    replace(init)
    screen.type("lf-$i\n")
    for one in (screen, looker):
        numbers = re.findall(r"^(\d+)\r$", one.wait_for(r"(?s).*half-4000\r\n"), re.MULTILINE)
        assert numbers == [str(n) for n in range(1, 4001)]
    screen.resize(41, 99)
    eventually(lambda: _has_size(screen, "41 99"), "the new size")
    screen.type("exit 3\n")
    assert screen.process.wait(DEADLINE) == 3
    assert _is_cooked(screen)
    assert looker.process.wait(DEADLINE) == 3
    before = _fds(init)
    init.ctl("start", "shell")
    eventually(lambda: _fds(init) <= before + 2, "the descriptors")  # a client goes a little later
    screen = attach()
    screen.wait_for(PROMPT)


# --- Without a terminal of one's own --------------------------------------------------------------


def _attach_plainly(init: Live, *words: str, user: int | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*NSINIT, "ctl", "attach", *words], env=init.env, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, user=user, group=user,
        extra_groups=None if user is None else [],
    )  # fmt: skip


def test_bytes_are_passed_on_when_stdin_is_a_pipe(init: Live) -> None:
    """Until its end, ^P^Q among them; then what is shown is shown on."""
    with _attach_plainly(init, "shell") as client:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(b"stty -echo; printf '%s' \x10\x11; echo re''ad\n")
        client.stdin.close()
        seen = b""
        while b"read\r\n" not in seen:
            seen += os.read(client.stdout.fileno(), 4096)
        with _attached(init) as other:
            other.type(b"exit 4\n")
            assert client.wait(DEADLINE) == 4
        client.stdout.read()


def test_lines_are_shown_when_the_service_has_no_terminal(init: Live) -> None:
    """It takes no input, which is said, unless nobody wanted that."""
    with _attach_plainly(init, "plain") as client:
        assert client.stdout is not None
        assert client.stderr is not None
        assert client.stdout.readline() == b"plain    | hello\n"
        assert b"no input: plain has no terminal" in client.stderr.readline()
        assert b"tty = true" in client.stderr.readline()
        client.kill()
    with _attach_plainly(init, "plain", "--no-stdin") as client:
        assert client.stdout is not None
        assert client.stderr is not None
        assert client.stdout.readline() == b"plain    | hello\n"
        client.kill()
        assert client.stderr.read() == b""
    with _attach_plainly(init, "plain", "shell") as client:
        assert client.stdout is not None
        assert client.stdout.readline() == b"plain    | hello\n"
        client.kill()


def test_attaching_fails_when_it_makes_no_sense(init: Live) -> None:
    """With codes as ever."""
    init.ctl("stop", "shell")
    done = init.ctl("attach", "shell", check=False)
    assert (done.returncode, "cannot attach to shell: it is stopped" in done.stderr) == (1, True)
    assert init.ctl("attach", "nobody", check=False).returncode == 4
    assert init.ctl("attach", "shell", "--detach-keys", "ctrl-!", check=False).returncode == 2


# --- Odd clients ----------------------------------------------------------------------------------


@contextlib.contextmanager
def _attached(init: Live, **more: bool) -> Iterator[Attached]:
    made = Client(str(init.socket)).attach_to("shell", **more)
    try:
        eventually(lambda: made.read() is not None and made.service, "the first row")
        yield made
    finally:
        made.close()


@pytest.mark.parametrize(
    "said",
    [
        b"\n", b"x\n", b"{}x\n", b"[]\n", b'{"input": 5}\n', b'{"input": "no base64!"}\n',
        b'{"rows": -1, "columns": 80}\n', b'{"rows": 24}\n', b'{"rows": 70000, "columns": 1}\n',
        b'{"other": 1}\n', b"\xff\n", b"[" * 60000 + b"\n", b"x" * 200_000,
    ],
)  # fmt: skip
def test_client_is_refused_when_it_says_rubbish(init: Live, said: bytes) -> None:
    """With a reason; the service and its other clients go on."""
    with _attached(init) as other:
        connection = _connect(init)
        with contextlib.suppress(OSError):
            connection.sendall(said)
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                data += piece
        connection.close()
        assert b'"error":{"code":"' in data
        other.type(b"echo st''ill\n")
        seen = b""

        def has_come() -> bool:
            nonlocal seen
            seen += other.read() or b""
            return b"still\r\n" in seen

        eventually(has_come, "the answer")
    assert init.status()["shell"]["run"] == 1


def _connect(init: Live) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(DEADLINE)
    made.connect(str(init.socket))
    body = b'{"name": "shell"}'
    made.sendall(b"POST /v1/terminal HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
    made.sendall(body)
    data = b""
    while b'"stdin":true}\n' not in data:
        data += made.recv(1000)
    return made


def test_empty_rows_are_nothing_when_said(init: Live) -> None:
    """They are rows."""
    with _attached(init) as client:
        connection = _connect(init)
        connection.sendall(b'{}\n{"input": ""}\n{"rows": 0}\n{"input": "ZWNobyBvJydrCg=="}\n')
        seen = b""

        def has_come() -> bool:
            nonlocal seen
            seen += client.read() or b""
            return b"ok\r\n" in seen

        eventually(has_come, "the answer")
        connection.close()


def test_init_goes_on_when_a_service_does_not_read(start: Start, way: Way) -> None:
    """Megabytes typed at it wait with the client; they are all read once it does, in order."""
    here = "${HERE}"
    command = (
        "import os, time, tty\ntty.setraw(0)\nprint('go', flush=True)\n"
        f"while not os.path.exists('{here}/go'): time.sleep(0.01)\n"
        "n = 0\nwhile n < 3_000_000: n += len(os.read(0, 65536))\nprint('read', n)"
    )
    init = start(
        f'[init]\nkeep_running = true\nloop = "{_loop(way)}"\n[services.shell]\n'
        f'command = {json.dumps(["python3", "-c", command])}\ntty = true\nrestart = "no"\n'
    )
    init.wait_for("shell", "running")
    with _attached(init) as client, _attached(init) as other:
        for one in (client, other):
            one.type(b"x" * 1_500_000)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            select.select([], [client, other], [], 0.05)
            client.flush()
            other.flush()
        assert client.unsent > 0
        cpu = _cpu(init)
        assert init.status()["shell"]["state"] == "running"
        select.select([client], [], [], 0.5)
        assert _cpu(init) - cpu < 0.4
        replace(init)
        (init.directory / "go").touch()
        for one in (client, other):
            while one.unsent:
                assert select.select([], [one], [], DEADLINE)[1]
                one.flush()
        eventually(
            lambda: [r["line"] for r in init.client.logs(names=["shell"])][-1] == "read 3000000",
            "the bytes",
        )


def _cpu(init: Live) -> float:
    with open(f"/proc/{init.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_end_comes_when_a_client_waits_for_a_service_that_does_not_read(
    init: Live, attach: Attach
) -> None:
    """What was typed is gone with the terminal."""
    screen = attach()
    screen.wait_for(PROMPT)
    screen.type("stty raw -echo; echo re''ady; exec sleep 1000\n")
    screen.wait_for("ready")
    with _attached(init) as client:
        client.type(b"x" * 1_000_000)
        pid = init.outer_pid(init.status()["shell"]["pid"])
        init.ctl("stop", "shell")
        assert not is_alive(pid)
        eventually(lambda: client.read() is None, "the end")
        assert client.status == -signal.SIGHUP
    assert screen.process.wait(DEADLINE) == 129


@pytest.mark.parametrize("way", ["pid1", "subreaper"], indirect=True)  # another user is needed
def test_client_that_may_only_read_looks_on_when_it_attaches(start: Start, way: Way) -> None:
    """To type needs operate access."""
    if os.geteuid() != 0:
        pytest.skip("needs root: another user")
    init = start(
        CONFIG.format(loop=_loop(way)) + f'[init.control]\nmode = "0666"\nread = [{ORDINARY}]\n'
    )
    init.wait_for("shell", "running")
    os.chmod(init.socket.parent, 0o755)
    with _attach_plainly(init, "shell", user=ORDINARY) as client:
        assert client.stdout is not None
        assert client.stderr is not None
        assert b"you can only look on" in client.stderr.readline()
        assert b"terminal needs operate access" in client.stderr.readline()
        with _attached(init) as other:
            other.type(b"echo lo''ok\n")
            seen = b""
            while b"look\r\n" not in seen:
                seen += os.read(client.stdout.fileno(), 4096)
        client.kill()


def test_screen_is_an_ordinary_stream_when_asked_by_http(init: Live) -> None:
    """Rows of base64; what is no terminal is refused."""
    row = next(iter(init.client.screen(name="shell")))
    assert row == {"service": "shell", "run": 1, "stdin": False}
    with pytest.raises(ControlError, match="plain has no terminal"):
        init.client.screen(name="plain")
