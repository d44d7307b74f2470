"""What a sandbox or a service may use of the machine: the keys of `resources`. Pure.

One set of keys for both versions of cgroups; what each comes to there is in `nsinit.cgroups`.
"""

from typing import Final, Literal

from msgspec import Struct

from nsinit.model.tuning import CpuSet
from nsinit.model.types import Size, show
from nsinit.named import Named

WEIGHT_MAX: Final = 10_000  # cgroup-v2.rst
CPU_MIN: Final = 0.01  # the kernel gives no slice of less than 1 ms, and the period is 100 ms
CPU_MAX: Final = 8192.0


class Cpus(float):
    """How many CPUs' worth of time; written as 0.2, 1.5 or "20%"."""

    @staticmethod
    def read(value: object) -> float:
        """From a number or a percentage of one CPU."""
        if isinstance(value, str) and value.endswith("%"):
            digits = value[:-1].strip()
            plain = digits.replace(".", "", 1)
            if plain.isascii() and plain.isdigit() and len(plain) < 20:
                return Cpus.read(float(digits) / 100)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            if CPU_MIN <= value <= CPU_MAX:
                return float(value)
            raise ValueError(f"expected from {CPU_MIN} to {CPU_MAX:g} CPUs, got {show(value)}")
        raise ValueError(f'expected CPUs such as 0.5, 2 or "20%", got {show(value)}')


class Weight(int):
    """A share among those who compete, from 1 to 10000; who says nothing has 100."""

    @staticmethod
    def read(value: object) -> int:
        """From a number."""
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= WEIGHT_MAX:
            return value
        raise ValueError(f"expected a weight from 1 to {WEIGHT_MAX}, got {show(value)}")


class Count(int):
    """How many there may be."""

    @staticmethod
    def read(value: object) -> int:
        """From a number."""
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 1 << 31:
            return value
        raise ValueError(f"expected a number from 1, got {show(value)}")


class DeviceRule(Named):
    """Devices that may be used, and how."""

    kind: Literal["a", "b", "c"]  # all, block, character
    major: int | None  # None: any
    minor: int | None
    access: str  # of "rwm": read, write, make

    def __str__(self) -> str:
        """In the kernel's words."""
        numbers = ("*" if number is None else number for number in (self.major, self.minor))
        return f"{self.kind} {':'.join(map(str, numbers))} {self.access}"


# null, zero, full, random, urandom, tty, ptmx and the terminals of devpts.
_USUAL: Final = ((1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2), (136, None))


class DeviceRules(tuple[DeviceRule, ...]):
    """What may be used; "default" stands for what every /dev has."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[DeviceRule]:
        """From rules such as "c 10:229 rwm", "b *:* r"."""
        made: list[DeviceRule] = []
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if item == "default":
                made += [DeviceRule("c", major, minor, "rwm") for major, minor in _USUAL]
            else:
                made.append(_rule(item))
        return list(dict.fromkeys(made))


def _rule(item: object) -> DeviceRule:
    words = item.split() if isinstance(item, str) else []
    if words == ["a", "*:*", "rwm"]:
        return DeviceRule("a", None, None, "rwm")
    if len(words) == 3 and words[0] in ("b", "c"):
        first, colon, second = words[1].partition(":")
        access = "".join(letter for letter in "rwm" if letter in words[2])
        numbers = bool(colon) and _is_number(first) and _is_number(second)
        if numbers and sorted(access) == sorted(words[2]):
            kind: Literal["b", "c"] = "b" if words[0] == "b" else "c"
            return DeviceRule(kind, _number(first), _number(second), access)
    raise ValueError(f'expected "default" or a rule such as "c 10:229 rwm", got {show(item)}')


def _is_number(word: str) -> bool:
    return word == "*" or (word.isascii() and word.isdigit() and len(word) <= 7)


def _number(word: str) -> int | None:
    return None if word == "*" else int(word)


class IoLimit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much may be read from and written to one device per second.

    The device is a node ("/dev/sda"), numbers ("8:0"), or the one that a file or directory is on.
    """

    device: str
    read: Size | None = None
    write: Size | None = None
    read_ops: Count | None = None
    write_ops: Count | None = None


class Io(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`resources.io`."""

    weight: Weight | None = None
    limits: list[IoLimit] = []


class Resources(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`resources`: a cgroup of its own, and its limits; without a key it only is one."""

    cpu: Cpus | None = None
    cpu_weight: Weight | None = None
    cpuset: CpuSet | None = None
    memory: Size | None = None
    memory_high: Size | None = None
    swap: Size | None = None
    pids: Count | None = None
    io: Io | None = None
    device_access: DeviceRules | None = None  # None: all


TYPES: Final = (Cpus, Weight, Count, DeviceRules)
UNLIMITED: Final = Resources()


def asked(resources: Resources) -> list[str]:
    """The keys that say something: "memory", "io.weight" ..."""
    made = [
        name for name in resources.__struct_fields__
        if name != "io" and getattr(resources, name) is not None
    ]  # fmt: skip
    if resources.io is not None:
        made += ["io.weight"] if resources.io.weight is not None else []
        made += ["io.limits"] if resources.io.limits else []
    return made
