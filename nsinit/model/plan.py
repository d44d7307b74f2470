"""The plan: what the core has to know of each service, with every default decided. Pure.

A `Config` is what was written; a `Plan` is what it means. How to run a program (its command, its
user, its environment) is not the core's business and stays in the `Service`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct, field, structs

from nsinit.model import graph, probing
from nsinit.model.spec import (
    NO_CODES,
    NO_NEEDS,
    NOTIFIES,
    SUCCESS,
    FailureAction,
    Health,
    HealthAction,
    KillMode,
    Overlap,
    RestartPolicy,
    ServiceType,
)
from nsinit.model.types import UNLIMITED

if TYPE_CHECKING:
    from nsinit.model.spec import Config, Hook, Service

START_TIMEOUT = 60.0
STOP_TIMEOUT = 8.0
REPLICAS_MAX = 1000
SIGHUP = 1  # asks for a reload where nothing else is said
# How long (s) a hook may take that does not say so itself. What is on the way to readiness is
# waited for by people, what is on the way out by docker.
HOOK_TIMEOUTS = {
    "pre_start": 60.0, "post_start": 60.0, "reload_command": 60.0,
    "pre_stop": 5.0, "post_stop": 5.0, "on_fail": 5.0,
}  # fmt: skip


class Rules(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one service is started, kept and stopped; spans in seconds.

    What is as usual is not written down (`omit_defaults`), and is there once for all services: so
    a default, once released, stays what it is.
    """

    name: str
    type: ServiceType = "simple"
    description: str = ""
    tags: tuple[str, ...] = ()
    autostart: bool = True
    main: bool = False
    essential: bool = False

    needs: dict[str, str] = field(default_factory=dict)
    wants: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    dependents: tuple[str, ...] = ()

    trigger: Literal["", "schedule", "socket"] = ""  # what a wanted service still waits for
    overlap: Overlap = "skip"
    accepts: bool = False  # a process per connection, and none of its own
    replica_of: str = ""
    forking: bool = False
    tasks: dict[str, float] = field(default_factory=dict)  # hooks and probes: time limit of each

    waits_for_ready: bool = False
    says_ready: bool = False  # by sd_notify
    ready_interval: float = 1.0
    health_interval: float = 10.0
    health_retries: int = 3
    health_start_period: float = 0.0
    health_action: HealthAction = "restart"
    watchdog: float = 0.0  # 0: none
    stores_fds: bool = False  # by sd_notify
    on_failure: FailureAction = "ignore"
    reload_signal: int = 0
    reload_timeout: float | None = None  # of a service that tells when it has reloaded
    start_timeout: float | None = None
    min_uptime: float = 0.0

    restart: RestartPolicy = "no"
    restart_delay: float = 0.5
    restart_max_delay: float = 30.0
    restart_limit: int = 10
    reset_after: float = 30.0  # from ready on
    success: frozenset[int] = SUCCESS
    prevent: frozenset[int] = NO_CODES

    stop_steps: tuple[tuple[int, float], ...] = ((15, STOP_TIMEOUT),)
    kill_mode: KillMode = "group"

    def __post_init__(self) -> None:
        """Take equal values for the usual ones themselves."""
        for name, usual in _USUAL:
            value = getattr(self, name)
            if value is not usual and value == usual:
                structs.force_setattr(self, name, usual)

    @property
    def oneshot(self) -> bool:
        """Whether it runs once, to an end."""
        return self.type == "oneshot"

    @property
    def undo(self) -> bool:
        """Whether what it did is undone when it is stopped, though it has ended."""
        return self.oneshot and "stop_command" in self.tasks

    @property
    def has_notify_socket(self) -> bool:
        """Whether it is given a socket to speak of itself by sd_notify."""
        return self.says_ready or self.watchdog > 0 or self.forking or self.stores_fds

    @property
    def stop_total(self) -> float:
        """How long (s) its whole stop may take."""
        hooks = sum(self.tasks.get(task, 0.0) for task in ("pre_stop", "stop_command", "post_stop"))
        return hooks + sum(wait for _, wait in self.stop_steps)


_NO_TASKS: Final[dict[str, float]] = {}  # there once for all services
# Those of fields whose values are made anew for each service.
_USUAL: Final = [
    (one.name, one.default)
    for one in structs.fields(Rules)
    if isinstance(one.default, (float, tuple, frozenset))
]


class Plan(Struct, frozen=True, kw_only=True):
    """What to keep running, by name in starting order."""

    services: dict[str, Rules] = field(default_factory=dict)
    main: str | None = None
    tasks: dict[str, float] = field(default_factory=dict)  # init's own hooks, likewise
    shutdown_timeout: float = 9.0
    keep_running: bool = False


def make_plan(config: Config) -> Plan:
    """The plan of a configuration that passed the checks."""
    services = config.services
    before = waits_for(services)
    dependents = graph.reverse(before)
    rules = {
        name: _rules(name, services, before[name], dependents[name])
        for name in graph.in_order(before)
    }
    return Plan(
        services=rules,
        main=next((name for name, spec in services.items() if spec.main), None),
        tasks=_hooks({"pre_start": config.init.pre_start, "post_stop": config.init.post_stop}),
        shutdown_timeout=float(config.init.shutdown_timeout),
        keep_running=config.init.keep_running,
    )


def waits_for(services: dict[str, Service]) -> dict[str, dict[str, None]]:
    """For each service, those that start before it: needs, wants, after, and others' before."""
    made: dict[str, dict[str, None]] = {
        name: dict.fromkeys(
            other for other in (*spec.depends_on, *spec.wants, *spec.after) if other in services
        )
        for name, spec in services.items()
    }
    for name, spec in services.items():
        for other in spec.before:
            if other in made:
                made[other][name] = None
    return made


def condition(written: str, target: Service) -> str:
    """What a dependency waits for: as written, else ready, and completed for a oneshot."""
    return written or ("completed" if target.type == "oneshot" else "ready")


def _rules(
    name: str,
    services: dict[str, Service],
    before: dict[str, None],
    dependents: list[str],
) -> Rules:
    spec = services[name]
    oneshot, reports = spec.type == "oneshot", spec.type == "notify-reload"
    ready = spec.type in (*NOTIFIES, "forking") or probing.declares(spec.ready)
    needs = {other: condition(how, services[other]) for other, how in spec.depends_on.items()}
    start_timeout: float | None = START_TIMEOUT if ready and not oneshot else None
    if spec.start_timeout is not None:
        start_timeout = float(spec.start_timeout)
    accepts = any(socket.accept for socket in spec.sockets)
    min_uptime = 0.0 if oneshot or accepts else 1.0
    if spec.min_uptime is not None:
        min_uptime = float(spec.min_uptime)
    health = spec.health or Health()
    return Rules(
        name=name,
        type=spec.type,
        description=_printable(spec.description),
        replica_of=name.rpartition("@")[0],
        tags=tuple(_printable(tag) for tag in spec.tags),
        autostart=spec.autostart,
        main=spec.main,
        essential=spec.essential,
        needs=needs or NO_NEEDS,
        wants=tuple(spec.wants),
        after=tuple(other for other in before if other not in needs),
        dependents=tuple(dependents),
        trigger=_trigger(spec),
        overlap=spec.schedule.overlap if spec.schedule else "skip",
        accepts=accepts,
        forking=spec.type == "forking",
        tasks=_tasks(spec),
        waits_for_ready=ready,
        says_ready=spec.type in NOTIFIES or (spec.ready is not None and spec.ready.notify),
        ready_interval=float(spec.ready.interval) if spec.ready else 1.0,
        health_interval=float(health.interval),
        health_retries=health.retries,
        health_start_period=float(health.start_period),
        health_action=health.action,
        watchdog=float(spec.watchdog),
        stores_fds=spec.fd_store_max > 0,
        on_failure=spec.on_failure,
        reload_signal=int(spec.reload_signal or (SIGHUP if reports else 0)),
        reload_timeout=(start_timeout or START_TIMEOUT) if reports else None,
        start_timeout=start_timeout,
        min_uptime=min_uptime,
        restart=spec.restart or ("no" if oneshot or spec.main or spec.schedule else "on-failure"),
        restart_delay=float(spec.restart_delay),
        restart_max_delay=float(spec.restart_max_delay),
        restart_limit=int(spec.restart_limit),
        reset_after=float(spec.restart_reset),
        success=spec.success_exit_codes,
        prevent=spec.restart_prevent_codes,
        stop_steps=stop_steps(spec),
        kill_mode=spec.kill_mode,
    )


def _tasks(spec: Service) -> dict[str, float]:
    """The time limit (s) of each hook and probe that a service has."""
    made = _hooks({name: getattr(spec, name) for name in HOOK_TIMEOUTS})
    if "reload_command" in made:
        made["reload"] = made.pop("reload_command")
    if spec.stop_command is not None:
        limit = spec.stop_command.timeout
        made["stop_command"] = float(spec.stop_timeout if limit is None else limit)
    if spec.ready is not None and probing.ways(spec.ready):
        made["ready"] = float(spec.ready.timeout)
    if spec.health is not None and probing.ways(spec.health):
        made["health"] = float(spec.health.timeout)
    return made or _NO_TASKS


def _hooks(hooks: dict[str, Hook | None]) -> dict[str, float]:
    return {
        name: HOOK_TIMEOUTS[name] if hook.timeout is None else float(hook.timeout)
        for name, hook in hooks.items()
        if hook is not None
    }


def _trigger(spec: Service) -> Literal["", "schedule", "socket"]:
    if spec.schedule is not None:
        return "schedule"
    return "socket" if any(socket.lazy for socket in spec.sockets) else ""


def _printable(text: str) -> str:
    """Without the bytes that a variable may have brought in and no encoding knows."""
    return text.encode("utf-8", "backslashreplace").decode()


def stop_steps(spec: Service) -> tuple[tuple[int, float], ...]:
    """The signals to stop it with, each with the seconds to wait after it."""
    timeout = float(spec.stop_timeout)
    return tuple((number, timeout if w is None else w) for number, w in spec.stop_signal)


def allows_restart(limit: int, in_a_row: int) -> bool:
    """Whether one more restart is within the limit."""
    return limit == UNLIMITED or in_a_row < limit
