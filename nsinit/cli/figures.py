"""What groups have used, as text: lines below a service, columns of `top`."""

from __future__ import annotations

from nsinit.cli.output import amount, span

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Final

COLUMNS: Final = ("MEMORY", "THROTTLED%", "READ/S", "WRITTEN/S")
_UNKNOWN: Final = "-"


def lines(usage: dict[str, Any]) -> Iterator[str]:
    """One line per resource of which anything is known."""
    for name, text in (
        ("cpu", _cpu(usage["cpu"])),
        ("memory", _memory(usage["memory"])),
        ("pids", _pids(usage["pids"])),
        ("io", _io(usage["io"])),
        ("pressure", _pressure(usage["pressure"])),
    ):
        if text:
            yield f"{name:<9} {text}"


def cells(group: dict[str, Any] | None) -> list[str]:
    """The columns of `top` that are about groups."""
    if group is None:
        return [_UNKNOWN] * len(COLUMNS)
    memory, rates = group["memory"], group["rates"]
    limit = f" of {amount(memory['limit'])}" if memory["limit"] is not None else ""
    throttled = rates["throttled"]
    return [
        _UNKNOWN if memory["current"] is None else amount(memory["current"]) + limit,
        _UNKNOWN if throttled is None else f"{throttled:.1f}",
        *(
            _UNKNOWN if rates[key] is None else amount(int(rates[key]))
            for key in ("read", "written")
        ),
    ]


def _cpu(cpu: dict[str, Any]) -> str:
    if cpu["usage"] is None:
        return ""
    parts = [_seconds(cpu["usage"])]
    if cpu["user"] is not None and cpu["system"] is not None:
        parts[0] += f" ({_seconds(cpu['user'])} user, {_seconds(cpu['system'])} system)"
    if cpu["limit"] is not None:
        parts.append(f"limit {cpu['limit']:g} CPUs")
    if cpu["throttled"]:
        parts.append(f"throttled for {_seconds(cpu['throttled'])}")
    return ", ".join(parts)


def _memory(memory: dict[str, Any]) -> str:
    if memory["current"] is None:
        return ""
    parts = [amount(memory["current"])]
    parts += [f"{key} {amount(memory[key])}" for key in ("peak", "high", "limit") if memory[key]]
    if memory["swap"]:
        parts.append(f"swap {amount(memory['swap'])}")
    if memory["oom_kills"]:
        parts.append(f"{memory['oom_kills']} killed for memory")
    return ", ".join(parts)


def _pids(pids: dict[str, Any]) -> str:
    if pids["current"] is None:
        return ""
    return str(pids["current"]) + (f", limit {pids['limit']}" if pids["limit"] is not None else "")


def _io(io: dict[str, Any]) -> str:
    if io["read"] is None:
        return ""
    return f"{amount(io['read'])} read, {amount(io['written'])} written"


def _pressure(pressure: dict[str, Any]) -> str:
    """What part of the last 10 s somebody waited for a resource."""
    some = {
        kind: row["some"]["avg10"]
        for kind, row in pressure.items()
        if row is not None and "avg10" in row.get("some", {})
    }
    return ", ".join(f"{kind} {value:g}%" for kind, value in some.items())


def _seconds(value: float) -> str:
    return f"{value:.2f}s" if value < 60 else span(value)
