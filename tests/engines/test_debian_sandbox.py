"""nginx, redis and a web application in a rootless sandbox with a Debian of its own.

That root has been made by mmdebstrap, and nothing of nsinit is in it; the second time no Python.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.boxes import traces
from tests.support.live import ORDINARY, ROOT, descendants, eventually, status_field
from tests.support.ranges import FIRST, RangedBox

from .image import base_archive, cache_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.root
CONFIG = (ROOT / "config/debian.toml").read_text()
PYTHON = ("usr/bin/python3*", "usr/lib/python3*", "opt/nsinit")


def _shifted(number: int) -> int:
    """Root belongs to the user, all others to his range."""
    return ORDINARY if number == 0 else FIRST + number - 1


@pytest.fixture(scope="module")
def debian(machine: None) -> Iterator[Path]:
    """A Debian whose files are owned as by a container of that user."""
    archive = base_archive(ROOT, cache_directory())
    with tempfile.TemporaryDirectory(prefix="nsinit-debian-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        root = directory / "root"
        root.mkdir()
        subprocess.run(
            ["tar", "--extract", "--file", archive, "--directory", root, "--numeric-owner",
             "--exclude=./usr/local/bin/nsinit", "--exclude=./opt/nsinit", "--exclude=./dev/*"],
            check=True,
        )  # fmt: skip
        for path in [root, *root.rglob("*")]:
            found = path.lstat()
            os.chown(path, _shifted(found.st_uid), _shifted(found.st_gid), follow_symlinks=False)
            if not path.is_symlink():
                path.chmod(found.st_mode & 0o7777)
        yield root


@pytest.fixture
def box(debian: Path) -> Iterator[RangedBox]:
    """The example, started by the ordinary user."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-") as name:
        directory = Path(name) / "box"
        directory.parent.chmod(0o755)
        made = RangedBox(directory, CONFIG)
        made.env["DEBIAN"] = str(debian)
        shutil.copytree(ROOT / "config/web", directory / "web")
        try:
            yield made
        finally:
            made.close()
            eventually(lambda: not traces(Path(name)), "nothing is left")


def _enter(box: RangedBox, *command: str, user: str = "root") -> str:
    done = box.run("enter", "debian", "--user", user, "--", *command)
    assert done.returncode == 0, (done.stdout, done.stderr, box.said())
    return done.stdout


def _states(box: RangedBox) -> dict[str, str]:
    return {s["name"]: s["state"] for s in box.client.status()["services"]}


def test_site_runs_when_an_ordinary_user_starts_it(box: RangedBox, debian: Path) -> None:
    """Each service as its user, by the sandbox's files, and nobody of the host."""
    assert not list(debian.rglob("nsinit*"))
    box.start()
    wanted = {"places": "exited", "redis": "running", "app": "running", "nginx": "running"}
    eventually(lambda: box.socket.exists() and _states(box) == wanted, "all run", 60)
    for count in (1, 2):
        text = _enter(box, "curl", "--silent", "--show-error", "http://127.0.0.1:8080/")
        assert text == f"visits: {count}\n"
    pids = {s["name"]: s["pid"] for s in box.client.status()["services"] if s["pid"]}
    users = {
        name: _enter(box, "stat", "--format", "%U", f"/proc/{pid}") for name, pid in pids.items()
    }
    assert users == {"redis": "redis\n", "app": "nobody\n", "nginx": "www-data\n"}
    below = descendants(box.pid)
    assert len(below) >= len(pids)
    for pid in below:
        assert int(status_field(pid, "Uid").split()[0]) >= FIRST, "nobody of the host"
        assert int(status_field(pid, "CapEff"), 16) == 0
        assert status_field(pid, "NoNewPrivs") == "1"
    assert box.stop() == 0


def test_site_runs_when_its_root_has_no_python(box: RangedBox, debian: Path) -> None:
    """Init is the host's Python, and needs none in there; a killed service comes back."""
    lower = debian.parent / "without"
    subprocess.run(["cp", "--archive", "--reflink=auto", debian, lower], check=True)
    try:
        for pattern in PYTHON:
            for path in lower.glob(pattern):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        text = CONFIG.replace('depends_on = ["app"]', 'depends_on = ["redis"]')
        before, _, rest = text.partition("[services.app]")
        box.config.write_text(
            f'[init]\ncontrol = "{box.socket}"\n'
            + before
            + rest[rest.index("[services.nginx]") :].replace("app", "redis")
        )
        box.env["DEBIAN"] = str(lower)
        box.start()
        wanted = {"places": "exited", "redis": "running", "nginx": "running"}
        eventually(lambda: box.socket.exists() and _states(box) == wanted, "all run", 60)
        done = box.run("enter", "debian", "--", "sh", "-c", "command -v python3")
        assert done.returncode != 0, done
        assert box.run("ctl", "-s", "debian", "signal", "KILL", "redis").returncode == 0
        eventually(lambda: _restarts(box) == 1 and _states(box) == wanted, "redis is back", 60)
        answer = _enter(box, "redis-cli", "-s", "/run/redis/sock", "ping", user="redis")
        assert answer == "PONG\n"
        assert box.stop() == 0
    finally:
        shutil.rmtree(lower)


def _restarts(box: RangedBox) -> int:
    found = next(s for s in box.client.status()["services"] if s["name"] == "redis")
    return int(found["restarts"])
