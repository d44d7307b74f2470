"""The harness itself: what the other engine tests may rely on, shown with a stand-in for nsinit."""

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from .conftest import PROJECT
from .engine import CommandError, Engine, EngineUnavailable
from .image import base_archive, build_image, cache_directory

PYTHON: Final = ("--entrypoint", "/usr/bin/python3")
SLEEP: Final = ("--entrypoint", "/bin/sleep")

# Imports what nsinit imports, shows its arguments and ends with a status of its own.
STAND_IN: Final = """\
import sys

def main():
    import h11, msgspec, structlog, uvloop
    print(VERSION, *sys.argv[1:], flush=True)
    return 7
"""


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Return a maker of checkouts that differ from each other in one line of nsinit."""

    def make(version: int) -> Path:
        project = tmp_path_factory.mktemp("project")
        # The real one: other requirements would mean another base.
        shutil.copy(PROJECT / "pyproject.toml", project)
        (project / "nsinit").mkdir()
        (project / "nsinit" / "__init__.py").write_text("")
        (project / "nsinit" / "__main__.py").write_text(f"VERSION = {version}\n{STAND_IN}")
        return project

    return make


@pytest.fixture(scope="session")
def tag(engine: Engine, stand_in: Callable[[int], Path]) -> str:
    """Return the tag of an image with the stand-in."""
    return build_image(engine, stand_in(1))


def test_python_runs_when_entrypoint_is_replaced(engine: Engine, tag: str) -> None:
    """The image's own Python has the parts of its library that nsinit and the tests use."""
    script = "import ctypes, sqlite3, ssl, tomllib, zoneinfo as z; print(z.ZoneInfo('Asia/Tokyo'))"
    assert engine.run_cli("run", "--rm", *PYTHON, tag, "-c", script).stdout == "Asia/Tokyo\n"


def test_services_are_there_when_image_is_built(engine: Engine, tag: str) -> None:
    """The real services of the other tests are installed."""
    script = "nginx -v && redis-server --version && redis-cli --version && curl --version && ps"
    engine.run_cli("run", "--rm", "--entrypoint", "/bin/sh", tag, "-ec", script)


def test_status_and_arguments_pass_when_program_is_entrypoint(engine: Engine, tag: str) -> None:
    """The launcher finds the package and its dependencies, and ends with what main returned."""
    result = engine.run_cli("run", "--rm", tag, "run", "--x", check=False)
    assert (result.returncode, result.stdout, result.stderr) == (7, "1 run --x\n", "")


def test_program_runs_when_root_is_read_only_and_user_unknown(engine: Engine, tag: str) -> None:
    """A locked-down container can read and run everything that nsinit is made of."""
    locked = ("--read-only", "--user", "12345:12345", "--cap-drop", "ALL", "--network", "none")
    options = (*locked, "--security-opt", "no-new-privileges")
    result = engine.run_cli("run", "--rm", *options, tag, check=False)
    assert (result.returncode, result.stderr) == (7, "")


def test_image_changes_within_seconds_when_package_changes(
    engine: Engine, tag: str, stand_in: Callable[[int], Path]
) -> None:
    """A changed nsinit is a new image, made without the base being made again."""
    started_at = time.monotonic()
    changed = build_image(engine, stand_in(2))
    took = time.monotonic() - started_at
    assert changed != tag
    assert build_image(engine, stand_in(1)) == tag
    assert engine.run_cli("run", "--rm", changed, check=False).stdout == "2\n"
    assert took < 10


def test_stop_takes_its_timeout_when_pid_1_ignores_term(engine: Engine, tag: str) -> None:
    """Docker waits, then kills: what an init has to avoid."""
    with engine.container(*SLEEP, tag, "600") as container:
        started_at = time.monotonic()
        engine.run_cli("stop", "--time", "2", container)
        assert time.monotonic() - started_at >= 2
        assert _exit_code(engine, container) == 137


def test_stop_is_prompt_when_an_init_forwards_term(engine: Engine, tag: str) -> None:
    """Docker's own init is there to be compared with."""
    with engine.container("--init", *SLEEP, tag, "600") as container:
        started_at = time.monotonic()
        engine.run_cli("stop", "--time", "10", container)
        assert time.monotonic() - started_at < 5
        assert _exit_code(engine, container) == 143


def test_only_the_engine_is_seen_when_pid_namespace_is_the_hosts(engine: Engine, tag: str) -> None:
    """``--pid=host`` means the engine's namespace: the machine's own processes are out of reach."""
    options = ("--pid", "host", "--entrypoint", "/bin/ps")
    names = engine.run_cli("run", "--rm", *options, tag, "-eo", "pid=,comm=").stdout.splitlines()
    assert names[0].split() == ["1", "docker-init"]
    assert any("containerd-shim" in name for name in names)
    assert [name for name in names if "pytest" in name or "python" in name] == []


def test_published_port_answers_when_asked_in_the_engine(engine: Engine, tag: str) -> None:
    """Ports are published in the engine's network, where `enter` leads."""
    options = ("--publish", "127.0.0.1:8080:80", "--entrypoint", "/usr/sbin/nginx")
    with engine.container(*options, tag, "-g", "daemon off;"):
        patience = ("--retry", "20", "--retry-all-errors", "--retry-max-time", "10")
        answer = engine.enter("curl", "-sS", *patience, "http://127.0.0.1:8080/")
    assert "Welcome to nginx" in answer.stdout, answer.stderr


def test_exec_joins_when_container_runs(engine: Engine, tag: str) -> None:
    """A process of ``docker exec`` is in the container, and nobody's child there."""
    with engine.container(*SLEEP, tag, "600") as container:
        listed = engine.run_cli("exec", container, "ps", "-eo", "ppid=,comm=").stdout
    assert [line.split() for line in listed.splitlines()] == [["0", "sleep"], ["0", "ps"]]


def test_output_is_awaited_when_container_talks(engine: Engine, tag: str) -> None:
    """A test waits for a line, and learns what came instead when there is none."""
    script = ("--entrypoint", "/bin/sh", tag, "-c", "echo one; echo two >&2; exec sleep 600")
    with engine.container(*script) as container:
        assert "one\n" in engine.await_log(container, "^one$")
        assert "two\n" in engine.await_log(container, "^two$")
        with pytest.raises(AssertionError, match="nothing in"):
            engine.await_log(container, "three", timeout=0.2)


def test_interrupt_arrives_when_terminal_is_typed_into(engine: Engine, tag: str) -> None:
    """``run -it`` gets a terminal, and a ^C typed there is an INT in the container."""
    outer, inner = os.openpty()
    script = ("trap 'exit 42' INT; test -t 0 && echo ready; while :; do sleep 1; done",)
    command = engine.command("run", "--rm", "-it", "--entrypoint", "/bin/sh", tag, "-c", *script)
    client = subprocess.Popen(
        command, env=engine.environment(), stdin=inner, stdout=inner, stderr=inner
    )
    try:
        os.close(inner)
        seen = b""
        while b"ready" not in seen:
            seen += os.read(outer, 4096)
        os.write(outer, b"\x03")
        assert client.wait(30) == 42
    finally:
        client.kill()
        client.wait()
        os.close(outer)


def test_memory_limit_kills_when_exceeded(engine: Engine, tag: str) -> None:
    """Resource limits are real here."""
    options = ("--memory", "64m", "--memory-swap", "64m", *PYTHON)
    with engine.container(*options, tag, "-c", "bytearray(200 << 20)") as container:
        assert engine.run_cli("wait", container).stdout == "137\n"
        killed = engine.run_cli("inspect", "--format", "{{.State.OOMKilled}}", container)
    assert killed.stdout == "true\n"


def test_error_says_why_when_client_fails(engine: Engine) -> None:
    """An image that is not there is an error at once: the engine's network leads nowhere."""
    started_at = time.monotonic()
    with pytest.raises(CommandError, match=r"(?s)exit 125\n.*network is unreachable"):
        engine.run_cli("run", "--rm", "nsinit-nowhere:1")
    assert time.monotonic() - started_at < 10


def test_nothing_is_left_when_engine_stops_with_a_running_container(machine: None) -> None:
    """Processes, mounts, cgroups, files and devices are gone; the machine's are as before."""
    places_before = _engine_places()
    with Engine() as other:
        other.build_image("base", base_archive(PROJECT, cache_directory()))
        other.run_cli("run", "--detach", "base", "/bin/sleep", "600")
        namespace = other.enter("readlink", "/proc/self/ns/pid").stdout.strip()
        name = other.directory.name
        assert len(_members(namespace)) > 3
        assert _cgroups(name)
    until = time.monotonic() + 10  # a killed process is still seen while it is being taken apart
    while _members(namespace):
        assert time.monotonic() < until, _members(namespace)
    assert _cgroups(name) == []
    assert name not in Path("/proc/mounts").read_text()
    assert not other.directory.exists()
    assert _engine_places() == places_before


def test_reason_has_the_log_when_daemon_cannot_run(
    machine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon that ends is reported at once, with its last words, and cleaned up after."""
    other = Engine()
    flags = [*other._flags(), "--storage-driver=none-such"]
    monkeypatch.setattr(other, "_flags", lambda: flags)
    with pytest.raises(EngineUnavailable, match=re.compile("ended.*none-such", re.DOTALL)):
        other.start()
    assert not other.directory.exists()


def _exit_code(engine: Engine, container: str) -> int:
    return int(engine.run_cli("inspect", "--format", "{{.State.ExitCode}}", container).stdout)


def _engine_places() -> list[str]:
    """Return where an engine writes by default, as far as this machine has it."""
    places = (
        *("/etc/docker/key.json", "/opt/containerd", "/var/lib/docker", "/var/lib/containerd"),
        *("/run/docker", "/run/containerd", "/sys/class/net/docker0"),
    )
    return [place for place in places if Path(place).exists()]


def _cgroups(name: str) -> list[Path]:
    return [*Path("/sys/fs/cgroup").glob(name), *Path("/sys/fs/cgroup").glob(f"*/{name}")]


def _members(namespace: str) -> list[str]:
    """Return the processes of the machine that are in this pid namespace."""
    members = []
    for link in Path("/proc").glob("[0-9]*/ns/pid"):
        # Processes come and go while they are listed.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if str(link.readlink()) == namespace:
                members.append(str(link))
    return members
