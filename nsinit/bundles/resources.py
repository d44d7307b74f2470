"""From `linux.resources` of a bundle to `[sandbox].resources`. Pure.

What has no key there is told, and not limited: the specification lets a runtime do without. Source:
runtime-spec, config-linux.md "Control groups"; the numbers of the kernel are those of cgroup-v1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct, field

if TYPE_CHECKING:
    from nsinit.bundles.read import Findings

_AT: Final = ("linux", "resources")
_PERIOD: Final = 100_000  # us, the kernel's own
_SHARES: Final = 1024  # of who says nothing, whose weight is 100
_WEIGHT_MAX: Final = 10_000
_CPU_MIN: Final = 0.01
_PIDS_MAX: Final = (1 << 31) - 1
_MOST: Final = (1 << 63) - 1
_Number = Annotated[int, Meta(ge=-_MOST, le=_MOST)]
_Natural = Annotated[int, Meta(ge=0, le=_MOST)]
Foreign = Any  # as nsinit.bundles.spec has it


class Memory(Struct, frozen=True, kw_only=True, rename="camel"):
    """`memory`, in bytes; -1 is no limit."""

    limit: _Number | None = None
    swap: _Number | None = None  # and memory, together
    reservation: Foreign = None
    kernel: Foreign = None
    kernel_tcp: Foreign = field(default=None, name="kernelTCP")
    swappiness: Foreign = None
    disable_oom_killer: Foreign = field(default=None, name="disableOOMKiller")
    use_hierarchy: Foreign = None
    check_before_update: Foreign = None


class Cpu(Struct, frozen=True, kw_only=True, rename="camel"):
    """`cpu`; the times are in microseconds."""

    shares: _Natural | None = None
    quota: _Number | None = None
    period: _Natural | None = None
    cpus: str = ""
    burst: Foreign = None
    realtime_runtime: Foreign = None
    realtime_period: Foreign = None
    mems: Foreign = None
    idle: Foreign = None


class Pids(Struct, frozen=True, kw_only=True):
    """`pids`; 0 or less is no limit."""

    limit: _Number | None = None


class Rate(Struct, frozen=True, kw_only=True):
    """So much per second of one device."""

    major: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]
    minor: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]
    rate: _Natural


class BlockIo(Struct, frozen=True, kw_only=True, rename="camel"):
    """`blockIO`."""

    weight: Annotated[int, Meta(ge=0, le=0xFFFF)] | None = None
    throttle_read_bps_device: list[Rate] = field(default_factory=list)
    throttle_write_bps_device: list[Rate] = field(default_factory=list)
    throttle_read_iops_device: list[Rate] = field(
        default_factory=list, name="throttleReadIOPSDevice"
    )
    throttle_write_iops_device: list[Rate] = field(
        default_factory=list, name="throttleWriteIOPSDevice"
    )
    leaf_weight: Foreign = None
    weight_device: Foreign = None


class Resources(Struct, frozen=True, kw_only=True, rename="camel"):
    """The whole of it."""

    memory: Memory = Memory()
    cpu: Cpu = Cpu()
    pids: Pids = Pids()
    block_io: BlockIo = field(default=BlockIo(), name="blockIO")
    devices: list[dict[str, Any]] = field(default_factory=list)
    hugepage_limits: Foreign = None
    network: Foreign = None
    rdma: Foreign = None
    unified: Foreign = None


def resources_of(
    resources: Resources, findings: Findings, *, can_make_devices: bool
) -> dict[str, Any]:
    """The table; empty if nothing is limited."""
    for part, path in (
        (resources, ()),
        (resources.memory, ("memory",)),
        (resources.cpu, ("cpu",)),
        (resources.block_io, ("blockIO",)),
    ):
        _tell_foreign(part, path, findings)
    if resources.devices and (can_make_devices or not _denies_all(resources.devices)):
        message = "has no effect: give resources.device_access in the file beside it"
        findings.warn((*_AT, "devices"), message, "without CAP_MKNOD none can be made")
    made = {**_memory(resources.memory, findings), **_cpu(resources.cpu, findings)}
    pids = resources.pids.limit
    if pids is not None and 0 < pids <= _PIDS_MAX:
        made["pids"] = pids
    return made | _io(resources.block_io)


def _tell_foreign(part: Struct, path: tuple[str, ...], findings: Findings) -> None:
    for one in msgspec.structs.fields(part):
        if one.type is Any and getattr(part, one.name) not in (None, [], {}, False):
            findings.warn((*_AT, *path, one.encode_name), "has no effect: nsinit has no such limit")


def _denies_all(rules: list[dict[str, Any]]) -> bool:
    """Whether nothing is allowed: every container is told that at least."""
    return not any(rule.get("allow") for rule in rules)


def _memory(memory: Memory, findings: Findings) -> dict[str, int]:
    made: dict[str, int] = {}
    limit, both = memory.limit or 0, memory.swap or 0
    if limit > 0:
        made["memory"] = limit
    if both > 0 and limit <= 0:
        findings.error((*_AT, "memory", "swap"), 'is memory and swap: it needs a "limit" too')
    elif both > 0 and both < limit:
        message = f"is memory and swap: not less than the limit of {limit}"
        findings.error((*_AT, "memory", "swap"), message)
    elif both > 0:
        made["swap"] = both - limit
    return made


def _cpu(cpu: Cpu, findings: Findings) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if cpu.quota is not None and cpu.quota > 0:
        share = cpu.quota / (cpu.period or _PERIOD)
        made["cpu"] = max(share, _CPU_MIN)
        if share < _CPU_MIN:
            findings.warn((*_AT, "cpu", "quota"), f"is raised to {_CPU_MIN} CPUs")
    if cpu.shares:
        made["cpu_weight"] = min(max(cpu.shares * 100 // _SHARES, 1), _WEIGHT_MAX)
    if cpu.cpus:
        made["cpuset"] = cpu.cpus
    return made


def _io(io: BlockIo) -> dict[str, Any]:
    limits: dict[str, dict[str, Any]] = {}
    for rates, key in (
        (io.throttle_read_bps_device, "read"),
        (io.throttle_write_bps_device, "write"),
        (io.throttle_read_iops_device, "read_ops"),
        (io.throttle_write_iops_device, "write_ops"),
    ):
        for one in rates:
            device = f"{one.major}:{one.minor}"
            if one.rate:
                limits.setdefault(device, {"device": device})[key] = one.rate
    made: dict[str, Any] = {"limits": list(limits.values())} if limits else {}
    made |= {"weight": min(io.weight, _WEIGHT_MAX)} if io.weight else {}
    return {"io": made} if made else {}
