"""The single command on a terminal, under a real interactive shell and without one."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.live import NSINIT, children, environment, eventually, is_alive, status_field
from tests.support.terminal import END, INTERRUPT, SUSPEND, Screen

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

# Tells whether it has the foreground, each line that it reads, and some signals.
READER = r"""
import os, signal, sys
def say(text):
    os.write(1, b"<%s>\n" % text.encode())
def tell(number, frame):
    say("got %s" % signal.Signals(number).name)
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGWINCH, signal.SIGCONT, signal.SIGQUIT):
    signal.signal(number, tell)
say("foreground" if os.tcgetpgrp(0) == os.getpgrp() else "background")
buffer = b""
while True:
    try:
        data = os.read(0, 1000)
    except OSError as error:
        say("error %d" % error.errno)
        signal.pause()
        continue
    if not data:
        break
    buffer += data
    *lines, buffer = buffer.split(b"\n")
    for line in lines:
        say("read " + line.decode())
say("end")
sys.exit(7)
"""
INIT = shlex.join(NSINIT)


@pytest.fixture
def reader(tmp_path: pathlib.Path) -> str:
    """The path of a program that tells what it gets."""
    path = tmp_path / "reader"
    path.write_text(READER)
    return f"python3 -S {path}"


@pytest.fixture
def shell(tmp_path: pathlib.Path) -> Iterator[Screen]:
    """An interactive shell that waits for a command, and tells at once when a job stops."""
    with Screen(["bash", "--norc", "--noprofile", "-i", "-b"], tmp_path) as screen:
        screen.wait_for(r"\$ $")
        screen.type("stty -echo; echo O''K\n")
        screen.wait_for(r"OK\r\n\$ $")
        yield screen


def _job(shell: Screen, command: str) -> None:
    shell.type(f"{INIT} {command}; echo code=$?\n")


def test_interrupt_reaches_command_once_when_typed(shell: Screen, reader: str) -> None:
    """It has the foreground before it runs; init, in another group, adds no second signal."""
    _job(shell, f"-- {reader}")
    shell.wait_for("<foreground>")
    for number in range(3):
        shell.type(INTERRUPT)
        shell.wait_for("<got SIGINT>")
        shell.type(f"line {number}\n")
        before = shell.seen
        shell.wait_for(f"<read line {number}>")
        assert "SIGINT" not in before
    shell.type(END)
    assert "SIGINT" not in shell.seen
    shell.wait_for("<end>")
    shell.wait_for("code=7")


def test_shell_gets_its_terminal_back_when_command_ends(shell: Screen) -> None:
    """Also when a signal ended it."""
    _job(shell, "-- sleep 1000")
    shell.wait_for_foreground("sleep")
    shell.type(INTERRUPT)
    shell.wait_for("code=130")
    shell.type("read x; echo got $x\n")
    shell.type("some words\n")
    shell.wait_for("got some words")


def test_job_stops_and_continues_when_suspended(shell: Screen, reader: str) -> None:
    """^Z stops both, fg gives the command its terminal back, bg runs it until it reads."""
    _job(shell, f"-- {reader}")
    shell.wait_for("<foreground>")
    for _ in range(2):
        shell.type(SUSPEND)
        shell.wait_for(r"Stopped")
        (init,) = children(shell.process.pid)
        assert status_field(init, "State")[0] == "T"
        assert status_field(children(init)[0], "State")[0] == "T"
        shell.type("echo the shell answers\n")
        shell.wait_for("the shell answers")
        shell.type("fg\n")
        shell.wait_for("<got SIGCONT>")
        shell.type("again\n")
        shell.wait_for("<read again>")
        shell.type(INTERRUPT)
        shell.wait_for("<got SIGINT>")
    shell.type(SUSPEND)
    shell.wait_for(r"Stopped")
    shell.type("bg\n")
    shell.wait_for("<got SIGCONT>")
    eventually(lambda: status_field(init, "State")[0] == "T", "reading in the background stops it")
    shell.wait_for(r"Stopped")
    shell.type("fg\n")
    shell.wait_for("<got SIGCONT>")
    shell.type("at last\n")
    shell.wait_for("<read at last>")
    shell.type(END)
    shell.wait_for("<end>")
    shell.type("echo still here\n")
    shell.wait_for("still here")


def test_background_job_stops_when_it_reads(shell: Screen, reader: str) -> None:
    """It does not steal the foreground; fg gives it."""
    shell.type(f"{INIT} -- {reader} &\n")
    shell.wait_for("<background>")
    (init,) = children(shell.process.pid)
    eventually(lambda: status_field(init, "State")[0] == "T", "init stops with its command")
    shell.wait_for(r"Stopped")
    shell.type("fg\n")
    shell.wait_for("<got SIGCONT>")
    shell.type("hello\n")
    shell.wait_for("<read hello>")
    shell.type(END)
    shell.wait_for("<end>")


def test_neighbours_keep_the_terminal_when_in_a_pipeline(shell: Screen, tmp_path: object) -> None:
    """`nsinit -- CMD | pager`: the pager reads the terminal, ^C ends both."""
    pager = 'python3 -S -c \'print("pager", input(), open("/dev/tty").readline())\''
    shell.type(f"{INIT} -- sh -c 'echo hi; sleep 1000' | {pager}\n")
    shell.type("typed\n")
    shell.wait_for("pager hi typed")
    shell.wait_for_program("sleep")
    shell.type(INTERRUPT)
    shell.type("echo the shell answers: ${PIPESTATUS[*]}\n")
    shell.wait_for("the shell answers: 130")


def test_command_gets_the_terminal_when_it_asks_in_a_pipeline(shell: Screen, reader: str) -> None:
    """Its output goes to a pipe, yet it reads the terminal: given as soon as it reads."""
    shell.type(f"{INIT} -- {reader} | cat; echo code=${{PIPESTATUS[0]}}\n")
    shell.wait_for("<background>")
    shell.type("words\n")
    shell.wait_for("<read words>")
    shell.type(INTERRUPT)
    shell.wait_for("<got SIGINT>")
    shell.type(END)
    shell.wait_for("<end>")
    shell.wait_for("code=7")


def test_whole_script_stops_when_suspended(
    shell: Screen, reader: str, tmp_path: pathlib.Path
) -> None:
    """A script that runs nsinit is one job; afterwards it can read the terminal itself."""
    script = tmp_path / "script"
    script.write_text(f'{INIT} -- {reader}; echo in=$?; read x; echo "script read $x"\n')
    shell.type(f"sh {script}\n")
    shell.wait_for("<foreground>")
    shell.type(SUSPEND)
    shell.wait_for("Stopped")
    shell.type("fg\n")
    shell.wait_for("<got SIGCONT>")
    shell.type(f"one\n{END}")
    shell.wait_for("<read one>")
    shell.wait_for("in=7")
    shell.type("two\n")
    shell.wait_for("script read two")


def test_init_can_write_when_terminal_stops_background_output(shell: Screen) -> None:
    """`stty tostop`: a verbose init is not stopped by its own words."""
    shell.type("stty tostop\n")
    _job(shell, "-vv -- sh -c 'sleep 0.1 & sleep 0.2; echo said'")
    shell.wait_for("started sh")
    shell.wait_for("said")
    shell.wait_for("code=0")


def test_resize_reaches_command_once_when_it_has_the_foreground(shell: Screen, reader: str) -> None:
    """WINCH comes from the terminal to the foreground."""
    _job(shell, f"-- {reader}")
    shell.wait_for("<foreground>")
    shell.resize(30, 100)
    shell.wait_for("<got SIGWINCH>")
    shell.type("x\n")
    shell.wait_for("<read x>")
    assert "WINCH" not in shell.seen


def test_inner_shell_has_job_control_when_it_is_the_command(shell: Screen) -> None:
    """`nsinit -- bash`: no complaint, and ^Z stops what runs in it, not it."""
    _job(shell, "-- bash --norc --noprofile -i")
    shell.wait_for(r"\$ $")
    shell.type("sleep 1000\n")
    shell.wait_for_foreground("sleep")
    shell.type(SUSPEND)
    shell.wait_for(r"Stopped\s+sleep")
    shell.type("kill -KILL %1; wait -f %1; echo flags=$-\n")
    assert "m" in shell.wait_for(r"flags=\w+")
    shell.type("exit 5\n")
    shell.wait_for("code=5")


# --- Without a shell above, as in a container -----------------------------------------------------

LEADERS = {
    "leader": [],
    "pid1": ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child", "--"],
}


@pytest.fixture(params=LEADERS)
def leader(request: pytest.FixtureRequest, tmp_path: pathlib.Path, reader: str) -> Iterator[Screen]:
    """Init leads the session, or is PID 1 on the terminal of a session."""
    if request.param == "pid1" and os.geteuid() != 0:
        pytest.skip("pid1: needs root")
    command = [*LEADERS[request.param], *NSINIT, "--", *reader.split()]
    with Screen(command, tmp_path) as screen:
        screen.wait_for("<foreground>")
        yield screen


def test_terminal_works_when_init_has_no_shell_above(leader: Screen) -> None:
    """^C comes once, ^Z freezes nothing, and the code is the command's."""
    leader.type(INTERRUPT)
    leader.wait_for("<got SIGINT>")
    leader.type(SUSPEND)
    leader.wait_for("<got SIGCONT>")
    leader.type("hello\n")
    leader.wait_for("<read hello>")
    assert "SIGINT" not in leader.seen
    leader.type(END)
    leader.wait_for("<end>")
    assert leader.process.wait(20) == 7


def test_hang_up_reaches_command_when_init_leads_the_session(
    tmp_path: pathlib.Path,
) -> None:
    """The kernel tells the leader of the session only."""
    note = tmp_path / "note"
    trap = f"trap 'echo hung up > {note}; exit 6' HUP; echo ready; while :; do sleep 0.05; done"
    with Screen([*NSINIT, "--", "sh", "-c", trap], tmp_path) as screen:
        screen.wait_for("ready")
        screen.hang_up()
        assert screen.process.wait(20) == 6
    assert note.read_text() == "hung up\n"


def test_terminal_is_acquired_when_stdin_belongs_to_no_session(tmp_path: pathlib.Path) -> None:
    """As dumb-init: the command leads a new session on the terminal, so job control works."""
    master, slave = os.openpty()
    try:
        done = subprocess.run(
            [*NSINIT, "--", "sh", "-c", "echo heard > /dev/tty; ps -o sid= -p $$; echo $$"],
            stdin=slave,
            capture_output=True,
            text=True,
            env=environment(),
            start_new_session=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        session, own = done.stdout.split()
        assert session == own
        assert os.read(master, 100) == b"heard\r\n"
    finally:
        os.close(slave)
        os.close(master)


def test_command_stops_with_init_when_asked_as_dumb_init(tmp_path: pathlib.Path) -> None:
    """Under that name, without a terminal: TSTP stops both for certain, CONT continues both."""
    link = tmp_path / "dumb-init"
    link.write_text(
        f"#!{NSINIT[0]}\nimport sys\nfrom nsinit.__main__ import main\nsys.exit(main())\n"
    )
    link.chmod(0o755)
    process = subprocess.Popen([str(link), "sleep", "1000"], env=environment())
    try:
        (child,) = eventually(lambda: children(process.pid), "the command runs")
        eventually(lambda: status_field(child, "Name") == "sleep", "it is exec'ed")
        for _ in range(2):
            process.send_signal(signal.SIGTSTP)
            for pid in (child, process.pid):
                eventually(lambda pid=pid: status_field(pid, "State")[0] == "T", "stopped")  # type: ignore[misc]
            process.send_signal(signal.SIGCONT)
            for pid in (process.pid, child):
                eventually(lambda pid=pid: status_field(pid, "State")[0] != "T", "continued")  # type: ignore[misc]
        process.terminate()
        assert process.wait(20) == 143
        assert not is_alive(child)
    finally:
        process.kill()
        process.wait()
