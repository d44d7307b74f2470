"""The figures of init as text for a monitoring system: OpenMetrics, or the text of Prometheus.

A pure function of the snapshots of services and of counters. The table of families says all that
there is; docs/metrics.md is compared with it. A service is a label, a replica has one more, so the
number of rows is bounded by the services of the configuration.

Sources: the specification of OpenMetrics 1.0; "Exposition formats" of Prometheus (version 0.0.4).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from nsinit.control.accepting import OPENMETRICS
from nsinit.core.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from nsinit.core.view import ServiceView

    Pick = Callable[["ServiceFacts", "Facts"], float | None]

_ESCAPES: Final = {ord("\\"): r"\\", ord('"'): r"\"", ord("\n"): r"\n"}
_PIECE: Final = 200  # rows
_SIGNALLED: Final = 128  # what a shell adds to the number of a signal

Row = tuple[str, float]  # the labels without the braces, and the value


class Used(NamedTuple):
    """What the processes of a service use now; `cpu` (s) is what they have used so far."""

    cpu: float = 0.0
    memory: int = 0
    processes: int = 0
    fds: int | None = None
    group_memory: int | None = None
    group_limit: int | None = None


class ServiceFacts(NamedTuple):
    """One service; `ends` are its runs that have ended, by result."""

    view: ServiceView
    labels: str
    healthy: bool
    used: Used
    ends: Mapping[str, int]
    boot: float | None = None  # s that its first start took until it was up


class Facts(NamedTuple):
    """All that is told; instants are monotonic seconds, `epoch` is when that clock was 0."""

    now: float
    epoch: float
    services: list[ServiceFacts]
    init: Mapping[str, float | None]
    build: Mapping[str, str]
    logs: Sequence[tuple[str, str, float]] = ()  # a family, labels, a value


class Family(NamedTuple):
    """One metric: how it is called without the ending of its kind, and what its rows are."""

    name: str
    kind: Literal["gauge", "counter", "info"]
    help: str
    rows: Callable[[Facts], Iterable[Row]]
    labels: tuple[str, ...] = ()
    unit: str = ""

    @property
    def sample(self) -> str:
        """The name that its rows have."""
        return self.name + {"gauge": "", "counter": "_total", "info": "_info"}[self.kind]


def labels(**pairs: str) -> str:
    """Labels as text; a value may be anything."""
    return ",".join(f'{key}="{escape(value)}"' for key, value in pairs.items())


def escape(value: str) -> str:
    """The value of a label; what is no Unicode is shown as it can be."""
    return value.encode("utf-8", "backslashreplace").decode().translate(_ESCAPES)


def service_labels(name: str) -> str:
    """Those of a service: NAME@2 is its replica 2."""
    base, _, index = name.rpartition("@")
    return labels(service=base, replica=index) if base else labels(service=name)


# --- What is told ---------------------------------------------------------------------------------


def _each(pick: Pick) -> Callable[[Facts], Iterator[Row]]:
    def rows(facts: Facts) -> Iterator[Row]:
        for s in facts.services:
            value = pick(s, facts)
            if value is not None:
                yield s.labels, value

    return rows


def _of_init(key: str) -> Callable[[Facts], Iterator[Row]]:
    def rows(facts: Facts) -> Iterator[Row]:
        value = facts.init.get(key)
        if value is not None:
            yield "", value

    return rows


def _of_logs(name: str) -> Callable[[Facts], Iterator[Row]]:
    return lambda facts: ((text, value) for who, text, value in facts.logs if who == name)


def _states(facts: Facts) -> Iterator[Row]:
    known = [(state, f',state="{state}"') for state in State]
    for s in facts.services:
        for state, label in known:
            yield s.labels + label, s.view.state == state


def _ends(facts: Facts) -> Iterator[Row]:
    for s in facts.services:
        for result, count in sorted(s.ends.items()):
            yield f'{s.labels},result="{escape(result)}"', count


def _exit_code(s: ServiceFacts, _: Facts) -> float | None:
    if s.view.exit_signal is not None:
        return _SIGNALLED + s.view.exit_signal
    return s.view.exit_code


def _started(s: ServiceFacts, facts: Facts) -> float | None:
    at = s.view.started_at
    return None if at is None or s.view.pid is None else round(facts.epoch + at, 3)


def _backoff(s: ServiceFacts, facts: Facts) -> float:
    at = s.view.next_retry_at
    return 0.0 if at is None else round(max(0.0, at - facts.now), 3)


def _living(pick: Callable[[Used], float | None]) -> Pick:
    """What only processes have; nothing for a service without any."""
    return lambda s, _: pick(s.used) if s.used.processes else None


_SERVICE: Final = ("service", "replica")

FAMILIES: Final[tuple[Family, ...]] = (
    Family("nsinit_service_state", "gauge", "1 for the state that a service is in, 0 for others.",
           _states, (*_SERVICE, "state")),
    Family("nsinit_service_up", "gauge", "1 if a service is running, which it is once ready.",
           _each(lambda s, _: s.view.state is State.RUNNING), _SERVICE),
    Family("nsinit_service_wanted", "gauge", "1 if a service should be up.",
           _each(lambda s, _: s.view.want == "up"), _SERVICE),
    Family("nsinit_service_healthy", "gauge",
           "1 if a service is as it should be, as nsinit ctl health has it.",
           _each(lambda s, _: s.healthy), _SERVICE),
    Family("nsinit_service_paused", "gauge", "1 if the processes of a service are frozen.",
           _each(lambda s, _: s.view.paused), _SERVICE),
    Family("nsinit_service_starts", "counter", "How often a service was started.",
           _each(lambda s, _: s.view.run), _SERVICE),
    Family("nsinit_service_restarts", "counter", "How often a service was restarted after an end.",
           _each(lambda s, _: s.view.restarts), _SERVICE),
    Family("nsinit_service_ends", "counter", "Runs of a service that have ended, by result.",
           _ends, (*_SERVICE, "result")),
    Family("nsinit_service_oom_kills", "counter",
           "Runs of a service that were ended for lack of memory.",
           _each(lambda s, _: s.ends.get("oom", 0)), _SERVICE),
    Family("nsinit_service_probe_failures", "counter",
           "Readiness probes and health checks of a service that did not succeed.",
           _each(lambda s, _: s.view.probe_failures), _SERVICE),
    Family("nsinit_service_last_exit_code", "gauge",
           "Exit code of the last run of a service that has ended; 128 + n for signal n.",
           _each(_exit_code), _SERVICE),
    Family("nsinit_service_start_time_seconds", "gauge",
           "When the present run of a service began, since the epoch.",
           _each(_started), _SERVICE, "seconds"),
    Family("nsinit_service_backoff_seconds", "gauge",
           "How long until a service in backoff is started again; else 0.",
           _each(_backoff), _SERVICE, "seconds"),
    Family("nsinit_service_boot_seconds", "gauge",
           "How long after the start of init a service was up for the first time.",
           _each(lambda s, _: s.boot), _SERVICE, "seconds"),
    Family("nsinit_service_cpu_seconds", "counter",
           "CPU that the processes of a service have used, all runs together.",
           _each(lambda s, _: round(s.used.cpu, 3)), _SERVICE, "seconds"),
    Family("nsinit_service_memory_bytes", "gauge", "Resident memory of the processes of a service.",
           _each(_living(lambda u: u.memory)), _SERVICE, "bytes"),
    Family("nsinit_service_group_memory_bytes", "gauge",
           "Memory that is charged to the cgroup of a service, caches of files among it.",
           _each(lambda s, _: s.used.group_memory), _SERVICE, "bytes"),
    Family("nsinit_service_group_memory_limit_bytes", "gauge",
           "How much memory the cgroup of a service may have.",
           _each(lambda s, _: s.used.group_limit), _SERVICE, "bytes"),
    Family("nsinit_service_processes", "gauge", "Processes of a service, strays among them.",
           _each(lambda s, _: s.used.processes), _SERVICE),
    Family("nsinit_service_open_fds", "gauge", "Descriptors that the processes of a service hold.",
           _each(_living(lambda u: u.fds)), _SERVICE),
    Family("nsinit_log_bytes", "counter", "Bytes of output that were read from a service.",
           _of_logs("bytes"), (*_SERVICE, "stream")),
    Family("nsinit_log_dropped", "counter", "Bytes of output that a sink did not take.",
           _of_logs("dropped"), (*_SERVICE, "stream", "sink")),
    Family("nsinit_ready", "gauge",
           "1 if all that should be up is, and is well, as /readyz has it.",
           _of_init("ready")),
    Family("nsinit_services", "gauge", "How many services there are.", _of_init("services")),
    Family("nsinit_boot_seconds", "gauge",
           "How long after the start of init all that starts by itself was up.",
           _of_init("boot"), (), "seconds"),
    Family("nsinit_orphans_reaped", "counter", "Processes that had lost their parent, and ended.",
           _of_init("orphans")),
    Family("nsinit_events", "counter", "Changes of services.", _of_init("events")),
    Family("nsinit_clients", "gauge", "Connections to the control socket and to the listener.",
           _of_init("clients")),
    Family("nsinit_clients_dropped", "counter",
           "Clients that were turned away or dropped: too many, too slow.",
           _of_init("clients_dropped")),
    Family("nsinit_build", "info", "The version of nsinit that runs, and by what.",
           lambda facts: [(labels(**facts.build), 1)], ("version", "python", "loop")),
    Family("process_start_time_seconds", "gauge", "When init began, since the epoch.",
           _of_init("started"), (), "seconds"),
    Family("process_cpu_seconds", "counter", "CPU that init itself has used.",
           _of_init("cpu"), (), "seconds"),
    Family("process_resident_memory_bytes", "gauge", "Resident memory of init itself.",
           _of_init("memory"), (), "bytes"),
    Family("process_open_fds", "gauge", "Descriptors that init itself holds.", _of_init("fds")),
    Family("process_max_fds", "gauge", "How many descriptors init may hold.", _of_init("max_fds")),
)  # fmt: skip


# --- The text -------------------------------------------------------------------------------------


def render(facts: Facts, kind: str, only: Collection[str] = ()) -> Iterator[str]:
    """The text in pieces of some rows; `only` the families of these names, if there are any."""
    for family in FAMILIES:
        if only and family.name not in only and family.sample not in only:
            continue
        rows = iter(family.rows(facts))
        head = _head(family, kind)
        while some := list(islice(rows, _PIECE)):
            yield head + "".join(_row(family.sample, text, value) for text, value in some)
            head = ""
    if kind == OPENMETRICS:
        yield "# EOF\n"


def unknown(only: Iterable[str]) -> str | None:
    """The first of these names that no family has."""
    known = {name for family in FAMILIES for name in (family.name, family.sample)}
    return next((name for name in only if name not in known), None)


def _head(family: Family, kind: str) -> str:
    if kind == OPENMETRICS:
        unit = f"# UNIT {family.name} {family.unit}\n" if family.unit else ""
        return f"# HELP {family.name} {family.help}\n# TYPE {family.name} {family.kind}\n{unit}"
    told = "gauge" if family.kind == "info" else family.kind
    return f"# HELP {family.sample} {family.help}\n# TYPE {family.sample} {told}\n"


def _row(sample: str, text: str, value: float) -> str:
    return f"{sample}{{{text}}} {_number(value)}\n" if text else f"{sample} {_number(value)}\n"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
