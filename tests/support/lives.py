"""Strategies for whole lives of init: configurations with every feature, and what may be said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from msgspec import structs

from nsinit.core import messages as m
from nsinit.model.plan import Plan, make_plan
from nsinit.model.spec import (
    Config,
    Health,
    Hook,
    Init,
    Ready,
    RestartPolicy,
    Service,
    ServiceType,
)
from nsinit.model.types import Codes, Limit, Names, Needs, Seconds, Signal, StopSequence, Words

if TYPE_CHECKING:
    from nsinit.core.messages import TaskKind

NAMES = ["a", "b", "c", "d", "e"]
TYPES: list[ServiceType] = [
    "simple", "simple", "oneshot", "notify", "notify-reload", "forking",
]  # fmt: skip
RESTARTS: list[RestartPolicy | None] = [None, "no", "on-failure", "always", "on-success"]
OUTCOMES = ["ok", "ok", "stubborn", "strays", "no fork", "no program", "late failure", "late exec"]
TASK_OUTCOMES = [
    "ok", "ok", "1", "125", "-9", "late", "late", "late 1", "late 125", "never",
    "ok and leaves one", "late and leaves one", "never and leaves one",
]  # fmt: skip
DAEMONS = ["found", "found", "missing", "late", "hopeless"]
HOOKS = ["pre_start", "post_start", "pre_stop", "stop_command", "post_stop", "on_fail",
         "reload_command"]  # fmt: skip
STEPS = [StopSequence([(15, None)]), StopSequence([(15, 2.0), (2, 1.0)])]
SPANS: st.SearchStrategy[float | None] = st.sampled_from([None, 0.0, 0.5, 5.0, 100.0])
_COMMAND = Words(["x"])


def _hook(limit: float | None) -> Hook:
    return Hook(command=_COMMAND, timeout=None if limit is None else Seconds(limit))


@st.composite
def hooks(draw: st.DrawFn) -> dict[str, Any]:
    """Some of the hooks, with the limits of the contract or others."""
    chosen = draw(st.sets(st.sampled_from(HOOKS), max_size=3))
    return {name: _hook(draw(SPANS)) for name in sorted(chosen)}


@st.composite
def probes(draw: st.DrawFn, kind: ServiceType) -> dict[str, Any]:
    """How to see whether it is ready and well."""
    asked = draw(st.booleans())
    made: dict[str, Any] = {
        "ready": Ready(
            notify=draw(st.booleans()),
            exec=_COMMAND if asked else None,
            interval=Seconds(draw(st.sampled_from([0.0, 0.2, 1.0]))),
        )
    }
    if kind != "oneshot" and draw(st.booleans()):
        made["health"] = Health(
            exec=_COMMAND,
            interval=Seconds(draw(st.sampled_from([0.5, 2.0]))),
            retries=draw(st.integers(1, 3)),
            start_period=Seconds(draw(st.sampled_from([0.0, 3.0]))),
            action=draw(st.sampled_from(["restart", "stop", "shutdown", "none"])),
        )
        made["watchdog"] = Seconds(draw(st.sampled_from([0.0, 0.0, 3.0])))
    return made


@st.composite
def services(draw: st.DrawFn) -> dict[str, Service]:
    """A few services whose dependencies go only to earlier ones."""
    count = draw(st.integers(1, len(NAMES)))
    main = draw(st.integers(-4, count - 1))
    made: dict[str, Service] = {}
    for index, name in enumerate(NAMES[:count]):
        kind = draw(st.sampled_from(TYPES))
        earlier = st.sampled_from(NAMES[:index]) if index else st.nothing()
        needs = draw(st.sets(earlier, max_size=2)) if index else set()
        choices = ["started", "ready", "completed", "exited"]
        conditions = {
            other: draw(st.sampled_from(choices))
            for other in sorted(needs)
            if made[other].restart != "always"
        }
        maybe = st.sampled_from([*NAMES[:index], *[""] * 3 * (index + 1)])
        first, liked = {draw(maybe)} - {""}, {draw(maybe)} - {""}
        restart = draw(st.sampled_from(RESTARTS))
        made[name] = Service(
            command=_COMMAND,
            type=kind,
            restart=restart if kind != "oneshot" or restart in (None, "no") else "on-failure",
            depends_on=Needs(conditions),
            after=Names(sorted(first - set(conditions))),
            wants=Names(sorted(liked - set(conditions))),
            autostart=draw(st.booleans()) or index == 0,
            main=index == main,
            essential=draw(st.integers(0, 4)) == 0,
            on_failure=draw(
                st.sampled_from(["ignore", "ignore", "restart-dependents", "shutdown"])
            ),
            start_timeout=draw(st.sampled_from([None, Seconds(0), Seconds(5)])),
            min_uptime=draw(st.sampled_from([None, Seconds(0)])),
            restart_delay=Seconds(draw(st.sampled_from([0.0, 0.5]))),
            restart_limit=Limit(draw(st.sampled_from([-1, 0, 1, 3]))),
            success_exit_codes=Codes(draw(st.sampled_from([[0], [0, 3], [0, -15]]))),
            restart_prevent_codes=Codes(draw(st.sampled_from([[], [4]]))),
            reload_signal=draw(st.sampled_from([None, Signal(1)])),
            stop_signal=draw(st.sampled_from(STEPS)),
            kill_mode=draw(st.sampled_from(["group", "group", "mixed", "process"])),
        )
        extra = (draw(hooks()) if draw(st.booleans()) else {}) | (
            draw(probes(kind)) if draw(st.booleans()) else {}
        )
        made[name] = structs.replace(made[name], **extra)
    return made


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """What to keep running, with triggers and replicas."""
    specs = draw(services())
    own = {name: _hook(draw(SPANS)) for name in draw(st.sets(st.sampled_from(["pre_start"])))}
    own |= {name: _hook(draw(SPANS)) for name in draw(st.sets(st.sampled_from(["post_stop"])))}
    init = structs.replace(Init(keep_running=draw(st.booleans())), **own)
    plan = make_plan(Config(init=init, services=specs))
    rules = dict(plan.services)
    for name in draw(st.sets(st.sampled_from(sorted(rules)), max_size=2)):
        rules[name] = structs.replace(
            rules[name],
            trigger=draw(st.sampled_from(["schedule", "socket"])),
            overlap=draw(st.sampled_from(["skip", "queue", "kill"])),
        )
    for name in draw(st.sets(st.sampled_from(sorted(rules)), min_size=2) if len(rules) > 1
                     else st.just(set[str]())):  # fmt: skip
        rules[name] = structs.replace(rules[name], replica_of="many")
    return structs.replace(plan, services=rules)


def lesser(plan: Plan, gone: set[str]) -> Plan:
    """The plan without some services, and without what the others needed them for."""
    services = {
        name: structs.replace(
            rules,
            needs={other: how for other, how in rules.needs.items() if other not in gone},
            wants=tuple(other for other in rules.wants if other not in gone),
            after=tuple(other for other in rules.after if other not in gone),
            dependents=tuple(other for other in rules.dependents if other not in gone),
        )
        for name, rules in plan.services.items()
        if name not in gone
    }
    main = plan.main if plan.main not in gone else None
    return structs.replace(plan, services=services, main=main)


def notifications(name: str, run: int) -> st.SearchStrategy[m.Notified]:
    """What one datagram may say, except that another process is the main one."""
    return st.builds(
        m.Notified,
        service=st.just(name),
        run=st.just(run),
        ready=st.booleans(),
        status=st.sampled_from([None, "", "busy"]),
        stopping=st.booleans(),
        reloading=st.booleans(),
        reloading_at=st.sampled_from([None, 0.0, 1000.5, 1e9]),
        errno=st.sampled_from([0, 0, 5]),
        extend=st.sampled_from([None, None, 0.0, 3.0]),
        watchdog=st.sampled_from(["", "1", "1", "trigger"]),
        watchdog_span=st.sampled_from([None, None, 0.0, 2.0]),
    )


def stale_events(name: str, run: int) -> list[m.Event]:
    """One of each kind, of a run that is over."""
    task: TaskKind = "post_stop"
    return [
        m.Spawned(name, run, 7),
        m.Execed(name, run),
        m.SpawnFailed(name, run, "exec", 2, "x"),
        m.Ready(name, run),
        m.Exited(name, run, 1),
        m.Emptied(name, run),
        m.Lingering(name, run, 1),
        m.TaskEnded(name, run, task, 0),
        m.MainFound(name, run, 7),
        m.MainMissing(name, run, "x"),
        m.Notified(name, run, ready=True, watchdog="trigger", main_pid=7),
        m.Fired(name, run, "stop", 0.0),
        m.PauseFailed(name, run, "x"),
    ]
