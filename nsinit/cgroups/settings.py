"""What the keys of `resources` come to: files of cgroups and what is written to them. Pure.

    key          version 2            version 1
    cpu          cpu.max              cpu.cfs_period_us, cpu.cfs_quota_us
    cpu_weight   cpu.weight           cpu.shares (100 is 1024, as systemd has it)
    cpuset       cpuset.cpus          cpuset.cpus (and cpuset.mems, which must not be empty)
    memory       memory.max           memory.limit_in_bytes
    memory_high  memory.high          -
    swap         memory.swap.max      memory.memsw.limit_in_bytes, which is memory and swap
    pids         pids.max             pids.max
    io.weight    io.weight or .bfq.   blkio.weight or blkio.bfq.weight
    io.limits    io.max               blkio.throttle.*_device
    device_access  a program          devices.deny, devices.allow

Controllers have their names of version 2 here: "io" is blkio too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.model.tuning import format_cpus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nsinit.model.resources import IoLimit, Resources

PERIOD: Final = 100_000  # us, the kernel's default
_SHARES: Final = (2, 1024, 262_144)  # least, default, most of version 1
_WEIGHT: Final = (1, 100, 10_000)  # of version 2
_BFQ: Final = (1, 100, 1000)
_NAMES: Final = {"blkio": "io"}
CONTROLLERS: Final = {
    "cpu": "cpu", "cpu_weight": "cpu", "cpuset": "cpuset", "memory": "memory",
    "memory_high": "memory", "swap": "memory", "pids": "pids", "io.weight": "io",
    "io.limits": "io", "device_access": "devices",
}  # fmt: skip
# The file that a group must have, for keys whose file may be missing though the controller is not.
NEEDED: Final = {
    ("swap", 1): ("memory.memsw.limit_in_bytes",),
    ("swap", 2): ("memory.swap.max",),
    ("io.weight", 1): ("blkio.weight", "blkio.bfq.weight"),
    ("io.weight", 2): ("io.weight", "io.bfq.weight"),
    ("io.limits", 1): ("blkio.throttle.read_bps_device",),
    ("cpu", 1): ("cpu.cfs_quota_us",),
}
_THROTTLES: Final = {
    "read": ("rbps", "blkio.throttle.read_bps_device"),
    "write": ("wbps", "blkio.throttle.write_bps_device"),
    "read_ops": ("riops", "blkio.throttle.read_iops_device"),
    "write_ops": ("wiops", "blkio.throttle.write_iops_device"),
}


class Setting(NamedTuple):
    """One write that sets a limit."""

    key: str
    controller: str
    files: tuple[str, ...]  # the first of these that there is
    text: str
    scaled: str = ""  # the text for the last file, if that has another scale


def controller_name(name: str) -> str:
    """As version 2 calls it."""
    return _NAMES.get(name, name)


def unsupported(key: str, version: int, resources: Resources) -> tuple[str, str]:
    """Why a key means nothing in a version, and what to do; both empty if it does."""
    if version == 1 and key == "memory_high":
        return "there is no such limit in cgroup version 1", "use memory"
    if version == 1 and key == "swap" and resources.swap is not None and resources.memory is None:
        return "cgroup version 1 limits memory and swap together", "give memory too"
    return "", ""


def settings(
    resources: Resources,
    versions: Mapping[str, int],
    device: Callable[[str], str],
    before: Resources | None = None,
) -> list[Setting]:
    """All writes, in order; `versions` are those of the controllers, others are left out.

    `device` gives the numbers ("8:0") of what a path names. What `before` had set and is not set
    any more gets the kernel's default. OSError of `device` passes.
    """
    made: list[Setting] = []
    for key, controller in CONTROLLERS.items():
        version = versions.get(controller)
        if version is None or unsupported(key, version, resources)[0]:
            continue  # or, as devices in version 2, it is no controller with files
        if key == "io.limits":
            made += _throttles(resources, before, version, device)
            continue
        value = _value(resources, key)
        if value is None and (before is None or _value(before, key) is None):
            continue
        write = _VERSION_1 if version == 1 else _VERSION_2
        made += write[key](resources, value)
    return made


def _value(resources: Resources, key: str) -> object:
    if key == "io.weight":
        return resources.io.weight if resources.io is not None else None
    return getattr(resources, key)


def scale(value: int, old: tuple[int, int, int], new: tuple[int, int, int]) -> int:
    """A weight on another scale (least, default, most): straight lines from default to the ends."""
    low, middle, high = old
    least, usual, most = new
    if value <= middle:
        return usual - (middle - value) * (usual - least) // (middle - low)
    return usual + (value - middle) * (most - usual) // (high - middle)


def shares(weight: int) -> int:
    """cpu.shares of version 1: in the same proportions, as far as these go."""
    return min(max(weight * _SHARES[1] // _WEIGHT[1], _SHARES[0]), _SHARES[2])


def _quota(cpu: float | None) -> str:
    return "-1" if cpu is None else str(max(1000, round(cpu * PERIOD)))


def _throttles(
    resources: Resources, before: Resources | None, version: int, device: Callable[[str], str]
) -> list[Setting]:
    """Per device; what was limited before and is not any more is unlimited again."""
    now = {device(limit.device): limit for limit in _limits(resources)}
    old = {device(limit.device): limit for limit in _limits(before)} if before else {}
    made: list[Setting] = []
    for numbers in dict.fromkeys((*old, *now)):
        rates = {key: _rate(now.get(numbers), key) for key in _THROTTLES}
        if version == 2:
            words = [f"{_THROTTLES[key][0]}={rate or 'max'}" for key, rate in rates.items()]
            made.append(Setting("io.limits", "io", ("io.max",), " ".join([numbers, *words])))
            continue
        for key, rate in rates.items():
            if rate is not None or _rate(old.get(numbers), key) is not None:
                file = _THROTTLES[key][1]
                made.append(Setting("io.limits", "io", (file,), f"{numbers} {rate or 0}"))
    return made


def _limits(resources: Resources) -> list[IoLimit]:
    return resources.io.limits if resources.io is not None else []


def _rate(limit: IoLimit | None, key: str) -> int | None:
    return None if limit is None else getattr(limit, key)


def _devices(resources: Resources, _: object) -> list[Setting]:
    """Nothing, and then each rule; or all again."""
    if resources.device_access is None:
        return [_device("allow", "a")]
    return [_device("deny", "a"), *(_device("allow", str(r)) for r in resources.device_access)]


def _device(what: str, text: str) -> Setting:
    return Setting("device_access", "devices", (f"devices.{what}",), text)


def _one(key: str, files: str, default: str) -> Callable[[Resources, object], list[Setting]]:
    """A file that takes the value as it is."""

    def write(_: Resources, value: object) -> list[Setting]:
        text = default if value is None else str(value)
        return [Setting(key, CONTROLLERS[key], (files,), text)]

    return write


def _cpu_1(resources: Resources, _: object) -> list[Setting]:
    return [
        Setting("cpu", "cpu", ("cpu.cfs_period_us",), str(PERIOD)),
        Setting("cpu", "cpu", ("cpu.cfs_quota_us",), _quota(resources.cpu)),
    ]


def _cpu_2(resources: Resources, _: object) -> list[Setting]:
    quota = "max" if resources.cpu is None else _quota(resources.cpu)
    return [Setting("cpu", "cpu", ("cpu.max",), f"{quota} {PERIOD}")]


def _shares(resources: Resources, _: object) -> list[Setting]:
    weight = _WEIGHT[1] if resources.cpu_weight is None else resources.cpu_weight
    return [Setting("cpu_weight", "cpu", ("cpu.shares",), str(shares(weight)))]


def _cpuset(resources: Resources, _: object) -> list[Setting]:
    text = "" if resources.cpuset is None else format_cpus(resources.cpuset)
    return [Setting("cpuset", "cpuset", ("cpuset.cpus",), text)]


def _swap_1(resources: Resources, _: object) -> list[Setting]:
    both = "-1"
    if resources.swap is not None and resources.memory is not None:
        both = str(int(resources.memory) + int(resources.swap))
    return [Setting("swap", "memory", ("memory.memsw.limit_in_bytes",), both)]


def _weight(version: int) -> Callable[[Resources, object], list[Setting]]:
    files = NEEDED["io.weight", version]

    def write(_: Resources, value: object) -> list[Setting]:
        weight = value if isinstance(value, int) else _WEIGHT[1]
        on_bfq = str(scale(weight, _WEIGHT, _BFQ))
        text = f"default {weight}" if version == 2 else str(max(10, int(on_bfq)))
        return [Setting("io.weight", "io", files, text, on_bfq)]

    return write


_VERSION_2: Final = {
    "cpu": _cpu_2,
    "cpu_weight": _one("cpu_weight", "cpu.weight", str(_WEIGHT[1])),
    "cpuset": _cpuset,
    "memory": _one("memory", "memory.max", "max"),
    "memory_high": _one("memory_high", "memory.high", "max"),
    "swap": _one("swap", "memory.swap.max", "max"),
    "pids": _one("pids", "pids.max", "max"),
    "io.weight": _weight(2),
}
_VERSION_1: Final = {
    "cpu": _cpu_1,
    "cpu_weight": _shares,
    "cpuset": _cpuset,
    "memory": _one("memory", "memory.limit_in_bytes", "-1"),
    "swap": _swap_1,
    "pids": _one("pids", "pids.max", "max"),
    "io.weight": _weight(1),
    "device_access": _devices,
}
