"""Namespaces by clone, unshare and setns, in real processes."""

from __future__ import annotations

import errno
import os
import pathlib
import signal
import socket
import threading
import time

import pytest

from nsinit.errors import SyscallError
from nsinit.kernel import interfaces, libc, namespaces
from tests.kernel.conftest import in_child
from tests.support.namespaces import FILES, KINDS

pytestmark = pytest.mark.usefixtures("needs_root")


def _inodes(pid: int | str = "self") -> dict[str, str]:
    return {kind: os.readlink(f"/proc/{pid}/ns/{FILES[kind]}") for kind in KINDS}


def _held(flags: int) -> tuple[int, int]:
    """A process in new namespaces that stays until it is killed."""
    pid, pidfd = libc.clone3(flags, signal.SIGCHLD)
    if pid == 0:
        signal.pause()
        os._exit(0)
    return pid, pidfd


def _end(pid: int, pidfd: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(pidfd)


@pytest.mark.row(1, 2)
def test_process_is_in_new_namespaces_of_all_kinds_when_cloned() -> None:
    """One call, all flags or-ed together; the pidfd is the child's."""
    flags = namespaces.flags_of(namespaces.FLAGS)
    before = _inodes()
    pid, pidfd = _held(flags)
    try:
        assert not set(before.values()) & set(_inodes(pid).values())
        assert f"Pid:\t{pid}\n" in pathlib.Path(f"/proc/self/fdinfo/{pidfd}").read_text()
        assert _inodes() == before
    finally:
        _end(pid, pidfd)


@pytest.mark.row(2)
def test_process_shares_what_the_flags_say_when_cloned() -> None:
    """With CLONE_FS the directory is common, so that a change of it is seen by the parent."""

    def directory(flags: int) -> str:
        os.chdir("/")
        pid, pidfd = libc.clone3(flags, signal.SIGCHLD)
        if pid == 0:
            os.chdir("/proc")
            os._exit(0)
        os.waitpid(pid, 0)
        os.close(pidfd)
        return os.getcwd()

    assert in_child(lambda: directory(0)) == "/"
    assert in_child(lambda: directory(libc.CLONE_FS)) == "/proc"


@pytest.mark.row(3)
@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"pid", "time"}))
def test_caller_itself_moves_when_it_unshares(kind: namespaces.Kind) -> None:
    """No new process, and no other kind; its parent stays."""
    before = _inodes()

    def moved() -> tuple[int, set[str]]:
        pid = os.getpid()
        libc.unshare(namespaces.FLAGS[kind])
        after = _inodes()
        return os.getpid() - pid, {k for k in KINDS if after[k] != before[k]}

    assert in_child(moved) == (0, {kind})
    assert _inodes() == before


@pytest.mark.row(3)
def test_files_and_directory_are_ones_own_again_when_unshared() -> None:
    """CLONE_FILES, CLONE_FS and CLONE_SYSVSEM undo what threads and clones have in common."""

    def apart() -> tuple[str, bool]:
        os.chdir("/")
        fd = os.open("/", os.O_RDONLY)
        pid, pidfd = libc.clone3(libc.CLONE_FS | libc.CLONE_FILES, signal.SIGCHLD)
        if pid == 0:
            libc.unshare(libc.CLONE_FILES | libc.CLONE_FS | libc.CLONE_SYSVSEM)
            os.chdir("/proc")
            os.close(fd)
            os._exit(0)
        os.waitpid(pid, 0)
        os.close(pidfd)
        return os.getcwd(), os.path.exists(f"/proc/self/fd/{fd}")

    assert in_child(apart) == ("/", True)


@pytest.mark.row(4, 52)
@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"pid", "time"}))
def test_namespace_is_entered_when_its_file_is_open(kind: namespaces.Kind) -> None:
    """By an open file that outlives the last member; 0 is any kind, another kind is refused."""
    pid, pidfd = _held(namespaces.FLAGS[kind])
    path = namespaces.path_of(kind, pid)
    there = os.readlink(path)
    fd = os.open(path, os.O_RDONLY)
    _end(pid, pidfd)
    wrong = libc.CLONE_NEWUTS if kind != "uts" else libc.CLONE_NEWIPC

    def entered(flag: int) -> str:
        try:
            libc.setns(fd, flag)
        except SyscallError as error:
            return errno.errorcode[error.errno or 0]
        return os.readlink(f"/proc/self/ns/{FILES[kind]}")

    try:
        assert namespaces.kind_of(fd) == kind
        assert in_child(lambda: entered(namespaces.FLAGS[kind])) == there
        assert in_child(lambda: entered(0)) == there
        assert in_child(lambda: entered(wrong)) == "EINVAL"
    finally:
        os.close(fd)


@pytest.mark.row(5, 51)
def test_namespace_of_a_child_has_another_inode_when_it_is_new() -> None:
    """The others are equal, and pid_for_children follows pid."""
    before = _inodes()
    pid, pidfd = _held(libc.CLONE_NEWPID | libc.CLONE_NEWUTS)
    try:
        after = _inodes(pid)
        assert {kind for kind in KINDS if before[kind] != after[kind]} == {"pid", "uts"}
        assert os.readlink(f"/proc/{pid}/ns/pid_for_children") == after["pid"]
    finally:
        _end(pid, pidfd)


@pytest.mark.row(54)
def test_only_children_move_when_a_pid_namespace_is_unshared_or_entered() -> None:
    """The caller's pid never changes; its next child is 1, or a member."""

    def numbers() -> tuple[int, int, int]:
        pid = os.getpid()
        libc.unshare(libc.CLONE_NEWPID)
        reader, writer = os.pipe()
        first = os.fork()
        if first == 0:
            os.write(writer, str(os.getpid()).encode())
            signal.pause()
        one = int(os.read(reader, 9))
        fd = os.open(f"/proc/{first}/ns/pid", os.O_RDONLY)
        libc.setns(fd, libc.CLONE_NEWPID)
        second = os.fork()
        if second == 0:
            os.write(writer, str(os.getpid()).encode())
            os._exit(0)
        two = int(os.read(reader, 9))
        os.kill(first, signal.SIGKILL)
        return os.getpid() - pid, one, two

    assert in_child(numbers) == (0, 1, 2)


@pytest.mark.row(54)
def test_nobody_is_born_when_process_1_has_ended() -> None:
    """ENOMEM, and a second pid namespace EINVAL: one per launch."""

    def refused() -> tuple[int, int]:
        libc.unshare(libc.CLONE_NEWPID)
        first = os.fork()
        if first == 0:
            os._exit(0)
        os.waitpid(first, 0)
        numbers = []
        for again in (os.fork, lambda: libc.unshare(libc.CLONE_NEWPID)):
            try:
                again()
            except OSError as error:
                numbers.append(error.errno or 0)
        return numbers[0], numbers[1]

    assert in_child(refused) == (errno.ENOMEM, errno.EINVAL)


@pytest.mark.row(55)
def test_joins_are_refused_when_there_are_threads() -> None:
    """So the launcher has none: user and mount namespaces are for a whole process."""

    def refused() -> list[int]:
        stop = threading.Event()
        thread = threading.Thread(target=stop.wait)
        thread.start()
        numbers = []
        for flag in (libc.CLONE_NEWUSER, libc.CLONE_NEWTIME):
            try:
                libc.unshare(flag)
            except SyscallError as error:
                numbers.append(error.errno or 0)
        stop.set()
        thread.join()
        return numbers

    assert in_child(refused)[0] == errno.EINVAL


@pytest.mark.row(57)
def test_kind_is_supported_when_the_kernel_has_its_file() -> None:
    """All eight here; a kind that no kernel has is not."""
    assert all(namespaces.is_supported(kind) for kind in namespaces.FLAGS)
    assert not namespaces.is_supported("disk")  # type: ignore[arg-type]  # on purpose


def test_kind_is_none_when_the_file_is_no_namespace() -> None:
    """A device, a directory, a pipe."""
    reader, writer = os.pipe()
    opened = [os.open(path, os.O_RDONLY) for path in ("/dev/null", "/")]
    try:
        assert [namespaces.kind_of(fd) for fd in (*opened, reader)] == [None] * 3
    finally:
        for fd in (*opened, reader, writer):
            os.close(fd)


def test_child_is_a_sibling_when_cloned_with_the_parents_parent() -> None:
    """CLONE_PARENT: whoever forked the caller can wait for it, also from another pid namespace."""
    reader, writer = os.pipe()
    between = os.fork()
    if between == 0:
        libc.unshare(libc.CLONE_NEWPID)
        pid, _ = libc.clone3(libc.CLONE_PARENT | libc.CLONE_NEWUTS, 0)
        if pid == 0:
            os._exit(5 if os.getpid() == 1 else 6)
        os.write(writer, str(pid).encode())
        os._exit(0)
    os.waitpid(between, 0)
    pid = int(os.read(reader, 20))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
    os.close(reader)
    os.close(writer)


def test_clocks_are_set_when_nobody_is_in_the_namespace_yet() -> None:
    """Negative offsets and parts of a second too; then it is too late."""

    def clocks() -> tuple[str, int]:
        libc.unshare(libc.CLONE_NEWTIME)
        proc = os.open("/proc", os.O_RDONLY)
        namespaces.set_clocks(proc, {"monotonic": -0.25, "boottime": 86400.5})
        text = pathlib.Path("/proc/self/timens_offsets").read_text()
        os.waitpid(os.fork() or os._exit(0), 0)
        try:
            namespaces.set_clocks(proc, {"monotonic": 1})
        except OSError as error:
            return text, error.errno or 0
        return text, 0

    text, number = in_child(clocks)
    assert [line.split() for line in text.splitlines()] == [
        ["monotonic", "-1", "750000000"],
        ["boottime", "86400", "500000000"],
    ]
    assert number == errno.EACCES
    assert time.clock_gettime(time.CLOCK_BOOTTIME) < 86400 * 3650


def test_loopback_answers_when_brought_up() -> None:
    """Before that the network is unreachable; an interface that is not there is an error."""

    def reach() -> list[int]:
        numbers = []
        for _ in range(2):
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
                numbers.append(sock.connect_ex(("127.0.0.1", 9)))
            interfaces.bring_up("lo")
        try:
            interfaces.bring_up("eth7")
        except OSError as error:
            numbers.append(error.errno or 0)
        return numbers

    wanted = [errno.ENETUNREACH, errno.ECONNREFUSED, errno.ENODEV]
    assert in_child(reach, libc.CLONE_NEWNET) == wanted
