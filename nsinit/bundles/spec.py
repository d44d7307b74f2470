"""What the config.json of a bundle can hold, as the OCI runtime specification has it. Pure.

Source: runtime-spec, config.md and config-linux.md, up to version 1.2. What is not here is not
known, and ignored, as the specification asks for ("extensibility"). What is here and not
supported is `Foreign`: `nsinit.bundles.unsupported` says what becomes of it. docs/oci.md has a row
for each key.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

from nsinit.bundles.resources import Resources

ID_MAX: Final = (1 << 32) - 2  # the last number is no id
Id = Annotated[int, Meta(ge=0, le=ID_MAX)]
Count = Annotated[int, Meta(ge=1, le=(1 << 32) - 1)]
Limit = Annotated[int, Meta(ge=0)]
Foreign = Any  # whatever it is, only that it is there matters


class Box(Struct, frozen=True, kw_only=True):
    """`process.consoleSize`, in characters."""

    height: Annotated[int, Meta(ge=0, le=0xFFFF)]
    width: Annotated[int, Meta(ge=0, le=0xFFFF)]


class User(Struct, frozen=True, kw_only=True, rename="camel"):
    """`process.user`."""

    uid: Id = 0
    gid: Id = 0
    umask: Annotated[int, Meta(ge=0, le=0o777)] | None = None
    additional_gids: list[Id] = field(default_factory=list)
    username: Foreign = None  # of Windows


class Capabilities(Struct, frozen=True, kw_only=True):
    """`process.capabilities`: the five sets."""

    bounding: list[str] = field(default_factory=list)
    effective: list[str] = field(default_factory=list)
    inheritable: list[str] = field(default_factory=list)
    permitted: list[str] = field(default_factory=list)
    ambient: list[str] = field(default_factory=list)


class Rlimit(Struct, frozen=True, kw_only=True):
    """An item of `process.rlimits`."""

    type: str
    soft: Limit
    hard: Limit


class Scheduler(Struct, frozen=True, kw_only=True):
    """`process.scheduler`."""

    policy: str
    nice: Annotated[int, Meta(ge=-20, le=19)] = 0
    priority: int = 0
    flags: list[str] = field(default_factory=list)
    runtime: Foreign = None
    deadline: Foreign = None
    period: Foreign = None


class IoPriority(Struct, frozen=True, kw_only=True):
    """`process.ioPriority`."""

    class_: str = field(name="class")
    priority: Annotated[int, Meta(ge=0, le=7)] = 0


class Process(Struct, frozen=True, kw_only=True, rename="camel"):
    """`process`: what runs, and as whom."""

    cwd: str
    terminal: bool = False
    console_size: Box | None = None
    user: User = User()
    args: list[str] = field(default_factory=list)
    env: list[str] = field(default_factory=list)
    capabilities: Capabilities | None = None
    rlimits: list[Rlimit] = field(default_factory=list)
    no_new_privileges: bool = False
    oom_score_adj: Annotated[int, Meta(ge=-1000, le=1000)] | None = None
    scheduler: Scheduler | None = None
    io_priority: IoPriority | None = None
    apparmor_profile: str = ""
    selinux_label: str = ""
    exec_affinity: Foreign = field(default=None, name="execCPUAffinity")
    command_line: Foreign = None  # of Windows


class Root(Struct, frozen=True, kw_only=True):
    """`root`."""

    path: str
    readonly: bool = False


class IdMapping(Struct, frozen=True, kw_only=True):
    """A row of a map of ids."""

    inside: Id = field(name="containerID")
    outside: Id = field(name="hostID")
    size: Count


class Mount(Struct, frozen=True, kw_only=True, rename="camel"):
    """An item of `mounts`."""

    destination: str
    type: str = ""
    source: str = ""
    options: list[str] = field(default_factory=list)
    uid_mappings: list[IdMapping] = field(default_factory=list)
    gid_mappings: list[IdMapping] = field(default_factory=list)


class Hook(Struct, frozen=True, kw_only=True):
    """A program that is run at a time of the container's life; `timeout` in seconds."""

    path: str
    args: list[str] = field(default_factory=list)
    env: list[str] | None = None
    timeout: Annotated[int, Meta(ge=1, le=1 << 31)] | None = None


class Hooks(Struct, frozen=True, kw_only=True, rename="camel"):
    """`hooks`, by their time."""

    prestart: list[Hook] = field(default_factory=list)
    create_runtime: list[Hook] = field(default_factory=list)
    create_container: list[Hook] = field(default_factory=list)
    start_container: list[Hook] = field(default_factory=list)
    poststart: list[Hook] = field(default_factory=list)
    poststop: list[Hook] = field(default_factory=list)


class Namespace(Struct, frozen=True, kw_only=True):
    """An item of `linux.namespaces`: new without a path."""

    type: Literal["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"]
    path: str = ""


class Offset(Struct, frozen=True, kw_only=True):
    """By how much a clock differs."""

    secs: Annotated[int, Meta(ge=-(1 << 62), le=1 << 62)] = 0
    nanosecs: Annotated[int, Meta(ge=0, le=999_999_999)] = 0


class TimeOffsets(Struct, frozen=True, kw_only=True):
    """`linux.timeOffsets`."""

    monotonic: Offset = Offset()
    boottime: Offset = Offset()


class Device(Struct, frozen=True, kw_only=True, rename="camel"):
    """An item of `linux.devices`."""

    type: Literal["c", "b", "u", "p"]
    path: str
    major: Annotated[int, Meta(ge=0, le=0xFFF_FFFF)] | None = None
    minor: Annotated[int, Meta(ge=0, le=0xFFF_FFFF)] | None = None
    file_mode: Annotated[int, Meta(ge=0)] | None = None
    uid: Id = 0
    gid: Id = 0


class Personality(Struct, frozen=True, kw_only=True):
    """`linux.personality`."""

    domain: str = "LINUX"
    flags: list[str] = field(default_factory=list)


class Linux(Struct, frozen=True, kw_only=True, rename="camel"):
    """`linux`."""

    namespaces: list[Namespace] = field(default_factory=list)
    uid_mappings: list[IdMapping] = field(default_factory=list)
    gid_mappings: list[IdMapping] = field(default_factory=list)
    time_offsets: TimeOffsets | None = None
    devices: list[Device] = field(default_factory=list)
    net_devices: Foreign = None
    cgroups_path: str = ""
    resources: Resources | None = None
    intel_rdt: Foreign = None
    sysctl: dict[str, str] = field(default_factory=dict)
    seccomp: dict[str, Any] | None = None
    rootfs_propagation: str = ""
    masked_paths: list[str] = field(default_factory=list)
    readonly_paths: list[str] = field(default_factory=list)
    mount_label: str = ""
    personality: Personality | None = None
    memory_policy: Foreign = None


class Config(Struct, frozen=True, kw_only=True, rename="camel"):
    """The whole file."""

    oci_version: str
    root: Root | None = None
    mounts: list[Mount] = field(default_factory=list)
    process: Process | None = None
    hostname: str = ""
    domainname: str = ""
    hooks: Hooks = Hooks()
    annotations: dict[str, str] = field(default_factory=dict)
    linux: Linux = Linux()
    solaris: Foreign = None
    windows: Foreign = None
    vm: Foreign = None
    zos: Foreign = None
    freebsd: Foreign = None
