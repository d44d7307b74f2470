"""The single command under odd callers: what they hand over, and what they do to it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nsinit.process.birth import die_with
from tests.kernel.conftest import in_child
from tests.support.live import NSINIT, ORDINARY, environment, eventually, is_alive, run_single
from tests.support.single import finish

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

PLAIN = [sys.executable, "-I", "-S", "-c"]


def _statuses(before: Callable[[], object]) -> dict[str, int]:
    """The signal masks that a command has after a caller did something."""
    done = finish("--", "grep", "^Sig", "/proc/self/status", preexec_fn=before)
    rows = dict(line.split(":\t") for line in done.stdout.splitlines())
    librarys_own = 3 << 31  # signals 32 and 33, with which what the C library spawned may be born
    return {name: int(m, 16) & ~librarys_own for name, m in rows.items() if name != "SigQ"}


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
    done = finish("--", "/usr/bin/env", env=env)
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
    done2 = finish("--", odd)
    assert done2.returncode == 127
    assert "cannot execute \\udcff\\udcfe: No such file" in done2.stderr


def test_command_is_found_when_path_is_unset(tmp_path: pathlib.Path) -> None:
    """The system's default is used, as execvp(3) does it."""
    env = {"PYTHONPATH": environment()["PYTHONPATH"]}
    assert finish("--", "sh", "-c", "exit 8", env=env).returncode == 8


def test_right_script_runs_when_it_has_no_magic_and_path_finds_it(tmp_path: pathlib.Path) -> None:
    """The shell gets the file that PATH leads to, not its namesake here."""
    (tmp_path / "bin").mkdir()
    for place, code in ((tmp_path, 1), (tmp_path / "bin", 34)):
        (place / "task").write_text(f"exit {code}$1\n")
        (place / "task").chmod(0o755)
    env = environment() | {"PATH": f"{tmp_path}/none:{tmp_path}/bin:{os.environ['PATH']}"}
    assert finish("--", "task", "", env=env, cwd=tmp_path).returncode == 34


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
    assert finish("--", str(script)).returncode == code


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
    done = finish("-p", "TERM", "--", "id", "-u", env=env, user=ORDINARY, group=ORDINARY,
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


def test_death_of_parent_is_noticed_when_it_came_too_early() -> None:
    """The kernel tells only of deaths after prctl(2); before that the parent is another one."""

    def pending(parent: int) -> bool:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        die_with(parent, signal.SIGUSR1)
        return signal.SIGUSR1 in signal.sigpending()

    own = os.getpid()
    assert in_child(lambda: pending(own + 1))
    assert not in_child(lambda: pending(own))
