"""The single command: its options, and what a hostile or odd caller hands over."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.live import (
    NSINIT,
    children,
    environment,
    eventually,
    is_alive,
    run_single,
    status_field,
)
from tests.support.single import finish

if TYPE_CHECKING:
    import pathlib

    from tests.support.live import Way

PLAIN = [sys.executable, "-I", "-S", "-c"]
# Names each signal that it gets, and what it is; a child in its group does the same.
FAMILY = """
import os, signal
def tell(number, frame):
    os.write(1, b"%s %d\\n" % (who, number))
who = b"child" if os.fork() == 0 else b"parent"
for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT):
    signal.signal(number, tell)
os.write(1, b"%s ready\\n" % who)
while True:
    signal.pause()
"""


class Family:
    """An nsinit whose command is a parent and a child that tell what they get."""

    def __init__(self, *options: str, **env: str) -> None:
        self.process = subprocess.Popen(
            [*NSINIT, *options, "--", *PLAIN, FAMILY],
            env=environment(**env),
            stdout=subprocess.PIPE,
            text=True,
        )
        self.told({"parent ready", "child ready"})

    def told(self, expected: set[str]) -> None:
        """The next lines are these, in any order."""
        assert self.process.stdout is not None
        assert {self.process.stdout.readline().strip() for _ in expected} == expected

    def end(self) -> int:
        for pid in children(self.process.pid):
            for below in [*children(pid), pid]:  # the command last: init tells what is left of it
                os.kill(below, signal.SIGKILL)
        assert self.process.stdout is not None
        rest = self.process.stdout.read()
        assert rest == "", rest
        self.process.stdout.close()
        return self.process.wait(20)


# --- Options --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "env", "both"),
    [
        ([], {}, True),
        (["-c"], {}, False),
        (["-cg"], {}, True),
        (["--single-child"], {"TINI_KILL_PROCESS_GROUP": ""}, False),
        ([], {"DUMB_INIT_SETSID": "0"}, False),
        ([], {"NSINIT_OPTIONS": "-v -c"}, False),
    ],
)
def test_signals_go_to_group_or_command_when_chosen(
    options: list[str], env: dict[str, str], *, both: bool
) -> None:
    """The whole group, or with -c the command alone."""
    family = Family(*options, **env)
    for number in (10, 12):
        family.process.send_signal(number)
        family.told({f"parent {number}", f"child {number}"} if both else {f"parent {number}"})
    assert family.end() == 137


def test_signals_are_rewritten_or_dropped_when_asked() -> None:
    """By number and by name; 0 passes nothing on."""
    family = Family("-c", "-r", "15:3", "--rewrite=USR1:SIGUSR2", "-r2:0")
    family.process.send_signal(signal.SIGTERM)
    family.told({"parent 3"})
    family.process.send_signal(signal.SIGINT)
    family.process.send_signal(signal.SIGUSR1)
    family.told({"parent 12"})
    assert family.end() == 137


def test_term_comes_later_when_delayed() -> None:
    """So that a load balancer can look away first; a second one comes at once."""
    family = Family("-c", "--delay", "0.5s")
    before = time.monotonic()
    family.process.send_signal(signal.SIGTERM)
    family.process.send_signal(signal.SIGUSR1)
    family.told({"parent 10"})
    family.told({"parent 15"})
    assert time.monotonic() - before >= 0.5
    assert family.end() == 137
    family = Family("-c", "--delay", "1h")
    family.process.send_signal(signal.SIGTERM)
    pid = family.process.pid
    eventually(lambda: int(status_field(pid, "ShdPnd"), 16) == 0, "init has taken it")
    family.process.send_signal(signal.SIGUSR1)
    family.told({"parent 10"})
    family.process.send_signal(signal.SIGTERM)
    family.told({"parent 15"})
    assert family.end() == 137


@pytest.mark.parametrize(
    ("options", "script", "code"),
    [
        (["-e", "143", "-e1"], "kill -TERM $$", 0),
        (["-e", "143", "-e1"], "exit 1", 0),
        (["-e", "143", "-e1"], "exit 2", 2),
        (["--success-code=0"], "exit 0", 0),
        (["--raise-signal"], "kill -TERM $$", -15),
        (["--raise-signal"], "kill -KILL $$", -9),
        (["--raise-signal"], "exit 3", 3),
        (["--raise-signal"], "kill -SEGV $$", -11),
    ],
)
def test_end_is_as_asked_when_command_ends(options: list[str], script: str, code: int) -> None:
    """Codes made 0, and the same signal where that is possible."""
    assert finish(*options, "--", "sh", "-c", script).returncode == code


def test_reaped_processes_are_named_when_asked() -> None:
    """-w tells pid and name of what it reaps beside the command."""
    orphan = "(sh -c 'echo $PPID > /dev/null; exec sleep 0.1' &); sleep 0.4"
    done = finish("-w", "sh", "-c", orphan)
    assert done.returncode == 0
    assert "(sleep), which is not the command" in done.stderr
    assert done.stderr.count("\n") == 1
    assert finish("--", "sh", "-c", orphan).stderr == ""
    assert finish("-w", "true", env=environment(TINI_VERBOSITY="0")).stderr == ""


@pytest.mark.parametrize("way", ["pid1", "subreaper"])
def test_orphans_are_ended_when_asked(way: Way) -> None:
    """What loses its parent while the command runs, though the kernel does not tell init of it."""
    if way == "pid1" and os.geteuid() != 0:
        pytest.skip("pid1: needs root")
    script = "(setsid sleep 1000 &); cat; exit 5"
    words = [*NSINIT, "--orphans", "kill", "-v", "--", "sh", "-c", script]
    if way == "pid1":
        words = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child", "--", *words]
    process = subprocess.Popen(
        words,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stderr is not None
        assert "started sh" in process.stderr.readline()
        assert re.search(r"orphan \d+ \((sh|sleep|setsid)\) gets KILL", process.stderr.readline())
        process.stdin.close()
        assert process.wait(20) == 5


@pytest.mark.parametrize("orphans", [500])
def test_everything_is_reaped_when_many_orphans_die_at_once(orphans: int) -> None:
    """One SIGCHLD stands for many deaths, and the command's own is among them."""
    script = f"""
import os, time
reader, writer = os.pipe()
for _ in range({orphans}):
    if os.fork() == 0:
        if os.fork() == 0:
            os.close(writer)
            os.read(reader, 1)
        os._exit(0)
    os.wait()
os.close(writer)
while len(open(f"/proc/{{os.getppid()}}/task/{{os.getppid()}}/children").read().split()) > 1:
    time.sleep(0.01)
os._exit(44)
"""
    assert finish("--", *PLAIN, script).returncode == 44


# --- Stragglers -----------------------------------------------------------------------------------

DEAF = "trap '' TERM; echo here; while :; do sleep 0.05; done"


def test_grace_is_cut_short_when_asked_again() -> None:
    """A second TERM while the stragglers have their time ends it."""
    process = subprocess.Popen(
        [*NSINIT, "--grace=1h", "-v", "--", "sh", "-c", f'setsid sh -c "{DEAF}" & read x; exit 3'],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        assert process.stdout.readline() == "here\n"
        process.stdin.close()
        while "gets TERM" not in process.stderr.readline():
            continue
        process.terminate()
        assert process.wait(20) == 3
        assert process.stdout.read() == ""


@pytest.mark.parametrize("way", ["pid1", "subreaper"])
def test_stopped_straggler_is_told_when_command_ends(way: Way, tmp_path: pathlib.Path) -> None:
    """TERM alone would wait until somebody continues it."""
    if way == "pid1" and os.geteuid() != 0:
        pytest.skip("pid1: needs root")
    note = tmp_path / "note"
    stray = tmp_path / "stray"
    stray.write_text(f"trap 'echo told > {note}; exit' TERM; kill -STOP $$; sleep 1000\n")
    check = "until grep -q '^State:.T' /proc/$p/status; do sleep 0.05; done"
    process = run_single("sh", "-c", f"setsid sh {stray} & p=$!; {check}", way=way)
    assert process.wait(30) == 0
    assert note.read_text() == "told\n"


def test_others_are_left_alone_when_command_ends() -> None:
    """As somebody's child init ends its own descendants only, by TERM to no group of others."""
    with subprocess.Popen(["sleep", "1000"]) as other:
        try:
            assert (
                finish("--grace=0", "--", "sh", "-c", "setsid sleep 1000 & exit 2").returncode == 2
            )
            assert other.poll() is None
        finally:
            other.kill()


def test_nothing_of_it_is_left_when_it_ends(tmp_path: pathlib.Path) -> None:
    """Double-forked and in another session: adopted, told, and gone before init's own end."""
    note = tmp_path / "pid"
    script = (
        f"(setsid sh -c 'echo $$ > {note}; exec sleep 1000' &) ; until [ -s {note} ]; do :; done"
    )
    assert finish("--", "sh", "-c", script).returncode == 0
    pid = int(note.read_text())
    assert not is_alive(pid)
    assert status_field(pid, "State") == ""
