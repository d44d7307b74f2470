"""A program made ready: from the keys of its service, before there is a process."""

from __future__ import annotations

import errno
import os
import resource
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.errors import SpawnError
from nsinit.model.spec import Service
from nsinit.model.types import UNLIMITED, Words
from nsinit.process.identity import find_account
from nsinit.process.program import (
    Program,
    Surroundings,
    Tuning,
    candidates,
    find_executable,
    in_place_of_init,
    on_descriptors,
    prepare,
)
from nsinit.process.steps import Enclosure
from tests.kernel.conftest import in_child

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Mapping

ME = Words(("x",))


def made(
    around: Surroundings | None = None, own: Mapping[str, str] | None = None, **keys: Any
) -> Program:
    """The program of a service with these keys."""
    around = around or Surroundings("/here", {"PATH": "/bin"})
    return prepare(Service(command=ME, **keys), around, own or {})


def test_nothing_is_set_when_a_service_asks_for_nothing() -> None:
    """So that it can take the quick road."""
    found = made(own={"A": "1"})
    assert found == Program(argv=("x",), env={"PATH": "/bin", "A": "1"}, directory="/here/")
    assert found.name == "x"


@pytest.mark.parametrize(
    ("wanted", "directory"),
    [(None, "/here/"), ("sub", "/here/sub"), ("/else", "/else"), ("", "/here/")],
)
def test_directory_begins_where_init_was_started_when_it_is_relative(
    wanted: str | None, directory: str
) -> None:
    """An absolute one is itself."""
    assert made(working_dir=wanted).directory == directory


def test_keys_are_those_of_the_service_when_it_has_some() -> None:
    """Priorities, limits, umask."""
    found = made(
        umask=0o27, nice=3, ioprio=(2, 4), scheduler=(1, 2), cpu_affinity=(0, 1), oom_score_adj=9,
        limits={"nofile": (10, 20), "core": (0, UNLIMITED)},
    )  # fmt: skip
    assert found.umask == 0o27
    assert found.rlimits == (("nofile", 10, 20), ("core", 0, resource.RLIM_INFINITY))
    assert found.tuning == Tuning(
        nice=3, ioprio=(2, 4), scheduler=(1, 2), cpu_affinity=(0, 1), oom_score_adj=9
    )


@pytest.mark.parametrize(
    ("tty", "found"), [(True, ""), ("/dev/tty9", "/dev/tty9"), (None, None), (False, None)]
)
def test_terminal_is_stdin_when_init_makes_it(tty: str | bool | None, found: str | None) -> None:
    """A device is opened by its path."""
    tuning = made(tty=tty).tuning
    assert (tuning.tty if tuning else None) == found


def test_descriptors_are_passed_when_init_was_given_them() -> None:
    """As the same numbers; others are told."""
    around = Surroundings("/", {}, passable=frozenset({3, 7}))
    assert made(around, pass_fds=[7, 3]).fds == {7: 7, 3: 3}
    with pytest.raises(SpawnError, match="cannot pass descriptor 4 to x: Bad file") as caught:
        made(around, pass_fds=[3, 4])
    assert caught.value.errno == errno.EBADF
    assert caught.value.hint == "nsinit was not started with it: nsinit run 4<FILE"


# --- Users ----------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: pathlib.Path) -> str:
    """A root file system with an account."""
    (tmp_path / "etc").mkdir()
    text = "me:x:1234:1235:/me:/home/me:/bin/mine\nno:x:9:9::/:/no/shell\nodd:x:8:8::/:/bin/sh\n"
    (tmp_path / "etc/passwd").write_text(text)
    (tmp_path / "etc/group").write_text("mine:x:1235:\nadm:x:41:me\n")
    return str(tmp_path)


def inside(root: str, **more: Any) -> Surroundings:
    """What every service gets, where each is in that root."""
    asked: list[Any] = more.pop("asked", [])

    def enclose(spec: Service, env: Mapping[str, str], beside: int) -> Enclosure:
        asked.append((spec.command, dict(env), beside))
        return Enclosure(root=root)

    return Surroundings("/here", {"PATH": "/a:b::"}, enclose=enclose, **more)


@pytest.mark.usefixtures("needs_root")
def test_user_is_that_of_its_root_when_it_has_one(root: str) -> None:
    """With the variables of the account; it is found in its root, and begins there."""
    asked: list[Any] = []
    around = inside(root, asked=asked)
    found = made(around, user="me", working_dir="w", own={"HOME": "/own", "A": "1"})
    assert found.identity == (1234, 1235, (1235, 41))
    assert found.env == {
        "PATH": "/a:b::", "HOME": "/own", "USER": "me", "LOGNAME": "me", "SHELL": "/bin/mine",
        "A": "1",
    }  # fmt: skip
    assert found.directory == "/w"
    assert asked == [(("x",), {"HOME": "/own", "A": "1"}, 0)]
    prepare(Service(command=ME), around, {}, 77)
    assert asked[1] == (("x",), {}, 77)
    found = made(inside(root), user=77)
    assert {found.env[name] for name in ("USER", "LOGNAME")} == {"77"}
    assert (found.env["HOME"], found.env["SHELL"]) == ("/", "/bin/sh")


def test_variables_are_those_of_init_when_only_a_group_is_named(root: str) -> None:
    """It is no other user."""
    found = made(inside(root), group="adm")
    assert "HOME" not in found.env
    assert found.identity is not None
    assert found.identity[1:] == (41, (41,))


@pytest.mark.usefixtures("needs_root")
@pytest.mark.parametrize(
    ("ids", "keys", "has"),
    [
        ((0, 0, [0]), {"user": 0}, True),
        ((0, 0, [0, 5]), {"user": 0}, False),  # groups of the account alone
        ((0, 0, [0, 5]), {"user": 0, "groups": [5]}, True),
        ((0, 0, []), {"user": 0}, True),
        ((0, 0, []), {"user": 0, "group": 5}, False),
        ((7, 8, [5]), {"user": 7, "group": 8}, True),  # it could set no other ones
        ((7, 8, [5]), {"user": 7, "group": 9}, False),
        ((7, 8, [5]), {"user": 9, "group": 8}, False),
        ((7, 8, [5]), {"user": 7, "group": 8, "groups": [6]}, False),
        ((7, 8, [5]), {"user": 7, "group": 8, "groups": [5]}, True),
    ],
)
def test_ids_are_not_set_again_when_init_has_them(
    ids: tuple[int, int, list[int]], keys: dict[str, Any], has: bool
) -> None:
    """Without privilege they could not be."""

    def work() -> bool:
        uid, gid, groups = ids
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
        return made(inside("/nowhere"), **keys).identity is None

    assert in_child(work) == has


# --- In the place of init, and on descriptors -----------------------------------------------------


def test_command_runs_where_init_was_started_when_that_is_there(tmp_path: pathlib.Path) -> None:
    """Else in the root directory."""
    spec = in_place_of_init(["a", "b"], "me", Surroundings(str(tmp_path), {}))
    assert (spec.command, spec.user, spec.working_dir) == (("a", "b"), "me", None)
    spec = in_place_of_init(["a"], None, Surroundings("/nowhere", {}))
    assert (spec.command, spec.user, spec.working_dir) == (("a",), None, "/")


@pytest.mark.parametrize(
    ("user", "shell", "found"),
    [
        (None, "/bin/cat", "/bin/cat"),
        (None, "/nowhere", "/bin/sh"),
        (None, "/etc/passwd", "/bin/sh"),
        (None, None, "/bin/sh"),
        ("root", "/bin/cat", None),
        ("77", "/bin/cat", "/bin/sh"),
    ],
)
def test_shell_is_that_of_the_user_when_no_command_is_given(
    user: str | None, shell: str | None, found: str | None
) -> None:
    """Where it can be executed."""
    env = {} if shell is None else {"SHELL": shell}
    (word,) = in_place_of_init((), user, Surroundings("/", env)).command
    if found is None:
        found = find_account(0).shell
    assert word == found


def test_first_descriptors_are_those_given_when_a_command_runs_on_them() -> None:
    """The terminal that the service in its place would have is not its own."""
    plain = Program(argv=ME, env={})
    found = on_descriptors(plain, [7, 8, 9], terminal=False)
    assert (found.fds, found.tuning) == ({0: 7, 1: 8, 2: 9}, None)
    with_terminal = Program(argv=ME, env={}, tuning=Tuning(tty="/dev/tty9", nice=1))
    assert on_descriptors(with_terminal, [7], terminal=False).tuning == Tuning(nice=1)
    assert on_descriptors(with_terminal, [7], terminal=True).tuning == Tuning(nice=1, tty="")
    assert on_descriptors(Program(argv=ME, env={}), [7], terminal=True).tuning == Tuning(tty="")


@pytest.mark.usefixtures("needs_root")
def test_terminal_is_the_users_when_a_command_runs_as_one(tmp_path: pathlib.Path) -> None:
    """So that it can be opened by its name; where that can't be, it goes on."""
    path = tmp_path / "tty"
    path.touch()
    fd = os.open(path, os.O_RDWR)
    group = path.stat().st_gid
    as_user = Program(argv=ME, env={}, identity=(1234, 1235, ()))
    on_descriptors(as_user, [fd], terminal=False)
    assert path.stat().st_uid == 0
    on_descriptors(as_user, [fd], terminal=True)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, group)
    os.close(fd)
    on_descriptors(as_user, [fd], terminal=True)


# --- Its file -------------------------------------------------------------------------------------


def test_file_is_looked_up_when_the_root_is_that_of_init(tmp_path: pathlib.Path) -> None:
    """Before the fork; a path is itself."""
    (tmp_path / "tool").touch(0o755)
    program = Program(argv=("tool",), env={"PATH": "."}, directory=str(tmp_path))
    assert os.path.samefile(find_executable(program), tmp_path / "tool")
    assert candidates(program) == []
    assert find_executable(Program(argv=("./x",), env={})) == "./x"
    assert find_executable(Program(argv=("sh",), env={})).endswith("bin/sh")  # the usual PATH


def test_child_looks_for_the_file_when_it_has_a_root_of_its_own() -> None:
    """In each place of its PATH, from its directory on."""
    program = Program(
        argv=("tool",), env={"PATH": "/a:b::"}, directory="/w", enclosure=Enclosure(root="/r")
    )
    assert find_executable(program) == "tool"
    assert candidates(program) == ["/a/tool", "/w/b/tool", "/w/./tool", "/w/./tool"]
    program = Program(argv=("tool",), env={}, enclosure=Enclosure(root="/r"))
    assert "/usr/bin/tool" in candidates(program)
    program = Program(argv=("a/tool",), env={}, enclosure=Enclosure(root="/r"))
    assert (find_executable(program), candidates(program)) == ("a/tool", [])
    program = Program(argv=("sh",), env={}, enclosure=Enclosure())
    assert find_executable(program).endswith("bin/sh")
    assert candidates(program) == []
