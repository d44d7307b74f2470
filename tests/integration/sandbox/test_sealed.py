"""The interpreter of a sandbox runs from a file that nobody can write."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

CONFIG = """
[sandbox]
sealed = true
[services.a]
command = ["sh", "-c", "env | grep -c NSINIT_SEALED; echo up; exec sleep 1000"]
"""


def _write_to(path: str) -> int:
    """The errno of an attempt to open for writing; nothing is written if that works."""
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError as error:
        return error.errno or 0
    return 0


@pytest.mark.parametrize("detached", [False, True])
def test_program_of_init_can_not_be_written_when_sealed(
    box: Callable[..., Box], *, detached: bool
) -> None:
    """Neither that of the launcher; to root of the host, who can open both, the kernel says no."""
    made = box(CONFIG)
    if detached:
        made.options.append("--detach")
        assert made.run().returncode == 0
        info = made.client.version()
        assert info["pid"] == 1
        made.run("stop", "nsinit")
        return
    made.start()
    made.wait_for_line("| up")
    assert "| 0" in made.said(), "no service is told of it"
    assert made.process is not None
    for pid in (made.pid, made.process.pid):
        exe = f"/proc/{pid}/exe"
        assert os.readlink(exe).startswith("/memfd:nsinit-python")
        if os.geteuid() == 0:
            assert _write_to(exe) in (errno.ETXTBSY, errno.EPERM)
    assert made.client.reexec()
    assert made.client.version()["pid"] == 1
    assert os.readlink(f"/proc/{made.pid}/exe").startswith("/memfd:nsinit-python")
    assert made.stop() == 0


def test_plan_says_so_when_sealed(box: Callable[..., Box]) -> None:
    """And nothing is executed for it."""
    done = box(CONFIG, "--dry-run").run()
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "host    run from a sealed copy of the interpreter"


def test_sandbox_works_in_its_own_root_when_sealed(box: Callable[..., Box], rootfs: object) -> None:
    """The libraries of the interpreter are found where they were."""
    done = box("", "--sealed", "--rootfs", str(rootfs), "--", "sh", "-c", "echo lo''ok").run()
    assert done.returncode == 0, done.stderr
    assert "| look" in done.stdout
