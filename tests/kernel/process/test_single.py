"""The init of one command, in this process: its start and its end."""

from __future__ import annotations

import os
import re
import resource
import signal
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import libc, seam
from nsinit.kernel.namespaces import flags_of
from nsinit.process import single
from nsinit.process.single import INFO
from tests.kernel.conftest import in_child
from tests.kernel.process.conftest import forked, kill, signals
from tests.kernel.process.inits import Init, finished, killed
from tests.support.live import eventually

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

ISOLATED = flags_of(["pid", "mount"])


# --- The end of the command -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -TERM $$", 143), ("kill -9 $$", 137)]
)
def test_code_is_that_of_the_command_when_it_ends(script: str, code: int) -> None:
    """128 and the signal, if it was one; nothing is said of it."""
    assert finished("sh", "-c", f"echo a; {script}") == (code, "a\n", "")


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 3", 0), ("exit 4", 4), ("kill -TERM $$", 0), ("kill -9 $$", 137), ("exit 0", 0)],
)
def test_code_is_nought_when_it_counts_as_success(script: str, code: int) -> None:
    """Also those of signals."""
    assert finished("sh", "-c", script, successes=frozenset({3, 143}))[0] == code


def test_life_of_the_command_is_told_when_asked() -> None:
    """By its name and pid; each signal only by more of it."""
    code, out, told = finished("sh", "-c", "echo $$; exit 3", verbosity=INFO)
    pid = out.strip()
    assert (code, told.splitlines()) == (
        3,
        [f"nsinit: started sh as process {pid}", f"nsinit: process {pid} (sh) ended with code 3"],
    )
    _, out, told = finished("sh", "-c", "echo $$; kill -9 $$", verbosity=INFO)
    assert told.endswith(f"nsinit: process {out.strip()} (sh) was ended by KILL\n")


@pytest.mark.parametrize(
    ("script", "status"),
    [("kill -TERM $$", -15), ("kill -KILL $$", -9), ("exit 15", 15), ("kill -QUIT $$", -3)],
)
def test_init_ends_by_the_signal_when_asked(script: str, status: int) -> None:
    """As its command did; a code stays a code."""
    assert finished("sh", "-c", script, raise_signal=True)[0] == status


@pytest.mark.usefixtures("needs_root")
@pytest.mark.parametrize("number", [15, 9])
def test_init_ends_with_a_code_when_no_signal_can_end_it(number: int) -> None:
    """As process 1; no core is left of what is none of its own."""
    made = finished("sh", "-c", f"kill -{number} $$", flags=ISOLATED, raise_signal=True)
    assert made == (128 + number, "", "")


def test_no_core_is_written_when_init_ends_by_a_signal() -> None:
    """The one of interest is the command's; a limit that can't be set is no trouble."""

    def work() -> list[object]:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
        heard: list[int] = []
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGURG})
        real, os.kill = os.kill, lambda _, number: heard.append(number)
        single._end_by(signal.SIGURG)
        single._end_by(signal.SIGKILL)
        os.kill = real
        blocked = signal.SIGURG in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        return [resource.getrlimit(resource.RLIMIT_CORE), heard, blocked]

    assert in_child(work) == [(0, 0), [signal.SIGURG, signal.SIGKILL], False]


# --- The start ------------------------------------------------------------------------------------


def test_status_is_not_lost_when_the_caller_ignores_children() -> None:
    """The command is handed that on."""

    def ignore() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    look = ("grep", "SigIgn", "/proc/self/status")
    code, said, _ = finished(*look, before=ignore)
    assert (code, signals(said.split()[1])) == (0, 1 << (signal.SIGCHLD - 1))
    code, said, _ = finished(*look)
    assert (code, signals(said.split()[1])) == (0, 0)
    assert finished("sh", "-c", "exit 5", before=ignore)[0] == 5


def test_it_ends_when_no_child_can_be_made() -> None:
    """A limit on processes; root has none."""

    def limit() -> None:
        if os.geteuid() == 0:
            os.setresuid(4321, 4321, 4321)
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))

    made = finished("a-command", before=limit)
    assert made == (
        126,
        "",
        "nsinit: cannot fork for a-command: Resource temporarily unavailable\n",
    )


def test_it_ends_when_it_can_not_learn_of_its_parents_death() -> None:
    """That nobody adopts orphans is no such reason."""
    refuse = seam.Plan("prctl:EPERM")
    code, _, told = finished("true", before=lambda: seam.inject(refuse), parent_death=15)
    assert code == 126
    assert re.fullmatch(r"nsinit: .*Operation not permitted.*\n", told)
    assert finished("true", before=lambda: seam.inject(refuse))[0] == 0


def _below_a_parent(number: int, command: str) -> tuple[int, int]:
    """How an init whose parent was killed has ended, and its command."""
    libc.become_subreaper()
    reader, writer = os.pipe()

    def start() -> None:
        made = Init("sh", "-c", command, parent_death=number)
        made.line()
        os.write(writer, b"%d %d\n" % (made.pid, made.child()))
        signal.pause()

    parent = forked(start)
    init, child = map(int, os.read(reader, 99).split())
    kill(parent)
    status = os.waitstatus_to_exitcode(os.waitpid(init, 0)[1])
    if number != signal.SIGKILL:
        return status, 0
    return status, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_command_ends_when_the_parent_of_init_has_died() -> None:
    """By the signal that was asked for; KILL init can't pass on, so the kernel does."""
    sleeps = "echo ready; exec sleep 60"
    assert in_child(lambda: _below_a_parent(signal.SIGTERM, sleeps)) == (143, 0)
    assert in_child(lambda: _below_a_parent(signal.SIGKILL, sleeps)) == (-9, -9)


def test_nothing_is_held_when_the_command_runs(tmp_path: pathlib.Path) -> None:
    """Neither its directory nor its descriptors: a file system can be unmounted."""

    def hold() -> None:
        os.chdir(tmp_path)
        os.set_inheritable(os.open(tmp_path, os.O_RDONLY), True)

    made = Init("sh", "-c", "echo ready; exec sleep 60", before=hold)
    made.line()
    eventually(lambda: os.readlink(f"/proc/{made.pid}/cwd") == "/", "it has left")
    eventually(lambda: {*os.listdir(f"/proc/{made.pid}/fd")} == {"0", "1", "2"}, "it has let go")
    assert os.readlink(f"/proc/{made.child()}/cwd") == str(tmp_path)
    killed(made)


def test_descriptors_are_closed_when_nobody_tells_which_there_are() -> None:
    """Without /proc; a root directory that can't be entered is no trouble."""

    def work() -> list[bool]:
        for fd in (5, 1023, 1024):
            os.dup2(2, fd)

        def refuse(_: str) -> list[str]:
            raise PermissionError

        os.listdir = refuse  # type: ignore[assignment]  # of this child
        os.chdir = refuse  # type: ignore[assignment]  # the same
        single._let_go(None)
        made = []
        for fd in (2, 5, 1023, 1024):
            try:
                os.fstat(fd)
                made.append(True)
            except OSError:
                made.append(False)
        return made

    def isolated() -> list[bool]:
        reader, writer = os.pipe()
        pid = forked(lambda: _answer(writer, work))
        os.waitpid(pid, 0)
        return [bool(byte) for byte in os.read(reader, 99)]

    assert in_child(isolated) == [True, False, False, True]


def _answer(writer: int, work: Callable[[], list[bool]]) -> None:
    os.dup2(writer, 2)
    os.write(2, bytes(work()))
