"""Signals to init and to the single command, and exit codes."""

from __future__ import annotations

import concurrent.futures
import os
import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.live import NSINIT, children, environment, eventually, run_single

if TYPE_CHECKING:
    import pathlib

    from tests.integration.conftest import Start
    from tests.support.live import Live, Way

OWN = {"TERM", "INT", "QUIT", "HUP", "USR1", "USR2"}  # what `nsinit run` answers to itself
UNCATCHABLE = {signal.SIGKILL, signal.SIGSTOP}
FORWARDABLE = sorted(int(n) for n in signal.valid_signals() - UNCATCHABLE - {signal.SIGCHLD})
TO_MAIN = [n for n in FORWARDABLE if n > 31 or signal.Signals(n).name[3:] not in OWN]

# Tells each signal that it gets; written by write(2), since prints in handlers may be re-entrant.
TELLER = """
import os, signal
def tell(number, frame):
    os.write(1, b"got %d\\n" % number)
for number in signal.valid_signals() - {9, 19}:
    try:
        signal.signal(number, tell)
    except (OSError, ValueError):
        pass
os.write(1, b"ready\\n")
while True:
    signal.pause()
"""


def _await_word(init: Live, word: str) -> None:
    """Wait until the service has said something."""
    eventually(lambda: f"| {word}\n" in init.said(), f"{word}: {init.said()[-200:]}")


def test_main_lives_when_a_client_leaves_before_its_answer(start: Start) -> None:
    """Init's own SIGPIPE for that answer is no signal that somebody has sent for main."""
    init = start(
        """
        [services.a]
        main = true
        min_uptime = 0
        command = ["sleep", "1000"]
        """
    )
    pid = init.wait_for("a", "running")["pid"]
    for _ in range(3):
        init.signal(signal.SIGSTOP)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(init.socket))
            client.sendall(b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
        init.signal(signal.SIGCONT)
        init.ctl("status")  # by then it has answered the one that left
    assert init.status()["a"]["pid"] == pid


@pytest.mark.every_loop
@pytest.mark.every_way
def test_every_other_signal_reaches_main_when_sent_to_init(start: Start, loop: str) -> None:
    """All that nsinit does not use itself, real-time signals included."""
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.a]
        main = true
        command = ["python3", "-c", '''{TELLER}''']
        """
    )
    _await_word(init, "ready")
    for number in TO_MAIN:
        init.signal(number)
        _await_word(init, f"got {number}")


@pytest.mark.every_way
def test_own_signals_reach_main_when_forwarding_is_asked_for(start: Start) -> None:
    """forward_signals takes them from nsinit and gives them to the main service."""
    init = start(
        f"""
        [init]
        forward_signals = ["USR1", "HUP", "TERM"]
        [services.a]
        main = true
        command = ["python3", "-c", '''{TELLER}''']
        """
    )
    _await_word(init, "ready")
    for number in (signal.SIGUSR1, signal.SIGHUP, signal.SIGTERM):
        init.signal(number)
        _await_word(init, f"got {int(number)}")


def test_single_command_gets_every_signal_when_sent_to_init() -> None:
    """`nsinit -- CMD` passes on all that can be passed on."""
    process = run_single("python3", "-c", TELLER, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        for number in FORWARDABLE:
            process.send_signal(number)
            assert process.stdout.readline() == b"got %d\n" % number
    finally:
        os.kill(children(process.pid)[0], signal.SIGKILL)
        assert process.wait() == 137
        process.stdout.close()


def test_single_command_gives_its_code_when_it_ends() -> None:
    """Every exit code from 0 to 255."""

    def code(number: int) -> int:
        return run_single("sh", "-c", f"exit {number}").wait(30)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(code, range(256))) == list(range(256))


@pytest.mark.parametrize("number", [1, 2, 3, 6, 9, 10, 13, 14, 15, 34, 64])
def test_single_command_gives_128_more_when_killed(number: int) -> None:
    """A death by signal n is 128 + n, as in a shell."""
    assert run_single("sh", "-c", f"kill -{number} $$").wait(30) == 128 + number


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("/nonexistent/program", 127, "No such file"),
        ("no-such-program", 127, "No such file"),
        ("/etc/passwd", 126, "Permission denied"),
        ("/tmp", 126, "Permission denied"),
    ],
)
def test_single_command_tells_126_or_127_when_it_cannot_run(
    command: str, code: int, said: str
) -> None:
    """Not found is told from not executable, by code and by words."""
    done = subprocess.run(
        [*NSINIT, "--", command], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert said in done.stderr
    assert command in done.stderr


def test_script_without_magic_runs_when_it_is_the_single_command(tmp_path: pathlib.Path) -> None:
    """As execvp(3): what is no binary is given to the shell."""
    script = tmp_path / "script"
    script.write_text("exit 33\n")
    script.chmod(0o755)
    assert run_single(str(script)).wait(30) == 33


@pytest.mark.parametrize("code", [0, 1, 7, 77, 126, 127, 128, 200, 254, 255])
def test_init_gives_code_of_main_when_it_ends(start: Start, code: int) -> None:
    """The exit code of init is that of the main service."""
    init = start(f"[services.a]\nmain = true\ncommand = \"sh -c 'exit {code}'\"\n")
    assert init.wait() == code


@pytest.mark.parametrize("number", [1, 6, 9, 15, 34])
def test_init_gives_128_more_when_main_is_killed(start: Start, number: int) -> None:
    """128 + n for a main service that a signal killed."""
    init = start(f"[services.a]\nmain = true\ncommand = \"sh -c 'kill -{number} $$$$'\"\n")
    assert init.wait() == 128 + number


@pytest.mark.parametrize("way", ["pid1", "subreaper"])
@pytest.mark.parametrize("how", ["polite", "deaf"])
def test_stragglers_are_ended_when_single_command_ends(way: Way, how: str) -> None:
    """What it left in another session gets TERM, and KILL if that does not help."""
    if way == "pid1" and os.geteuid() != 0:
        pytest.skip("pid1: needs root")
    trap = "trap 'echo told; exit' TERM" if how == "polite" else "trap '' TERM"
    stray = f"{trap}; echo here; while :; do sleep 0.05; done"
    command = f'setsid sh -c "{stray}" & sleep 0.5; exit 5'
    process = run_single("sh", "-c", command, way=way, stdout=subprocess.PIPE)
    out, _ = process.communicate(timeout=30)  # ends only when nobody holds the pipe any more
    assert process.returncode == 5
    assert out.split() == ([b"here", b"told"] if how == "polite" else [b"here"])
