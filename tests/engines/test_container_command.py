"""`nsinit -- COMMAND` as the entry point of a container: one command, and somebody who reaps."""

import re
import time
from typing import Final

import pytest

from .container import Containers
from .processes import ORPHANS

CODES: Final = [0, 1, 2, 77, 126, 127, 128, 255]
FORWARDED: Final = ["HUP", "INT", "QUIT", "USR1", "USR2", "WINCH", "RTMIN+3"]

# Tells each signal that it gets, and ends by the last with a code of its own.
LISTENER: Final = """\
import os, signal, sys
def tell(text):
    os.write(1, (text + chr(10)).encode())
names = {"RTMIN+3": signal.SIGRTMIN + 3}
for name in sys.argv[1:]:
    number = names.get(name) or getattr(signal, "SIG" + name)
    signal.signal(number, lambda *_, name=name: tell("got " + name))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(42))
tell("ready")
while True:
    signal.pause()
"""

STRAGGLER: Final = """\
(trap "echo straggler was told; exit" TERM; : > /tmp/runs; while :; do sleep 0.05; done) &
until test -e /tmp/runs; do sleep 0.05; done
exit 5
"""

DEATHS: Final = [("HUP", 129), ("KILL", 137), ("SEGV", 139), ("PIPE", 141), ("TERM", 143)]


@pytest.mark.parametrize("code", CODES)
def test_code_is_that_of_command_when_it_exits(containers: Containers, code: int) -> None:
    """The command's exit code is the container's."""
    assert containers.run_command(command=("--", "sh", "-c", f"exit {code}")).returncode == code


@pytest.mark.parametrize(("signal", "code"), DEATHS)
def test_code_is_128_and_more_when_command_is_killed(
    containers: Containers, signal: str, code: int
) -> None:
    """A death by a signal is told as shells tell it."""
    command = ("--", "sh", "-c", f"kill -{signal} $$")
    assert containers.run_command(command=command).returncode == code


def test_code_is_127_when_command_is_not_found(containers: Containers) -> None:
    """A command that is not there is named."""
    answer = containers.run_command(command=("--", "/none/such"))
    assert answer.returncode == 127
    assert "nsinit: cannot execute /none/such: No such file or directory" in answer.stderr


@pytest.mark.parametrize("path", ["/etc/passwd", "/tmp"])
def test_code_is_126_when_command_is_not_executable(containers: Containers, path: str) -> None:
    """A file or directory that can't be executed is named."""
    answer = containers.run_command(command=("--", path))
    assert answer.returncode == 126
    assert f"nsinit: cannot execute {path}: Permission denied" in answer.stderr


def test_signals_reach_command_when_engine_sends_them(containers: Containers) -> None:
    """What `docker kill` sends to PID 1 arrives at the command, and TERM ends it as it wants."""
    made = containers.start_command(command=("--", "/usr/bin/python3", "-c", LISTENER, *FORWARDED))
    made.await_log("ready")
    for name in FORWARDED:
        made.kill(name)
        made.await_log(f"got {re.escape(name)}", timeout=5)
    started_at = time.monotonic()
    made.kill("TERM")
    assert made.end() == 42
    assert time.monotonic() - started_at < 3


def test_interrupt_arrives_when_it_is_typed(containers: Containers) -> None:
    """The command has the terminal of `docker run -it`, and what is typed there signals it."""
    listener = ("--", "/usr/bin/python3", "-c", LISTENER, "INT")
    with containers.terminal(command=listener) as client:
        client.until_text("ready")
        client.type(b"\x03")
        client.until_text("got INT", timeout=4)
        client.type(b"\x1c")
        assert client.until_end() == 128 + 3


def test_stop_is_prompt_when_command_ends_by_term(containers: Containers) -> None:
    """`docker stop` needs none of its time, and code 143 says why the command ended."""
    made = containers.start_command(command=("--", "sh", "-c", "echo begun; exec sleep 600"))
    made.await_log("begun")
    assert made.stop() < 4
    assert made.inspect("{{.State.ExitCode}}") == "143"


def test_signal_is_forwarded_when_it_comes_in_the_first_moment(containers: Containers) -> None:
    """A TERM that the command itself sends to PID 1, as soon as it can, comes back to it."""
    command = ("--", "sh", "-c", "kill -TERM 1; exec sleep 600")
    assert containers.run_command(command=command).returncode == 143


def test_no_zombie_is_left_when_command_orphans_processes(containers: Containers) -> None:
    """Init reaps what the command left behind, and the command goes on."""
    made = containers.start_command(command=("--", "/usr/bin/python3", "-c", ORPHANS % 200))
    made.await_log("all orphaned")
    assert [one.name for one in made.until_processes(2)] == ["nsinit", "python3"]


def test_straggler_is_told_when_command_has_ended(containers: Containers) -> None:
    """What outlives the command gets TERM before the kernel kills it."""
    answer = containers.run_command(command=("--", "sh", "-c", STRAGGLER))
    assert answer.returncode == 5
    assert "straggler was told" in answer.stdout


def test_command_runs_when_container_is_locked_down(containers: Containers) -> None:
    """Neither a writable place nor a known user nor a capability is needed."""
    locked = ("--read-only", "--user", "12345:12345", "--cap-drop", "ALL", "--network", "none")
    options = (*locked, "--security-opt", "no-new-privileges", "--ipc", "none")
    answer = containers.run_command(*options, command=("--", "sh", "-c", "id -u; exit 3"))
    assert (answer.returncode, answer.stdout, answer.stderr) == (3, "12345\n", "")


def test_input_and_output_pass_when_command_is_a_filter(containers: Containers) -> None:
    """Init stands in no stream's way."""
    answer = containers.run_command(command=("--", "sh", "-c", "echo out; echo err >&2"))
    assert (answer.stdout, answer.stderr) == ("out\n", "err\n")
