"""What can be written in nsinit.toml: one frozen struct per table.

The field names are the keys, the defaults are those of the contract; None means "depends on the
rest", which `nsinit.model.plan` resolves. A key is here only when it works.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from nsinit.model.types import (
    Codes,
    Environment,
    Limit,
    Mode,
    Names,
    Needs,
    Rlimit,
    Seconds,
    Signal,
    Sinks,
    Size,
    StopSequence,
    Words,
)

ServiceType = Literal["simple", "oneshot", "notify"]
RestartPolicy = Literal["no", "on-failure", "always", "on-success"]
KillMode = Literal["group", "process", "mixed"]
NamespaceKind = Literal["pid", "mount", "uts", "ipc", "user"]
Level = Literal["debug", "info", "warning", "error"]


class Ready(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a service tells that it is ready; with none of them, min_uptime decides."""

    notify: bool = False


class StderrLog(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is different for stderr; without a `file` of its own it goes to that of stdout."""

    to: Sinks | None = None
    file: str | None = None
    max_size: Size | None = None
    keep: int | None = None
    total: Size | None = None
    compress: bool | None = None
    mode: Mode | None = None
    owner: str | int | None = None


class Log(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the output of a service goes, and how much of it `nsinit ctl logs` remembers.

    A file of `max_size` bytes (0: nsinit never rotates it) becomes file.1, file.1 becomes
    file.2.gz, and so on; `keep` of them stay, and with the file itself at most `total` bytes.
    """

    to: Sinks | None = None
    file: str | None = None
    max_size: Size = Size(10 << 20)
    keep: int = 5
    total: Size | None = None
    compress: bool = True
    mode: Mode = Mode(0o640)
    owner: str | int | None = None
    stderr: StderrLog | None = None
    ring: Size = Size(256 << 10)
    line_limit: Size = Size(16 << 10)


class Service(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[services.NAME]`: a program and how to keep it."""

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
    environment: Environment = field(default_factory=Environment)
    inherit_env: bool = True
    limits: dict[str, Rlimit] = field(default_factory=dict)

    depends_on: Needs = field(default_factory=Needs)
    wants: Names = Names()
    after: Names = Names()
    before: Names = Names()
    main: bool = False
    essential: bool = False
    tags: Names = Names()

    ready: Ready | None = None
    start_timeout: Seconds | None = None
    min_uptime: Seconds | None = None

    restart: RestartPolicy | None = None
    restart_delay: Seconds = Seconds(0.5)
    restart_max_delay: Seconds = Seconds(30)
    restart_limit: Limit = Limit(10)
    success_exit_codes: Codes = Codes([0])
    restart_prevent_codes: Codes = Codes()

    stop_signal: StopSequence = StopSequence([(15, None)])
    stop_timeout: Seconds = Seconds(8)
    kill_mode: KillMode = "group"
    log: Log = Log()


class Control(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The control socket, and which users ("www", 1000) and groups ("@adm", "@1000") may what."""

    path: str | None = None
    mode: Mode = Mode(0o600)
    read: list[str | int] = field(default_factory=list)
    operate: list[str | int] = field(default_factory=list)
    admin: list[str | int] = field(default_factory=list)


class Init(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[init]`: what concerns PID 1 itself."""

    shutdown_timeout: Seconds = Seconds(9)
    control: Control = Control()
    log: Level = "info"
    forward_signals: list[Signal] = field(default_factory=list)
    environment: Environment = field(default_factory=Environment)
    keep_running: bool = False
    loop: Literal["auto", "uvloop", "asyncio"] = "auto"


class Sandbox(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sandbox]`: the namespaces that nsinit makes around itself and its services."""

    name: str | None = None
    hostname: str | None = None
    domainname: str | None = None
    namespaces: dict[NamespaceKind, Literal["new", "shared"]] = field(default_factory=dict)


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole nsinit.toml."""

    include: Names = Names()
    init: Init = Init()
    services: dict[str, Service] = field(default_factory=dict)
    sandbox: Sandbox | None = None
