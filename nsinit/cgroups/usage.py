"""What a group has used and may use, in both versions, as one record for clients.

What a version or a kernel does not count is None. Only small files are read, by descriptors of the
group's directories, so it takes a fraction of a millisecond and never waits for anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nsinit.cgroups import counters
from nsinit.cgroups.freezing import is_frozen
from nsinit.kernel import cgroups

if TYPE_CHECKING:
    from nsinit.cgroups.group import Branch, Group

PRESSURES: Final = ("cpu", "memory", "io")
_MICRO, _NANO = 1e-6, 1e-9


def usage(group: Group) -> dict[str, Any]:
    """All of it: times in seconds, sizes in bytes, `cpu.limit` in CPUs."""
    return {
        "cpu": _cpu(group),
        "memory": _memory(group),
        "pids": _pids(group),
        "io": _io(group),
        "pressure": _pressure(group),
        "frozen": is_frozen(group),
    }


def oom_kills(group: Group) -> int | None:
    """How many of its processes the kernel has killed for memory; None if nobody counts."""
    branch = group.branch("memory")
    if branch is None:
        return None
    file = "memory.events" if branch.version == 2 else "memory.oom_control"
    return counters.table(_read(branch, file)).get("oom_kill")


def memory_limit(group: Group) -> int | None:
    """How much memory it may have (bytes); None without a limit."""
    return _by_version(group.branch("memory"), "memory.limit_in_bytes", "memory.max")


def memory_used(group: Group) -> int | None:
    """How much memory it is charged with (bytes), caches of files among it."""
    return _by_version(group.branch("memory"), "memory.usage_in_bytes", "memory.current")


def cpu_seconds(group: Group) -> float | None:
    """What its processes have used of CPUs so far, those that have ended too; None: not counted."""
    found: float | None = _cpu(group)["usage"]
    return found


def _read(branch: Branch | None, name: str) -> str:
    """A file, empty if it is not there: many are young, or not at the root."""
    if branch is None:
        return ""
    try:
        return cgroups.read(branch.fd, name)
    except OSError:
        return ""


def _number(branch: Branch | None, name: str) -> int | None:
    return counters.number(_read(branch, name))


def _seconds(value: int | None, unit: float) -> float | None:
    return None if value is None else round(value * unit, 6)


def _cpu(group: Group) -> dict[str, Any]:
    # Without the controller cpu.stat of version 2 still has the times.
    branch, unified = group.branch("cpu"), group.unified
    counted = group.branch("cpuacct")
    if counted is not None:
        times = {
            key: _seconds(_number(counted, file), _NANO)
            for key, file in (
                ("usage", "cpuacct.usage"),
                ("user", "cpuacct.usage_user"),
                ("system", "cpuacct.usage_sys"),
            )
        }
    else:
        table = counters.table(_read(unified, "cpu.stat"))
        times = {
            key: _seconds(table.get(f"{key}_usec"), _MICRO) for key in ("usage", "user", "system")
        }
    stat = counters.table(_read(branch, "cpu.stat"))
    if branch is not None and branch.version == 1:
        throttled = _seconds(stat.get("throttled_time"), _NANO)
        period = _number(branch, "cpu.cfs_period_us")
        limit = counters.quota(f"{_read(branch, 'cpu.cfs_quota_us').strip()} {period}")
    else:
        throttled = _seconds(stat.get("throttled_usec"), _MICRO)
        limit = counters.quota(_read(branch, "cpu.max"))
    return {
        **times,
        "throttled": throttled,
        "periods": stat.get("nr_periods"),
        "throttled_periods": stat.get("nr_throttled"),
        "limit": limit,
    }


def _memory(group: Group) -> dict[str, Any]:
    branch = group.branch("memory")
    names = {
        "current": ("memory.usage_in_bytes", "memory.current"),
        "peak": ("memory.max_usage_in_bytes", "memory.peak"),  # Linux 5.19
        "limit": ("memory.limit_in_bytes", "memory.max"),
        "high": ("", "memory.high"),
    }
    made = {key: _by_version(branch, *files) for key, files in names.items()}
    return made | {"swap": _swap(branch, made["current"]), "oom_kills": oom_kills(group)}


def _swap(branch: Branch | None, memory: int | None) -> int | None:
    if branch is None or branch.version == 2:
        return _number(branch, "memory.swap.current")
    both = _number(branch, "memory.memsw.usage_in_bytes")
    return None if both is None or memory is None else max(0, both - memory)


def _by_version(branch: Branch | None, first: str, second: str) -> int | None:
    if branch is None:
        return None
    name = first if branch.version == 1 else second
    return _number(branch, name) if name else None


def _pids(group: Group) -> dict[str, Any]:
    branch = group.branch("pids")
    names = {"current": "pids.current", "peak": "pids.peak", "limit": "pids.max"}
    return {key: _number(branch, file) for key, file in names.items()}


def _io(group: Group) -> dict[str, Any]:
    branch = group.branch("io")
    if branch is None:
        return dict.fromkeys(("read", "written", "reads", "writes"))
    if branch.version == 2:
        row = counters.transfers(_read(branch, "io.stat"))
        read, written, reads, writes = (row[key] for key in ("rbytes", "wbytes", "rios", "wios"))
    else:
        read, written = counters.operations(
            _read(branch, "blkio.throttle.io_service_bytes_recursive")
        )
        reads, writes = counters.operations(_read(branch, "blkio.throttle.io_serviced_recursive"))
    return {"read": read, "written": written, "reads": reads, "writes": writes}


def _pressure(group: Group) -> dict[str, Any]:
    """Of each resource, None where the kernel does not count it (psi=0, version 1 alone)."""
    unified = group.unified
    return {
        kind: counters.pressure(_read(unified, f"{kind}.pressure")) or None for kind in PRESSURES
    }
