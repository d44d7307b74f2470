"""What a cgroup has used, in `status` and `top`."""

from __future__ import annotations

from typing import Annotated, TypedDict

from msgspec import Meta

from nsinit.control.answers.basics import (
    Bytes,
    Percent,
    Rate,
    Span,
)


class CpuUsage(TypedDict):
    """CPU time of a cgroup; null for what is not counted there."""

    usage: Span | None
    user: Span | None
    system: Span | None
    throttled: Span | None
    periods: int | None
    throttled_periods: int | None
    limit: Annotated[float, Meta(description="CPUs")] | None


class MemoryUsage(TypedDict):
    """Memory of a cgroup."""

    current: Bytes | None
    peak: Bytes | None
    limit: Bytes | None
    high: Bytes | None
    swap: Bytes | None
    oom_kills: int | None


class PidsUsage(TypedDict):
    """Processes and threads of a cgroup."""

    current: int | None
    peak: int | None
    limit: int | None


class IoUsage(TypedDict):
    """What a cgroup has read from and written to block devices."""

    read: Bytes | None
    written: Bytes | None
    reads: int | None
    writes: int | None


class Stall(TypedDict, total=False):
    """Time for which some or all processes waited (PSI): per cent of 10, 60 and 300 s, seconds."""

    avg10: float
    avg60: float
    avg300: float
    total: Span


class Pressure(TypedDict):
    """The stalls of a cgroup by resource; null where the kernel does not count them."""

    cpu: dict[str, Stall] | None
    memory: dict[str, Stall] | None
    io: dict[str, Stall] | None


class Usage(TypedDict):
    """What a cgroup has used and may use."""

    cpu: CpuUsage
    memory: MemoryUsage
    pids: PidsUsage
    io: IoUsage
    pressure: Pressure
    frozen: bool


class Rates(TypedDict):
    """What was used in the interval of `top`."""

    cpu: Percent | None
    throttled: Percent | None
    read: Rate | None
    written: Rate | None


class MeasuredUsage(Usage):
    """A cgroup in `top`."""

    rates: Rates
