"""The command of an init from its fork to its exec: found, told, and made as the caller was."""

from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import seam
from nsinit.process import birth
from nsinit.process.birth import die_with, execute
from nsinit.process.single import Settings
from tests.kernel.conftest import in_child
from tests.kernel.process.conftest import forked, put, signals
from tests.kernel.process.inits import Init, finished

if TYPE_CHECKING:
    import pathlib


def _executed(argv: list[str], env: dict[str, str]) -> tuple[int, str]:
    """The exit code of what was executed in a child, or 200 and the errno; what it said."""
    reader, writer = os.pipe()

    def work() -> None:
        os.dup2(writer, 1)
        os._exit(200 + execute(argv, env))

    status = os.waitpid(forked(work), 0)[1]
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        return os.waitstatus_to_exitcode(status), file.read().decode()


@pytest.fixture
def bins(tmp_path: pathlib.Path) -> pathlib.Path:
    """Directories of programs: those in `b` can't be executed."""
    for name, mode in (("a", None), ("b", 0o644), ("c", 0o755), ("d", 0o755)):
        (tmp_path / name).mkdir()
        if mode is not None:
            (tmp_path / name / "tool").write_text(f'echo {name} "$0" "$@"; exit 3\n')
            (tmp_path / name / "tool").chmod(mode)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "found"), [("c:d", "c"), ("d:c", "d"), ("a:c", "c"), ("b:c", "c"), ("file:d", "d")]
)
def test_first_program_runs_when_path_has_many(bins: pathlib.Path, path: str, found: str) -> None:
    """What is missing or can't be executed is passed over; the shell runs scripts."""
    env = {"PATH": ":".join(f"{bins}/{word}" for word in path.split(":"))}
    tool = f"{bins}/{found}/tool"
    assert _executed(["tool", "x", "y z"], env) == (3, f"{found} {tool} x y z\n")
    assert _executed([tool], env) == (3, f"{found} {tool}\n")


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("a", errno.ENOENT),
        ("b", errno.EACCES),
        ("b:a", errno.EACCES),
        ("a:b", errno.EACCES),
        ("loop:c", errno.ELOOP),
        ("", errno.ENOENT),
    ],
)
def test_worst_is_told_when_no_program_can_run(bins: pathlib.Path, path: str, number: int) -> None:
    """Not that the last directory has none."""
    env = {"PATH": ":".join(f"{bins}/{word}" for word in path.split(":"))}
    assert _executed(["tool"], env) == (200 + number, "")


def test_nothing_is_found_when_there_is_no_name(bins: pathlib.Path) -> None:
    """An empty word is no program; a name with a slash is not looked for."""
    assert _executed([""], {"PATH": f"{bins}/c"})[0] == 200 + errno.ENOENT
    assert _executed(["./tool"], {"PATH": f"{bins}/c"})[0] == 200 + errno.ENOENT
    assert _executed(["sh", "-c", "exit 4"], {})[0] == 4  # the usual PATH


def test_shell_is_blamed_when_it_can_not_run_a_script(
    bins: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A root without /bin/sh."""
    monkeypatch.setattr(birth, "_SHELL", "/nowhere")
    assert _executed([f"{bins}/c/tool"], {})[0] == 200 + errno.ENOENT


@pytest.mark.parametrize(
    ("command", "code", "why"),
    [
        ("/nowhere", 127, "No such file or directory"),
        ("no-such-command", 127, "No such file or directory"),
        ("/etc/passwd", 126, "Permission denied"),
        ("/etc/passwd/x", 127, "No such file or directory"),
    ],
)
def test_code_says_why_when_the_command_can_not_run(command: str, code: int, why: str) -> None:
    """As that of a shell; in words, too."""
    assert finished(command) == (code, "", f"nsinit: cannot execute {command}: {why}\n")


def test_command_does_not_run_when_the_kernel_refuses_something() -> None:
    """Here that it dies with init: init itself may, and adopts orphans."""
    code, _, told = finished(
        "true", before=lambda: seam.inject(seam.Plan("prctl:EPERM@3")), parent_death=signal.SIGKILL
    )
    assert (code, told) == (126, "nsinit: cannot execute true: Operation not permitted\n")


def test_copy_of_init_ends_when_nobody_thought_of_the_error() -> None:
    """Whatever it is."""

    def before() -> None:
        def wrong(_: object) -> None:
            raise ValueError

        put(birth.Birth, "_settle", wrong)

    code, _, told = finished("true", before=before)
    assert (code, told) == (126, "nsinit: cannot execute true: Input/output error\n")


def test_command_leads_a_session_when_there_is_no_terminal() -> None:
    """And has what the caller had: the mask, what was ignored, and Python's own doings undone."""

    def before() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGUSR2})
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    script = "/proc/self/stat", "/proc/self/status"
    _, said, _ = finished("cat", *script, before=before)
    fields = said.rpartition(") ")[0], said.partition(") ")[2].split()
    pid = fields[0].split()[0]
    assert fields[1][2:4] == [pid, pid]
    rows = dict(line.split(":\t", 1) for line in said.splitlines() if ":\t" in line)
    assert signals(rows["SigBlk"]) == 1 << (signal.SIGUSR2 - 1)
    assert signals(rows["SigIgn"]) == 1 << (signal.SIGINT - 1)

    def usual() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    _, said, _ = finished("cat", "/proc/self/status", before=usual)
    rows = dict(line.split(":\t", 1) for line in said.splitlines() if ":\t" in line)
    assert (signals(rows["SigBlk"]), signals(rows["SigIgn"])) == (0, 0)


def test_command_is_interrupted_once_when_it_is_not_executed_yet() -> None:
    """Python would raise KeyboardInterrupt in the copy of init."""

    def work() -> object:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        made = birth.Birth(_settings(), {}, (), ignores_children=False)
        made._settle()
        return signal.getsignal(signal.SIGINT)

    assert in_child(work) == signal.SIG_DFL


def _settings() -> Settings:
    return Settings(["x"])


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({"LISTEN_FDS": "1"}, {"LISTEN_FDS": "1", "LISTEN_PID": "own"}),
        ({"LISTEN_FDS": "1", "LISTEN_PID": "init"}, {"LISTEN_FDS": "1", "LISTEN_PID": "own"}),
        (
            {"LISTEN_FDS": "1", "LISTEN_PID": "init", "LISTEN_PIDFDID": "7"},
            {"LISTEN_FDS": "1", "LISTEN_PID": "own"},
        ),
        ({"LISTEN_FDS": "1", "LISTEN_PID": "1"}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}),
        ({"LISTEN_PID": "init"}, {"LISTEN_PID": "init"}),
        ({}, {}),
    ],
)
def test_sockets_are_the_commands_when_they_were_for_init(
    given: dict[str, str], seen: dict[str, str]
) -> None:
    """Others' stay others'."""
    env = {"PATH": os.environ["PATH"]}
    reader, writer = os.pipe()

    def before() -> None:
        own = {key: str(os.getpid()) if word == "init" else word for key, word in given.items()}
        env.update(own)
        os.write(writer, b"%d" % os.getpid())

    init = Init("sh", "-c", "echo $$; env", before=before, env=env)
    _, said, _ = init.end()
    pid, *rows = said.splitlines()
    names = {"own": pid, "init": os.read(reader, 99).decode()}
    found = dict(row.split("=", 1) for row in rows if row.startswith("LISTEN_"))
    for fd in (reader, writer):
        os.close(fd)
    assert found == {key: names.get(word, word) for key, word in seen.items()}


def test_signal_comes_at_once_when_the_parent_has_died_already() -> None:
    """It ended before the kernel could be asked to tell."""

    def work() -> list[list[int]]:
        heard: list[int] = []
        signal.signal(signal.SIGUSR1, lambda number, _: heard.append(number))
        die_with(os.getppid(), signal.SIGUSR1)
        before = heard[:]
        die_with(os.getppid() + 1, signal.SIGUSR1)
        return [before, heard]

    assert in_child(work) == [[], [signal.SIGUSR1]]
