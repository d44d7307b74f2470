"""The plan: what the core has to know of each service, with every default decided. Pure.

A `Config` is what was written; a `Plan` is what it means. How to run a program (its command, its
user, its environment) is not the core's business and stays in the `Service`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from nsinit.model import graph
from nsinit.model.spec import KillMode, RestartPolicy, ServiceType
from nsinit.model.types import UNLIMITED

if TYPE_CHECKING:
    from nsinit.model.spec import Config, Service

START_TIMEOUT = 60.0
RESET_AFTER = 30.0
STOP_TIMEOUT = 8.0


class Rules(Struct, frozen=True, kw_only=True):
    """How one service is started, kept and stopped; spans in seconds."""

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
    chain: float = 0.0  # the longest time that it and what stops after it may take

    waits_for_ready: bool = False
    start_timeout: float | None = None
    min_uptime: float = 0.0

    restart: RestartPolicy = "no"
    restart_delay: float = 0.5
    restart_max_delay: float = 30.0
    restart_limit: int = 10
    reset_after: float = RESET_AFTER
    success: frozenset[int] = frozenset([0])
    prevent: frozenset[int] = frozenset()

    stop_steps: tuple[tuple[int, float], ...] = ((15, 8.0),)
    kill_mode: KillMode = "group"

    @property
    def oneshot(self) -> bool:
        """Whether it runs once, to an end."""
        return self.type == "oneshot"


class Plan(Struct, frozen=True, kw_only=True):
    """What to keep running, by name in starting order."""

    services: dict[str, Rules] = field(default_factory=dict)
    main: str | None = None
    shutdown_timeout: float = 9.0
    keep_running: bool = False


def make_plan(config: Config) -> Plan:
    """The plan of a configuration that passed the checks."""
    services = config.services
    before = waits_for(services)
    weights = {name: stop_total(spec) for name, spec in services.items()}
    chains = graph.longest_chains(before, weights)
    dependents = graph.reverse(before)
    rules = {
        name: _rules(name, services, before[name], dependents[name], chains[name])
        for name in graph.in_order(before)
    }
    return Plan(
        services=rules,
        main=next((name for name, spec in services.items() if spec.main), None),
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
    chain: float,
) -> Rules:
    spec = services[name]
    oneshot = spec.type == "oneshot"
    ready = spec.type == "notify" or (spec.ready is not None and spec.ready.notify)
    needs = {other: condition(how, services[other]) for other, how in spec.depends_on.items()}
    start_timeout: float | None = START_TIMEOUT if ready and not oneshot else None
    if spec.start_timeout is not None:
        start_timeout = float(spec.start_timeout)
    min_uptime = 0.0 if oneshot else 1.0
    if spec.min_uptime is not None:
        min_uptime = float(spec.min_uptime)
    return Rules(
        name=name,
        type=spec.type,
        description=_printable(spec.description),
        tags=tuple(_printable(tag) for tag in spec.tags),
        autostart=spec.autostart,
        main=spec.main,
        essential=spec.essential,
        needs=needs,
        wants=tuple(spec.wants),
        after=tuple(other for other in before if other not in needs),
        dependents=tuple(dependents),
        chain=chain,
        waits_for_ready=ready,
        start_timeout=start_timeout,
        min_uptime=min_uptime,
        restart=spec.restart or ("no" if oneshot or spec.main else "on-failure"),
        restart_delay=float(spec.restart_delay),
        restart_max_delay=float(spec.restart_max_delay),
        restart_limit=int(spec.restart_limit),
        success=frozenset(spec.success_exit_codes),
        prevent=frozenset(spec.restart_prevent_codes),
        stop_steps=_stop_steps(spec),
        kill_mode=spec.kill_mode,
    )


def _printable(text: str) -> str:
    """Without the bytes that a variable may have brought in and no encoding knows."""
    return text.encode("utf-8", "backslashreplace").decode()


def _stop_steps(spec: Service) -> tuple[tuple[int, float], ...]:
    timeout = float(spec.stop_timeout)
    return tuple((number, timeout if w is None else w) for number, w in spec.stop_signal)


def stop_total(spec: Service) -> float:
    """How long (s) its whole stop sequence may take."""
    return sum(wait for _, wait in _stop_steps(spec))


def allows_restart(limit: int, in_a_row: int) -> bool:
    """Whether one more restart is within the limit."""
    return limit == UNLIMITED or in_a_row < limit
