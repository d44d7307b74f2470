"""Systemd.resource-control(5) as `resources`: the limits of a cgroup. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from nsinit.convert.systemd import values

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.convert.document import Value
    from nsinit.convert.systemd.text import Entry
    from nsinit.convert.systemd.unit import Draft

_SIZES: Final = {"MemoryMax": "memory", "MemoryHigh": "memory_high", "MemorySwapMax": "swap"}
_RATES: Final = {
    "IOReadBandwidthMax": "read",
    "IOWriteBandwidthMax": "write",
    "IOReadIOPSMax": "read_ops",
    "IOWriteIOPSMax": "write_ops",
}
# Devices that have the same numbers everywhere: admin-guide/devices.txt of the kernel.
_DEVICES: Final = {
    "/dev/null": "c 1:3", "/dev/zero": "c 1:5", "/dev/full": "c 1:7", "/dev/random": "c 1:8",
    "/dev/urandom": "c 1:9", "/dev/kmsg": "c 1:11", "/dev/tty": "c 5:0", "/dev/console": "c 5:1",
    "/dev/ptmx": "c 5:2", "/dev/fuse": "c 10:229", "/dev/net/tun": "c 10:200",
    "/dev/loop-control": "c 10:237", "/dev/kvm": "c 10:232", "char-pts": "c 136:*",
    "char-tty": "c 4:*", "char-input": "c 13:*", "block-loop": "b 7:*", "block-sd": "b 8:*",
    "char-mem": "c 1:*",
}  # fmt: skip


def resources(draft: Draft) -> None:
    """The limits; what can't be set where it runs is left out there, as under systemd."""
    made: dict[str, Value] = {}
    for key, ours in _SIZES.items():
        found = draft.read(key, _bytes)
        if found is not None and found[0] is not None:
            made[ours] = found[0]
    quota = draft.read("CPUQuota", values.percent)
    if quota is not None and not quota[0]:
        draft.cannot(quota[1], "expected a percentage of a CPU")
    elif quota is not None and quota[0]:
        made["cpu"] = max(quota[0] / 100, 0.01)
    weight = draft.read("CPUWeight", _weight)
    if weight is not None:
        made["cpu_weight"] = weight[0]
    tasks = draft.read("TasksMax", _tasks)
    if tasks is not None and tasks[0] is not None:
        made["pids"] = tasks[0]
    cpus = [part for word, _ in draft.words("AllowedCPUs") for part in word.split(",") if part]
    if cpus and all(re.fullmatch(r"[0-9]{1,4}(-[0-9]{1,4})?", cpu) for cpu in cpus):
        made["cpuset"] = ",".join(cpus)
    io = _io(draft)
    if io:
        made["io"] = io
    rules = _devices(draft)
    if rules is not None:
        made["device_access"] = rules
    if made or draft.kind == "forking":  # in a group of its own a daemon is always found
        draft.table.set("resources", made)
        draft.table.set("resources_optional", value=True)
        draft.table.keys.setdefault("kill_mode", "cgroup")


def _bytes(text: str) -> int | None:
    if values.percent(text) is not None:
        raise ValueError("a share of the machine's memory is no number of bytes")
    return values.size(text)


def _weight(text: str) -> int:
    return 1 if text == "idle" else values.integer(text, 1, 10_000)


def _tasks(text: str) -> int | None:
    if values.percent(text) is not None:
        raise ValueError("a share of the machine's processes is no number")
    return None if text == "infinity" else values.integer(text, 1, (1 << 31) - 1)


def _io(draft: Draft) -> dict[str, Value]:
    made: dict[str, Value] = {}
    weight = draft.read("IOWeight", lambda text: values.integer(text, 1, 10_000))
    if weight is not None:
        made["weight"] = weight[0]
    devices: dict[str, dict[str, Value]] = {}
    for key, ours in _RATES.items():
        for entry in draft.unit.take("Service", key):
            device, _, rate = entry.value.partition(" ")
            if not device.startswith("/"):
                draft.cannot(entry, "expected a device and a rate")
                continue
            _rate(draft, entry, devices.setdefault(device, {}), ours, rate.strip())
    limits: list[Value] = [{"device": name, **one} for name, one in devices.items() if one]
    if limits:
        made["limits"] = limits
    return made


def _rate(draft: Draft, entry: Entry, into: dict[str, Value], key: str, text: str) -> None:
    """Bandwidths and operations count by thousands."""
    match = re.fullmatch(r"([0-9]{1,15})\s*([KMGT]?)", text)
    if text == "infinity":
        return
    if match is None or not int(match[1]):
        draft.cannot(entry, "expected a device and a rate such as 5M")
        return
    into[key] = int(match[1]) * 1000 ** (" KMGT".index(match[2]) if match[2] else 0)


def _devices(draft: Draft) -> list[Value] | None:
    policy = draft.read("DevicePolicy", _one_of("auto", "closed", "strict"))
    allowed = draft.unit.take("Service", "DeviceAllow")
    kind = policy[0] if policy is not None else "auto"
    if kind == "auto" and not allowed:
        return None
    made: list[Value] = [] if kind == "strict" else ["default"]
    for entry in allowed:
        device, _, access = entry.value.partition(" ")
        access = "".join(letter for letter in "rwm" if letter in (access.strip() or "rwm"))
        if device not in _DEVICES:
            draft.cannot(entry, "the numbers of this device are not known here")
        else:
            made.append(f"{_DEVICES[device]} {access}")
    return made


def _one_of(*known: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in known:
            raise ValueError(f"expected one of {', '.join(known)}")
        return text

    return read
