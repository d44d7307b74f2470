"""Debian's redis and nginx, and an application, in one sandbox of nsinit on this machine."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from .container import ServiceStatus
from .lines import Events, Program
from .packages import SYSTEM_PATH
from .processes import await_end, host_pids, members

PROJECT: Final = Path(__file__).resolve().parents[2]
NSINIT: Final = (sys.executable, "-m", "nsinit")
SERVICES: Final = ("redis", "app", "nginx")
KINDS: Final = ("pid", "mnt", "uts", "ipc")


class Site:
    """One sandbox with the three services, on ports and in a directory of its own."""

    def __init__(self, name: str, directory: Path) -> None:
        """Start its launcher."""
        self.name: Final = name
        self.directory: Final = directory
        self.port: Final = _free_port()
        self.mounts_before: Final = _mounts("self")
        self.environment: Final = {
            "PATH": SYSTEM_PATH,
            "LANG": "C.UTF-8",
            "WEB_SANDBOX": name,
            "WEB_DIR": str(directory),
            "WEB_PORT": str(self.port),
            "WEB_APP_PORT": str(_free_port()),
        }
        command = [*NSINIT, "run", "config/web-sandbox.toml"]
        self.launcher: Final = Program(command, self.environment, cwd=str(PROJECT))
        self.init = 0
        self.pid_namespace = ""

    def await_services(self) -> None:
        """Wait until the last one runs, and see where init is."""
        self.launcher.until_text("nginx is running")
        self.init = _only_child(self.launcher.process.pid)
        self.pid_namespace = os.readlink(f"/proc/{self.init}/ns/pid")

    def ctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `nsinit ctl` for this sandbox, on this side of it."""
        return self._run(*NSINIT, "ctl", "-s", self.name, *words)

    def status(self) -> dict[str, ServiceStatus]:
        """Return what init says of its services."""
        rows: list[ServiceStatus] = json.loads(self.ctl("status", "--json").stdout)["services"]
        return {row["name"]: row for row in rows}

    def events(self) -> Events:
        """Return a follower of init's events."""
        command = [*NSINIT, "ctl", "-s", self.name, "events", "-f", "--json"]
        return Events(command, self.environment, cwd=str(PROJECT))

    def visit(self) -> int:
        """Ask nginx for the page; the number on it."""
        answer = self._run("curl", "-sS", "--fail", f"http://127.0.0.1:{self.port}/")
        assert answer.stdout.startswith("visits: "), answer
        return int(answer.stdout.removeprefix("visits: "))

    def ask_redis(self, *words: str) -> str:
        """Run redis-cli from outside of the sandbox."""
        return self._run("redis-cli", "-s", f"{self.directory}/redis.sock", *words).stdout.strip()

    def host_pid(self, service: str) -> int:
        """Return the pid that a service's main process has out here."""
        inside = self.status()[service]["pid"]
        assert inside is not None
        return host_pids(self.pid_namespace)[inside]

    def new_mounts(self) -> set[str]:
        """Return the host's mounts that could be the sandbox's: others may come meanwhile."""
        new = _mounts("self") - self.mounts_before
        return {row for row in new if row.endswith(" /proc") or self.name in row}

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            env=self.environment,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@contextlib.contextmanager
def _site() -> Iterator[Site]:
    # Not below pytest's tmp_path: nginx's workers are nobody, who can't get there.
    directory = Path(tempfile.mkdtemp(prefix="nsinit-web-"))
    directory.chmod(0o755)
    site = Site(directory.name, directory)
    try:
        with site.launcher:
            site.await_services()
            yield site
    finally:
        await_end(site.pid_namespace)
        shutil.rmtree(directory)
        shutil.rmtree(f"/run/nsinit/{site.name}", ignore_errors=True)


@pytest.fixture(scope="module")
def site(machine: None) -> Iterator[Site]:
    """Yield a sandbox for the tests that leave it as it was."""
    with _site() as made:
        yield made


@pytest.fixture
def own_site(machine: None) -> Iterator[Site]:
    """Yield a sandbox that the test may end."""
    with _site() as made:
        yield made


def test_status_tells_all_when_services_run(site: Site) -> None:
    """The table has the services in starting order, each with its state, pid and description."""
    rows = [line.split() for line in site.ctl("status").stdout.splitlines()]
    assert [row[:2] for row in rows] == [
        ["NAME", "STATE"],
        ["prepare", "exited"],
        *([name, "running"] for name in SERVICES),
    ]
    status = site.status()
    pids = host_pids(site.pid_namespace)
    names = [_command(pids[status[name]["pid"] or 0]) for name in SERVICES]
    assert names == ["redis-server", "python3", "nginx"]
    assert [status[name]["want"] for name in SERVICES] == ["up"] * 3


def test_starts_follow_dependencies_when_sandbox_boots(site: Site) -> None:
    """Each service begins in the moment that the one before it is ready, and not before."""
    with site.events() as events:
        events.until_state("nginx", "running")
        seen = [(one["service"], one["new"]) for one in events.seen()]
    wanted = [("prepare", "exited")]
    for name in SERVICES:
        wanted += [(name, "starting"), (name, "running")]
    assert list(dict.fromkeys(step for step in seen if step in wanted)) == wanted


def test_count_goes_through_all_when_page_is_asked_for(site: Site) -> None:
    """A visit passes nginx and the application, and is found in redis."""
    first = site.visit()
    assert site.visit() == first + 1
    assert site.ask_redis("GET", "visits") == str(first + 1)


def test_namespaces_are_new_when_sandbox_asks_for_them(site: Site) -> None:
    """Init is in its own pid, mount, uts and ipc namespaces, and the host keeps its name."""
    for kind in KINDS:
        assert os.readlink(f"/proc/{site.init}/ns/{kind}") != os.readlink(f"/proc/self/ns/{kind}")
    inside = ("nsenter", "--target", str(site.init), "--uts", "uname", "-n")
    assert subprocess.check_output(inside, text=True).strip() == site.name
    assert os.uname().nodename != site.name


@pytest.mark.parametrize("service", SERVICES)
def test_site_serves_again_when_main_process_is_killed(site: Site, service: str) -> None:
    """KILL from outside costs a service one life, its processes included, and no visit."""
    visits = site.visit()
    before = site.status()[service]
    with site.events() as events:
        os.kill(site.host_pid(service), signal.SIGKILL)
        events.until_state(service, "running", before["run"] + 1)
    after = site.status()
    assert after[service]["restarts"] == before["restarts"] + 1
    assert after[service]["pid"] != before["pid"]
    assert site.visit() == visits + 1
    names = [_command(pid) for pid in members(site.pid_namespace)]
    assert sorted(set(names)) == ["nginx", "nsinit", "python3", "redis-server"]
    assert names.count("nginx") == 3


@pytest.mark.parametrize("way", ["TERM", "ctl shutdown"])
def test_all_ends_in_order_when_asked_to(own_site: Site, way: str) -> None:
    """Nginx, then the application, then redis; code 0, and nothing is left on the host."""
    site = own_site
    assert len(members(site.pid_namespace)) > 4
    assert len(_mounts(str(site.init)) - _mounts("self")) == 1
    assert site.new_mounts() == set()
    with site.events() as events:
        events.until_state("nginx", "running")
        if way == "TERM":
            site.launcher.process.terminate()
        else:
            assert site.ctl("shutdown").returncode == 0
        assert events.until_end() == 0
        ends = [one["service"] for one in events.seen() if one["new"] == "stopped"]
        signalled = [one["service"] for one in events.seen() if one["new"] == "stopping"]
    assert site.launcher.until_end() == 0, site.launcher.lines
    assert ends == ["nginx", "app", "redis"]
    assert signalled[-3:] == ["nginx", "app", "redis"]
    assert members(site.pid_namespace) == []
    assert site.new_mounts() == set()
    assert not Path("/run/nsinit", site.name).exists()
    assert [path.name for path in site.directory.rglob("*") if path.is_socket()] == []
    assert site.ctl("status").returncode == 4


def test_nothing_runs_on_when_launcher_is_killed(own_site: Site) -> None:
    """The kernel ends the sandbox with its launcher; its name and its data can be used again."""
    assert own_site.visit() == 1
    own_site.launcher.process.kill()
    await_end(own_site.pid_namespace)
    again = Site(own_site.name, own_site.directory)
    with again.launcher:
        again.await_services()
        assert again.visit() == 2
        again.launcher.process.terminate()
        assert again.launcher.until_end() == 0


def _command(pid: int) -> str:
    """Return what a process was started as; the interpreter for a script's name."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    if b"nsinit" in words:
        return "nsinit"
    return os.path.basename(words[0].split()[0].rstrip(b":")).decode()


def _mounts(pid: str) -> set[str]:
    """Return the mounts that a process sees: their devices and places."""
    lines = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    return {" ".join(line.split()[2:5]) for line in lines}


def _only_child(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert len(children) == 1, children
    return int(children[0])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
