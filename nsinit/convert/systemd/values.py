"""Values of units: spans of time, sizes, yes and no, signals, exit statuses, limits. Pure.

Each raises ValueError with what was expected; systemd.time(7), systemd.exec(5).
"""

from __future__ import annotations

import math
import re
from typing import Final

from nsinit import units

LONGEST: Final = 3650.0 * 86_400  # s: as long as nsinit waits for anything
_DAY: Final = 86_400.0
_SPANS: Final = {
    **dict.fromkeys(("usec", "us", "µs", "μs"), 1e-6),
    **dict.fromkeys(("msec", "ms"), 1e-3),
    **dict.fromkeys(("seconds", "second", "sec", "s"), 1.0),
    **dict.fromkeys(("minutes", "minute", "min", "m"), 60.0),
    **dict.fromkeys(("hours", "hour", "hr", "h"), 3600.0),
    **dict.fromkeys(("days", "day", "d"), _DAY),
    **dict.fromkeys(("weeks", "week", "w"), 7 * _DAY),
    **dict.fromkeys(("months", "month", "M"), 30.4375 * _DAY),
    **dict.fromkeys(("years", "year", "y"), 365.25 * _DAY),
}
_PART: Final = re.compile(r"\s*([0-9]{1,18}(?:\.[0-9]{0,18})?)\s*([a-zA-Zµμ]*)")
_SIZE: Final = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)\s*([KMGTPE]?)B?")
_POWERS: Final = "KMGTPE"
_YES: Final = frozenset(("1", "yes", "y", "true", "t", "on"))
_NO: Final = frozenset(("0", "no", "n", "false", "f", "off"))
# systemd.exec(5), "Process Exit Codes", and sysexits(3).
_STATUSES: Final = {
    name: number for number, name in (
        *enumerate(("SUCCESS", "FAILURE", "INVALIDARGUMENT", "NOTIMPLEMENTED", "NOPERMISSION",
                    "NOTINSTALLED", "NOTCONFIGURED", "NOTRUNNING")),
        *enumerate(("USAGE", "DATAERR", "NOINPUT", "NOUSER", "NOHOST", "UNAVAILABLE", "SOFTWARE",
                    "OSERR", "OSFILE", "CANTCREAT", "IOERR", "TEMPFAIL", "PROTOCOL", "NOPERM",
                    "CONFIG"), 64),
        *enumerate(("CHDIR", "NICE", "FDS", "EXEC", "MEMORY", "LIMITS", "OOM_ADJUST",
                    "SIGNAL_MASK", "STDIN", "STDOUT", "CHROOT", "IOPRIO", "TIMERSLACK",
                    "SECUREBITS", "SETSCHEDULER", "CPUAFFINITY", "GROUP", "USER",
                    "CAPABILITIES", "CGROUP", "SETSID", "CONFIRM", "STDERR"), 200),
        *enumerate(("PAM", "NETWORK", "NAMESPACE", "NO_NEW_PRIVILEGES", "SECCOMP",
                    "SELINUX_CONTEXT", "PERSONALITY", "APPARMOR_PROFILE", "ADDRESS_FAMILIES",
                    "RUNTIME_DIRECTORY"), 224),
        *enumerate(("CHOWN", "SMACK_PROCESS_LABEL", "KEYRING", "STATE_DIRECTORY",
                    "CACHE_DIRECTORY", "LOGS_DIRECTORY", "CONFIGURATION_DIRECTORY",
                    "NUMA_POLICY", "CREDENTIALS", "BPF"), 235),
        (255, "EXCEPTION"),
    )
}  # fmt: skip


def boolean(text: str) -> bool:
    """Yes or no, in any of the words for it."""
    word = text.strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError("expected yes or no")


def span(text: str, unit: float = 1.0) -> float:
    """Seconds; math.inf for "infinity". A number alone is so many units (s)."""
    text = text.strip()
    if text == "infinity":
        return math.inf
    total, at = 0.0, 0
    while at < len(text):
        match = _PART.match(text, at)
        factor = unit if match and not match[2] else _SPANS.get(match[2] if match else "")
        if match is None or factor is None:
            raise ValueError("expected a span of time")
        total += float(match[1]) * factor
        at = match.end()
    if not text:
        raise ValueError("expected a span of time")
    return total


def written(seconds: float) -> str:
    """A span as nsinit.toml has it; what has no end is as long as nsinit can wait."""
    return units.format_duration(min(round(seconds, 6), LONGEST))


def size(text: str) -> int | None:
    """Bytes; None for "infinity"."""
    text = text.strip()
    if text == "infinity":
        return None
    match = _SIZE.fullmatch(text)
    made = -1
    if match is not None:
        power = 1024 ** (_POWERS.index(match[2]) + 1 if match[2] else 0)
        made = int(float(match[1]) * power) if "." in match[1] else int(match[1]) * power
    if not 0 <= made < 1 << 63:
        raise ValueError("expected a size such as 64K or 2G")
    return made


def percent(text: str) -> float | None:
    """The number before a per cent sign; None if there is no such sign."""
    number, sign, rest = text.strip().partition("%")
    if not sign:
        return None
    if rest or not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", number):
        raise ValueError("expected a percentage")
    return float(number)


def integer(text: str, low: int, high: int) -> int:
    """A number between two others."""
    if re.fullmatch(r"[+-]?[0-9]{1,12}", text.strip()) and low <= int(text) <= high:
        return int(text)
    raise ValueError(f"expected a number from {low} to {high}")


def signal_name(text: str) -> str:
    """A signal as nsinit calls it."""
    return units.format_signal(units.parse_signal(text.strip()))


def exit_status(word: str) -> int | str:
    """An exit status by number or name, or a signal."""
    if word.isascii() and word.isdigit():
        return integer(word, 0, 255)
    name = word.upper().removeprefix("EX_")
    if name in _STATUSES:
        return _STATUSES[name]
    try:
        return signal_name(word)
    except ValueError:
        raise ValueError(f"{word!r} is no exit status and no signal") from None


def rlimit(kind: str, text: str) -> str | int:
    """A resource limit of getrlimit(2), soft and hard: LimitNOFILE= as "1024:4096"."""
    parts = text.strip().split(":")
    if len(parts) > 2:
        raise ValueError("expected one limit or two")
    made = [_limit(kind, part.strip()) for part in parts]
    return made[0] if len(made) == 1 else ":".join(str(one) for one in made)


def _limit(kind: str, text: str) -> str | int:
    if text == "infinity":
        return "unlimited"
    if kind == "nice" and text[:1] in ("+", "-"):
        return 20 - integer(text, -20, 19)
    if kind in ("cpu", "rttime"):
        factor = 1 if kind == "cpu" else 1_000_000
        seconds = span(text, 1.0 if kind == "cpu" else 1e-6)
        return "unlimited" if math.isinf(seconds) else math.ceil(seconds * factor - 1e-6)
    found = size(text)
    return "unlimited" if found is None else found
