"""Makes a plan: asks the core what it starts at once, and keeps what can be started simply.

The core is pure, so it says the same now as at a boot. It is told that each of these services
runs, and so goes on to those that only wait for that.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.core import messages as m
from nsinit.core.supervisor import Supervisor
from nsinit.errors import ConfigError
from nsinit.model.logs import sinks
from nsinit.model.spec import Config, Init, Service
from nsinit.model.types import Words
from nsinit.problem import Problem
from nsinit.runtime.headstart.planfile import INHERIT, NULL, PIPE, HeadStart, found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nsinit.model.load import Loaded
    from nsinit.runtime.headstart.planfile import Search

_SOME_PID: Final = 2
_MARKS: Final = "*?[]"  # of glob(7)

# What of a service does not change how it is born; all else but these must be as if not written.
_WITHOUT_EFFECT: Final = frozenset({
    "command", "shell", "type", "description", "autostart", "working_dir", "umask", "environment",
    "inherit_env", "depends_on", "wants", "after", "before", "main", "essential", "tags",
    "replicas", "schedule", "watch", "ready", "health", "start_timeout", "min_uptime", "restart",
    "restart_delay", "restart_max_delay", "restart_limit", "restart_reset", "success_exit_codes",
    "restart_prevent_codes", "on_failure", "pre_start", "post_start", "pre_stop", "stop_command",
    "post_stop", "on_fail", "reload_command", "reload_signal", "stop_signal", "stop_timeout",
    "kill_mode", "log",
})  # fmt: skip
_NOTHING: Final = Service(command=Words(("",)))


class Foreseen(NamedTuple):
    """A plan, and why services that start by themselves are not in it, by name."""

    plan: HeadStart
    left_out: dict[str, str]


class Recorded(dict[str, str]):
    """An environment that notes which of its variables were looked at."""

    def __init__(self, env: Mapping[str, str]) -> None:
        super().__init__(env)
        self.seen: dict[str, str | None] = {}

    def __contains__(self, name: object) -> bool:
        self._note(name)
        return super().__contains__(name)

    def __getitem__(self, name: str) -> str:
        self._note(name)
        return super().__getitem__(name)

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]  # what is asked for here is text
        """The same, noted."""
        self._note(name)
        return super().get(name, default)

    def _note(self, name: object) -> None:
        if isinstance(name, str):
            self.seen[name] = super().get(name)


def foresee(loaded: Loaded, variables: dict[str, str | None]) -> Foreseen:
    """The plan of a configuration that was loaded with these variables looked at.

    ConfigError if nothing of it can be started before the rest of init is there.
    """
    main = loaded.sources[0].file
    if why := _why_not_at_all(loaded.config):
        raise ConfigError([Problem(main, 0, "", f"cannot compile: {why}")])
    starts, left_out = _first_services(loaded)
    here = os.path.dirname(main)
    control = loaded.config.init.control
    plan = HeadStart(
        [(_from(here, one.file) if at else "", one.text.encode())
         for at, one in enumerate(loaded.sources)],
        [(search, found(here, search)) for search in _searched(loaded)],
        variables,
        (control.path, int(control.mode)),
        dict(loaded.config.init.environment),
        starts,
    )  # fmt: skip
    return Foreseen(plan, left_out)


def _from(here: str, path: str) -> str:
    """A path as the main file has it: relative to that, or absolute."""
    return path.removeprefix(f"{here}/") if here else path


def _searched(loaded: Loaded) -> Iterator[Search]:
    """What the patterns of `include` search for."""
    for pattern in loaded.sources[0].taken_out().data.get("include", []):
        directory, slash, last = pattern.rpartition("/")
        if any(mark in directory for mark in _MARKS):
            why = f"cannot compile: the pattern {pattern!r} searches more than one directory"
            raise ConfigError([Problem(loaded.sources[0].file, 0, "include", why)])
        places = [at for at, letter in enumerate(last) if letter in _MARKS]
        if places:
            yield directory or slash, last[: places[0]], last[places[-1] + 1 :]


def _why_not_at_all(config: Config) -> str:
    """Why no service of it can be started before init is there; nothing if some can."""
    if config.sandbox is not None:
        return "a sandbox has to be made before a service can be started in it"
    for key in ("syslog", "journal", "pre_start"):
        if getattr(config.init, key) != getattr(Init(), key):
            return f"[init].{key} has to be there before the first service"
    if any(not isinstance(value, str) for value in config.init.environment.values()):
        return "[init].environment has values from files, which are read at each start"
    for name, spec in config.services.items():
        for key in ("sockets", "fd_store_max", "pass_fds"):
            if getattr(spec, key) != getattr(_NOTHING, key):
                return f"{key} of {name} have to be there before the first service"
    return ""


def _first_services(loaded: Loaded) -> tuple[list[tuple[object, ...]], dict[str, str]]:
    """Rows of those that the core starts at once; and why others that it starts are not there."""
    core = Supervisor(loaded.plan)
    events: deque[m.Event] = deque([m.Boot()])
    made: list[tuple[object, ...]] = []
    left_out: dict[str, str] = {}
    while events:
        for action in core.handle(events.popleft(), 0.0):
            if not isinstance(action, m.Spawn):
                continue
            name, run = action.service, action.run
            notified = loaded.plan.services[name].has_notify_socket
            if why := _why_not(loaded.config.services[name], notified=notified):
                left_out[name] = why
                continue
            made.append(_row(name, run, loaded.config.services[name]))
            events += (m.Spawned(name, run, _SOME_PID + len(made)), m.Execed(name, run))
        core.tidy()
    return made, left_out


def _why_not(spec: Service, *, notified: bool) -> str:
    """The key that makes its start more than a simple one; nothing if it is simple."""
    for key in Service.__struct_fields__:
        if key not in _WITHOUT_EFFECT and getattr(spec, key) != getattr(_NOTHING, key):
            return key
    if spec.ready is not None and (spec.ready.fd is not None or spec.ready.log is not None):
        return "ready"
    if notified:
        return "a socket for sd_notify"
    if spec.kill_mode == "cgroup":
        return "kill_mode"
    if any(not isinstance(value, str) for value in spec.environment.values()):
        return "environment"
    return ""


def _row(name: str, run: int, spec: Service) -> tuple[object, ...]:
    """As `Start` takes it, of types that marshal knows."""
    hows = [_how(spec, stream) for stream in ("stdout", "stderr")]
    umask = None if spec.umask is None else int(spec.umask)
    environment = {str(key): str(value) for key, value in spec.environment.items()}
    command = tuple(map(str, spec.command))
    return (name, run, command, spec.working_dir, umask, spec.inherit_env, environment, *hows)


def _how(spec: Service, stream: str) -> int:
    to = sinks(spec.log, stream)
    return INHERIT if to == ("inherit",) else NULL if to == ("null",) else PIPE
