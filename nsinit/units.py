"""Durations, sizes, signals and file modes as text, and back.

Imports only the part of `signal` that is written in C: `nsinit ctl` waits for this. Every `parse_X`
has a `format_X` with `parse_X(format_X(value)) == value`. Errors are `ValueError`s that say what
was expected.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    import signal
    from typing import Final
else:
    import _signal as signal  # without the enums around it

_DURATIONS: Final = (
    ("d", 86_400.0),
    ("h", 3_600.0),
    ("min", 60.0),
    ("m", 60.0),
    ("ms", 0.001),
    ("us", 0.000_001),
    ("s", 1.0),
)
_SIZES: Final = {
    "": 1, "B": 1,
    "K": 1 << 10, "KB": 10**3, "KIB": 1 << 10,
    "M": 1 << 20, "MB": 10**6, "MIB": 1 << 20,
    "G": 1 << 30, "GB": 10**9, "GIB": 1 << 30,
    "T": 1 << 40, "TB": 10**12, "TIB": 1 << 40,
}  # fmt: skip
_MAX_DIGITS: Final = 1200  # as many as the smallest float has
_SIZE_DIGITS: Final = 40
_MAX_SECONDS: Final = 10 * 365 * 86_400.0  # ten years: anything longer is a slip

# Linux's own spellings beside Python's; SIGPOLL and SIGIO are one number, and so on.
_SIGNAL_ALIASES: Final = {"IOT": signal.SIGABRT, "POLL": signal.SIGIO, "CLD": signal.SIGCHLD}
_ALL: Final[dict[str, int]] = {
    name[3:]: int(number)
    for name, number in sorted(vars(signal).items())
    if name.startswith("SIG") and name[3] != "_"
}
SIGNAL_NUMBERS: Final[dict[str, int]] = {
    name: number for name, number in _ALL.items() if name not in ("RTMIN", "RTMAX")
} | {name: int(number) for name, number in _SIGNAL_ALIASES.items()}
# Of several names the first: ABRT rather than IOT.
SIGNAL_NAMES: Final[dict[int, str]] = {number: name for name, number in reversed(_ALL.items())}
RT_MIN: Final = int(signal.SIGRTMIN)
RT_MAX: Final = int(signal.SIGRTMAX)


def kind_of(value: object) -> str:
    """How TOML calls the type of a value, for messages."""
    names = {bool: "a boolean", int: "an integer", float: "a float", str: "a string"}
    names |= {list: "an array", dict: "a table"}
    return names.get(type(value), type(value).__name__)


def parse_duration(value: object) -> float:
    """Seconds from a number or text such as "1h30m", "1.5s", "250ms"; a bare number is seconds."""
    expected = 'a duration such as 5, "1.5s", "250ms" or "1h30m"'
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"expected {expected}, got {kind_of(value)}")
    seconds = _read_duration(value) if isinstance(value, str) else value
    if seconds is None:
        raise ValueError(f"expected {expected}, got {value!r}")
    if not 0 <= seconds <= _MAX_SECONDS:  # also refuses NaN
        raise ValueError(f"expected {expected} between 0 and 10 years, got {_short(value)}")
    return float(seconds)


def _read_duration(text: str) -> float | None:
    parts = text.split(" ")
    if len(parts) > 1:  # "1h 30m", but not "5 5"
        if any(_is_number(part) for part in parts):
            return None
        text = "".join(parts)
    if _is_number(text):
        return float(text)
    total, at = 0.0, 0
    while at < len(text):
        start = at
        while at < len(text) and (text[at].isdigit() or text[at] == "."):
            at += 1
        number = text[start:at]
        start = at
        while at < len(text) and text[at].isalpha():
            at += 1
        factor = dict(_DURATIONS).get(text[start:at])
        if factor is None or not _is_number(number):
            return None
        total += float(number) * factor
    return total if text else None


def _is_number(text: str) -> bool:
    digits = text.replace(".", "", 1)
    return digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS


def format_duration(seconds: float) -> str:
    """Text that `parse_duration` reads back exactly: "1h30m", "1.5s", "0s"."""
    whole, parts = seconds, ""
    for name, factor in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if whole >= factor and seconds == int(seconds):
            parts += f"{int(whole // factor)}{name}"
            whole %= factor
    if not parts or whole:
        number = f"{int(whole)}" if whole == int(whole) else _plain(whole)
        parts += f"{number}s"
    return parts


def _short(value: object) -> str:
    """A number for a message; Python itself refuses to show thousands of digits."""
    if isinstance(value, int) and not -(10**18) < value < 10**18:
        return "a huge integer"
    return repr(value) if len(repr(value)) <= 40 else "a long text"


def _plain(number: float) -> str:
    text = repr(number)
    if "e" in text:
        from decimal import Decimal  # noqa: PLC0415  (only for spans under 0.1 ms)

        text = format(Decimal(text), "f")
    return text


def parse_size(value: object) -> int:
    """Bytes from a number or text such as "64KiB", "10M" (1024-based) or "10MB" (1000-based)."""
    expected = 'a size such as 4096, "64KiB", "10M" or "1.5GiB"'
    if isinstance(value, int) and not isinstance(value, bool):
        if 0 <= value < 1 << 63:
            return value
        raise ValueError(f"expected {expected} between 0 and 2^63, got {_short(value)}")
    if not isinstance(value, str):
        raise ValueError(f"expected {expected}, got {kind_of(value)}")
    text = value.strip()
    at = len(text)
    while at and text[at - 1].isalpha():
        at -= 1
    number, unit = text[:at].strip(), text[at:].upper()
    if not _is_number(number) or unit not in _SIZES:
        raise ValueError(f"expected {expected}, got {value!r}")
    if len(number) > _SIZE_DIGITS:
        raise ValueError(f"expected {expected} between 0 and 2^63, got {len(number)} digits")
    size = int(number) * _SIZES[unit] if number.isdigit() else int(float(number) * _SIZES[unit])
    if size >= 1 << 63:
        raise ValueError(f"expected {expected} between 0 and 2^63, got {_short(value)}")
    return size


def format_size(size: int) -> str:
    """Text that `parse_size` reads back exactly: "256KiB", "1000B"."""
    for unit in ("TIB", "GIB", "MIB", "KIB"):
        if size and size % _SIZES[unit] == 0:
            return f"{size // _SIZES[unit]}{unit[0]}iB"
    return f"{size}B"


def parse_signal(value: object) -> int:
    """A signal number from "TERM", "SIGTERM", "15", 15, "RTMIN+3" or "RTMAX-1"."""
    expected = 'a signal such as "TERM", "SIGUSR1", "RTMIN+3" or 15'
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(f"expected {expected}, got {kind_of(value)}")
    number = value if isinstance(value, int) else _read_signal(value)
    if number is None or number not in VALID_SIGNALS:
        raise ValueError(f"expected {expected}, got {value!r}")
    return number


VALID_SIGNALS: Final = frozenset(int(number) for number in signal.valid_signals())


def _read_signal(text: str) -> int | None:
    name = text.strip().upper().removeprefix("SIG")
    if name.isascii() and name.isdigit():
        return int(name) if len(name) <= 3 else None
    for base, number, sign in (("RTMIN", RT_MIN, 1), ("RTMAX", RT_MAX, -1)):
        if name == base:
            return number
        offset = name.removeprefix(base)
        if offset != name and offset[:1] == ("+" if sign > 0 else "-"):
            digits = offset[1:]
            short = digits.isascii() and digits.isdigit() and len(digits) <= 2
            ok = short and int(digits) <= RT_MAX - RT_MIN
            return number + sign * int(digits) if ok else None
    return SIGNAL_NUMBERS.get(name)


def format_signal(number: int) -> str:
    """The short name: "TERM", "RTMIN+3"; a number without a name as digits."""
    if RT_MIN < number < RT_MAX:
        return f"RTMIN+{number - RT_MIN}"
    return SIGNAL_NAMES.get(number, str(number))


def parse_mode(value: object) -> int:
    """File mode bits from octal text such as "022" or "0o644", or a TOML integer 0o022."""
    expected = 'octal digits such as "022" or 0o022'
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError(f"expected {expected}, got {kind_of(value)}")
    if isinstance(value, str):
        digits = value.removeprefix("0o")
        if not digits or len(digits) > 5 or set(digits) - set("01234567"):
            raise ValueError(f"expected {expected}, got {value!r}")
        value = int(digits, 8)
    if not 0 <= value <= 0o7777:
        raise ValueError(f"expected {expected} up to 07777, got {value:#o}")
    return value


def format_mode(mode: int) -> str:
    """Octal text with a leading zero: "022"."""
    return f"0{mode:o}" if mode else "0"
