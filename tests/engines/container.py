"""Own containers with nsinit in them: start them, ask what goes on inside, see how they end.

May import `engine` and `lines`. What must stay true: a container is removed when the test that
started it is over, and every question has a time limit.
"""

import contextlib
import itertools
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, TypedDict

from .engine import Engine
from .lines import Events, Program

Answer = subprocess.CompletedProcess[str]

CONFIG_PLACE: Final = "/etc/nsinit"
END_TIMEOUT: Final = 40.0
NUMBERS: Final = itertools.count(1)


class ServiceStatus(TypedDict):
    """What `nsinit ctl status --json` says of a service, as far as tests look at it."""

    name: str
    state: str
    want: str
    pid: int | None
    run: int
    restarts: int
    reason: str
    result: str
    exit_code: int | None


class Process(NamedTuple):
    """A line of ps."""

    pid: int
    parent: int
    state: str
    name: str

    @property
    def is_zombie(self) -> bool:
        """Whether it has ended and nobody has reaped it."""
        return self.state.startswith("Z")


class Container:
    """One container."""

    def __init__(self, engine: Engine, name: str) -> None:
        """Speak of a container that was started already."""
        self.engine: Final = engine
        self.name: Final = name

    def exec(self, *words: str, check: bool = True) -> Answer:
        """Run a program in it, as its own user."""
        return self.engine.run_cli("exec", self.name, *words, check=check)

    def ctl(self, *words: str, check: bool = True) -> Answer:
        """Run `nsinit ctl` in it."""
        return self.exec("nsinit", "ctl", *words, check=check)

    def status(self) -> dict[str, ServiceStatus]:
        """Return what init says of its services."""
        rows: list[ServiceStatus] = self._status()["services"]
        return {row["name"]: row for row in rows}

    def about_init(self) -> dict[str, Any]:
        """Return what init says of itself."""
        made: dict[str, Any] = self._status()["init"]
        return made

    def _status(self) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(self.ctl("status", "--json").stdout)
        return made

    def events(self) -> Events:
        """Return a follower of init's events; it lives in the container until that ends."""
        command = self.engine.command("exec", self.name, "nsinit", "ctl", "events", "-f", "--json")
        return Events(command, self.engine.environment())

    def follow(self, *args: str) -> Program:
        """Return a running docker client, to read what it tells as it comes."""
        return Program(self.engine.command(*args), self.engine.environment())

    def exec_program(self, *words: str) -> Program:
        """Return a program that runs in it, to read what it tells as it comes."""
        return self.follow("exec", self.name, *words)

    def processes(self) -> list[Process]:
        """Return what runs in it, this very question left out."""
        rows = self.exec("ps", "-eo", "pid=,ppid=,stat=,comm=").stdout.splitlines()
        made = [Process(int(p), int(pp), s, n) for p, pp, s, n in (r.split(None, 3) for r in rows)]
        return [one for one in made if not (one.parent == 0 and one.name == "ps")]

    def until_processes(self, count: int, timeout: float = 20.0) -> list[Process]:
        """Return what runs in it once no more than so many do, zombies included."""
        end = time.monotonic() + timeout
        while len(found := self.processes()) > count:
            assert time.monotonic() < end, found
        return found

    def logs(self) -> str:
        """Return all it has written, stdout before stderr."""
        answer = self.engine.run_cli("logs", self.name)
        return answer.stdout + answer.stderr

    def await_log(self, pattern: str, timeout: float = 30.0) -> str:
        """Wait for a line, and return everything up to then."""
        return self.engine.await_log(self.name, pattern, timeout)

    def kill(self, signal: str) -> None:
        """Send a signal to its PID 1, from outside."""
        self.engine.run_cli("kill", "--signal", signal, self.name)

    def stop(self) -> float:
        """Run `docker stop`, which kills after 10 s; how long that took (s)."""
        started_at = time.monotonic()
        self.engine.run_cli("stop", self.name)
        return time.monotonic() - started_at

    def end(self) -> int:
        """Wait until it has ended by itself; its exit code."""
        return int(self.engine.run_cli("wait", self.name, timeout=END_TIMEOUT).stdout)

    def inspect(self, template: str) -> str:
        """Return what the engine knows of it."""
        return self.engine.run_cli("inspect", "--format", template, self.name).stdout.strip()


class Containers:
    """Starts containers for one test and removes them after it."""

    def __init__(
        self, engine: Engine, image: str, directory: Callable[[], Path] | None = None
    ) -> None:
        """Without a maker of directories there is no place for configurations."""
        self._engine = engine
        self._image = image
        self._directory = directory
        self._made: list[Container] = []

    def start(self, config: str, *options: str) -> Container:
        """Start one whose entry point is nsinit with this configuration."""
        return self.start_with(config, *options, command=("run",))

    def start_with(self, config: str, *options: str, command: tuple[str, ...]) -> Container:
        """Start one that has this configuration, and say what it runs."""
        return self.start_command(*self.with_config(config), *options, command=command)

    def start_command(self, *options: str, command: tuple[str, ...]) -> Container:
        """Start one with these options of docker and these words after the image."""
        made = self._name_one()
        name = ("--name", made.name)
        self._engine.run_cli("run", "--detach", *name, *options, self._image, *command)
        return made

    def run(self, config: str, *options: str) -> Answer:
        """Run one with this configuration to its end."""
        return self.run_command(*self.with_config(config), *options, command=("run",))

    def run_command(self, *options: str, command: tuple[str, ...]) -> Answer:
        """Run one to its end."""
        name = ("--name", self._name_one().name)
        words = ("run", "--rm", *name, *options, self._image, *command)
        return self._engine.run_cli(*words, check=False, timeout=END_TIMEOUT)

    @contextlib.contextmanager
    def terminal(self, *options: str, command: tuple[str, ...]) -> Iterator[Program]:
        """Yield the docker client of one that has a terminal, to type on it."""
        name = ("--name", self._name_one().name)
        words = ("run", "--interactive", "--tty", *name, *options, self._image, *command)
        client = self._engine.command(*words)
        with Program(client, self._engine.environment(), terminal=True) as program:
            yield program

    def with_config(self, config: str) -> tuple[str, ...]:
        """Return the options of docker that give a container this configuration."""
        assert self._directory is not None
        directory = self._directory()
        # pytest's directories are for their owner alone, and containers have users of their own.
        directory.chmod(0o755)
        (directory / "nsinit.toml").write_text(config)
        return ("--volume", f"{directory}:{CONFIG_PLACE}:ro")

    def remove_all(self) -> None:
        """Remove what was started."""
        names = [container.name for container in self._made]
        if names:
            self._engine.run_cli("rm", "--force", "--volumes", *names, check=False)
        self._made.clear()

    def _name_one(self) -> Container:
        """Remember a container before it is made, so that it is removed if it can't start."""
        made = Container(self._engine, f"nsinit-container-{next(NUMBERS)}")
        self._made.append(made)
        return made
