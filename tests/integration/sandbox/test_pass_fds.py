"""Descriptors of the caller that a service is to have, by their numbers, and nobody else."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from tests.support.live import eventually

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

    from tests.support.boxes import Box

SERVICES = """
[services.a]
shell = true
command = "python3 -IS -c 'import os; print(\\"got\\", os.read({fd}, 4).decode())'; exec sleep 1000"
pass_fds = [{fd}]
pre_start = {{ shell = true, command = "ls /proc/self/fd | grep -cx {fd} || true" }}
[services.b]
shell = true
command = "ls /proc/self/fd | grep -cx {fd}; echo b is up; exec sleep 1000"
"""


@pytest.fixture
def given(tmp_path: pathlib.Path) -> Iterator[int]:
    """A file that is open, with a number that nobody else takes by chance."""
    (tmp_path / "words").write_text("one\ntwo\n")
    fd = os.open(tmp_path / "words", os.O_RDONLY)
    high = fcntl.fcntl(fd, fcntl.F_DUPFD, 40)
    os.close(fd)
    yield high
    os.close(high)


@pytest.mark.parametrize("sandbox", ["", "[sandbox]\n", "[sandbox]\nsealed = true\n"])
def test_service_has_the_descriptor_when_it_is_named(
    box: Callable[..., Box], given: int, sandbox: str
) -> None:
    """With the same number, and its hooks and the others without."""
    made = box(sandbox + SERVICES.format(fd=given)).with_descriptors(given).start()
    made.env["NSINIT_SOCKET"] = str(made.socket)  # for ctl
    made.wait_for_line("b is up")
    assert made.wait_for_line("| got").endswith("got one")
    assert [line for line in made.said().splitlines() if line.endswith("| 1")] == []
    done = made.run("ctl", "exec", "a", "--", "ls", f"/proc/self/fd/{given}")
    assert (done.returncode, "No such file" in done.stderr) == (2, True), done
    made.client.reexec()
    assert made.run("ctl", "restart", "a").returncode == 0
    eventually(lambda: "got two" in made.said(), "the same file, further on")
    made.stop()


def test_service_fails_when_nobody_gave_the_descriptor(box: Callable[..., Box]) -> None:
    """The others run."""
    made = box(SERVICES.format(fd=900)).start()
    made.wait_for_line("b is up")
    line = made.wait_for_line("cannot pass descriptor 900")
    assert "nsinit was not started with it: nsinit run 900<FILE" in line
    assert made.stop() == 0
