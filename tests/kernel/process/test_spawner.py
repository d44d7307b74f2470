"""From a program to a process, by both roads, and why there is none."""

from __future__ import annotations

import errno
import os
import resource
import select
import signal
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.kernel import fds, seam
from nsinit.kernel.spawn import Attributes
from nsinit.process.fast import Road
from nsinit.process.program import Tuning
from nsinit.process.spawner import Child, Spawner
from tests.kernel.conftest import in_child
from tests.kernel.process.conftest import FULL, program, refused, signals, start

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("_in_root")
ROADS = pytest.mark.parametrize("more", [{}, FULL], ids=["vfork", "fork"])


@pytest.fixture
def _in_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where init is: it stays there, or comes back."""
    monkeypatch.chdir("/")


@ROADS
def test_program_has_what_it_was_given_when_it_runs(
    tmp_path: pathlib.Path, more: dict[str, Any]
) -> None:
    """Words, variables of any bytes, directory and umask; init stays what it was."""
    env = {"A": os.fsdecode(b"\xff"), "EMPTY": ""}
    script = 'echo "$0,$1,$A,$EMPTY,$PWD,$(umask),$(ps -o sid= $$)"'
    before = os.umask(0o22)
    try:
        made = program(
            "sh", "-c", script, "x", directory=str(tmp_path), env=env, umask=0o77, **more
        )
        status, said = start(made)
        now = os.umask(0o22)
    finally:
        os.umask(before)
    assert (status, now, os.getcwd()) == (0, 0o22, "/")
    assert said.split(",")[:-1] == ["x", "", os.fsdecode(b"\xff"), "", str(tmp_path), "0077"]


@ROADS
def test_program_leads_a_session_when_it_runs(more: dict[str, Any]) -> None:
    """And hears every signal, though init hears none and ignores some."""
    script = "echo $$; cut -d' ' -f5,6 /proc/$$/stat; grep -E 'Sig(Blk|Ign)' /proc/self/status"
    before = signal.pthread_sigmask(signal.SIG_BLOCK, set(range(1, 32)))
    usr1 = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        _, said = start(program("sh", "-c", script, **more))
    finally:
        signal.signal(signal.SIGUSR1, usr1)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    pid, leads, blocked, ignored = said.splitlines()
    assert leads == f"{pid} {pid}"
    assert signals(blocked.split()[1]) == signals(ignored.split()[1]) == 0


@ROADS
def test_descriptors_are_passed_when_they_are_named(more: dict[str, Any]) -> None:
    """Each as the number that is wanted, also crosswise; no other one gets through."""
    readers = []
    for word in (b"one", b"two", b"same"):
        reader, writer = os.pipe()
        os.write(writer, word)
        os.close(writer)
        readers.append(reader)
    one, two, same = readers
    script = f"cat <&{two}; cat <&{one}; cat <&{same}; echo; ls /proc/$$/fd; true"
    wanted = {one: two, two: one, same: same}
    status, said = start(program("bash", "-c", script, fds=wanted, **more))
    for fd in readers:
        assert not os.get_inheritable(fd)
        os.close(fd)
    text, *numbers = said.splitlines()
    assert (status, text) == (0, "onetwosame")
    others = fds.inherited() | {255}  # of this process, and bash has one
    assert {int(word) for word in numbers} - others == {0, 1, 2, *readers} - others


@ROADS
def test_nothing_is_left_open_when_programs_were_run(
    more: dict[str, Any], descriptors: Callable[[], list[str]]
) -> None:
    """Also if they could not be."""
    before = descriptors()
    start(program("true", fds={3: 0}, **more))
    refused(program("/nowhere", fds={3: 0}, **more))
    assert descriptors() == before


@ROADS
def test_shell_runs_a_file_when_it_has_no_magic_number(
    tmp_path: pathlib.Path, more: dict[str, Any]
) -> None:
    """As execvp(3) does."""
    path = tmp_path / "script"
    path.write_text('echo "$0 $1"\n')
    path.chmod(0o755)
    assert start(program(str(path), "a", **more)) == (0, f"{path} a\n")


@ROADS
@pytest.mark.parametrize(
    ("name", "number", "hint"),
    [
        ("none", errno.ENOENT, ""),
        ("bad", errno.ENOENT, "the interpreter that it names is missing"),
        ("plain", errno.EACCES, "is it executable?"),
        ("dir", errno.EACCES, "it is a directory"),
        ("file/x", errno.ENOTDIR, ""),
    ],
)
def test_error_says_why_when_a_file_can_not_be_executed(
    tmp_path: pathlib.Path, more: dict[str, Any], name: str, number: int, hint: str
) -> None:
    """With the path, and what is to be done where that is known."""
    (tmp_path / "bad").write_text("#!/nowhere\n")
    (tmp_path / "bad").chmod(0o755)
    (tmp_path / "plain").write_text("")
    (tmp_path / "dir").mkdir()
    (tmp_path / "file").touch()
    error = refused(program(f"{tmp_path}/{name}", **more))
    assert (error.errno, error.stage, error.hint) == (number, "execute", hint)
    assert error.message == f"cannot execute {tmp_path}/{name}: {os.strerror(number)}"


@ROADS
def test_error_says_why_when_words_are_too_many(more: dict[str, Any]) -> None:
    """The kernel counts words and variables together."""
    words = ["x" * 100_000] * 100
    error = refused(program("true", *words, **more))
    assert (error.errno, error.stage) == (errno.E2BIG, "execute")
    assert error.hint == "its command and its environment are too long together"


@ROADS
def test_error_names_the_directory_when_it_can_not_be_entered(more: dict[str, Any]) -> None:
    """Not the program."""
    error = refused(program("/bin/true", directory="/nowhere", **more))
    assert error.errno == errno.ENOENT
    text = "enter /nowhere: " if not more else "enter /nowhere for /bin/true: "
    assert error.message == f"cannot {text}No such file or directory"


def test_exit_code_tells_not_found_when_nobody_reads_the_report() -> None:
    """127 or 126, as that of a shell."""
    for path, code in (("/nowhere", 127), ("/etc/passwd", 126), ("/bin/true", 0)):
        child = Spawner().spawn(program(path, **FULL))
        assert child.report is not None
        os.close(child.report)
        assert os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1]) == code


def test_outcome_is_not_known_when_the_child_has_not_got_that_far() -> None:
    """It never waits."""
    reader, writer = os.pipe()
    made = program("cat", fds={0: reader}, **FULL)

    def wait() -> None:
        os.read(reader, 1)

    real, seam.setsid = seam.setsid, wait
    try:
        child = Spawner().spawn(made)
        os.close(reader)
        with pytest.raises(BlockingIOError):
            child.outcome()
    finally:
        seam.setsid = real
        os.write(writer, b"x")
        os.close(writer)
    os.waitpid(child.pid, 0)
    assert child.report is not None
    assert child.outcome() is None
    os.close(child.report)


@pytest.mark.parametrize(
    ("more", "fault", "stage", "number", "hint"),
    [
        ({}, "fork:EAGAIN", "fork for", errno.EAGAIN, "a limit on processes is reached"),
        ({}, "fork:ENOMEM", "fork for", errno.ENOMEM, ""),
        ({}, "fork:EPERM", "execute", errno.EPERM, ""),
        ({"fds": {0: 3, 3: 0}}, "fcntl:EMFILE", "pass descriptors to", errno.EMFILE, ""),
        (FULL, "fork:EAGAIN", "fork for", errno.EAGAIN, "a limit on processes is reached"),
        (FULL, "pipe:EMFILE", "make a pipe for", errno.EMFILE, ""),
        (FULL, "setsid:EPERM", "make a session for", errno.EPERM, ""),
        (FULL, "dup2:EMFILE", "pass descriptors to", errno.EMFILE, ""),
        (FULL, "execve:EIO", "execute", errno.EIO, ""),
    ],
)
def test_error_names_the_step_when_the_kernel_refuses_one(
    more: dict[str, Any], fault: str, stage: str, number: int, hint: str,
    failing: Callable[[str], None], descriptors: Callable[[], list[str]],
) -> None:  # fmt: skip
    """And nothing is left open."""
    before = descriptors()
    failing(fault)
    error = refused(program("/bin/true", **more))
    assert (error.stage, error.errno, error.hint) == (stage, number, hint)
    assert descriptors() == before


def test_error_has_a_number_when_the_kernel_gave_none(failing: Callable[[str], None]) -> None:
    """An error that nobody thought of ends the child, and is told as EIO of the step."""
    failing("setsid:ValueError")
    error = refused(program("/bin/true", **FULL))
    assert (error.stage, error.errno) == ("make a session for", errno.EIO)


def test_copy_of_init_ends_when_it_may_not_even_say_why(failing: Callable[[str], None]) -> None:
    """A filter of system calls may forbid the report; nothing of init may run on."""
    failing("setsid:EPERM,write:EPERM")
    child = Spawner().spawn(program("/bin/true", **FULL))
    assert os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1]) == 126
    assert child.report is not None
    os.close(child.report)


def test_pid_is_told_when_variables_are_to_hold_it() -> None:
    """Its own, in each of them."""
    made = program("sh", "-c", "echo $$,$A,$B", env={"A": "0"}, own_pid=["A", "B"])
    _, said = start(made)
    pid, one, other = said.strip().split(",")
    assert pid == one == other
    assert made.env["A"] == "0"


@ROADS
def test_soft_limit_is_that_of_the_caller_when_init_has_raised_its_own(
    more: dict[str, Any],
) -> None:
    """Init itself keeps what it has."""

    def work() -> list[object]:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
        soft = fds.raise_limit()
        said = [start(program("sh", "-c", "ulimit -Sn", **more), Spawner(soft))[1]]
        said.append(start(program("sh", "-c", "ulimit -Sn", **more), Spawner())[1])
        return [*said, resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard), hard]

    given, raised, same, hard = in_child(work)
    assert (given, raised, same) == ("512\n", f"{hard}\n", True)


def test_limit_of_init_is_left_alone_when_it_is_that_of_the_caller() -> None:
    """No call is made for it."""

    def work() -> list[str]:
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        spawner = Spawner(soft)
        called: list[str] = []
        seam.inject(called.append)
        start(program("true"), spawner)
        return called

    assert "setrlimit" not in in_child(work)


def test_init_stays_where_it_is_when_it_says_where(tmp_path: pathlib.Path) -> None:
    """Without that it is in / after each; whoever can't go back does so the next time."""

    def work(tries: pathlib.Path) -> list[object]:
        os.chdir(tries)
        called: list[str] = []
        road = Road(Attributes(()), None, str(tries))
        made = program("sh", "-c", "pwd > out", directory=str(tries))
        seam.inject(called.append)
        os.waitpid(road.take(made, "/bin/sh", {}), 0)
        seam.inject(None)
        seen: list[object] = [(tries / "out").read_text(), "chdir" in called]
        elsewhere = program("true", directory="/usr")
        seam.inject(seam.Plan("chdir:EACCES@2"))
        os.waitpid(road.take(elsewhere, "/bin/true", {}), 0)
        seen.append(os.getcwd())
        (tries / "out").unlink()
        os.waitpid(road.take(made, "/bin/sh", {}), 0)  # it enters its directory, where init was
        seen += [(tries / "out").read_text(), os.getcwd()]
        called.clear()
        seam.inject(called.append)
        os.waitpid(road.take(made, "/bin/sh", {}), 0)
        return [*seen, "chdir" in called]

    assert in_child(lambda: work(tmp_path)) == [
        f"{tmp_path}\n", False, "/usr", f"{tmp_path}\n", str(tmp_path), False,
    ]  # fmt: skip


def test_blocks_are_made_anew_when_words_or_variables_are_others() -> None:
    """A program that is started again at once has those of before."""
    road = Road(Attributes(()), None)
    first = program("true")
    one = road._blocks(first.argv, first.env)
    assert road._blocks(("true",), dict(first.env)) is not one
    assert road._blocks(("true",), dict(first.env)) == one
    assert road._blocks(("false",), first.env)[0] is not one[0]
    two = road._blocks(("false",), first.env)
    first.env["A"] = "1"  # it is not that of before any more
    assert road._blocks(("false",), first.env)[1] is not two[1]


# --- As somebody else -----------------------------------------------------------------------------


@pytest.mark.usefixtures("needs_root")
def test_ids_are_those_of_the_user_when_there_is_one(tmp_path: pathlib.Path) -> None:
    """All of them; its directory need not let it in, and init enters it."""
    made = program(
        "/bin/sh", "-c", "id -u; id -g; id -G; pwd", directory=str(tmp_path),
        identity=(1234, 1235, (1235, 7)),
    )  # fmt: skip
    tmp_path.chmod(0o700)
    assert start(made) == (0, f"1234\n1235\n1235 7\n{tmp_path}\n")


@pytest.mark.usefixtures("needs_root")
def test_directory_is_entered_as_the_user_when_init_may_not(failing: Callable[[str], None]) -> None:
    """On a network file system root may have fewer rights than the user."""
    made = program("/bin/pwd", directory="/tmp", identity=(1234, 1235, ()))
    failing("chdir:EACCES@1")
    assert start(made) == (0, "/tmp\n")
    failing("chdir:EACCES")
    assert refused(made).stage == "enter /tmp for"
    failing("chdir:ENOENT@1")
    error = refused(made)
    assert (error.stage, error.errno) == ("enter /tmp for", errno.ENOENT)


@pytest.mark.usefixtures("needs_root")
@pytest.mark.parametrize(
    ("fault", "stage"),
    [
        ("setgroups:EPERM", "set the groups of"),
        ("setresgid:EINVAL", "set the group of"),
        ("setresuid:EPERM", "set the user of"),
        ("setresuid:EAGAIN", "set the user of"),
    ],
)
def test_error_says_what_helps_when_ids_can_not_be_set(
    fault: str, stage: str, failing: Callable[[str], None]
) -> None:
    """A user namespace may have none but root's."""
    failing(fault)
    error = refused(program("/bin/true", identity=(1234, 1235, ())))
    hint = "not root, or the user namespace has no such id: a rootless sandbox has only root's"
    if "EAGAIN" in fault:
        hint = "a limit on processes is reached"
    assert (error.stage, error.hint) == (stage, hint)


def test_umask_is_set_when_it_is_asked_for_on_the_fork_road() -> None:
    """After everything that init makes for it."""
    assert start(program("sh", "-c", "umask", umask=0o27, **FULL)) == (0, "0027\n")


def test_name_is_looked_up_when_it_has_no_slash(tmp_path: pathlib.Path) -> None:
    """In the PATH of the program, relative to its directory."""
    (tmp_path / "tool").write_text("#!/bin/sh\necho found")
    (tmp_path / "tool").chmod(0o755)
    made = program("tool", env={"PATH": "."}, directory=str(tmp_path))
    assert start(made) == (0, "found\n")
    error = refused(program("no-such-tool"))
    assert (error.stage, error.errno) == ("find", errno.ENOENT)


def test_report_is_readable_when_the_exec_has_failed() -> None:
    """Whoever waits for it is told at once."""
    child = Spawner().spawn(program("/nowhere", tuning=Tuning(nice=1)))
    assert child.report is not None
    assert select.select([child.report], [], [], 60)[0]
    os.waitpid(child.pid, 0)
    error = child.outcome()
    assert error is not None
    assert (child.path, error.errno) == ("/nowhere", errno.ENOENT)
    os.close(child.report)


def test_last_outcome_is_none_when_it_can_not_be_read() -> None:
    """What has ended is not asked again."""
    reader, writer = os.pipe()
    os.close(writer)
    os.set_blocking(reader, False)
    assert Child(pid=1, path="x", report=reader).last_outcome() is None
    os.close(reader)
    assert Child(pid=1, path="x", report=reader).last_outcome() is None
