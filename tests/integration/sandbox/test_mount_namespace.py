"""The mounts of a sandbox are its own; files are not."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

import pytest

from tests.support.namespaces import different, mountinfo, service, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

MOUNTS = 'cap_add = ["SYS_ADMIN"]\n'


@pytest.mark.row(18, 19)
def test_mount_stays_inside_and_file_does_not_when_made_inside(box: Callable[..., Box]) -> None:
    """The tree is a copy: what is mounted there hides nothing here; the kernel lists it there."""
    before = mountinfo()
    script = (
        "mkdir $HERE/on; touch $HERE/file; mount -t tmpfs inner $HERE/on; touch $HERE/on/hidden; "
        "ls $HERE/on; cat /proc/self/mounts"
    )
    made = box(f"[sandbox]\n{service(script, MOUNTS)}").start()
    lines = wait_for(made)
    assert lines[0] == "hidden"
    assert "mount" in different(made.pid)
    place = made.directory / "on"
    assert (made.directory / "file").exists()
    assert list(place.iterdir()) == []
    assert mountinfo() == before
    row = f"inner {place} tmpfs"
    assert any(line.startswith(row) for line in lines)
    for name, text in (("mounts", row), ("mountstats", f"device inner mounted on {place} ")):
        assert text in pathlib.Path(f"/proc/{made.pid}/{name}").read_text(), name
        assert text not in pathlib.Path(f"/proc/self/{name}").read_text(), name
    assert made.stop() == 0
    assert mountinfo() == before


@pytest.mark.row(18)
def test_unmount_stays_inside_when_done_inside(box: Callable[..., Box], user: int) -> None:
    """The host keeps what root in the sandbox takes away; an ordinary user can't even do that.

    The kernel locks the mounts that a less privileged mount namespace begins with
    (mount_namespaces(7)).
    """
    before = mountinfo()
    look = "grep -c ' /dev ' /proc/self/mountinfo"
    count = sum(" /dev " in line for line in before.splitlines())
    assert count
    made = box(f"[sandbox]\n{service(f'{look}; umount -l /dev; {look}', MOUNTS)}").start()
    assert wait_for(made) == [str(count), str(count if user else count - 1)]
    assert mountinfo() == before
