"""Id maps of real user namespaces: what the kernel takes, and why it does not take the rest."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsinit.kernel import idmaps, libc
from nsinit.model.idmaps import IDS, Row, faults, text
from tests.kernel.conftest import in_child

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("needs_root")


@contextlib.contextmanager
def namespaced() -> Iterator[int]:
    """The pid of a process in a new user namespace without maps."""
    reader, writer = os.pipe()
    pid, pidfd = libc.clone3(libc.CLONE_NEWUSER, signal.SIGCHLD)
    if pid == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    os.close(reader)
    os.close(pidfd)
    try:
        yield pid
    finally:
        os.close(writer)
        os.waitpid(pid, 0)


def refused(pid: int, rows: str) -> tuple[int, str]:
    """The errno of a write, and what it is explained with; (0, "") if it works."""
    try:
        idmaps.write_map(pid, "uid", rows)
    except OSError as error:
        number = error.errno or 0
        return number, idmaps.why_refused(pid, "uid", rows, number)
    return 0, ""


@pytest.mark.row(27)
def test_second_write_is_refused_when_a_map_is_there() -> None:
    """Whatever it says, even the same."""
    with namespaced() as pid:
        assert refused(pid, "0 0 1") == (0, "")
        assert idmaps.read_map(pid, "uid").split() == ["0", "0", "1"]
        number, why = refused(pid, "0 0 1")
    assert number == errno.EPERM
    assert "only one write" in why


@pytest.mark.row(27)
def test_write_is_refused_when_the_writer_is_in_no_parent() -> None:
    """Root of the host has every capability, and yet it is the wrong namespace."""

    def grandchild() -> tuple[int, str]:
        reader, writer = os.pipe()
        mapped, told = os.pipe()
        pid = libc.clone3(libc.CLONE_NEWUSER, signal.SIGCHLD)[0]
        if pid == 0:
            try:
                os.read(mapped, 1)  # who has no id here may make no namespace
                inner = libc.clone3(libc.CLONE_NEWUSER, signal.SIGCHLD)[0]
                if inner:
                    os.write(writer, str(inner).encode())
                signal.pause()
            finally:
                os._exit(1)
        idmaps.write_map(pid, "uid", "0 0 1")
        idmaps.write_map(pid, "gid", "0 0 1")
        os.write(told, b"x")
        inner = int(os.read(reader, 20))
        try:
            return refused(inner, "0 0 1")
        finally:
            for one in (inner, pid):
                os.kill(one, signal.SIGKILL)
            os.waitpid(pid, 0)

    number, why = in_child(grandchild)
    assert number == errno.EPERM
    assert "in no child of our user namespace" in why


@pytest.mark.row(27)
def test_write_is_refused_when_the_writer_lacks_the_capability() -> None:
    """An ordinary user maps the own id and no other."""

    def ordinary() -> tuple[int, str, int]:
        os.setresgid(5000, 5000, 5000)
        os.setresuid(5000, 5000, 5000)
        libc.prctl(libc.PR_SET_DUMPABLE, 1, "dumpable")
        with namespaced() as pid:
            number, why = refused(pid, "0 5001 1")
            assert not idmaps.may_map_any()
            return number, why, refused(pid, "0 5000 1")[0]

    number, why, own = in_child(ordinary)
    assert (number, own) == (errno.EPERM, 0)
    assert why == "without CAP_SETUID only the own id (5000) can be mapped"


def test_group_map_is_refused_when_setgroups_is_not_denied() -> None:
    """The condition that is met by one more write."""

    def ordinary() -> tuple[str, str]:
        os.setresgid(5000, 5000, 5000)
        os.setresuid(5000, 5000, 5000)
        libc.prctl(libc.PR_SET_DUMPABLE, 1, "dumpable")
        with namespaced() as pid:
            assert idmaps.setgroups_allowed(pid)
            try:
                idmaps.write_map(pid, "gid", "0 5000 1")
            except OSError as error:
                why = idmaps.why_refused(pid, "gid", "0 5000 1", error.errno or 0)
            idmaps.deny_setgroups(pid)
            assert not idmaps.setgroups_allowed(pid)
            idmaps.write_map(pid, "gid", "0 5000 1")
            return why, idmaps.read_map(pid, "gid")

    why, shown = in_child(ordinary)
    assert why == "without CAP_SETGID setgroups has to be denied first"
    assert shown.split() == ["0", "5000", "1"]


def test_write_is_refused_when_ids_do_not_exist_here() -> None:
    """In a user namespace with one id there is nothing else to map from."""

    def inside() -> tuple[int, str, str]:
        os.read(reader, 1)
        with namespaced() as pid:
            first = refused(pid, "0 5 1")
            return *first, refused(pid, "0 0 1")[1]

    reader, writer = os.pipe()
    answer, told = os.pipe()
    pid = libc.clone3(libc.CLONE_NEWUSER, signal.SIGCHLD)[0]
    if pid == 0:
        try:
            os.write(told, repr(inside()).encode())
        finally:
            os._exit(0)
    os.close(told)
    idmaps.write_map(pid, "uid", "0 0 1")
    idmaps.write_map(pid, "gid", "0 0 1")
    os.write(writer, b"x")
    said = os.read(answer, 4096).decode()
    os.waitpid(pid, 0)
    for fd in (reader, writer, answer):
        os.close(fd)
    assert said == repr((1, "there are uids in it that do not exist here: see /proc/self/uid_map",
        ""))  # fmt: skip


@pytest.mark.row(27)
@pytest.mark.parametrize(
    "rows",
    [
        "", "0 0 4294967296", "4294967295 0 1", "0 0 4294967295", "0 0 1\n0 1 1", "0 0 1\n1 0 1",
        "0 0 0", "\n".join(f"{n} {n} 1" for n in range(340)),
        "\n".join(f"{n} {n} 1" for n in range(341)),
        "\n".join(f"{n + 10**8} {n} 1" for n in range(300)),
    ],
)  # fmt: skip
def test_kernel_and_check_agree_when_a_map_is_an_edge_case(rows: str) -> None:
    """What is refused is found beforehand, and the other way round."""
    made = [Row(*map(int, line.split())) for line in rows.splitlines()]
    with namespaced() as pid:
        number, why = refused(pid, rows)
    assert (number == 0) == (bool(made) and not list(faults(made)))
    assert number in (0, errno.EINVAL)
    assert bool(why) == bool(number)


NUMBERS = st.integers(0, 9) | st.integers(IDS - 5, IDS - 1)


@settings(max_examples=60)
@given(st.lists(st.builds(Row, NUMBERS, NUMBERS, st.integers(0, 5)), min_size=1, max_size=4))
def test_kernel_and_check_agree_when_a_map_is_anything(rows: list[Row]) -> None:
    """The check of a configuration is the kernel's."""
    with namespaced() as pid:
        number, _ = refused(pid, text(rows))
    assert (number == 0) == (not list(faults(rows))), (number, rows)
