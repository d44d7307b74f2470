"""Debian's redis and nginx, and an application, with nsinit as the entry point of a container."""

from collections.abc import Iterator
from typing import Final

import pytest

from .conftest import PROJECT
from .container import Container, Containers
from .engine import Engine

SERVICES: Final = ("redis", "app", "nginx")
SITE: Final = ("--volume", f"{PROJECT / 'config'}:/srv/config:ro", "--workdir", "/srv")
RUN: Final = ("run", "config/web.toml")
SANDBOX: Final = ("run", "config/web-sandbox.toml")
PORT: Final = "8080"
REDIS: Final = "/tmp/nsinit-web/redis.sock"
STOP_BUDGET: Final = 5.0

LOCKED: Final = (
    *("--read-only", "--tmpfs", "/tmp", "--user", "12345:12345", "--network", "none"),
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
)
# The engine sets HOME, for a user without an entry in passwd to "/".
NO_HOME: Final = ("--entrypoint", "/usr/bin/env")

MODES: Final = ("root", "locked")


class Site(Container):
    """A container with the three services."""

    def visit(self) -> int:
        """Ask nginx for the page; the number on it."""
        answer = self.exec("curl", "-sS", "--fail", f"http://127.0.0.1:{PORT}/").stdout
        assert answer.startswith("visits: ")
        return int(answer.removeprefix("visits: "))

    def ask_redis(self, *words: str) -> str:
        """Run redis-cli."""
        return self.exec("redis-cli", "-s", REDIS, *words).stdout.strip()


def _start(containers: Containers, mode: str) -> Site:
    if mode == "root":
        publish = ("--publish", f"127.0.0.1::{PORT}")
        made = containers.start_command(*SITE, *publish, command=RUN)
    else:
        without_home = ("-u", "HOME", "nsinit", *RUN)
        made = containers.start_command(*SITE, *LOCKED, *NO_HOME, command=without_home)
    made.await_log("nginx is running")
    return Site(made.engine, made.name)


@pytest.fixture(scope="module", params=MODES)
def site(request: pytest.FixtureRequest, engine: Engine, image: str) -> Iterator[Site]:
    """Yield a container for the tests that leave it as it was."""
    containers = Containers(engine, image)
    try:
        yield _start(containers, str(request.param))
    finally:
        containers.remove_all()


@pytest.fixture(params=MODES)
def own_site(request: pytest.FixtureRequest, containers: Containers) -> Site:
    """Return a container that the test may end."""
    return _start(containers, str(request.param))


def test_status_tells_all_when_services_run(site: Site) -> None:
    """`docker exec` of `nsinit ctl status` finds the socket and shows the table."""
    rows = [line.split() for line in site.ctl("status").stdout.splitlines()]
    assert [row[:2] for row in rows] == [
        ["NAME", "STATE"],
        ["prepare", "exited"],
        *([name, "running"] for name in SERVICES),
    ]
    assert site.about_init()["pid"] == 1


def test_count_goes_through_all_when_page_is_asked_for(site: Site) -> None:
    """A visit passes nginx and the application, and is found in redis."""
    first = site.visit()
    assert site.visit() == first + 1
    assert site.ask_redis("GET", "visits") == str(first + 1)


@pytest.mark.parametrize("service", SERVICES)
def test_site_serves_again_when_main_process_is_killed(site: Site, service: str) -> None:
    """KILL costs a service one life, its processes included, and no visit."""
    visits = site.visit()
    before = site.status()[service]
    with site.events() as events:
        site.exec("kill", "-KILL", str(before["pid"]))
        events.until_state(service, "running", before["run"] + 1)
    after = site.status()[service]
    assert (after["restarts"], after["run"]) == (before["restarts"] + 1, before["run"] + 1)
    assert site.visit() == visits + 1
    found = site.processes()
    assert [one for one in found if one.is_zombie] == []
    assert len([one for one in found if one.name == "nginx"]) == 3


def test_exit_codes_tell_health_when_status_is_asked_for(site: Site) -> None:
    """A health check is one line of a Dockerfile: 0 as it should be, 3 stopped, 4 unknown."""
    assert site.ctl("status", "nginx", check=False).returncode == 0
    assert site.ctl("status", "prepare", check=False).returncode == 0
    assert site.ctl("status", "none-such", check=False).returncode == 4
    site.ctl("stop", "nginx")
    try:
        assert site.ctl("status", "nginx", check=False).returncode == 3
        assert site.ctl("status", "app", check=False).returncode == 0
        assert site.ctl("status", check=False).returncode == 0
    finally:
        site.ctl("start", "nginx")


def test_all_ends_in_order_when_docker_stops_it(own_site: Site) -> None:
    """Nginx, then the application, then redis, long before the engine's KILL; code 0."""
    took = own_site.stop()
    assert took < STOP_BUDGET
    assert own_site.inspect("{{.State.ExitCode}} {{.State.OOMKilled}}") == "0 false"
    ends = [line.split()[2] for line in own_site.logs().splitlines() if " is stopped" in line]
    assert ends == ["nginx", "app", "redis"]


def test_site_serves_again_when_container_is_killed_and_started(containers: Containers) -> None:
    """Sockets and pid files of a life that was cut short are in nobody's way in the next one."""
    site = _start(containers, "root")
    assert site.visit() == 1
    with site.exec_program("nsinit", "ctl", "events", "-f") as events:
        events.until_text("nginx starting -> running")
        site.kill("KILL")
        events.until_end()
    site.engine.run_cli("start", site.name)
    with site.exec_program("sh", "-c", "until nsinit ctl status nginx; do :; done") as ready:
        assert ready.until_end() == 0
    assert site.visit() == 2
    assert site.stop() < STOP_BUDGET
    assert site.inspect("{{.State.ExitCode}}") == "0"


def test_health_check_follows_when_service_stops(containers: Containers) -> None:
    """The engine's own health check, by `nsinit ctl status NAME`, turns healthy and unhealthy."""
    health = ("--health-cmd", "nsinit ctl status nginx", "--health-interval", "200ms")
    made = containers.start_command(*SITE, *health, "--health-retries", "1", command=RUN)
    about = ("--filter", f"container={made.name}", "--since", "0", "--format", "{{.Action}}")
    with made.follow("events", *about) as seen:
        seen.until_text("health_status: healthy")
        assert made.inspect("{{.State.Health.Status}}") == "healthy"
        made.ctl("stop", "nginx")
        seen.until_text("health_status: unhealthy")


def test_sandbox_serves_when_it_is_made_in_a_container(containers: Containers) -> None:
    """With SYS_ADMIN the same services run in namespaces within the container's."""
    allowed = ("--cap-add", "SYS_ADMIN", "--security-opt", "apparmor=unconfined")
    made = containers.start_command(*SITE, *allowed, command=SANDBOX)
    made.await_log("nginx is running")
    site = Site(made.engine, made.name)
    assert site.visit() == 1
    assert site.status()["redis"]["state"] == "running"
    assert site.stop() < STOP_BUDGET
    assert site.inspect("{{.State.ExitCode}}") == "0"


def test_reason_is_told_when_sandbox_cannot_be_made(containers: Containers) -> None:
    """An ordinary container may make no namespaces: code 125, and nothing was started."""
    answer = containers.run_command(*SITE, command=SANDBOX)
    assert answer.returncode == 125
    assert "nsinit: cannot make namespaces" in answer.stderr
    assert "is running" not in answer.stderr


def test_remedy_is_told_when_sandbox_cannot_be_made(containers: Containers) -> None:
    """The message names the option of docker that allows it."""
    answer = containers.run_command(*SITE, command=SANDBOX)
    assert "--cap-add SYS_ADMIN" in answer.stderr or "seccomp" in answer.stderr


def test_page_is_served_when_port_is_published(site: Site, engine: Engine) -> None:
    """The door is open to the world outside of the container, if it has a network."""
    if site.inspect("{{.HostConfig.NetworkMode}}") == "none":
        assert site.inspect("{{.NetworkSettings.Ports}}") == "map[]"
        return
    published = engine.run_cli("port", site.name, PORT).stdout.strip()
    answer = engine.enter("curl", "-sS", "--fail", f"http://{published}/health")
    assert answer.stdout == "PONG\n", answer.stderr
