"""What may be done to the lines of a service before they go anywhere. Pure."""

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from nsinit.model.probing import compile_pattern
from nsinit.model.types import Seconds, Size
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.spec import Config, Log

    Finding = tuple[KeyPath, str, str]

LONGEST_HOLD: Final = 60.0  # s
LARGEST_RECORD: Final = 1 << 20


class RateLimit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much a stream may write each second, and for how many seconds' worth at once."""

    lines: int | None = None
    bytes: Size | None = None
    burst: Seconds = Seconds(1)


class Multiline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Records of several lines: `first` finds the first line of each, the others belong to it.

    The last one goes out when nothing was added to it for `timeout`.
    """

    first: str
    timeout: Seconds = Seconds(1)
    max_size: Size = Size(64 << 10)


class ShapeRules(Named):
    """The same for each stream of a service; 0 and "" stand for nothing."""

    lines: float = 0
    bytes: float = 0
    burst: float = 1
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    first: str = ""
    hold: float = 1
    limit: int = 64 << 10


def shape_rules(log: "Log") -> ShapeRules | None:
    """What is done to lines; None if nothing is."""
    rate, multiline = log.rate_limit, log.multiline
    if rate is None and multiline is None and not log.include and not log.exclude:
        return None
    rate, record = rate or RateLimit(), multiline or Multiline(first="")
    return ShapeRules(
        lines=float(rate.lines or 0),
        bytes=float(rate.bytes or 0),
        burst=float(rate.burst),
        include=tuple(log.include),
        exclude=tuple(log.exclude),
        first=record.first,
        hold=float(record.timeout),
        limit=int(record.max_size),
    )


def shaping_makes_sense(config: "Config") -> "Iterator[Finding]":
    """Patterns can be understood, limits let something through, and there are lines to shape."""
    from nsinit.model.logs import sinks  # noqa: PLC0415  (which has this among its checks)

    for name, spec in config.services.items():
        at: KeyPath = ("services", name, "log")
        rules = shape_rules(spec.log)
        if rules is None:
            continue
        to = {place for stream in ("stdout", "stderr") for place in sinks(spec.log, stream)}
        if to <= {"null", "inherit"}:
            yield at, "nsinit does not see these lines, and can neither limit nor filter them", ""
        for key in ("include", "exclude"):
            for index, pattern in enumerate(getattr(rules, key)):
                if bad := _bad_pattern(pattern):
                    yield (*at, key, index), bad, ""
        if spec.log.multiline is not None:
            yield from _multiline(spec.log.multiline, (*at, "multiline"))
        if spec.log.rate_limit is not None:
            yield from _rate(spec.log.rate_limit, (*at, "rate_limit"))


def _bad_pattern(pattern: str) -> str:
    if not pattern:
        return "an empty pattern finds every line"
    try:
        compile_pattern(pattern)
    except ValueError as error:
        return str(error)
    return ""


def _multiline(table: Multiline, at: "KeyPath") -> "Iterator[Finding]":
    if bad := _bad_pattern(table.first):
        yield (*at, "first"), bad, ""
    if not 0 < table.timeout <= LONGEST_HOLD:
        yield (*at, "timeout"), f"expected more than 0 and up to {LONGEST_HOLD:g} s", ""
    if not 1 <= table.max_size <= LARGEST_RECORD:
        yield (*at, "max_size"), f"expected up to {LARGEST_RECORD >> 20}MiB", ""


def _rate(table: RateLimit, at: "KeyPath") -> "Iterator[Finding]":
    if table.lines is None and table.bytes is None:
        yield at, 'the key "lines" or "bytes" is missing', "rate_limit = 1000"
    for key in ("lines", "bytes"):
        value = getattr(table, key)
        if value is not None and value <= 0:
            yield (*at, key), 'is above 0; to have none at all, say to = "null"', ""
    if not 0 < table.burst <= 3600:
        yield (*at, "burst"), "expected a time from above 0 to one hour", ""
