"""The single command: its options, and what a hostile or odd caller hands over."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.live import (
    NSINIT,
    ORDINARY,
    children,
    environment,
    eventually,
    is_alive,
    run_single,
    status_field,
)

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

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


def _run(*words: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    """`nsinit WORDS`, to its end."""
    kwargs.setdefault("env", environment())
    return subprocess.run(
        [*NSINIT, *words], capture_output=True, text=True, timeout=60, check=False, **kwargs
    )


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
            for below in [pid, *children(pid)]:
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
    assert _run(*options, "--", "sh", "-c", script).returncode == code


def test_reaped_processes_are_named_when_asked() -> None:
    """-w tells pid and name of what it reaps beside the command."""
    orphan = "(sh -c 'echo $PPID > /dev/null; exec sleep 0.1' &); sleep 0.4"
    done = _run("-w", "sh", "-c", orphan)
    assert done.returncode == 0
    assert "(sleep), which is not the command" in done.stderr
    assert done.stderr.count("\n") == 1
    assert _run("--", "sh", "-c", orphan).stderr == ""
    assert _run("-w", "true", env=environment(TINI_VERBOSITY="0")).stderr == ""


def test_orphans_are_ended_when_asked() -> None:
    """What loses its parent while the command runs, though the kernel does not tell init of it."""
    script = "(setsid sleep 1000 & echo $!) ; sleep 1000"
    process = subprocess.Popen(
        [*NSINIT, "--orphans", "kill", "--", "sh", "-c", script],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        orphan = int(process.stdout.readline())
        eventually(lambda: not is_alive(orphan), "it is killed")
        assert process.poll() is None
    finally:
        process.terminate()
        assert process.wait(20) == 143
        process.stdout.close()


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
    assert _run("--", *PLAIN, script).returncode == 44


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
def test_stopped_straggler_is_told_when_command_ends(way: Any, tmp_path: pathlib.Path) -> None:
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
            assert _run("--grace=0", "--", "sh", "-c", "setsid sleep 1000 & exit 2").returncode == 2
            assert other.poll() is None
        finally:
            other.kill()


# --- Callers --------------------------------------------------------------------------------------


def _statuses(before: Callable[[], object]) -> dict[str, int]:
    """The signal masks that a command has after a caller did something."""
    done = _run("--", "grep", "^Sig", "/proc/self/status", preexec_fn=before)
    rows = dict(line.split(":\t") for line in done.stdout.splitlines())
    return {name: int(mask, 16) for name, mask in rows.items() if name != "SigQ"}


def test_mask_is_handed_on_when_caller_blocked_signals() -> None:
    """Blocked at the start: init hears them all the same, the command gets the caller's mask."""
    mask = {signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1}
    bits = sum(1 << number - 1 for number in mask)
    told = _statuses(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, mask))
    assert (told["SigBlk"], told["SigIgn"]) == (bits, 0)


@pytest.mark.parametrize("number", [signal.SIGCHLD, signal.SIGINT, signal.SIGTSTP, signal.SIGTTOU])
def test_ignored_signal_stays_ignored_when_caller_ignored_it(number: int) -> None:
    """And init still reaps, and still forwards: a command may install a handler."""
    told = _statuses(lambda: signal.signal(number, signal.SIG_IGN))
    assert (told["SigBlk"], told["SigIgn"]) == (0, 1 << number - 1)


def test_ignored_interrupt_is_forwarded_when_command_handles_it() -> None:
    """A background job of a shell ignores INT; its command may do otherwise."""
    handler = "import signal, os; signal.signal(2, lambda *_: os._exit(9)); print(1, flush=True)"
    words = [*NSINIT, "--", *PLAIN, f"{handler}; signal.pause()"]
    process = subprocess.Popen(
        ["sh", "-c", 'trap \'\' INT; exec "$0" "$@"', *words],
        env=environment(),
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.read(2) == b"1\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 9


@pytest.mark.parametrize("after", [0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08])
def test_term_ends_it_when_it_comes_early(after: float) -> None:
    """At any moment of the start: before the fork, before the exec, after it."""
    with run_single("sleep", "1000") as process:
        select.select([], [], [], after)
        process.terminate()
        assert process.wait(20) in (-15, 143)


def test_environment_is_exact_when_locale_is_c() -> None:
    """Python's own LC_CTYPE does not leak (PEP 538), nor anything else."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": environment()["PYTHONPATH"], "A": "b=c"}
    done = _run("--", "/usr/bin/env", env=env)
    assert sorted(done.stdout.splitlines()) == sorted(f"{k}={v}" for k, v in env.items())


def test_bytes_are_passed_on_when_they_are_no_text() -> None:
    """Arguments and variables; also in a message."""
    odd = os.fsdecode(b"\xff\xfe")
    done = subprocess.run(
        [*NSINIT, "--", "sh", "-c", 'printf %s "$0$ODD" | od -An -tx1', odd],
        env=environment(ODD=odd),
        capture_output=True,
        check=True,
    )
    assert done.stdout.split() == [b"ff", b"fe", b"ff", b"fe"]
    done2 = _run("--", odd)
    assert done2.returncode == 127
    assert "cannot execute \\udcff\\udcfe: No such file" in done2.stderr


def test_command_is_found_when_path_is_unset(tmp_path: pathlib.Path) -> None:
    """The system's default is used, as execvp(3) does it."""
    env = {"PYTHONPATH": environment()["PYTHONPATH"]}
    assert _run("--", "sh", "-c", "exit 8", env=env).returncode == 8


def test_right_script_runs_when_it_has_no_magic_and_path_finds_it(tmp_path: pathlib.Path) -> None:
    """The shell gets the file that PATH leads to, not its namesake here."""
    (tmp_path / "bin").mkdir()
    for place, code in ((tmp_path, 1), (tmp_path / "bin", 34)):
        (place / "task").write_text(f"exit {code}$1\n")
        (place / "task").chmod(0o755)
    env = environment() | {"PATH": f"{tmp_path}/none:{tmp_path}/bin:{os.environ['PATH']}"}
    assert _run("--", "task", "", env=env, cwd=tmp_path).returncode == 34


@pytest.mark.parametrize(
    ("make", "code"),
    [("#!/nonexistent/interpreter\n", 127), ("#!/tmp\n", 126)],
)
def test_interpreter_is_blamed_when_it_is_missing(
    tmp_path: pathlib.Path, make: str, code: int
) -> None:
    """As in a shell: absent is 127, unusable 126."""
    script = tmp_path / "script"
    script.write_text(make)
    script.chmod(0o755)
    assert _run("--", str(script)).returncode == code


def test_older_children_do_no_harm_when_a_shell_execs_init() -> None:
    """Its children and zombies are strangers to init: reaped, not taken for the command."""
    script = f"sleep 0.2 & true & exec {' '.join(NSINIT)} -- sh -c 'sleep 0.5; exit 4'"
    done = subprocess.run(["sh", "-c", script], env=environment(), timeout=30, check=False)
    assert done.returncode == 4


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors_stay_closed_when_command_starts(
    closed: str, tmp_path: pathlib.Path
) -> None:
    """Init neither opens them nor puts anything of its own there."""
    note = tmp_path / "note"
    look = f"ls -l /proc/$$/fd > {note}.new; mv {note}.new {note}; exit 6"
    given = subprocess.run(
        ["sh", "-c", f'exec sh -c "$0" {closed}', look.replace("note", "given")],
        timeout=30, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert given.returncode == 6
    words = [*NSINIT, "--", "sh", "-c", look]
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" "$@" {closed}', *words],
        env=environment(), timeout=30, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 6

    def fds(path: pathlib.Path) -> list[str]:
        return [line.split()[8] for line in path.read_text().splitlines()[1:]]

    assert fds(note) == fds(tmp_path / "given")


@pytest.mark.parametrize(
    ("listen", "mine"),
    [
        ({"LISTEN_FDS": "1"}, True),
        ({"LISTEN_FDS": "1", "LISTEN_PID": "{pid}", "LISTEN_PIDFDID": "5"}, True),
        ({"LISTEN_FDS": "1", "LISTEN_PID": "1"}, False),
        ({}, None),
    ],
)
def test_sockets_are_passed_on_when_init_was_given_some(
    listen: dict[str, str], *, mine: bool | None
) -> None:
    """LISTEN_PID becomes the command's; init itself keeps neither descriptor nor directory."""
    reader, writer = os.pipe()
    script = (
        "import os, signal; os.write(1, os.fsencode("
        "repr([os.getpid(), os.environ.get('LISTEN_PID'), os.environ.get('LISTEN_PIDFDID'),"
        " os.readlink('/proc/self/fd/3')]) + chr(10))); signal.pause()"
    )
    program = [*NSINIT, "--", *PLAIN, script]
    # The shell puts the pipe at 3 and its own pid, which is to be init's, into the variable.
    exports = "".join(f"export {k}={v.replace('{pid}', '$$')}; " for k, v in listen.items())
    command = ["bash", "-c", f'{exports}exec "$0" "$@" 3<&{reader}', *program]
    process = subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, pass_fds=[reader]
    )
    try:
        assert process.stdout is not None
        pid, told, other, link = eval(process.stdout.readline())
        assert told == (str(pid) if mine else listen.get("LISTEN_PID"))
        assert other is None
        assert link == os.readlink(f"/proc/self/fd/{reader}")
        eventually(
            lambda: set(os.listdir(f"/proc/{process.pid}/fd")) <= {"0", "1", "2"}, "init lets go"
        )
        assert os.readlink(f"/proc/{process.pid}/cwd") == "/"
    finally:
        process.terminate()
        assert process.wait(20) == 143
        process.stdout.close()  # type: ignore[union-attr]
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize("how", ["full", "dead"])
def test_init_goes_on_when_nobody_reads_its_stderr(how: str) -> None:
    """A full or broken pipe costs the line, never the command."""
    reader, writer = os.pipe()
    if how == "full":
        os.set_blocking(writer, False)
        while select.select([], [writer], [], 0)[1]:
            os.write(writer, b"x" * 4096)
        os.set_blocking(writer, True)
    else:
        os.close(reader)
    script = "exec 2>/dev/null; i=0; while [ $i -lt 20 ]; do (true &); i=$((i+1)); done; exit 12"
    try:
        done = subprocess.run(
            [*NSINIT, "-vvw", "--", "sh", "-c", script],
            env=environment(), stderr=writer, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 12
    finally:
        os.close(writer)
        if how == "full":
            os.close(reader)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: another user")
def test_it_runs_when_user_has_no_account_and_no_home(tmp_path: pathlib.Path) -> None:
    """Any uid, no HOME, and a directory that it may not read."""
    tmp_path.chmod(0o700)
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": environment()["PYTHONPATH"]}
    done = _run("-p", "TERM", "--", "id", "-u", env=env, user=ORDINARY, group=ORDINARY,
                extra_groups=[], cwd="/")  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"{ORDINARY}\n"), done.stderr


@pytest.mark.parametrize(("name", "end"), [("TERM", "told"), ("SIGKILL", "")])
def test_command_ends_when_parent_of_init_dies(tmp_path: pathlib.Path, name: str, end: str) -> None:
    """-p: init passes the signal on; KILL, which it can't, the command gets from the kernel."""
    note = tmp_path / "note"
    pids = tmp_path / "pids"
    trap = f"trap 'echo told > {note}; exit' TERM; echo $PPID $$ > {pids}; "
    command = f"{trap}while :; do sleep 0.05; done"
    words = [*NSINIT, "-p", name, "--", "sh", "-c", command]
    with subprocess.Popen(["sh", "-c", '"$0" "$@"; true', *words], env=environment()) as parent:
        eventually(lambda: pids.exists() and pids.read_text().endswith("\n"), "it runs")
        init, own = (int(word) for word in pids.read_text().split())
        parent.kill()
    eventually(lambda: not is_alive(own) and not is_alive(init), "both end")
    assert (note.read_text().strip() if note.exists() else "") == end


def test_nothing_of_it_is_left_when_it_ends(tmp_path: pathlib.Path) -> None:
    """Double-forked and in another session: adopted, told, and gone before init's own end."""
    note = tmp_path / "pid"
    script = (
        f"(setsid sh -c 'echo $$ > {note}; exec sleep 1000' &) ; until [ -s {note} ]; do :; done"
    )
    assert _run("--", "sh", "-c", script).returncode == 0
    pid = int(note.read_text())
    assert not is_alive(pid)
    assert status_field(pid, "State") == ""
