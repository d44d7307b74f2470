"""The same bundle under runc and under nsinit: what is seen inside is equal."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
from typing import TYPE_CHECKING

import pytest

from tests.support.boxes import Box
from tests.support.bundles import hooks_of, write_bundle
from tests.support.live import DEADLINE, ORDINARY, environment
from tests.support.roots import make_root, owned

from .packages import SYSTEM_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK = """\
id; hostname; umask; pwd; cat /proc/self/oom_score_adj
grep -E 'Cap|NoNewPrivs|Seccomp:' /proc/self/status
for limit in n c u; do ulimit -S$limit; ulimit -H$limit; done
for file in /dev/* /dev/pts/ptmx; do stat -c '%n %F %a %u:%g %t:%T' $file; done
for link in fd stdin ptmx; do ls -l /dev/$link | grep -o '/dev.*'; done
for path in /proc/kcore /proc/keys /proc/timer_list /sys/firmware /proc/acpi; do
    test ! -d $path || ls $path; test ! -f $path || cat $path; test ! -c $path || cat $path
done
for path in /proc/sys/kernel/domainname /proc/sysrq-trigger /x /sys/x; do
    (: >> $path) 2>/dev/null && echo can write $path
done
ls /; ls /sys/fs/cgroup; ls /proc/self/fd | wc -l
while read -r _ _ _ _ place flags _; do
    echo mount $place $flags
done < /proc/self/mountinfo
"""
# Of these nsinit has more flags, or shows them in another order.
COVERS = ("/proc/", "/sys/firmware", "/dev/", "/sys/fs/cgroup")


@pytest.fixture(params=["rootful", "rootless"])
def user(request: pytest.FixtureRequest, machine: None) -> int:
    """Who runs both."""
    return 0 if request.param == "rootful" else ORDINARY


@pytest.fixture
def tmp_path() -> Iterator[pathlib.Path]:
    """A directory that every user can enter."""
    with tempfile.TemporaryDirectory(prefix="nsinit-runc-", ignore_cleanup_errors=True) as name:
        directory = pathlib.Path(name)
        directory.chmod(0o755)
        yield directory


class Runc:
    """runc, as some user."""

    def __init__(self, directory: pathlib.Path, user: int) -> None:
        self._directory, self._user = directory, user
        run = owned(directory / "runc", user)
        path = f"{SYSTEM_PATH}:{os.environ['PATH']}"
        self._env = environment(PATH=path, XDG_RUNTIME_DIR=str(run), HOME=str(directory))
        self._root = ["runc", "--root", str(run / "state")]

    def __call__(self, *words: str, code: int = 0) -> str:
        """What it writes to stdout."""
        done = subprocess.run(
            [*self._root, *words],
            cwd=self._directory,
            env=self._env,
            user=self._user,
            group=self._user,
            extra_groups=[],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE * 2,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout


@pytest.fixture
def runc(tmp_path: pathlib.Path, user: int) -> Iterator[Runc]:
    """It, and nothing of its containers afterwards."""
    made = Runc(owned(tmp_path / "pod", user), user)
    yield made
    with contextlib.suppress(AssertionError):
        made("delete", "--force", "pod")


@pytest.fixture
def box(tmp_path: pathlib.Path, user: int) -> Iterator[Box]:
    """The same bundle for nsinit."""
    (tmp_path / "box").mkdir()
    made = Box(tmp_path / "box", "", user, ("--bundle", str(tmp_path / "pod")))
    yield made
    made.close()


def _bundle(runc: Runc, directory: pathlib.Path, user: int, script: str) -> dict[str, object]:
    """What `runc spec` writes, with a root and a script, and no terminal."""
    make_root(owned(directory / "rootfs", user), user)
    runc("spec", *(["--rootless"] if user else []))
    config: dict[str, dict[str, object]] = json.loads((directory / "config.json").read_text())
    config["process"] |= {"terminal": False, "args": ["sh", "-c", script]}
    write_bundle(directory, config, user)
    return dict(config)


def _comparable(text: str) -> list[str]:
    """Without the flags of covers, and with those of other mounts in one order."""
    made = []
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        place, _, flags = rest.partition(" ")
        if word != "mount":
            made.append(line)
        elif place == "/" or not place.startswith(COVERS):
            known = sorted(set(flags.split(",")) - {"nodev"} if place == "/" else flags.split(","))
            made.append(f"mount {place} {','.join(known)}")
    return made


def test_same_is_seen_when_runc_and_nsinit_run_a_bundle(
    runc: Runc, box: Box, tmp_path: pathlib.Path, user: int
) -> None:
    """Ids, names, limits, powers, devices, mounts, masks: line by line."""
    _bundle(runc, tmp_path / "pod", user, LOOK)
    theirs = _comparable(runc("run", "pod"))
    done = box.run()
    assert done.returncode == 0, done.stderr
    assert _comparable(done.stdout) == theirs
    assert len(theirs) > 50
    assert "runc" in theirs


def _told(inside: str, pod: pathlib.Path) -> list[tuple[str, dict[str, object]]]:
    """The state that each hook has read, but for the number of a pid; their files are removed."""
    lines = [*inside.splitlines(), *(pod / "hooks").read_text().splitlines()]
    rows = [line.split(" ", 2) for line in lines]
    states = {name: json.loads(state) for name, _, state in rows}
    for name, state in states.items():
        state["pid"] = "pid" in state
        if name == "poststart":
            state["status"] = "running"  # runc says "created", the specification this
    for file in (pod / "hooks", pod / "rootfs/hooks"):
        file.unlink()
    return list(states.items())


def test_hooks_read_the_same_when_runc_and_nsinit_run_them(
    runc: Runc, box: Box, tmp_path: pathlib.Path, user: int
) -> None:
    """In the same order, with the same state but for pids; both name the container by --name."""
    pod = tmp_path / "pod"
    config = _bundle(runc, pod, user, "cat /hooks")
    config["hooks"] = hooks_of(pod, pod / "rootfs", user)
    config["annotations"] = {"a": "b"}
    config["root"] = {"path": "rootfs", "readonly": False}
    write_bundle(pod, config, user)
    theirs = _told(runc("run", "pod"), pod)
    ours = _told(box.run().stdout, pod)
    assert ours == theirs
    assert len(ours) == 6
