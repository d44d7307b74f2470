"""Values of the keys that say with what environment, priority and place a program runs. Pure.

As in `nsinit.model.types`: each has a static `read` from what was written to the plain builtin, or
ValueError with what was expected; reading what was read gives it again.
"""

from __future__ import annotations

from typing import Final

from nsinit.model.types import show

OPTIONAL: Final = "?"  # at the end of a path: the file may be missing
IO_CLASSES: Final = {"realtime": 1, "best-effort": 2, "idle": 3}  # ioprio_set(2)
IO_IDLE: Final = 3
POLICIES: Final = {"other": 0, "fifo": 1, "rr": 2, "batch": 3, "idle": 5}  # sched(7)
REAL_TIME: Final = ("fifo", "rr")
CPUS_MAX: Final = 8192  # as many as any kernel is built for
_IO_LEVEL: Final = 4  # what the kernel takes where none is given


class Files(tuple[str, ...]):
    """Paths, each with a "?" at its end if the file may be missing; one may be a plain string."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[str]:
        """From a string or an array of strings."""
        paths = [value] if isinstance(value, str) else value
        if not isinstance(paths, (list, tuple)):
            raise ValueError(f"expected a path or an array of paths, got {show(value)}")
        return [read_path(path) for path in paths]


def read_path(value: object) -> str:
    """A path, with its "?" if it has one; ValueError if there is none."""
    if not isinstance(value, str) or "\0" in value or not value.removesuffix(OPTIONAL):
        raise ValueError(f"expected a path, got {show(value)}")
    return value


class Nice(int):
    """A nice value, of itself and not to be added to another."""

    @staticmethod
    def read(value: object) -> int:
        """From a number."""
        return _number(value, -20, 19, "a nice value")


class OomScore(int):
    """An oom_score_adj: -1000 is never killed when memory is short, 1000 first."""

    @staticmethod
    def read(value: object) -> int:
        """From a number."""
        return _number(value, -1000, 1000, "a number")


class IoPriority(tuple[int, int]):
    """The class and the level of ioprio_set(2); written "best-effort:4" or "idle"."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[int]:
        """From text, or from two numbers as `read` makes them."""
        number, level = _pair(value)
        if number in IO_CLASSES.values() and 0 <= level <= (0 if number == IO_IDLE else 7):
            return [number, level]
        if isinstance(value, str):
            name, colon, text = value.partition(":")
            if name in IO_CLASSES and not colon:
                return [IO_CLASSES[name], 0 if name == "idle" else _IO_LEVEL]
            if name in ("realtime", "best-effort") and text in tuple("01234567"):
                return [IO_CLASSES[name], int(text)]
        expected = '"idle", "best-effort:0" to "best-effort:7" or "realtime:0" to "realtime:7"'
        raise ValueError(f"expected {expected}, got {show(value)}")


class Scheduler(tuple[int, int]):
    """The policy and the priority of sched_setscheduler(2); written "batch" or "fifo:10"."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[int]:
        """From text, or from two numbers as `read` makes them."""
        policy, priority = _pair(value)
        name = next((name for name, number in POLICIES.items() if number == policy), "")
        if name and _priority_fits(name, priority):
            return [policy, priority]
        if isinstance(value, str):
            name, colon, text = value.partition(":")
            short = text.isascii() and text.isdigit() and len(text) <= 2
            if name in REAL_TIME and not colon:
                raise ValueError(f'{value!r} needs a priority from 1 to 99, such as "{name}:10"')
            if name in POLICIES and _priority_fits(name, int(text) if short else 0):
                if colon and name not in REAL_TIME:
                    raise ValueError(f'"{name}" takes no priority, got {show(value)}')
                return [POLICIES[name], int(text) if short else 0]
        expected = '"other", "batch", "idle", "fifo:1" to "fifo:99" or "rr:1" to "rr:99"'
        raise ValueError(f"expected {expected}, got {show(value)}")


class CpuSet(tuple[int, ...]):
    """CPUs by their numbers, in order; written as an array or as "0-3,5"."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[int]:
        """From a number, a list of numbers and ranges as text, or an array of both."""
        made: set[int] = set()
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(item, int) and not isinstance(item, bool):
                parts = [(item, item)]
            elif isinstance(item, str):
                parts = [_range(part.strip(), value) for part in item.split(",")]
            else:
                raise _no_cpus(value)
            for first, last in parts:
                if not 0 <= first <= last < CPUS_MAX:
                    raise _no_cpus(value)
                made.update(range(first, last + 1))
        if not made:
            raise _no_cpus(value)
        return sorted(made)


def format_cpus(cpus: object) -> str:
    """CPUs as `CpuSet` reads them: "0-3,5"."""
    numbers = CpuSet.read(list(cpus) if isinstance(cpus, (set, frozenset)) else cpus)
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def format_io_priority(value: tuple[int, int]) -> str:
    """As `IoPriority` reads it: "best-effort:4"."""
    return _named(IO_CLASSES, value)


def format_scheduler(value: tuple[int, int]) -> str:
    """As `Scheduler` reads it: "fifo:10"."""
    return _named(POLICIES, value)


def _named(names: dict[str, int], value: tuple[int, int]) -> str:
    name = next(name for name, number in names.items() if number == value[0])
    return f"{name}:{value[1]}" if name in (*REAL_TIME, "realtime", "best-effort") else name


TYPES: Final = (Files, Nice, OomScore, IoPriority, Scheduler, CpuSet)


def _range(text: str, value: object) -> tuple[int, int]:
    first, dash, last = text.partition("-")
    both = (first, last if dash else first)
    if not all(part.isascii() and part.isdigit() and len(part) <= 5 for part in both):
        raise _no_cpus(value)
    return int(both[0]), int(both[1])


def _no_cpus(value: object) -> ValueError:
    return ValueError(f'expected CPUs such as [0, 2] or "0-3,5", got {show(value)}')


def _priority_fits(name: str, priority: int) -> bool:
    return 1 <= priority <= 99 if name in REAL_TIME else priority == 0


def _number(value: object, low: int, high: int, what: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise ValueError(f"expected {what} from {low} to {high}, got {show(value)}")


def _pair(value: object) -> tuple[int, int]:
    """Two numbers as `read` makes them; (-1, -1) if it is anything else."""
    if isinstance(value, (list, tuple)) and len(value) == 2:
        first, second = value
        if type(first) is int and type(second) is int:  # True is no number
            return first, second
    return -1, -1
