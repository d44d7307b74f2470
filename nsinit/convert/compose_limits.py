"""What a service of compose may use, how many of it there are, how it comes back. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit.convert.compose_service import set_restart, unsupported
from nsinit.model.checks import RLIMITS
from nsinit.units import format_size

if TYPE_CHECKING:
    from nsinit.convert.compose_values import Reader
    from nsinit.convert.document import Table, Value


def limits(reader: Reader, table: Table) -> None:
    """cpus, mem_limit and the like as `resources`; ulimits."""
    made: dict[str, Value] = {}
    cpus, quota = reader.number("cpus"), reader.number("cpu_quota")
    period = reader.number("cpu_period") or 100_000.0
    if cpus or (quota and quota > 0):
        made["cpu"] = _cpus(cpus or (quota or 0.0) / max(period, 1.0))
    if shares := reader.number("cpu_shares"):
        # The kernel's weights are from 1 to 10000, docker's shares from 2 to 262144.
        made["cpu_weight"] = min(max(round(1 + (shares - 2) * 9999 / 262_142), 1), 10_000)
    if cpuset := reader.text("cpuset", now=True):
        made["cpuset"] = cpuset
    memory, both = reader.size("mem_limit"), reader.size("memswap_limit")
    if memory:
        made["memory"] = format_size(memory)
    if memory and both is not None and both >= memory:
        made["swap"] = format_size(both - memory)
    elif reader.raw("memswap_limit") is not None and both is not None:
        unsupported(reader, table, "memswap_limit", "is less than mem_limit")
    pids = reader.number("pids_limit")
    if pids and pids > 0:
        made["pids"] = int(pids)
    if made:
        table.set("resources", made)
    _ulimits(reader, table)


def _cpus(number: float) -> float | int:
    number = round(max(number, 0.01), 3)
    return int(number) if number == int(number) else number


def _ulimits(reader: Reader, table: Table) -> None:
    rows = reader.map("ulimits")
    made: dict[str, Value] = {}
    for name in rows.data if rows else ():
        assert rows is not None  # noqa: S101  (for the type checker)
        if name not in RLIMITS:
            unsupported(rows, table, name, "there is no such limit")
            continue
        if isinstance(rows.raw(name), dict):
            row = rows.map(name)
            soft, hard = (row.number("soft"), row.number("hard")) if row else (None, None)
            if soft is None or hard is None:
                raise rows.wrong(name, "expected soft and hard")
            made[name] = f"{_limit(soft)}:{_limit(hard)}"
        elif (value := rows.number(name)) is not None:
            made[name] = _limit(value)
    if made:
        table.set("limits", made)


def _limit(value: float) -> str | int:
    return "unlimited" if value < 0 else int(value)


def deploy(reader: Reader, table: Table) -> None:
    """Of `deploy` what one machine can do: limits, replicas, restarts."""
    scale = reader.number("scale")
    part = reader.map("deploy")
    if part is not None and "replicas" in part:
        scale = part.number("replicas")
    if scale is not None and scale != 1 and table.keys.get("type") != "oneshot":
        if "{{index}}" in str(table.keys):
            key = "scale" if reader.raw("scale") is not None else "deploy"
            unsupported(reader, table, key, "{{index}} would be filled in")
        else:
            table.set("replicas", int(max(scale, 0)))
    if part is None:
        return
    own = part.map("resources")
    if own is not None:
        _bounds(own, table)
    policy = part.map("restart_policy")
    if policy is not None:
        _policy(policy, table)
    for key in part.data:
        if key not in part.asked:
            unsupported(part, table, key, "there is one machine")


def _bounds(own: Reader, table: Table) -> None:
    bounds = own.map("limits")
    made: dict[str, Value] = {}
    if bounds is not None:
        if cpus := bounds.number("cpus"):
            made["cpu"] = _cpus(cpus)
        if memory := bounds.size("memory"):
            made["memory"] = format_size(memory)
        if (pids := bounds.number("pids")) and pids > 0:
            made["pids"] = int(pids)
    before = table.keys.get("resources", {})
    if made:
        table.set("resources", {**before, **made} if isinstance(before, dict) else made)
    if "reservations" in own:
        unsupported(own, table, "reservations", "nothing is reserved; cpu_weight gives shares")


def _policy(policy: Reader, table: Table) -> None:
    words = {"none": "no", "on-failure": "on-failure", "any": "always"}
    word = policy.text("condition", now=True) or "any"
    if word not in words:
        raise policy.wrong("condition", f"expected one of {', '.join(words)}, got {word!r}")
    made = words[word]
    if made == "always" and table.keys.get("type") == "oneshot":
        made = "on-failure"
    attempts = policy.number("max_attempts")
    set_restart(table, made, None if attempts is None else int(max(attempts, 0)))
    if made == "no":
        return
    if delay := policy.seconds("delay"):
        table.set("restart_delay", delay)
    if window := policy.seconds("window"):
        table.set("restart_reset", window)
