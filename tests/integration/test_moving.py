"""What was converted is started, and does what it did: a compose file, a Procfile."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.live import NSINIT, Live, environment, eventually

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

COMPOSE = """\
x-shared: &shared
  restart: on-failure
  environment: &env {GREETING: "${HELLO:-hello}"}
services:
  db:
    <<: *shared
    command: [sh, -c, "sleep 0.3; touch ready; echo db >> trace; exec sleep 1000"]
    working_dir: ${HERE}
    healthcheck: {test: [CMD, test, -e, ready], interval: 100ms, timeout: 5s, start_period: 20s,
                  start_interval: 50ms}
  migrate:
    command: sh -c 'echo migrate $$GREETING $$FROM_FILE >> trace'
    working_dir: ${HERE}
    environment: {<<: *env}
    env_file: [vars.env]
    depends_on: {db: {condition: service_healthy}}
  web:
    <<: *shared
    command: [sh, -c, "echo web >> trace; test $$(grep -c web trace) -gt 2 || exit 5; sleep 1000"]
    working_dir: ${HERE}
    depends_on:
      migrate: {condition: service_completed_successfully}
    deploy: {replicas: 1}
    stop_signal: SIGKILL
  debug: {command: "true", profiles: [debug]}
"""
PROCFILE = """\
web: echo "web $PORT $KEY" >> trace; exec sleep 1000
release: echo release >> trace
"""


@pytest.fixture
def moved(tmp_path: pathlib.Path) -> Iterator[Callable[..., Live]]:
    """Starts what files of this directory are converted to."""
    started: list[Live] = []

    def start(name: str, *options: str) -> Live:
        done = subprocess.run(
            [*NSINIT, "convert", name, *options],
            cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stderr.endswith("0 unsupported lines\n"), done.stderr
        init = Live(tmp_path, done.stdout, "subreaper")
        started.append(init)
        return init.start()

    yield start
    for init in started:
        init.close()


def test_compose_file_runs_when_converted(
    tmp_path: pathlib.Path, moved: Callable[..., Live]
) -> None:
    """Each waits for what it waited for, comes back as it did, and sees the same variables."""
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "vars.env").write_text("FROM_FILE=file\n")
    init = moved("compose.yaml")
    init.wait_for("web", "running", restarts=2)
    assert init.status()["migrate"]["state"] == "exited"
    assert init.status()["debug"]["state"] == "stopped"
    trace = (tmp_path / "trace").read_text().splitlines()
    assert trace == ["db", "migrate hello file", "web", "web", "web"]
    eventually(lambda: init.status()["db"]["health"] == "healthy", "the check goes on")
    init.signal(signal.SIGTERM)
    assert init.wait() == 0


def test_procfile_runs_when_converted(tmp_path: pathlib.Path, moved: Callable[..., Live]) -> None:
    """After its release, with a port for each process and the variables of the .env."""
    (tmp_path / "Procfile").write_text(PROCFILE)
    (tmp_path / ".env").write_text("KEY='a b' \n")
    init = moved("Procfile", "--formation", "web=2")
    for name in ("web.1", "web.2"):
        init.wait_for(name, "running")
    trace = (tmp_path / "trace").read_text().splitlines()
    assert trace[0] == "release"
    assert sorted(trace[1:]) == ["web 5000 a b", "web 5001 a b"]
