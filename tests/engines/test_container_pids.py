"""nsinit where it is not alone: below another init, in a shared pid namespace, among orphans."""

from typing import Final

import pytest

from .container import Container, Containers, Process
from .processes import ORPHANS

# Leaves a process behind that has left its parent, its session and its group.
DAEMON: Final = """\
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        %s
        print("daemon runs", flush=True)
        time.sleep(600)
    os._exit(0)
os.wait()
time.sleep(600)
"""
STUBBORN_DAEMON: Final = DAEMON % "signal.signal(signal.SIGTERM, signal.SIG_IGN)"

SERVICE: Final = """\
[services.forker]
command = ["/usr/bin/python3", "-c", '''
%s''']
stop_timeout = "1s"
"""


@pytest.fixture
def neighbour(containers: Containers) -> Container:
    """Return a container that shares its pid namespace with whoever asks."""
    script = "sleep 601 & exec sleep 602"
    return containers.start_command("--entrypoint", "/bin/sh", command=("-c", script))


@pytest.fixture(params=["host", "container"])
def shared(request: pytest.FixtureRequest, neighbour: Container) -> tuple[str, ...]:
    """Return the option that puts a container among processes that are none of its business."""
    kind = str(request.param)
    return ("--pid", "host" if kind == "host" else f"container:{neighbour.name}")


def test_no_zombie_is_left_when_thousand_orphans_end(containers: Containers) -> None:
    """Init reaps a thousand ends at once, counts them, and goes on."""
    made = containers.start(SERVICE % (ORPHANS % 1000))
    made.await_log("all orphaned")
    assert [one.name for one in made.until_processes(2)] == ["nsinit", "python3"]
    assert made.about_init()["orphans_reaped"] >= 1000
    assert made.status()["forker"]["state"] == "running"
    assert made.stop() < 5


def test_no_zombie_is_left_when_docker_exec_leaves_orphans(containers: Containers) -> None:
    """What `docker exec` leaves behind is nobody's child but init's."""
    made = containers.start('[services.plain]\ncommand = ["sleep", "600"]\n')
    made.exec("sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2 & done")
    assert [one.name for one in made.until_processes(2)] == ["nsinit", "sleep"]
    assert made.about_init()["orphans_reaped"] >= 9


def test_orphan_is_adopted_and_stopped_when_init_is_not_pid_1(containers: Containers) -> None:
    """Below docker's own init nsinit is a subreaper: what daemonised is its child, and ends."""
    made = containers.start(SERVICE % STUBBORN_DAEMON, "--init")
    made.await_log("daemon runs")
    found = made.processes()
    init = next(one for one in found if one.name == "nsinit")
    assert init.pid != 1
    assert made.about_init()["pid"] == init.pid
    daemon = [one for one in found if one.name == "python3" and one.parent == init.pid]
    assert len(daemon) == 2
    made.ctl("stop", "forker")
    assert [one.name for one in made.processes() if one.name == "python3"] == []
    assert made.stop() < 5
    assert made.inspect("{{.State.ExitCode}}") == "0"


def test_code_passes_when_init_is_not_pid_1(containers: Containers) -> None:
    """The exit code goes through docker's own init."""
    config = "[services.main]\ncommand = \"sh -c 'exit 7'\"\nmain = true\n"
    answer = containers.run(config, "--init")
    assert answer.returncode == 7
    assert "warning" not in answer.stderr


def test_strangers_live_when_pid_namespace_is_shared(
    containers: Containers, neighbour: Container, shared: tuple[str, ...]
) -> None:
    """Nsinit ends what it started, daemons included, and no process that is not its own."""
    made = containers.start(SERVICE % STUBBORN_DAEMON, *shared)
    made.await_log("daemon runs")
    found = made.processes()
    ours = _descendants(found, made.about_init()["pid"])
    assert sorted(one.name for one in ours) == ["nsinit", "python3", "python3"]
    strangers = {one.pid: one.name for one in found if one not in ours and _stays(one)}
    assert list(strangers.values()).count("sleep") == 2
    took = made.stop()
    look = containers.start_command(*shared, "--entrypoint", "/bin/sleep", command=("600",))
    left = {one.pid: one.name for one in look.processes()}
    assert took < 5
    assert made.inspect("{{.State.ExitCode}}") == "0"
    assert {pid: left.get(pid) for pid in strangers} == strangers
    assert not {one.pid for one in ours} & left.keys()


def _stays(one: Process) -> bool:
    """Whether a process lives longer than a question: the engine has short-lived ones."""
    return one.name in ("docker-init", "dockerd", "containerd", "sleep", "sh")


def _descendants(found: list[Process], first: int) -> list[Process]:
    """Return a process and all that come from it."""
    family = {first}
    while more := {one.pid for one in found if one.parent in family} - family:
        family |= more
    return [one for one in found if one.pid in family]
