"""Namespaces, mounts, names and process attributes by our own wrappers."""

from __future__ import annotations

import errno
import os
import pathlib
import signal
import socket
import subprocess
import sys

import pytest

from nsinit.errors import SyscallError
from nsinit.kernel import idmaps, libc, proc
from tests.kernel.conftest import in_child

ALL = (
    libc.CLONE_NEWPID | libc.CLONE_NEWNS | libc.CLONE_NEWUTS | libc.CLONE_NEWIPC
)  # fmt: skip


@pytest.mark.usefixtures("needs_root")
def test_child_is_pid_1_when_cloned_into_a_pid_namespace() -> None:
    """clone3 with flags: the child is 1 and has no visible parent."""
    assert in_child(lambda: (os.getpid(), os.getppid()), ALL) == (1, 0)


def test_clone_gives_a_pidfd_when_it_works() -> None:
    """The descriptor names the child: it can be waited for by it."""
    pid, pidfd = libc.clone3(0, signal.SIGCHLD)
    if pid == 0:
        os._exit(7)
    try:
        ended = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
        assert ended is not None
        assert (ended.si_pid, ended.si_status) == (pid, 7)
    finally:
        os.close(pidfd)


def test_clone_many_times_when_interpreter_must_stay_sane() -> None:
    """Thirty children that import and allocate: none hangs."""
    for _ in range(30):
        assert in_child(lambda: len([str(n) for n in range(1000)]), libc.CLONE_NEWUSER) == 1000


def test_clone_tells_its_error_when_flags_contradict() -> None:
    """EINVAL, with the name of the call."""
    with pytest.raises(SyscallError, match="cannot clone") as caught:
        libc.clone3(libc.CLONE_NEWNS | 0x200, signal.SIGCHLD)  # CLONE_FS
    assert caught.value.errno == errno.EINVAL


@pytest.mark.usefixtures("needs_root")
def test_names_stay_inside_when_set_in_a_uts_namespace() -> None:
    """Host and domain name, any bytes."""

    def names() -> tuple[str, str]:
        libc.sethostname("con_tainer")
        libc.setdomainname("do.main")
        return socket.gethostname(), pathlib.Path("/proc/sys/kernel/domainname").read_text()

    before = socket.gethostname()
    assert in_child(names, libc.CLONE_NEWUTS) == ("con_tainer", "do.main\n")
    assert socket.gethostname() == before


@pytest.mark.usefixtures("needs_root")
def test_host_name_is_refused_when_too_long() -> None:
    """The kernel's limit is 64 bytes."""

    def refused() -> int | None:
        try:
            libc.sethostname("x" * 65)
        except SyscallError as error:
            return error.errno
        return None

    assert in_child(refused, libc.CLONE_NEWUTS) == errno.EINVAL


@pytest.mark.usefixtures("needs_root")
def test_proc_shows_the_namespace_when_mounted_in_it() -> None:
    """After a private mount of proc only pid 1 is there, and the host sees nothing of it."""

    def inside() -> list[str]:
        libc.mount("", "/", "", libc.MS_REC | libc.MS_PRIVATE)
        libc.mount("proc", "/proc", "proc", libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC)
        return [name for name in os.listdir("/proc") if name.isdigit()]

    before = pathlib.Path("/proc/self/mountinfo").read_text()
    assert in_child(inside, ALL) == ["1"]
    assert pathlib.Path("/proc/self/mountinfo").read_text() == before


def test_mount_tells_what_and_where_when_it_fails() -> None:
    """The object is in the message."""
    with pytest.raises(SyscallError, match="cannot mount proc on /no/where: "):
        libc.mount("proc", "/no/where", "proc", 0)


def test_child_dies_when_its_parent_does() -> None:
    """PR_SET_PDEATHSIG."""
    script = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from nsinit.kernel import proc
reader, writer = os.pipe()
pid = os.fork()
if pid == 0:
    proc.die_with_parent(signal.SIGKILL)
    os.write(writer, b"x")
    signal.pause()
os.read(reader, 1)
print(pid, flush=True)
os._exit(0)
"""
    root = str(pathlib.Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", script, root], capture_output=True, text=True, check=True
    )
    child = int(done.stdout)
    descriptor = None
    try:
        descriptor = os.pidfd_open(child)
    except ProcessLookupError:
        return
    try:
        import select

        assert select.select([descriptor], [], [], 20)[0], "it lives on"
    finally:
        os.close(descriptor)


def test_orphan_is_adopted_when_we_are_a_subreaper() -> None:
    """The grandchild of a dead child becomes ours."""

    def adopt() -> bool:
        libc.become_subreaper()
        reader, writer = os.pipe()
        if os.fork() == 0:
            pid = os.fork()
            if pid == 0:
                signal.pause()
            os.write(writer, str(pid).encode())
            os._exit(0)
        orphan = int(os.read(reader, 20))
        os.wait()
        ours = orphan in (proc.children() or [])
        os.kill(orphan, signal.SIGKILL)
        os.waitpid(orphan, 0)
        return ours

    assert in_child(adopt)


@pytest.mark.parametrize(("uid_lines", "works"), [("0 0 1", True), ("garbage", False)])
@pytest.mark.usefixtures("needs_root")
def test_id_map_is_written_once_when_it_is_right(uid_lines: str, *, works: bool) -> None:
    """The error of the one write(2) that counts is not lost."""
    reader, writer = os.pipe()
    pid, pidfd = libc.clone3(libc.CLONE_NEWUSER, signal.SIGCHLD)
    if pid == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(os.geteuid() % 256)
    try:
        if works:
            idmaps.write_map(pid, "uid", uid_lines)
            with pytest.raises(OSError, match="not permitted"):
                idmaps.write_map(pid, "uid", uid_lines)
        else:
            with pytest.raises(OSError, match="Invalid argument"):
                idmaps.write_map(pid, "uid", uid_lines)
    finally:
        os.close(writer)
        os.close(reader)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(pidfd)
    assert status == (0 if works else 65534 % 256)


def test_descriptors_are_closed_on_exec_when_told_so() -> None:
    """close_range(2) with CLOSE_RANGE_CLOEXEC."""

    def flags() -> list[bool]:
        from nsinit.kernel import fds

        leaked = os.dup(0)
        os.set_inheritable(leaked, True)
        fds.close_on_exec()
        return [os.get_inheritable(leaked), os.get_inheritable(0)]

    assert in_child(flags) == [False, True]
