"""What can be written in nsinit.toml: one frozen struct per table.

The field names are the keys, the defaults are those of the contract; None means "depends on the
rest", which `nsinit.model.plan` resolves. A key is here only when it works.

Here and where the types of keys are, annotations are no strings (PEP 563): msgspec would compile
all 225 of them when it reads the first table, which takes 4 ms.
"""

from typing import Any, Final, Literal

from msgspec import Struct, field

from nsinit.model.mounting import Mount
from nsinit.model.outputs import FileForm, Form, InitLog
from nsinit.model.resources import Resources
from nsinit.model.sandboxes import NamespaceKind, Sandbox
from nsinit.model.security import Security
from nsinit.model.shaping import Multiline, RateLimit
from nsinit.model.syslog import Syslog
from nsinit.model.tuning import CpuSet, Files, IoPriority, Nice, OomScore, Scheduler
from nsinit.model.types import (
    Address,
    Codes,
    Environment,
    Limit,
    Mode,
    Names,
    Needs,
    Period,
    Rlimit,
    Seconds,
    Signal,
    Sinks,
    Size,
    Statuses,
    StopSequence,
    Words,
)

ServiceType = Literal["simple", "oneshot", "notify", "notify-reload", "forking"]
NOTIFIES: Final = ("notify", "notify-reload")  # tell by sd_notify when they are ready
RestartPolicy = Literal["no", "on-failure", "always", "on-success"]
KillMode = Literal["group", "cgroup", "process", "mixed"]
FailureAction = Literal["ignore", "restart-dependents", "shutdown"]
Overlap = Literal["skip", "queue", "kill"]
HealthAction = Literal["restart", "stop", "shutdown", "none"]

# One of each for all services: a table is frozen, and so is what it holds. Of their own they would
# take half a KiB for each service.
NO_VARIABLES: Final = Environment()
NO_NEEDS: Final = Needs()
NO_CODES: Final = Codes()
SUCCESS: Final = Codes([0])
_EMPTY_LIST: Final[list[Any]] = []
_EMPTY_TABLE: Final[dict[Any, Any]] = {}


def _no_items() -> list[Any]:
    return _EMPTY_LIST


def _no_table() -> dict[Any, Any]:
    return _EMPTY_TABLE


class Hook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command at a point in a service's life; `user` is who runs it, if not the service's."""

    command: Words
    shell: bool = False
    user: str | int | None = None
    timeout: Seconds | None = None


class Http(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request, and the statuses that are a good answer to it."""

    url: str
    method: Literal["GET", "HEAD"] = "GET"
    status: Statuses = Statuses([(200, 399)])
    headers: dict[str, str] = field(default_factory=dict)


class Ready(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a service tells that it is ready; with none of them, min_uptime decides."""

    notify: bool = False
    fd: int | None = None
    log: str | None = None
    exec: Words | None = None
    http: Http | None = None
    tcp: str | int | None = None
    unix: str | None = None
    file: str | None = None
    interval: Seconds = Seconds(1)
    timeout: Seconds = Seconds(3)


class Health(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to tell that a running service does its work, and what to do when it does not."""

    exec: Words | None = None
    http: Http | None = None
    tcp: str | int | None = None
    unix: str | None = None
    interval: Seconds = Seconds(10)
    timeout: Seconds = Seconds(3)
    retries: int = 3
    start_period: Seconds = Seconds(0)
    action: HealthAction = "restart"


class Schedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a service runs: at the times of a cron line, or every so often from the start on."""

    cron: str | None = None
    every: Seconds | None = None
    timezone: str | None = None
    jitter: Seconds = Seconds(0)
    overlap: Overlap = "skip"
    missed: Literal["run", "skip"] = "run"


class Watch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Files and directories; when they change, the service is restarted or reloaded."""

    paths: Names
    exclude: Names = Names()
    debounce: Seconds = Seconds(0.5)
    cascade: bool = False
    action: Literal["restart", "reload"] = "restart"


class Socket(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A listening socket that init makes and the service gets; `lazy`: not before it is used.

    With `accept` each connection gets a process of its own, as under inetd. The name is the
    service's unless given; the mode of a file is 0666 unless given, as systemd's.
    """

    listen: Address
    name: str | None = None
    mode: Mode | None = None
    user: str | int | None = None
    group: str | int | None = None
    backlog: int | None = None
    reuse_port: bool = False
    ipv6_only: bool = False
    lazy: bool = False
    accept: bool = False
    max_connections: int | None = None


class StderrLog(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is different for stderr; without a `file` of its own it goes to that of stdout."""

    to: Sinks | None = None
    format: Form | None = None
    file: str | None = None
    max_size: Size | None = None
    keep: int | None = None
    total: Size | None = None
    compress: bool | None = None
    mode: Mode | None = None
    owner: str | int | None = None
    rotate: Period | None = None
    file_format: FileForm | None = None
    syslog: Syslog | None = None


class Log(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the output of a service goes, and how much of it `nsinit ctl logs` remembers.

    A file of `max_size` bytes (0: nsinit never rotates it) becomes file.1, file.1 becomes
    file.2.gz, and so on; `keep` of them stay, and with the file itself at most `total` bytes.
    """

    to: Sinks | None = None
    format: Form | None = None
    file: str | None = None
    max_size: Size = Size(10 << 20)
    keep: int = 5
    total: Size | None = None
    compress: bool = True
    mode: Mode = Mode(0o640)
    owner: str | int | None = None
    rotate: Period | None = None
    file_format: FileForm = "raw"
    syslog: Syslog | None = None
    stderr: StderrLog | None = None
    rate_limit: RateLimit | None = None
    include: Names = Names()
    exclude: Names = Names()
    multiline: Multiline | None = None
    ring: Size = Size(256 << 10)
    line_limit: Size = Size(16 << 10)


class Service(Security, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[services.NAME]`: a program and how to keep it; what it may do is in `Security`."""

    command: Words
    shell: bool = False
    type: ServiceType = "simple"
    description: str = ""
    autostart: bool = True
    working_dir: str | None = None
    user: str | int | None = None
    group: str | int | None = None
    groups: list[str | int] | None = None
    umask: Mode | None = None
    environment: Environment = NO_VARIABLES
    inherit_env: bool = True
    limits: dict[str, Rlimit] = field(default_factory=_no_table)

    # Environment and identity: what the child sets for itself before it execs.
    env_file: Files = Files()
    nice: Nice | None = None
    ioprio: IoPriority | None = None
    scheduler: Scheduler | None = None
    cpu_affinity: CpuSet | None = None
    oom_score_adj: OomScore | None = None
    tty: str | bool | None = None  # a device, or one that init makes

    depends_on: Needs = NO_NEEDS
    wants: Names = Names()
    after: Names = Names()
    before: Names = Names()
    main: bool = False
    essential: bool = False
    tags: Names = Names()
    replicas: int | None = None

    schedule: Schedule | None = None
    watch: Watch | None = None
    ready: Ready | None = None
    health: Health | None = None
    watchdog: Seconds = Seconds(0)
    pid_file: str | None = None
    start_timeout: Seconds | None = None
    min_uptime: Seconds | None = None

    restart: RestartPolicy | None = None
    restart_delay: Seconds = Seconds(0.5)
    restart_max_delay: Seconds = Seconds(30)
    restart_limit: Limit = Limit(10)
    restart_reset: Seconds = Seconds(30)  # what ran this long is not one of those in a row
    success_exit_codes: Codes = SUCCESS
    restart_prevent_codes: Codes = NO_CODES
    on_failure: FailureAction = "ignore"

    pre_start: Hook | None = None
    post_start: Hook | None = None
    pre_stop: Hook | None = None
    stop_command: Hook | None = None
    post_stop: Hook | None = None
    on_fail: Hook | None = None
    reload_command: Hook | None = None
    reload_signal: Signal | None = None

    stop_signal: StopSequence = StopSequence([(15, None)])
    stop_timeout: Seconds = Seconds(8)
    kill_mode: KillMode = "group"
    log: Log = Log()
    sockets: list[Socket] = field(default_factory=_no_items)
    fd_store_max: int = 0

    pass_fds: list[int] = field(default_factory=_no_items)  # of those that nsinit was started with

    namespaces: dict[NamespaceKind, int | str] = field(default_factory=_no_table)  # see Origin
    rootfs: str | None = None
    mounts: list[Mount] = field(default_factory=_no_items)

    resources: Resources | None = None
    resources_optional: bool = False  # what can't be limited here is told, and is no error

    @property
    def has_group(self) -> bool:
        """Whether it has a cgroup of its own."""
        return self.resources is not None or self.kill_mode == "cgroup"

    @property
    def has_space(self) -> bool:
        """Whether it sees something that others do not."""
        return bool(self.namespaces or self.rootfs is not None or self.mounts)


class Control(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The control socket, and which users ("www", 1000) and groups ("@adm", "@1000") may what."""

    path: str | None = None
    mode: Mode = Mode(0o600)
    read: list[str | int] = field(default_factory=list)
    operate: list[str | int] = field(default_factory=list)
    admin: list[str | int] = field(default_factory=list)


class Listen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A TCP port for monitoring systems and the status page; who knows the token may do more.

    `hosts` are names by which browsers may reach it, beside addresses and names without a dot.
    """

    address: str
    status_page: bool = True
    token_file: str | None = None
    actions: bool = False
    hosts: Names = Names()


class Init(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[init]`: what concerns PID 1 itself; its hooks run before the first and after the last."""

    pre_start: Hook | None = None
    post_stop: Hook | None = None
    shutdown_timeout: Seconds = Seconds(9)
    control: Control = Control()
    listen: Listen | None = None
    log: InitLog = InitLog()
    forward_signals: list[Signal] = field(default_factory=list)
    environment: Environment = field(default_factory=Environment)
    keep_running: bool = False
    syslog: bool | str = False
    journal: bool | str = False
    loop: Literal["auto", "uvloop", "asyncio"] = "auto"
    recorder: Size = Size(1 << 20)


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole nsinit.toml."""

    include: Names = Names()
    init: Init = Init()
    services: dict[str, Service] = field(default_factory=dict)
    sandbox: Sandbox | None = None

    @property
    def has_groups(self) -> bool:
        """Whether the sandbox or a service has a cgroup of its own."""
        limited = self.sandbox is not None and self.sandbox.resources is not None
        return limited or any(spec.has_group for spec in self.services.values())
