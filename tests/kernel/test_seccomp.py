"""Filters of system calls on the real kernel, each in a child of its own."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from nsinit import syscalls
from nsinit.errors import SyscallError
from nsinit.kernel import bpf, creds, libc, seam, seccomp
from nsinit.kernel.bpf import Arg, Rule, Table
from tests.kernel.conftest import in_child
from tests.support.live import ORDINARY

if TYPE_CHECKING:
    from collections.abc import Callable

ARCH = seccomp.native_arch()
CALLS = syscalls.numbers(ARCH)


def program(
    rules: dict[str, list[Rule]], default: int = bpf.ALLOW, foreign: int = bpf.KILL_PROCESS
) -> bytes:
    """A filter for this machine, by the names of calls."""
    numbered = {CALLS[name]: given for name, given in rules.items()}
    return bpf.assemble([Table(ARCH, numbered, default)], foreign)


def refuse(number: int, *args: Arg) -> list[Rule]:
    """One rule that answers with an errno."""
    return [Rule(bpf.ERRNO | number, args)]


def under(filter_: bytes, act: Callable[[], object], flags: int = 0) -> object:
    """What comes of an act under a filter: the errno if it fails."""

    def run() -> object:
        creds.set_no_new_privs()
        seccomp.load(filter_, flags)
        try:
            return act()
        except OSError as error:
            return OSError, error.errno

    return in_child(run)


def end_under(filter_: bytes, act: Callable[[], object]) -> int:
    """How a child ends that does something under a filter; 0 if nothing comes of it."""
    pid = os.fork()
    if pid == 0:
        try:
            creds.set_no_new_privs()
            seccomp.load(filter_)
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def call(name: str, *args: int) -> int:
    """A system call by its name."""
    return libc.syscall(name, "", CALLS[name], *args)


def test_errno_is_answered_when_a_call_is_refused() -> None:
    """Any errno; other calls go through."""
    filter_ = program({"uname": refuse(errno.EPERM), "getppid": refuse(errno.EXDEV)})
    assert under(filter_, os.uname) == (OSError, errno.EPERM)
    assert under(filter_, lambda: call("getppid")) == (OSError, errno.EXDEV)
    assert under(filter_, lambda: os.listdir("/proc/self/fd") != []) is True


@pytest.mark.parametrize("action", [bpf.KILL_PROCESS, bpf.KILL_THREAD, bpf.TRAP])
def test_process_ends_by_sigsys_when_a_call_is_deadly(action: int) -> None:
    """SIGSYS, as waitpid tells it."""
    filter_ = program({"uname": [Rule(action)]})
    assert end_under(filter_, os.uname) == -signal.SIGSYS
    assert end_under(filter_, os.getpid) == 0


def test_call_is_made_when_it_is_only_logged() -> None:
    """LOG lets it pass; with the flag that logs refusals too."""
    assert under(program({"uname": [Rule(bpf.LOG)]}), lambda: os.uname().sysname) == "Linux"
    filter_ = program({"uname": refuse(errno.EPERM)})
    assert under(filter_, os.uname, seccomp.FLAG_LOG) == (OSError, errno.EPERM)


@pytest.mark.parametrize(
    ("op", "refused", "passes"),
    [
        ("EQ", [7], [6, 8, 7 + (1 << 32)]),
        ("NE", [6, 8, 7 + (1 << 32)], [7]),
        ("LT", [0, 6], [7, 8, 1 << 32]),
        ("LE", [0, 7], [8, 1 << 32]),
        ("GT", [8, 1 << 32, (1 << 64) - 1], [0, 7]),
        ("GE", [7, 1 << 32], [0, 6]),
    ],
)
def test_argument_decides_when_it_is_compared(
    op: bpf.Compare, refused: list[int], passes: list[int]
) -> None:
    """All 64 bits of it, on a call that looks at none."""
    filter_ = program({"getpid": refuse(errno.EXDEV, Arg(3, op, 7))})

    def answers() -> list[bool]:
        made = []
        for value in refused + passes:
            try:
                call("getpid", 0, 0, 0, value)
            except OSError as error:
                made.append(error.errno == errno.EXDEV)
            else:
                made.append(False)
        return made

    assert under(filter_, answers) == [True] * len(refused) + [False] * len(passes)


def test_number_is_refused_when_it_is_over_the_known_ones() -> None:
    """What came to the kernel later is not there, as far as a program can tell."""
    table = Table(ARCH, {}, bpf.ALLOW, CALLS["openat"], bpf.ERRNO | errno.ENOSYS)
    filter_ = bpf.assemble([table], bpf.KILL_PROCESS)
    newer = max(CALLS.values())
    assert under(filter_, lambda: libc.syscall("x", "", newer)) == (OSError, errno.ENOSYS)


def test_filter_stays_when_a_program_is_executed() -> None:
    """By exec, and for what that starts."""
    filter_ = program({"uname": [Rule(bpf.KILL_PROCESS)]})
    script = "import os; os.getpid(); os.uname()"
    ended = end_under(filter_, lambda: os.execv(sys.executable, [sys.executable, "-c", script]))
    assert ended == -signal.SIGSYS


@pytest.mark.usefixtures("needs_root")
def test_filter_is_refused_when_nothing_was_given_up() -> None:
    """EACCES for an ordinary user without no_new_privs (seccomp(2))."""

    def run() -> int | None:
        os.setresuid(ORDINARY, ORDINARY, ORDINARY)
        with pytest.raises(SyscallError, match="seccomp") as caught:
            seccomp.load(program({}))
        return caught.value.errno

    assert in_child(run) == errno.EACCES


@pytest.mark.usefixtures("needs_root")
def test_filter_is_taken_when_root_keeps_its_powers() -> None:
    """With CAP_SYS_ADMIN no_new_privs is not needed."""

    def run() -> bool:
        seccomp.load(program({}))
        return True

    assert in_child(run)


def test_kernel_refuses_when_it_is_no_program() -> None:
    """Neither an empty one nor one without an end; and the seam can make any of them fail."""

    def run() -> list[int | None]:
        creds.set_no_new_privs()
        made: list[int | None] = []
        for bad in (b"", program({})[:8]):
            with pytest.raises(SyscallError) as caught:
                seccomp.load(bad)
            made.append(caught.value.errno)
        seam.inject(seam.Plan("seccomp:ENOMEM"))
        with pytest.raises(OSError, match="memory"):
            seccomp.load(program({}))
        return made

    assert in_child(run) == [errno.EINVAL, errno.EINVAL]


def by_the_old_gate(number: int) -> int:
    """A call as programs of 32 bits make it, by int 0x80; x86-64 only."""
    code = b"\xb8" + number.to_bytes(4, "little") + b"\x53\x31\xdb\xcd\x80\x5b\xc3"
    with mmap.mmap(-1, len(code), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) as page:
        page.write(code)
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        result = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
        os._exit(0 if result > 0 else -result)


@pytest.mark.skipif(ARCH != "x86_64", reason="needs x86-64: its kernel takes calls of two kinds")
def test_foreign_call_is_answered_by_its_own_rules_when_there_are_some() -> None:
    """Killed without any, else as its own table says: getpid is 20 there."""
    getpid = syscalls.numbers("i386")["getpid"]
    if end_under(program({}, foreign=bpf.ALLOW), lambda: by_the_old_gate(getpid)) != 0:
        pytest.skip("needs a kernel that runs programs of 32 bits")
    assert end_under(program({}), lambda: by_the_old_gate(getpid)) == -signal.SIGSYS
    tables = [
        Table(ARCH, {}, bpf.ALLOW),
        Table("i386", {getpid: refuse(errno.EXDEV)}, bpf.ALLOW),
    ]
    filter_ = bpf.assemble(tables, bpf.KILL_PROCESS)
    assert end_under(filter_, lambda: by_the_old_gate(getpid)) == errno.EXDEV


@pytest.mark.skipif(ARCH != "x86_64", reason="needs x86-64: x32 is a way of its own to call it")
def test_x32_call_is_no_way_around_when_a_call_is_refused() -> None:
    """Its numbers are over the known ones."""
    table = Table(ARCH, {}, bpf.ALLOW, max(CALLS.values()), bpf.ERRNO | errno.EXDEV)
    filter_ = bpf.assemble([table], bpf.KILL_PROCESS)
    number = bpf.X32_BIT | CALLS["getpid"]
    assert under(filter_, lambda: libc.syscall("x", "", number)) == (OSError, errno.EXDEV)
