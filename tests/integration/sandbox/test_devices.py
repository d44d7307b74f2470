"""The /dev of a root of its own: what is in it works, and is what it is called."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from tests.support.roots import main_service, words

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from tests.support.boxes import Box

    MakeBox = Callable[..., Box]

NUMBERS = {
    "null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9),
    "tty": (5, 0),
}  # fmt: skip
TERMINAL = """
import os
ours, theirs = os.openpty()
print("terminal", os.ttyname(theirs), oct(os.fstat(theirs).st_mode)[-3:])
os.close(os.open("/dev/ptmx", os.O_RDWR))
"""


@pytest.mark.row(21)
def test_devices_work_when_the_root_is_its_own(box: MakeBox, rootfs: pathlib.Path) -> None:
    """Six of them, the links, shared memory and queues; no device of the machine."""
    made = box(
        f'[sandbox]\nrootfs = "{rootfs}"\n'
        + main_service(
            "echo x > /dev/null; echo null $(wc -c < /dev/null)\n"
            "echo zero $(head -c 5 /dev/zero | wc -c) $(head -c 7 /dev/urandom | wc -c)\n"
            "(echo x > /dev/full) 2>/dev/null; echo full $?\n"
            "echo via > /dev/stdout; echo fd $(echo piped | cat /dev/fd/0)\n"
            "echo names $(cd /dev; ls); touch /dev/shm/x && echo shm $(stat -c %a /dev/shm)\n"
            "sleep 1000"
        )
    ).start()
    assert made.wait_for_line("null").split()[-1] == "0"
    assert made.wait_for_line("zero").split()[-2:] == ["5", "7"]
    assert made.wait_for_line("full").split()[-1] != "0"
    made.wait_for_line("via")
    made.wait_for_line("fd piped")
    names = made.wait_for_line("names").partition("names ")[2].split()
    links = ["fd", "ptmx", "stderr", "stdin", "stdout"]
    assert sorted(names) == sorted([*NUMBERS, *links, "mqueue", "pts", "shm"])
    assert made.wait_for_line("shm 1777")
    dev = made.root() / "dev"
    for name, number in NUMBERS.items():
        found = (dev / name).lstat()
        assert stat.S_ISCHR(found.st_mode)
        assert (os.major(found.st_rdev), os.minor(found.st_rdev)) == number
    assert made.stop() == 143
    assert not list((rootfs / "dev").iterdir())


def test_terminals_are_its_own_when_a_program_makes_one(box: MakeBox, rootfs: pathlib.Path) -> None:
    """A devpts that begins at 0 and that nobody else has."""
    done = box(
        f'[sandbox]\nrootfs = "{rootfs}"\nmounts = ["/usr:/usr:ro", "/lib:/lib:ro"]\n'
        f"[services.a]\nmain = true\ncommand = ['/usr/bin/python3', '-c', '''{TERMINAL}''']\n"
    ).run()
    assert words(done, "terminal") == ["/dev/pts/0", "620"]


def test_other_device_is_there_when_it_is_named(box: MakeBox, rootfs: pathlib.Path) -> None:
    """At the same path or another; what is no device is refused."""
    done = box(
        f'[sandbox]\nrootfs = "{rootfs}"\ndevices = ["/dev/null:/dev/sub/other", "/dev/zero"]\n'
        + main_service("echo other $(stat -c %t:%T /dev/sub/other /dev/zero)")
    ).run()
    assert words(done, "other") == ["1:3", "1:5"]
    refused = box(
        f'[sandbox]\nrootfs = "{rootfs}"\ndevices = ["/etc/passwd"]\n' + main_service("true")
    ).run()
    assert refused.returncode == 125
    assert "/etc/passwd is no device" in refused.stderr


@pytest.mark.parametrize("user", ["rootful"], indirect=True)  # to have another /dev
def test_cause_is_told_when_a_device_of_the_host_is_another(
    box: MakeBox, rootfs: pathlib.Path
) -> None:
    """Where none can be made those of the machine are bound, which may not be what they seem."""
    config = f'[sandbox]\nrootfs = "{rootfs}"\nusers = {{map = "keep"}}\n' + main_service("true")
    made = box(config)
    nodes = "mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/zero c 1 8"
    other = f'mount -t tmpfs x /dev && {nodes} && exec "$@"'
    made.program = ["unshare", "-m", "sh", "-c", other, "sh", *made.program]
    done = made.run()
    assert done.returncode == 125
    assert "/dev/zero of the machine is another device" in done.stderr


@pytest.mark.row(10)
def test_queues_are_left_out_when_the_ipc_namespace_is_shared(
    box: MakeBox, rootfs: pathlib.Path
) -> None:
    """Those of the host would be in it."""
    done = box(
        f'[sandbox]\nrootfs = "{rootfs}"\nnamespaces = {{ipc = "shared"}}\n'
        + main_service("echo names $(ls /dev)")
    ).run()
    assert "shm" in words(done, "names")
    assert "mqueue" not in words(done, "names")
