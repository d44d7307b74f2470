"""Landlock on the real kernel, each rule in a child of its own."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING

import pytest

from nsinit.errors import SyscallError
from nsinit.kernel import creds, landlock, seam
from tests.kernel.conftest import in_child

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

ABI = landlock.abi()
FS, NET, SCOPE = landlock.known(ABI)
pytestmark = pytest.mark.skipif(ABI == 0, reason="needs a kernel with Landlock")


def under(
    wanted: tuple[int, int, int], allow: Callable[[int], object], act: Callable[[], object]
) -> object:
    """What comes of an act under rules: the errno if it fails."""

    def run() -> object:
        creds.set_no_new_privs()
        rules = landlock.create_ruleset(*wanted)
        allow(rules)
        landlock.restrict_self(rules)
        os.close(rules)
        try:
            return act()
        except OSError as error:
            return OSError, error.errno

    return in_child(run)


def test_files_are_out_of_reach_when_no_rule_allows_them(tmp_path: pathlib.Path) -> None:
    """What a rule allows works, and only so far as it goes."""
    inside, outside = tmp_path / "in", tmp_path / "out"
    for directory in (inside, outside):
        directory.mkdir()
        (directory / "file").write_text("x")

    def look() -> list[object]:
        made: list[object] = [(inside / "file").read_text(), os.listdir(inside)]
        forbidden: list[Callable[[], object]] = [
            (outside / "file").read_text,
            lambda: os.listdir(outside),
            lambda: (inside / "file").write_text("y"),
            (inside / "new").mkdir,
            (inside / "file").unlink,
        ]
        for act in forbidden:
            try:
                made.append(act())
            except OSError as error:
                made.append(error.errno)
        return made

    read = landlock.READ_FILE | landlock.READ_DIR
    made = under((FS, 0, 0), lambda rules: landlock.allow_beneath(rules, str(inside), read), look)
    assert made == ["x", ["file"], *[errno.EACCES] * 5]


def test_file_takes_only_its_own_rights_when_a_rule_names_one(tmp_path: pathlib.Path) -> None:
    """Those of directories are left out, which the kernel would refuse."""
    file = tmp_path / "file"
    file.write_text("x")
    assert (
        under(
            (FS, 0, 0), lambda rules: landlock.allow_beneath(rules, str(file), FS), file.read_text
        )
        == "x"
    )
    dirs_only = landlock.READ_DIR
    assert under(
        (FS, 0, 0),
        lambda rules: landlock.allow_beneath(rules, str(file), dirs_only),
        file.read_text,
    ) == (OSError, errno.EACCES)


def test_rule_tells_its_path_when_that_is_missing(tmp_path: pathlib.Path) -> None:
    """As open(2) does."""

    def run() -> str:
        rules = landlock.create_ruleset(FS, 0, 0)
        with pytest.raises(FileNotFoundError) as caught:
            landlock.allow_beneath(rules, str(tmp_path / "none"), FS)
        return str(caught.value.filename)

    assert in_child(run) == str(tmp_path / "none")


@pytest.mark.skipif(not NET, reason="needs Landlock's ABI 4")
def test_ports_are_closed_when_no_rule_opens_them() -> None:
    """To bind and to connect are two things."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def connect() -> str:
            socket.create_connection(("127.0.0.1", port)).close()
            return "connected"

        def bind() -> str:
            socket.create_server(("127.0.0.1", 0)).close()
            return "bound"

        def open_it(rules: int) -> None:
            landlock.allow_port(rules, port, landlock.CONNECT_TCP)

        def any_port(rules: int) -> None:
            landlock.allow_port(rules, 0, landlock.BIND_TCP)

        both = (0, NET, 0)
        assert under(both, open_it, connect) == "connected"
        assert under(both, open_it, bind) == (OSError, errno.EACCES)
        assert under(both, any_port, bind) == "bound"
        assert under(both, any_port, connect) == (OSError, errno.EACCES)
        assert under((0, landlock.BIND_TCP, 0), lambda _: None, connect) == "connected"


@pytest.mark.skipif(not SCOPE, reason="needs Landlock's ABI 6")
def test_others_are_out_of_reach_when_a_scope_is_set() -> None:
    """Signals and abstract sockets of processes that are not under the same rules."""
    parent = os.getpid()
    name = f"\0nsinit-test-{parent}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()

        def connect() -> str:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(name)
            return "connected"

        signals, sockets = landlock.SCOPE_SIGNAL, landlock.SCOPE_ABSTRACT_UNIX
        assert under((0, 0, signals), lambda _: None, lambda: os.kill(parent, 0)) == (
            OSError,
            errno.EPERM,
        )
        assert under((0, 0, signals), lambda _: None, connect) == "connected"
        assert under((0, 0, sockets), lambda _: None, connect) == (OSError, errno.EPERM)
        assert under((0, 0, sockets), lambda _: None, lambda: os.kill(parent, 0)) is None


def test_kernel_knows_more_when_its_abi_is_newer() -> None:
    """What is asked for of an old one is cut down to that; nothing of one that has none."""
    assert landlock.known(0) == (0, 0, 0)
    assert landlock.known(1) == ((1 << 13) - 1, 0, 0)
    assert landlock.known(3)[0] == (1 << 15) - 1
    assert landlock.known(4)[1] == landlock.BIND_TCP | landlock.CONNECT_TCP
    assert landlock.known(7) == ((1 << 16) - 1, 3, 3)


def test_there_is_none_when_the_kernel_does_not_know_the_call() -> None:
    """ENOSYS, or EOPNOTSUPP where it was turned off at boot; other errors are told."""

    def run() -> list[int]:
        made = []
        for word in ("ENOSYS", "EOPNOTSUPP"):
            seam.inject(seam.Plan(f"landlock_create_ruleset:{word}"))
            made.append(landlock.abi())
        seam.inject(seam.Plan("landlock_create_ruleset:ENOMEM"))
        with pytest.raises(OSError, match="memory"):
            landlock.abi()
        return made

    assert in_child(run) == [0, 0]


def test_kernel_refuses_when_it_does_not_know_an_access() -> None:
    """EINVAL, so it has to be asked for its ABI first."""

    def run() -> int | None:
        with pytest.raises(SyscallError) as caught:
            landlock.create_ruleset(1 << 60, 0, 0)
        return caught.value.errno

    assert in_child(run) == errno.EINVAL
