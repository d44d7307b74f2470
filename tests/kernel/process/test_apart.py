"""A program in namespaces of its own, and in what else encloses it."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.kernel import idmaps, seam
from nsinit.process.apart import fork_apart
from nsinit.process.spawner import Spawner
from nsinit.process.steps import Born, Enclosure, StepError
from tests.kernel.conftest import in_child
from tests.kernel.process.conftest import program, refused, start
from tests.support.namespaces import KINDS, namespaces

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("needs_root")


class Do:
    """A step that does something."""

    def __init__(self, name: str, act: Callable[..., object]) -> None:
        self._name, self._act = name, act

    def describe(self) -> str:
        """Its name."""
        return self._name

    def apply(self, init: Born | None = None) -> None:
        """Do it, to an init if there is one."""
        if init is None:
            self._act()
        else:
            self._act(init)

    def undo(self) -> None:
        """There is nothing to take back."""

    def remedy(self, number: int) -> str:
        """The errno in words."""
        return f"about {errno.errorcode[number]}"


def _refuse(*_: object) -> None:
    raise PermissionError(errno.EPERM, "no")


def test_namespaces_are_its_own_when_a_program_has_some() -> None:
    """Those and no others."""
    script = "cd /proc/self/ns; readlink user ipc uts net pid mnt cgroup time"
    made = program("sh", "-c", script, enclosure=Enclosure(kinds=("uts", "ipc")))
    status, said = start(made)
    there = dict(zip(KINDS, said.split(), strict=True))
    assert status == 0
    assert {kind for kind, value in namespaces().items() if value != there[kind]} == {"uts", "ipc"}


def test_child_waits_when_its_maps_are_to_be_written() -> None:
    """By init, which has its pid and a pidfd."""
    seen: list[Born] = []

    def write(init: Born) -> None:
        seen.append(init)
        idmaps.write_map(init.pid, "uid", "0 4321 1")
        assert os.readlink(f"/proc/self/fd/{init.pidfd}") == "anon_inode:[pidfd]"

    outside: Any = (Do("write maps", write),)
    status, said = start(
        program("/bin/cat", "/proc/self/uid_map", enclosure=Enclosure(("user",), outside))
    )
    assert (status, said.split()) == (0, ["0", "4321", "1"])
    assert len(seen) == 1


def test_child_ends_by_itself_when_something_of_it_failed(
    descriptors: Callable[[], list[str]],
) -> None:
    """It has not begun; the error says what, and what helps."""
    before = descriptors()
    outside: Any = (Do("write maps", _refuse),)
    error = refused(program("/bin/true", enclosure=Enclosure(("user",), outside)))
    assert error.message == "cannot write maps for /bin/true: Operation not permitted"
    assert (error.errno, error.hint) == (errno.EPERM, "about EPERM")
    assert os.waitstatus_to_exitcode(os.waitpid(-1, 0)[1]) == 126
    with pytest.raises(StepError):
        fork_apart(("uts",), outside)
    os.waitpid(-1, 0)
    assert descriptors() == before


@pytest.mark.parametrize("fault", ["pipe:EMFILE", "clone3:ENOSPC"])
def test_error_says_what_helps_when_the_kernel_makes_no_namespace(
    fault: str, failing: Callable[[str], None], descriptors: Callable[[], list[str]]
) -> None:
    """And nothing is left open."""
    before = descriptors()
    made = program("/bin/true", enclosure=Enclosure(("uts",)))
    failing(fault + "@2" if "pipe" in fault else fault)
    error = refused(made)
    assert error.stage == "make namespaces for"
    assert ("a limit is reached" in error.hint) == ("ENOSPC" in fault)
    assert descriptors() == before


def test_copy_of_init_ends_when_it_can_not_read(failing: Callable[[str], None]) -> None:
    """Whatever fails in it before it is told to go on."""

    def work() -> int:
        me = os.getpid()
        seam.inject(lambda name: None if name != "read" or os.getpid() == me else _refuse())
        with contextlib.suppress(BrokenPipeError):  # it may have ended before it is told
            fork_apart(("uts",), ())
        seam.inject(None)
        return os.waitstatus_to_exitcode(os.waitpid(-1, 0)[1])

    assert in_child(work) == 126
    failing("")


def test_steps_are_taken_in_their_order_when_there_are_many(tmp_path: pathlib.Path) -> None:
    """The first before all else, the last as the user; each in the child alone."""
    log = tmp_path / "log"
    tmp_path.chmod(0o777)
    log.touch(0o666)
    log.chmod(0o666)
    for path in tmp_path.parents:  # how many are the tests' own depends on who runs them
        if path.stat().st_uid == os.getuid() and not path.stat().st_mode & 0o1:
            path.chmod(0o755)

    def note(name: str) -> Any:
        def act() -> None:
            with log.open("a") as file:
                leads = os.getsid(0) == os.getpid()
                file.write(f"{name} {os.geteuid()} {int(leads)} {os.getcwd()}\n")

        return (Do(name, act),)

    made = program(
        "/bin/true", directory="/usr", identity=(4321, 4321, ()), umask=0o77,
        enclosure=Enclosure(
            first=note("first"), before=note("before"), ids=note("ids"), last=note("last")
        ),
    )  # fmt: skip
    here = os.getcwd()
    assert start(made)[0] == 0
    wanted = [f"first 0 0 {here}", f"before 0 1 {here}", "ids 0 1 /usr", "last 4321 1 /usr"]
    assert log.read_text().splitlines() == wanted
    log.write_text("")
    made = program(
        "/bin/true", directory="/usr", enclosure=Enclosure(ids=note("ids"), last=note("last"))
    )
    assert start(made)[0] == 0
    assert log.read_text().splitlines() == ["ids 0 1 /usr", "last 0 1 /usr"]


@pytest.mark.parametrize("part", ["first", "before", "ids", "last"])
def test_error_names_the_step_when_one_fails_in_the_child(part: str) -> None:
    """With what its step knows to help."""
    wrong: Any = {part: (Do("close the door", _refuse),)}
    error = refused(program("/bin/true", enclosure=Enclosure(**wrong)))
    assert (error.stage, error.errno, error.hint) == (
        "close the door for", errno.EPERM, "about EPERM",
    )  # fmt: skip


def test_file_is_looked_for_inside_when_a_program_has_its_own_root(tmp_path: pathlib.Path) -> None:
    """Only the child can see what is there: it tries each place of PATH."""
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    script = tmp_path / "c" / "tool"
    script.write_text("echo found $0")
    enclosure = Enclosure(root="/elsewhere")

    def made(path: str, name: str = "tool", **more: Any) -> Any:
        where = str(tmp_path)
        return program(name, env={"PATH": path}, directory=where, enclosure=enclosure, **more)

    def code(path: str, name: str = "tool") -> int:
        child = Spawner().spawn(made(path, name))
        status = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
        error = child.outcome()
        assert child.report is not None
        os.close(child.report)
        assert (error is None) == (status == 0)
        return error.errno if error is not None else 0

    assert code("a:b:/nowhere") == errno.ENOENT
    assert code("a:c:b") == errno.EACCES  # it is there, and can't be executed
    script.chmod(0o755)
    assert start(made("a:b:c")) == (0, f"found {tmp_path}/c/tool\n")
    assert code("a:b:c") == 0
    (tmp_path / "b" / "tool").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "b" / "tool").chmod(0o755)
    assert start(made("a:b:c")) == (0, "")  # the first
    assert code("a", "./c/tool") == 0  # from its directory
    assert code("c", "./tool") == errno.ENOENT


def test_child_ends_when_it_fails_before_its_first_step() -> None:
    """A forked copy of init does not live on as a second one."""

    def look() -> int:
        seam.inject(seam.Plan("read:EIO"))
        with contextlib.suppress(BrokenPipeError):  # it may be gone before it is told to go on
            fork_apart(["uts"], [])
        return os.waitstatus_to_exitcode(os.wait()[1])

    assert in_child(look) == 126
