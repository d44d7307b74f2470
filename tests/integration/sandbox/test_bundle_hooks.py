"""The hooks of a bundle: each at its time, in its namespaces, and what follows when one fails."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.boxes import traces
from tests.support.bundles import TIMES, hooks_of, make_bundle
from tests.support.live import eventually

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable

    from tests.support.boxes import Box

_STATES = {
    "createRuntime": "creating", "createContainer": "creating", "prestart": "creating",
    "startContainer": "created", "poststart": "running", "poststop": "stopped",
}  # fmt: skip


@pytest.fixture
def pod(tmp_path: pathlib.Path) -> pathlib.Path:
    """The directory of the bundle."""
    return tmp_path / "pod"


@pytest.fixture
def hooked(
    box: Callable[..., Box], pod: pathlib.Path, rootfs: pathlib.Path, user: int
) -> Callable[..., Box]:
    """A box of a bundle with a hook of each time; keywords go over the hook of that time."""

    def make(script: str, **more: dict[str, Any]) -> Box:
        hooks = hooks_of(_made(pod, user), rootfs, user, **more)
        made = make_bundle(
            pod, rootfs, user, script, hooks=hooks, annotations={"a": "b"}, root__readonly=False
        )
        return box("", "--bundle", str(made), "--name", "pod")

    return make


def _made(directory: pathlib.Path, user: int) -> pathlib.Path:
    directory.mkdir()
    os.chown(directory, user, user)
    return directory


def init_of(made: Box) -> int:
    """The pid of the sandbox's init, which is not the only child of the launcher."""
    record = made.directory / "run/pod/record.json"
    return int(eventually(lambda: json.loads(record.read_text())["pid"], "there is an init"))


def told(*files: pathlib.Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """What the hooks have written, in their order: the pid namespace and the state of each."""
    lines = [line for file in files if file.exists() for line in file.read_text().splitlines()]
    rows = [line.split(" ", 2) for line in lines]
    return {name: (space, json.loads(state)) for name, space, state in rows}


def test_hooks_run_in_their_order_when_nothing_fails(
    hooked: Callable[..., Box], pod: pathlib.Path, rootfs: pathlib.Path
) -> None:
    """Outside and inside, with the state at their time; poststop when all is gone."""
    script = "cat /hooks; while test ! -e /go; do sleep 0.05; done; exit 3"
    made = hooked(script).start()
    eventually(lambda: "poststart" in told(pod / "hooks"), "poststart has run")
    pid = init_of(made)
    space = os.stat(f"/proc/{pid}/ns/pid").st_ino
    assert "poststop" not in told(pod / "hooks")
    (rootfs / "go").touch()
    assert made.wait() == 3, made.said()
    found = told(pod / "hooks")
    assert list(found) == [name for name in (*TIMES, "poststop") if name != "startContainer"]
    found |= told(rootfs / "hooks")
    ours = os.stat("/proc/self/ns/pid").st_ino
    inside = {"createContainer", "startContainer"}
    for name, (its, state) in found.items():
        assert int(its) == (space if name in inside else ours), name
        expected: dict[str, object] = {
            "ociVersion": "1.0.2", "id": "pod", "status": _STATES[name], "bundle": str(pod),
            "annotations": {"a": "b"},
        }  # fmt: skip
        if name != "poststop":
            expected["pid"] = 1 if name in inside else pid
        assert state == expected
    assert made.out.read_text().startswith("startContainer")  # before the process


@pytest.mark.parametrize("user", ["rootful"], indirect=True)
@pytest.mark.parametrize("time", ["createRuntime", "createContainer", "startContainer"])
def test_sandbox_is_undone_when_a_hook_before_the_start_fails(
    hooked: Callable[..., Box], pod: pathlib.Path, time: str
) -> None:
    """The process never runs, the later hooks neither but for poststop, and it is told which."""
    made = hooked("echo ran", **{time: {"env": ["PATH=/usr/bin:/bin", "CODE=9"]}})
    done = made.run()
    assert done.returncode == 125
    assert f"cannot run the {time} hook" in done.stderr
    assert "it ended with code 9" in done.stderr
    assert "ran" not in done.stdout
    before = TIMES[: TIMES.index(time) + 1]
    expected = [name for name in before if name != "startContainer"]
    assert list(told(pod / "hooks")) == [*expected, "poststop"]


@pytest.mark.parametrize("user", ["rootful"], indirect=True)
def test_failure_is_only_told_when_the_process_has_run(
    hooked: Callable[..., Box], rootfs: pathlib.Path
) -> None:
    """A poststart hook that takes too long, a poststop hook that is missing."""
    made = hooked(
        "while test ! -e /go; do sleep 0.05; done; exit 3",
        poststart={"path": "/bin/sleep", "args": ["sleep", "1000"], "timeout": 1},
        poststop={"path": "/no/hook"},
    ).start()
    made.wait_for_line("poststart hook /bin/sleep failed: it took longer than 1 s")
    (rootfs / "go").touch()
    assert made.wait() == 3
    assert "poststop hook /no/hook failed: No such file" in made.said()


@pytest.mark.parametrize("user", ["rootful"], indirect=True)
def test_poststop_runs_when_the_launcher_is_killed(
    hooked: Callable[..., Box], pod: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """By who is left, as soon as the sandbox is gone."""
    made = hooked("exec sleep 1000").start()
    eventually(lambda: "poststart" in told(pod / "hooks"), "poststart has run")
    assert made.process is not None
    made.process.send_signal(signal.SIGKILL)
    eventually(lambda: "poststop" in told(pod / "hooks"), "poststop has run")
    eventually(lambda: not traces(tmp_path / "box1"), "all is gone")


@pytest.mark.parametrize("user", ["rootful"], indirect=True)
@pytest.mark.parametrize("time", ["createRuntime", "createContainer"])
def test_hook_is_ended_when_somebody_stops_the_launcher(
    hooked: Callable[..., Box], pod: pathlib.Path, time: str
) -> None:
    """A hook without a timeout holds nobody up for ever."""
    hook = {"path": "/bin/sh", "args": ["sh", "-c", f"touch {pod}/begun; exec sleep 1000"]}
    made = hooked("echo ran", **{time: hook}).start()
    eventually((pod / "begun").exists, "the hook runs")
    assert made.stop() != 0
    assert list(told(pod / "hooks"))[-1] == "poststop"
    assert "ran" not in made.out.read_text()
