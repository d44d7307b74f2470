"""The groups of services: nothing gets out, limits follow the file, and none is left at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nsinit.errors import ControlError
from tests.support.live import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box
    from tests.support.cells import Cell

ROOTFUL = pytest.mark.parametrize("user", ["rootful"], indirect=True)
# A process of another session, without parent and variables, that says when it gets TERM.
LOST = """\
setsid sh -c 'setsid env -i sh -c "
    trap \\"echo told >>$HERE/told; exit\\" TERM; echo there >$HERE/there
    while :; do sleep 0.01; done" $HERE &'
exec sleep 1000
"""
STUBBORN = LOST.replace("; exit\\", "\\")


SLEEP = '[services.a]\ncommand = "sleep 1000"\n'


def service(script: str, rest: str) -> str:
    """One that runs a script of the shell."""
    return f"[services.a]\nshell = true\ncommand = '''\n{script}'''\n{rest}\n"


@pytest.mark.parametrize(
    ("user", "script", "rest", "told"),
    [
        ("rootless", LOST, "kill_mode = 'cgroup'\nstop_timeout = 20", True),
        ("rootful", STUBBORN, "resources = {}\nstop_timeout = 0.3\nkill_mode = 'mixed'", False),
    ],
    ids=["told", "killed"],
    indirect=["user"],
)
def test_strays_are_ended_when_nothing_tells_whose_they_are(
    celled: Callable[..., Box], cell: Cell, script: str, rest: str, told: bool
) -> None:
    """By the group that they are in: it gets the signals, and is removed when nobody is in it."""
    made = celled("[sandbox]\n" + service(script, rest) + '[services.b]\ncommand = "sleep 1000"\n')
    made.start()
    made.wait_for_file("there", "there")
    assert cell.groups("pids", "a.service")
    made.client.stop(names=["a"])
    assert not cell.groups("pids", "a.service")
    assert (made.directory / "told").exists() == told
    assert made.stop() == 0


@ROOTFUL
def test_limits_are_changed_when_the_file_is(celled: Callable[..., Box], cell: Cell) -> None:
    """Of the same run; one that is given up is undone, one that can't be set is told."""

    def limits(text: str) -> str:
        whole = "resources = {cpuset = '0'}"
        return f'[sandbox]\n{whole}\n[services.a]\ncommand = "sleep 1000"\nresources = {text}\n'

    made = celled(limits("{memory = '64M', pids = 10, cpu = 0.5}")).start()
    made.wait_for_line("a is running")
    pid = _pid(made)
    before = made.config.read_text()

    def update(text: str) -> None:
        made.config.write_text(before.replace(before[before.index("[sandbox]") :], limits(text)))
        made.client.update()

    update("{memory = '32M', cpu = 0.2}")
    assert _memory(cell) == str(32 << 20)
    assert cell.read("pids", "pids.max", "pids.max", "a.service") == "max"
    assert cell.read("cpu", "cpu.cfs_quota_us", "cpu.max", "a.service").split()[0] == "20000"
    update("{memory = '128M', cpuset = '4000'}")
    made.wait_for_line("a: cpuset stays as it was")
    assert _memory(cell) == str(128 << 20)
    with pytest.raises(ControlError, match=r"nsinit.toml:7: services.a.resources.io.limits"):
        update("{io = {limits = [{device = '/proc', read = 1}]}}")
    assert _pid(made) == pid
    assert made.stop() == 0


def _pid(box: Box) -> int:
    (found,) = box.client.status()["services"]
    pid: int = found["pid"]
    return pid


def _memory(cell: Cell) -> str:
    return cell.read("memory", "memory.limit_in_bytes", "memory.max", "a.service")


@ROOTFUL
def test_groups_are_kept_when_init_is_replaced(celled: Callable[..., Box], cell: Cell) -> None:
    """Of an init without a sandbox, which has made a group for itself; at the end all are gone."""
    made = celled('[services.a]\ncommand = "sleep 1000"\nresources = {memory = "64M"}\n').start()
    made.wait_for_line("a is running")
    pid = _pid(made)
    (top,) = cell.groups("memory", "nsinit-init-*")
    made.client.reexec()
    made.wait_for_line("goes on after")
    made.config.write_text(made.config.read_text().replace("64M", "32M"))
    made.client.update()
    assert _memory(cell) == str(32 << 20)
    assert _pid(made) == pid
    made.client.restart(names=["a"])
    assert str(_pid(made)) in (top / "a.service/cgroup.procs").read_text()
    assert made.stop() == 0


@ROOTFUL
@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("mkdir:ENOSPC", "cannot make a cgroup for sleep: No space left on device (/"),
        ("rmdir:EBUSY", "a has failed, was killed by KILL"),  # the launcher removes it
    ],
)
def test_service_fails_alone_when_its_group_can_not_be_had(
    celled: Callable[..., Box], fault: str, text: str
) -> None:
    """Init and the others go on, and nothing is left."""
    made = celled(
        "[sandbox]\n" + SLEEP + "resources = {pids = 10}\nrestart = 'no'\n"
        '[services.b]\ncommand = "sleep 1000"\n',
        NSINIT_FAULTS=fault,
    ).start()
    made.wait_for_line("b is running")
    if "KILL" in text:
        made.client.signal(names=["a"], signal="KILL")
    made.wait_for_line(text)
    assert made.stop() == 0


@ROOTFUL
def test_example_works_when_run(celled: Callable[..., Box], cell: Cell) -> None:
    """config/resources.toml: each service in its group, with its limits, in that of the sandbox."""
    made = celled((ROOT / "config" / "resources.toml").read_text(), "--pids", "90").start()
    made.wait_for_line("report is running")
    assert cell.read("pids", "pids.max", "pids.max", "nsinit-resources-*") == "90"
    assert cell.read("pids", "pids.max", "pids.max", "report.service") == "10"
    weight = cell.read("cpu", "cpu.shares", "cpu.weight", "web.service")
    assert weight == ("400" if cell.unified else "4096")
    made.cell = None  # in version 2 nobody may be beside groups that have controllers
    done = made.run("enter", "resources", "--", "cat", "/proc/self/cgroup")
    assert "/nsinit-resources-" in done.stdout  # so is who enters; without a namespace of its own
    assert made.stop() == 0
