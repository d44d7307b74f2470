"""The kinds of services: what each does, and what must come of it when it is wanted.

A kind is a row: its table in nsinit.toml is made from a number, so that a changed service is the
same kind with another number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

# What a wanted service whose needs are met comes to:
#   up       it runs, and is started again whenever it does not
#   done     it ends well, once
#   failed   it is given up
#   churn    it ends and comes back, again and again
#   tick     it runs by a schedule
#   any      only that what is said of it is true
Goal = Literal["up", "done", "failed", "churn", "tick", "any"]
Table = dict[str, Any]

DELAY: Final = 0.1  # s before the first restart, doubled up to
DELAY_MAX: Final = 0.8
START_TIMEOUT: Final = 4.0  # s
STOP_TIMEOUT: Final = 0.4  # s
_KEPT: Final[Table] = {
    "restart": "always",
    "restart_delay": DELAY,
    "restart_max_delay": DELAY_MAX,
    "restart_limit": "unlimited",
    "min_uptime": 0,
}
_READY: Final[Table] = {"start_timeout": START_TIMEOUT}


class Kind(NamedTuple):
    """One row: `words` are what its process does, `more` what its table has besides."""

    name: str
    goal: Goal
    words: tuple[str, ...]
    more: Table
    weight: int = 2
    leaves: bool = False  # what it leaves behind may stay

    @property
    def grouped(self) -> bool:
        """Whether it has a cgroup of its own."""
        return self.more.get("kill_mode") == "cgroup" or "resources" in self.more


def _kept(*words: str, **more: Any) -> tuple[tuple[str, ...], Table]:  # noqa: ANN401  (of TOML)
    return ("lock", *words), {**_KEPT, **more}


def _rows() -> list[Kind]:
    up: list[tuple[str, tuple[tuple[str, ...], Table], int]] = [
        ("steady", _kept("wait"), 6),
        ("graceful", _kept("graceful", "wait"), 3),
        ("stubborn", _kept("ignore-term", "wait"), 2),
        ("parent", _kept("child", "child", "wait"), 2),
        ("strewer", _kept("stray", "stray", "wait"), 2),
        ("bad-strewer", _kept("bad-stray", "wait"), 2),
        ("orphanage", _kept("orphans:40", "wait"), 1),
        ("notifier", _kept("sleep:30", "notify:READY=1", "wait", type="notify", **_READY), 4),
        ("liar", _kept("liar", "notify:READY=1", "wait", type="notify", **_READY), 2),
        ("reloader", _kept("reloads", "notify:READY=1", "wait", type="notify-reload", **_READY), 2),
        ("by-fd", _kept("fd", "wait", ready={"fd": 3}, **_READY), 2),
        ("by-socket", _kept("sleep:20", "listen", "wait",
                            ready={"unix": "@/socks/@@"}, **_READY), 2),
        ("by-probe", _kept("wait", ready={"exec": ["@hook", "exit:0"]}, **_READY), 1),
        ("daemon", (("daemon", "lock", "wait"), {**_KEPT, "type": "forking", **_READY}), 3),
        ("daemon-pid", (("daemon-pid", "lock", "child", "wait"),
                        {**_KEPT, "type": "forking", "pid_file": "@/pids/@@", **_READY}), 2),
        ("hooked", _kept("wait", pre_start=["@hook", "exit:0"], post_start=["@hook", "exit:0"],
                         pre_stop=["@hook", "exit:0"], post_stop=["@hook", "exit:0"]), 2),
        ("bad-hooked", _kept("wait", pre_stop={"command": ["@hook", "wait"], "timeout": 0.2},
                             stop_command={"command": ["@hook", "exit:9"], "timeout": 0.5},
                             post_stop={"command": ["@hook", "stray", "ignore-term", "wait"],
                                        "timeout": 0.2}), 2),
        ("healthy", _kept("wait", health={"exec": ["@hook", "exit:0"], "interval": 0.7}), 2),
        ("fed", _kept("notify:READY=1", "feed:300", type="notify", watchdog=3, **_READY), 2),
        ("sleeper", _kept("die:19", "wait"), 2),  # which stops itself
        ("chatter", _kept("chat:40"), 2),
        ("flooder", _kept("flood:512", "chat:500"), 2),
        ("mixed", _kept("child", "stray", "ignore-term", "wait", kill_mode="mixed"), 1),
        ("sequence", _kept("ignore-term", "wait", stop_signal=["TERM", "0.1s", "INT", "0.2s"]), 1),
        ("terminal", _kept("wait", tty=True), 1),
        ("leader", _kept("wait", on_failure="restart-dependents"), 1),
    ]  # fmt: skip
    rows = [Kind(name, "up", words, more, weight) for name, (words, more), weight in up]
    kept = {**_KEPT, "kill_mode": "process"}
    rows.append(Kind("careless", "up", ("lock-main", "stray", "wait"), kept, 1, leaves=True))
    once: Table = {"type": "oneshot"}
    hook = ["@hook", "exit:0"]
    limited = {**_KEPT, "restart_limit": 2}
    never = {**limited, "type": "notify", "start_timeout": 0.3}
    sick = {"exec": ["@hook", "exit:1"], "interval": 0.3, "retries": 2}
    watched = {"type": "notify", "watchdog": 0.5, **_READY}
    rows += [
        Kind("task", "done", ("lock", "sleep:50", "exit:0"), once, 3),
        Kind("undone", "done", ("lock", "exit:0"), {**once, "post_stop": hook}, 1),
        Kind("leaving-task", "done", ("lock", "stray", "child", "exit:0"), once, 2),
        Kind("bad-task", "failed", ("lock", "exit:3"), {**once, "on_fail": hook}, 2),
        Kind("hopeless", "failed", ("lock", "exit:1"), limited, 2),
        Kind("missing", "failed", (), {"command": ["/nowhere/at/all"], **_KEPT}, 1),
        Kind("never-ready", "failed", ("lock", "wait"), never, 1),
        Kind("bad-daemon", "failed", ("exit:4",), {**limited, "type": "forking"}, 1),
        Kind("crashing", "churn", ("lock", "sleep:400", "exit:1"), _KEPT, 3),
        Kind("faulty", "churn", ("lock", "stray", "sleep:600", "die:11"), _KEPT, 2),
        Kind("hasty", "churn", ("lock", "exit:0"), _KEPT, 1),
        Kind("ready-and-gone", "churn",
             ("lock", "notify:READY=1\nSTATUS=fine", "sleep:300", "exit:1"),
             {**_KEPT, "type": "notify", **_READY}, 2),
        Kind("sick", "churn", ("lock", "bad-stray", "wait"), {**_KEPT, "health": sick}, 1),
        Kind("hungry", "churn", ("lock", "notify:READY=1", "wait"), {**_KEPT, **watched}, 1),
        Kind("ticker", "tick", ("lock", "sleep:100", "exit:0"),
             {**once, "schedule": {"every": 1.1}}, 2),
        Kind("bad-ticker", "tick", ("lock", "stray", "sleep:1500", "exit:1"),
             {"restart": "no", "schedule": {"every": 0.9, "overlap": "kill"}}, 1),
        Kind("cron", "any", ("lock", "exit:0"), {**once, "schedule": {"cron": "* * * * *"}}, 1),
        Kind("listener", "any", ("lock", "sleep:100", "exit:0"),
             {**_KEPT, "restart": "no", "sockets": [{"listen": "@/socks/@@", "lazy": True}]}, 1),
    ]  # fmt: skip
    return rows


def _grouped() -> list[Kind]:
    """Those with a cgroup of their own, which init must be able to make."""
    ends = {**_KEPT, "kill_mode": "cgroup"}
    ready = {**ends, "type": "notify", **_READY}
    limited = {**_KEPT, "resources": {"pids": 60, "memory": "64MiB"}}
    task = {"type": "oneshot", "kill_mode": "cgroup"}
    rows: list[tuple[str, Goal, tuple[str, ...], Table]] = [
        ("grouped", "up", ("lock", "child", "stray", "wait"), ends),
        ("grouped-deaf", "up", ("lock", "bad-stray", "ignore-term", "wait"), ends),
        ("grouped-notifier", "up", ("lock", "sleep:30", "notify:READY=1", "wait"), ready),
        ("limited", "up", ("lock", "orphans:20", "wait"), limited),
        ("grouped-task", "done", ("lock", "stray", "child", "sleep:50", "exit:0"), task),
        ("grouped-faulty", "churn", ("lock", "bad-stray", "sleep:500", "die:11"), ends),
    ]
    return [Kind(*row, weight=3) for row in rows]


KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in (*_rows(), *_grouped())}
MAIN: Final = Kind("main", "up", ("lock", "graceful", "wait"), {"main": True, "min_uptime": 0}, 0)
# What others may need: it comes up whatever happens to it, or ends well. (A pause can keep one that
# is to say that it is ready from saying so.)
NEEDED: Final = [
    name
    for name, kind in KINDS.items()
    if kind.goal in ("up", "done") and not (kind.grouped and kind.more.get("type") == "notify")
]


def kind_of(name: str) -> Kind:
    """The row of that name."""
    return MAIN if name == MAIN.name else KINDS[name]


def render(table: Table, place: Callable[[str], str], hook: list[str]) -> Table:
    """The table with paths and commands in the place of `@/`, `@@` and `@hook`."""

    def deep(value: Any) -> Any:  # noqa: ANN401  (of TOML)
        match value:
            case str():
                return place(value)
            case ["@hook", *words]:
                return [*hook, *words]
            case list():
                return [deep(one) for one in value]
            case dict():
                return {key: deep(one) for key, one in value.items()}
        return value

    return {key: deep(value) for key, value in table.items()}


def toml(value: Any) -> str:  # noqa: ANN401  (of TOML)
    """A value as TOML writes it."""
    match value:
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(toml, value)) + "]"
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            return f'"{escaped}"'
    return str(value)
