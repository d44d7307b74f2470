"""What goes wrong around init: it says so, counts what is lost, and goes on."""

from __future__ import annotations

import fcntl
import os
import pathlib
import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.live import DEADLINE, NSINIT, ORDINARY, Live, environment, eventually, live

if TYPE_CHECKING:
    from tests.integration.conftest import Start

SLEEPER = '[services.a]\ncommand = "sleep 1000"\nmin_uptime = 0\nrestart_delay = 0.05\n'


def _still_works(init: Live) -> None:
    """Control answers, and a killed service comes back."""
    before = init.wait_for("a", "running")
    os.kill(init.outer_pid(before["pid"]), signal.SIGKILL)
    after = init.wait_for("a", "running", run=before["run"] + 1)
    assert after["pid"] != before["pid"]


@pytest.mark.parametrize(
    ("line", "code", "reason"),
    [
        ('command = "/no/such/program"', 127, "/no/such/program: No such file"),
        ('command = "no-such-program"', 127, "no-such-program: No such file"),
        ('command = "/etc"', 126, "it is a directory"),
        ('command = "/etc/passwd"', 126, "is it executable?"),
        ('command = "true"\nworking_dir = "/no/where"', 127, "cannot enter /no/where"),
        ('command = "true"\nlimits = {nofile = 5}\nworking_dir = "/no"', 127, "enter /no for"),
    ],
)
def test_reason_is_told_when_program_cannot_run(
    start: Start, line: str, code: int, reason: str
) -> None:
    """The step, the object and why; the service has failed at once, the others run."""
    init = start(f"{SLEEPER}[services.b]\nmin_uptime = 0\n{line}\n")
    failed = init.wait_for("b", "failed")
    assert failed["result"] == "exec"
    assert failed["exit_code"] == code
    assert reason in failed["reason"]
    assert reason in init.said()
    _still_works(init)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: other users")
@pytest.mark.parametrize("line", ['user = "no-such-user"', 'group = "no-such-group"'])
def test_reason_is_told_when_user_does_not_exist(start: Start, line: str) -> None:
    """Named, with the file where it was looked for."""
    init = start(f'{SLEEPER}[services.b]\ncommand = "true"\n{line}\n')
    reason = init.wait_for("b", "failed")["reason"]
    assert line.split('"')[1] in reason
    assert "/etc/" in reason


def test_interpreter_is_named_when_it_is_missing(start: Start, tmp_path: pathlib.Path) -> None:
    """A script whose first line names nothing."""
    script = tmp_path / "script"
    script.write_text("#!/no/interpreter\n")
    script.chmod(0o755)
    init = start(f'{SLEEPER}[services.b]\ncommand = "{script}"\n')
    assert "interpreter" in init.wait_for("b", "failed")["reason"]


def test_service_fails_with_code_when_its_port_is_taken(start: Start) -> None:
    """The service's own words are in the log, its code in the status."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        script = f"import socket; socket.create_server(('127.0.0.1', {port}))"
        init = start(
            f'{SLEEPER}[services.b]\ncommand = ["python3", "-c", "{script}"]\n'
            "restart_limit = 1\nrestart_delay = 0\n"
        )
        failed = init.wait_for("b", "failed")
    assert failed["result"] == "start-limit"
    assert failed["exit_code"] == 1
    assert any("Address already in use" in row["line"] for row in init.client.logs(names=["b"]))


def _blocked_pipe() -> tuple[int, int]:
    """A pipe that is full."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    return reader, writer


def test_control_answers_when_stdout_is_blocked(tmp_path: pathlib.Path, loop: str) -> None:
    """Nobody reads init's stdout, and a service writes a lot: all of it is counted."""
    reader, writer = _blocked_pipe()
    config = f"""
[init]
loop = "{loop}"
{SLEEPER}
[services.loud]
type = "oneshot"
command = ["sh", "-c", "yes | head -c 8000000"]
"""
    made = Live(tmp_path, config, "subreaper")
    try:
        made.start(stdout=writer)
        os.close(writer)
        made.wait_for("loud", "exited")
        dropped = made.client.status()["init"]["log_bytes_dropped"]
        assert dropped >= 6_000_000
        _still_works(made)
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 1 << 20)
        os.set_blocking(reader, False)

        def confessed() -> bool:
            try:
                read.extend(os.read(reader, 1 << 20))
            except BlockingIOError:
                made.ctl("signal", "WINCH", "a")
            return b"bytes were dropped here: stdout took no more" in read

        read = bytearray()
        made.ctl("restart", "loud")
        eventually(confessed, "the loss is told in the stream")
        lines = bytes(read).lstrip(b"x").split(b"\n")
        assert set(lines[1:-1]) <= {b"loud   | y", *(li for li in lines if b"dropped" in li)}
    finally:
        made.close()
        os.close(reader)


@pytest.mark.parametrize("bad", ["closed pipe", "full disk"])
def test_services_run_when_output_cannot_be_written(tmp_path: pathlib.Path, bad: str) -> None:
    """EPIPE and ENOSPC cost lines, no more; they are counted."""
    if bad == "closed pipe":
        reader, out = os.pipe()
        os.close(reader)
    else:
        out = os.open("/dev/full", os.O_WRONLY)
    made = Live(
        tmp_path, SLEEPER + "[services.b]\ncommand = \"sh -c 'echo x; sleep 9'\"\n", "subreaper"
    )
    try:
        made.start(stdout=out, stderr=out)
        os.close(out)
        _still_works(made)
        eventually(lambda: made.client.status()["init"]["log_bytes_dropped"] > 0, "loss is counted")
        assert [row["line"] for row in made.client.logs(names=["b"])] == ["x"]
        made.ctl("shutdown")
        assert made.wait() == 0
    finally:
        made.close()


@pytest.mark.parametrize("why", ["too long", "read-only", "not absolute"])
def test_control_socket_falls_back_when_its_place_is_impossible(
    tmp_path: pathlib.Path, why: str
) -> None:
    """It is said, and `nsinit ctl` finds the other place."""
    asked = {"too long": f"/tmp/{'x' * 120}", "read-only": "/proc/nsinit.sock", "not absolute": "x"}
    config = tmp_path / "nsinit.toml"
    config.write_text(SLEEPER)
    env = environment(NSINIT_SOCKET=asked[why], XDG_RUNTIME_DIR=str(tmp_path))
    user = ORDINARY if os.geteuid() == 0 else None
    if user is not None:
        os.chown(tmp_path, user, user)
    command = [*NSINIT, "run", str(config)]
    with subprocess.Popen(command, env=env, user=user, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        first = process.stderr.readline().decode()
        second = process.stderr.readline().decode()
        assert "cannot listen on" in first
        place = pathlib.Path(second.split()[-1])
        assert place.is_socket()
        del env["NSINIT_SOCKET"]
        done = subprocess.run([*NSINIT, "ctl", "version"], env=env, user=user, check=False)
        assert done.returncode == 0
        process.terminate()
        assert process.wait(20) == 0
    assert not place.exists()


def test_init_says_so_when_descriptors_run_out(tmp_path: pathlib.Path) -> None:
    """64 open files, 40 services: some can't have pipes; init and the others go on."""
    many = "".join(
        f'[services.s{n}]\ncommand = "sleep 1000"\nmin_uptime = 0\nrestart_limit = "unlimited"\n'
        for n in range(40)
    )
    made = Live(tmp_path, SLEEPER + many, "subreaper")
    try:
        made.limits = {"nofile": (64, 64)}
        made.start()
        starved = eventually(
            lambda: [s for s in made.status().values() if "Too many open files" in s["reason"]],
            "some service has no descriptors",
        )
        assert all(s["state"] in ("backoff", "waiting", "starting") for s in starved)
        assert "raise the limit on open files" in starved[0]["reason"]
        running = [s["name"] for s in made.status().values() if s["state"] == "running"]
        assert len(running) > 10
        made.ctl("stop", *(name for name in made.status() if name not in running[:5]))
        made.ctl("restart", running[0])
        made.ctl("shutdown")
        assert made.wait() == 0
    finally:
        made.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: becomes a user with a process limit")
def test_init_retries_when_fork_is_refused(tmp_path: pathlib.Path) -> None:
    """RLIMIT_NPROC leaves room for three; the fourth is retried and runs when there is room."""
    config = "[init]\nkeep_running = true\n" + "".join(
        f'[services.s{n}]\ncommand = "sleep 1000"\nmin_uptime = 0\nrestart_delay = 0.2\n'
        for n in range(4)
    )
    made = Live(tmp_path, config, "subreaper")
    try:
        made.limits = {"nproc": (4, 4)}
        made.user = ORDINARY + 1
        made.start()
        refused = eventually(
            lambda: [s for s in made.status().values() if "fork" in s["reason"]], "fork is refused"
        )
        assert "Resource temporarily unavailable" in refused[0]["reason"]
        others = [s["name"] for s in made.status().values() if s["state"] == "running"]
        made.ctl("stop", others[0])
        made.wait_for(refused[0]["name"], "running")
    finally:
        made.close()


def test_long_line_is_split_and_marked_when_it_has_no_end(start: Start) -> None:
    """5 MB without a newline: pieces of at most 16 KiB, nothing lost, memory bounded."""
    size = 5_000_000
    init = start(
        f"""
        {SLEEPER.replace(chr(10), chr(10) + "        ")}
        [services.b]
        type = "oneshot"
        log = {{ring = "8MiB"}}
        command = ["sh", "-c", "head -c {size} /dev/zero | tr '\\\\0' z"]
        """
    )
    init.wait_for("b", "exited")
    rows = list(init.client.logs(names=["b"]))
    assert sum(len(row["line"]) for row in rows) == size
    assert max(len(row["line"]) for row in rows) == 16 << 10
    assert [row["part"] for row in (rows[0], rows[1], rows[-1])] == ["first", "middle", "last"]
    console = [line for line in init.said().splitlines() if line.startswith("b ")]
    assert console[0].startswith("b      | zz")
    assert all(line.startswith("b      + zz") for line in console[1:])
    _still_works(init)


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0" * 100,
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /v1/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 100_000,
        b"POST /v1/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n[[[[[",
        b"GET /v1/status HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20_000,
        b"GET /v1/status?names=%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\xff" * 1_000_000,
    ],
)
def test_control_survives_when_client_sends_garbage(start: Start, garbage: bytes) -> None:
    """Each gets an error in JSON or a closed connection; the next client is served."""
    init = start(SLEEPER)
    init.wait_for("a", "running")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(20)
        client.connect(str(init.socket))
        try:
            client.sendall(garbage)
            client.shutdown(socket.SHUT_WR)
            answer = client.recv(1 << 16)
        except OSError:
            answer = b""
    assert not answer or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 2"))
    _still_works(init)


def test_slow_reader_is_dropped_when_it_follows_logs(start: Start) -> None:
    """A client that never reads costs a bounded buffer and then its connection."""
    init = start(
        f"""
        {SLEEPER.replace(chr(10), chr(10) + "        ")}
        [services.loud]
        command = ["yes", "{"x" * 1000}"]
        log = {{ring = "1KiB"}}
        min_uptime = 0
        """
    )
    init.wait_for("loud", "running")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(init.socket))
        client.sendall(b"GET /v1/logs?follow=1 HTTP/1.0\r\n\r\n")
        eventually(
            lambda: init.client.status()["init"]["clients_dropped"] == 1,
            "the client is dropped",
            2 * DEADLINE,
        )
    _still_works(init)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a mount namespace without /proc")
def test_services_are_kept_when_there_is_no_proc(tmp_path: pathlib.Path) -> None:
    """Without /proc strays can't be seen, but everything else works."""
    made = Live(tmp_path, SLEEPER, "subreaper")
    made.prefix = ["unshare", "--mount", "--", "sh", "-c", 'umount -l /proc; exec "$@"', "sh"]
    try:
        made.start()
        _still_works(made)
        made.ctl("stop", "a")
        assert made.status()["a"]["state"] == "stopped"
    finally:
        made.close()


FAULTS = [
    "pipe:EMFILE@1-3", "fork:ENOMEM@2-4", "open:ENFILE@5-30", "read:EIO@20-22", "stat:EACCES@6-9",
    "kill:EPERM@1", "waitid:EINTR@3-4", "pidfd_open:EMFILE", "chdir:EIO@2",
]  # fmt: skip


@pytest.mark.every_loop
@pytest.mark.parametrize("faults", FAULTS)
def test_init_goes_on_when_system_calls_fail(
    tmp_path: pathlib.Path, faults: str, loop: str
) -> None:
    """Faults at the seam of a real init: it lives, and in the end the service runs."""
    config = f'[init]\nloop = "{loop}"\nkeep_running = true\n{SLEEPER}'
    with live(tmp_path, config, "subreaper", NSINIT_FAULTS=faults) as init:

        def runs() -> bool:
            s = init.status().get("a", {"state": ""})
            if s["state"] == "failed":
                init.ctl("start", "a", check=False)
            return bool(s["state"] == "running")

        eventually(runs, f"the service runs in spite of {faults}")
        os.kill(init.status()["a"]["pid"], signal.SIGKILL)
        eventually(lambda: init.status().get("a", {}).get("run", 0) >= 2 and runs(), "and again")
        init.ctl("shutdown")
        assert init.wait() == 0


def test_socket_is_gone_when_init_could_not_be_made(tmp_path: pathlib.Path) -> None:
    """What is there already would be in the way of the next one, and asked in vain."""
    faults = "epoll_ctl:ENOSPC@1"
    with live(tmp_path, SLEEPER, "subreaper", NSINIT_FAULTS=faults) as init:
        assert init.wait() == 70
        assert "No space left on device" in init.said()
        assert not init.socket.exists()
