"""Mounts by descriptor, in namespaces of their own."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from nsinit.errors import SyscallError
from nsinit.kernel import idmaps, libc, mountinfo, mounts, seam
from tests.kernel.conftest import in_child

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable
    from typing import Any

pytestmark = pytest.mark.usefixtures("needs_root")


def alone(function: Callable[[], Any]) -> Any:
    """What a function returns in a mount namespace that shares nothing."""

    def inside() -> Any:
        libc.mount("", "/", "", libc.MS_REC | libc.MS_PRIVATE)
        return function()

    return in_child(inside, libc.CLONE_NEWNS)


def opened(path: pathlib.Path | str, flags: int = os.O_PATH) -> int:
    """A descriptor of it."""
    return os.open(path, flags | os.O_CLOEXEC)


def seen(path: pathlib.Path) -> mountinfo.Mount:
    """The mount at a path, in this namespace."""
    return [mount for mount in mountinfo.read() if mount.target == str(path)][-1]


def test_file_system_is_attached_when_it_was_made(tmp_path: pathlib.Path) -> None:
    """With the options of the file system and the attributes of the mount."""

    def inside() -> mountinfo.Mount:
        made = mounts.make("tmpfs", ["size=64k", "mode=711"], mounts.NOSUID | mounts.RDONLY)
        mounts.attach(made, opened(tmp_path))
        return seen(tmp_path)

    mount = alone(inside)
    assert mount.kind == mount.source == "tmpfs"
    assert {"ro", "nosuid"} <= set(mount.options)
    assert {"size=64k", "mode=711"} <= set(mount.super_options)
    assert not os.path.ismount(tmp_path)


def test_error_has_the_kernels_words_when_an_option_is_unknown() -> None:
    """More than "Invalid argument"."""

    def inside() -> tuple[int | None, str]:
        try:
            mounts.make("tmpfs", ["colour=red"])
        except SyscallError as error:
            return error.errno, str(error)
        return 0, ""

    number, text = alone(inside)
    assert number == errno.EINVAL
    assert "colour" in text


def test_option_is_refused_when_it_is_longer_than_the_kernel_takes() -> None:
    """256 bytes with the NUL; before the kernel is asked."""

    def inside() -> int | None:
        try:
            mounts.make("overlay", [f"upperdir={'x' * 256}"])
        except SyscallError as error:
            return error.errno
        return 0

    assert alone(inside) == errno.ENAMETOOLONG


def test_attributes_reach_all_below_when_they_are_set_recursively(tmp_path: pathlib.Path) -> None:
    """Those that were there before stay."""
    (tmp_path / "from").mkdir()
    (tmp_path / "to").mkdir()

    def inside() -> list[tuple[str, ...]]:
        source = tmp_path / "from"
        mounts.attach(mounts.make("tmpfs", ["mode=755"], mounts.NOEXEC), opened(source))
        (source / "below").mkdir()
        mounts.attach(mounts.make("tmpfs"), opened(source / "below"))
        tree = mounts.clone_tree(opened(source), recursive=True)
        mounts.set_attributes(tree, add=mounts.RDONLY | mounts.NOATIME, recursive=True)
        mounts.attach(tree, opened(tmp_path / "to"))
        one = mounts.clone_tree(opened(tmp_path), "from")
        mounts.set_attributes(one, clear=mounts.NOEXEC, propagation=mounts.SHARED)
        mounts.attach(one, opened(tmp_path), "from")
        found = [seen(tmp_path / "to"), seen(tmp_path / "to/below")]
        assert not (tmp_path / "from/below/x").exists()
        shared = [m for m in mountinfo.read() if m.target == str(tmp_path / "from")][-1]
        assert shared.tags
        assert "noexec" not in shared.options
        return [mount.options for mount in found]

    first, second = alone(inside)
    assert {"ro", "noexec", "noatime"} <= set(first)
    assert {"ro", "noatime"} <= set(second)
    assert "noexec" not in second


def test_ids_are_shifted_when_a_mount_has_a_user_namespace(tmp_path: pathlib.Path) -> None:
    """Root's file is another's, seen through the mount."""
    (tmp_path / "from").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "from/file").write_text("x")
    (tmp_path / "other").mkdir()

    def inside() -> tuple[int, int]:
        import signal
        import time

        pid = libc.clone3(libc.CLONE_NEWUSER, signal.SIGCHLD)[0]
        if pid == 0:
            time.sleep(60)
            os._exit(0)
        idmaps.write_map(pid, "uid", "0 1000 1")
        idmaps.write_map(pid, "gid", "0 1000 1")
        user = opened(f"/proc/{pid}/ns/user", os.O_RDONLY)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        tree = mounts.clone_tree(opened(tmp_path / "from"))
        mounts.set_attributes(tree, user_namespace=user)
        mounts.attach(tree, opened(tmp_path / "to"))
        found = (tmp_path / "to/file").stat()
        return found.st_uid, found.st_gid

    assert alone(inside) == (1000, 1000)


@pytest.mark.parametrize("path", ["file", "/file", "../../file", "absolute", "climbing"])
def test_path_stays_beneath_when_links_lead_elsewhere(tmp_path: pathlib.Path, path: str) -> None:
    """The directory is the root of all of them."""
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "file").write_text("outside")
    (root / "file").write_text("inside")
    (root / "absolute").symlink_to("/file")
    (root / "climbing").symlink_to("../../../file")
    top = opened(root)
    try:
        with os.fdopen(mounts.open_beneath(top, path, os.O_RDONLY)) as file:
            assert file.read() == "inside"
        with pytest.raises(FileNotFoundError):
            mounts.open_beneath(top, "nothing", os.O_PATH)
    finally:
        os.close(top)


def test_magic_link_is_refused_when_it_is_one() -> None:
    """/proc/self/fd/N would lead to wherever that descriptor is from."""
    proc = opened("/proc")
    try:
        with pytest.raises(OSError, match="symbolic links"):
            mounts.open_beneath(proc, "self/cwd/x", os.O_RDONLY)
    finally:
        os.close(proc)


def test_root_is_another_when_it_was_pivoted(tmp_path: pathlib.Path) -> None:
    """And what was the root before can be unmounted."""
    (tmp_path / "here").write_text("x")

    def inside() -> tuple[list[str], list[str]]:
        tree = mounts.clone_tree(opened(tmp_path))
        mounts.attach(tree, opened(tmp_path))
        os.fchdir(tree)
        mounts.pivot_root_here()
        libc.umount2(".", libc.MNT_DETACH)
        os.chdir("/")
        return os.listdir("/"), os.listdir("/..")

    assert alone(inside) == (["here"], ["here"])


def test_calls_fail_when_a_fault_is_injected(tmp_path: pathlib.Path) -> None:
    """Each goes through the seam, by its name."""

    def inside() -> dict[str, int | None]:
        calls: dict[str, Callable[[], object]] = {
            "fsopen": lambda: mounts.make("tmpfs"),
            "fsmount": lambda: mounts.make("tmpfs"),
            "open_tree": lambda: mounts.clone_tree(0),
            "move_mount": lambda: mounts.attach(0, 0),
            "mount_setattr": lambda: mounts.set_attributes(0),
            "pivot_root": mounts.pivot_root_here,
            "open": lambda: mounts.open_beneath(0, "x", os.O_PATH),
        }
        found: dict[str, int | None] = {}
        for name, call in calls.items():

            def fault(asked: str, name: str = name) -> None:
                if asked == name:
                    raise OSError(errno.EXDEV, "injected")

            seam.inject(fault)
            try:
                call()
            except OSError as error:
                found[name] = error.errno
            seam.inject(None)
        return found

    found = alone(inside)
    assert set(found.values()) == {errno.EXDEV}
    assert len(found) == 7
