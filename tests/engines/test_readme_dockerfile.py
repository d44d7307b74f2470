"""The README's Dockerfile, built by a real engine, and what the README says of its image."""

import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from .conftest import PROJECT
from .container import Container, Containers
from .dockerfile import (
    FROM,
    build_readme_image,
    build_template_image,
    readme_block,
    wheels,
    without_apt,
)
from .engine import Engine
from .image import BuildError
from .lines import Program

NSINIT: Final = "nsinit"

HEALTHY: Final = "health_status: healthy"
OFTEN: Final = ("--health-interval", "1s")
PORT: Final = "8123"

WAYS: Final[dict[str, tuple[str, ...]]] = {
    "plain": (),
    # "It runs with a read-only root, any uid, no capability and no HOME."
    "locked": (
        *("--read-only", "--user", "12345:12345", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges"),
        *("--entrypoint", "/usr/bin/env"),
    ),
}

VISIT: Final = (
    *("curl", "-sS", "--retry", "20", "--retry-all-errors", "--retry-max-time", "10"),
    *("-o", "/dev/null", "-w", "%{http_code}", f"http://127.0.0.1:{PORT}/"),
)

APP: Final = "import os, sys\nprint(os.getppid(), sys.argv, flush=True)\nsys.exit(42)\n"


@pytest.fixture(scope="session")
def readme_image(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the tag of the README's image."""
    return build_readme_image(engine, PROJECT, tmp_path_factory.mktemp("readme"))


@pytest.fixture
def readme_containers(engine: Engine, readme_image: str) -> Iterator[Containers]:
    """Yield a starter of containers of the README's image."""
    made = Containers(engine, readme_image)
    try:
        yield made
    finally:
        made.remove_all()


@pytest.mark.parametrize("way", WAYS)
def test_quick_start_is_healthy_and_stops_when_run_as_built(
    readme_containers: Containers, way: str
) -> None:
    """The Dockerfile's entry point, command and health check, and `docker stop`."""
    # No option of docker takes HOME away: env(1) does, before nsinit.
    command = ("-u", "HOME", NSINIT, "run") if way == "locked" else ()
    options = (*WAYS[way], *OFTEN, "--env", f"PORT={PORT}")
    made = readme_containers.start_command(*options, command=command)
    with _health(made) as health:
        health.until_text(HEALTHY)
    assert made.inspect("{{.State.Health.Status}}") == "healthy"
    told = made.exec(NSINIT, "ctl", "status").stdout
    assert re.search(r"^web +running\b", told, re.MULTILINE), told
    assert re.search(r"^migrate +exited\b.*exit code 0$", told, re.MULTILINE), told
    assert made.exec(*VISIT).stdout == "200"
    assert made.stop() < 5
    assert made.inspect("{{.State.ExitCode}}") == "0"
    assert "tables made" in made.logs()


def _health(container: Container) -> Program:
    """Return what tells, from its start, how the engine finds a container's health."""
    wanted = ("--filter", f"container={container.name}", "--filter", "event=health_status")
    return container.follow("events", "--since", "10m", *wanted)


def test_image_is_unhealthy_when_web_is_stopped(readme_containers: Containers) -> None:
    """The health check asks for the service itself, not for init."""
    made = readme_containers.start_command(*OFTEN, "--health-retries", "1", command=())
    with _health(made) as health:
        health.until_text(HEALTHY)
        made.exec(NSINIT, "ctl", "stop", "web")
        health.until_text("health_status: unhealthy")


def test_code_is_passed_on_when_one_command_is_run(
    engine: Engine, readme_image: str, tmp_path: Path
) -> None:
    """The README's command line for one command instead of a file, with nsinit as PID 1."""
    docker, run, image, *words = shlex.split(command_lines()[0])
    assert (docker, run, image, words[0]) == ("docker", "run", "IMAGE", "--")
    (tmp_path / "app.py").write_text(APP)
    volume = ("--volume", f"{tmp_path}/app.py:/app.py:ro")
    answer = engine.run_cli("run", "--rm", *volume, readme_image, *words, check=False)
    assert (answer.returncode, answer.stdout) == (42, "1 ['app.py']\n"), answer.stderr


def test_signal_is_rewritten_when_one_command_is_run(engine: Engine, readme_image: str) -> None:
    """The README's other line: docker's TERM comes to nginx as QUIT, which ends it with 0."""
    docker, run, image, *words = shlex.split(command_lines()[1])
    assert (docker, run, image, words[-3]) == ("docker", "run", "IMAGE", "nginx")
    name = engine.run_cli("run", "--detach", readme_image, *words).stdout.strip()
    try:
        until = time.monotonic() + 30
        while "nginx: worker" not in engine.run_cli("top", name).stdout:
            assert time.monotonic() < until, "nginx does not come up"
        engine.run_cli("stop", name)
        code = engine.run_cli("inspect", "--format", "{{.State.ExitCode}}", name).stdout
        assert code.strip() == "0"
    finally:
        engine.run_cli("rm", "--force", name)


def test_template_is_healthy_and_stops_when_built_as_written(
    engine: Engine, tmp_path: Path
) -> None:
    """What `nsinit init --template container` writes, as it is, and its health check."""
    containers = Containers(engine, build_template_image(engine, PROJECT, tmp_path / "shop"))
    try:
        made = containers.start_command(*OFTEN, command=())
        with _health(made) as health:
            health.until_text(HEALTHY)
        told = made.exec(NSINIT, "ctl", "list", "--state", "running").stdout.split()
        assert told == ["web", "worker"]
        assert made.stop() < 5
        assert made.inspect("{{.State.ExitCode}}") == "143"  # TERM ends the main service
    finally:
        containers.remove_all()


def command_lines() -> list[str]:
    """What the README says to type for a single command."""
    text = (PROJECT / "README.md").read_text()
    return re.findall(r"^    (docker run .*)$", text, re.MULTILINE)


def test_base_is_that_of_the_readme_when_read() -> None:
    """The stand-in for Debian's image has the name that the Dockerfile begins with."""
    assert readme_block(PROJECT, "dockerfile").splitlines()[0] == f"FROM {FROM}"


@pytest.mark.parametrize(
    ("old", "new"),
    [("python3-venv", "python3-venv curl"), ("RUN apt-get", "#"), ("FROM", "RUN apt x\nFROM")],
)
def test_build_is_refused_when_line_of_apt_is_another(old: str, new: str) -> None:
    """What isn't run is at least what was looked at."""
    changed = readme_block(PROJECT, "dockerfile").replace(old, new, 1)
    with pytest.raises(BuildError, match="line of apt is not"):
        without_apt(changed)


def test_error_is_told_when_pip_cannot_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without network and cache fails, and nothing half is kept."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(BuildError, match="No matching distribution"):
        wheels(PROJECT, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["wheels.lock"]
