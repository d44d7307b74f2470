"""What `log` means for each stream, and what it must fulfil. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nsinit.model.shaping import shaping_makes_sense
from nsinit.model.spec import Log
from nsinit.model.syslog import syslog_is_wanted
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.spec import Config, StderrLog

    Finding = tuple[KeyPath, str, str]

STREAMS: Final = ("stdout", "stderr")
SMALLEST: Final = 64 << 10  # of a rotated file: below, init would do little else than rotate
MOST_KEPT: Final = 1000
_FILE_KEYS: Final = (
    "max_size",
    "keep",
    "total",
    "compress",
    "mode",
    "owner",
    "rotate",
    "file_format",
)
_DEFAULT: Final = Log()


class FileRules(Named):
    """One log file: where it is, and how it is rotated; 0 means no limit."""

    path: str
    max_size: int = 10 << 20
    keep: int = 5
    total: int = 0
    compress: bool = True
    mode: int = 0o640
    owner: str | int | None = None
    line_limit: int = 16 << 10
    rotate: str = ""
    form: str = "raw"


def sinks(log: Log, stream: str) -> tuple[str, ...]:
    """Where a stream goes: by what is written for it, else to a file if one is named."""
    own = log.stderr if stream == "stderr" else None
    if own is not None and own.to is not None:
        return own.to
    if own is not None and own.file is not None:
        return ("file",)
    return log.to or (("file",) if log.file is not None else ("console",))


def file_rules(log: Log, stream: str) -> FileRules | None:
    """The file of a stream, if it has one."""
    own = log.stderr if stream == "stderr" else None
    path = own.file if own is not None and own.file is not None else log.file
    if path is None or "file" not in sinks(log, stream):
        return None
    apart = own if own is not None and own.file is not None else None
    chosen = {key: _choose(log, apart, key) for key in _FILE_KEYS}
    return FileRules(
        _plain(path),
        max_size=int(chosen["max_size"]),
        keep=chosen["keep"],
        total=int(chosen["total"] or 0),
        compress=chosen["compress"],
        mode=int(chosen["mode"]),
        owner=chosen["owner"],
        line_limit=int(log.line_limit),
        rotate=chosen["rotate"] or "",
        form=chosen["file_format"],
    )


def console_form(log: Log, stream: str) -> str:
    """How a stream looks on the console; "" is as init has it."""
    own = log.stderr.format if stream == "stderr" and log.stderr is not None else None
    return own or log.format or ""


def _choose(log: Log, apart: StderrLog | None, key: str) -> Any:  # noqa: ANN401  (of any key)
    own = getattr(apart, key, None)
    return getattr(log, key) if own is None else own


def _plain(path: str) -> str:
    """The path without doubled slashes, so that one file has one name."""
    return "/" + "/".join(part for part in path.split("/") if part not in ("", "."))


# --- Checks ---------------------------------------------------------------------------------------


def files_are_named(config: Config) -> Iterator[Finding]:
    """Whatever goes to a file has a file, and no key about files stands there for nothing."""
    for name, spec in config.services.items():
        at: KeyPath = ("services", name, "log")
        log, own = spec.log, spec.log.stderr
        used = {path for s in STREAMS if (rules := file_rules(log, s)) for path in (rules.path,)}
        if log.to is not None and "file" in log.to and log.file is None:
            yield (*at, "to"), 'the key "file" is missing', 'file = "/var/log/NAME.log"'
        if log.file is not None and _plain(log.file) not in used:
            yield (
                (*at, "file"),
                'nothing goes there: "to" has no "file"',
                'to = ["console", "file"]',
            )
        for key in _FILE_KEYS:
            if not used and getattr(log, key) != getattr(_DEFAULT, key):
                yield (*at, key), "has no effect without a file", ""
        if own is None:
            continue
        at = (*at, "stderr")
        if own.to is not None and "file" in own.to and own.file is None and log.file is None:
            yield (*at, "to"), 'the key "file" is missing', 'file = "/var/log/NAME.err"'
        if own.file is not None and "file" not in sinks(log, "stderr"):
            yield (
                (*at, "file"),
                'nothing goes there: "to" has no "file"',
                'to = ["console", "file"]',
            )
        for key in _FILE_KEYS:
            if own.file is None and getattr(own, key) is not None:
                yield (*at, key), "has no effect without a file of its own", ""


def paths_are_usable(config: Config) -> Iterator[Finding]:
    """A log file has an absolute path that names a file."""
    for name, spec in config.services.items():
        key: KeyPath = ("services", name, "log")
        own = spec.log.stderr
        places = [((*key, "file"), spec.log.file)]
        places.append(((*key, "stderr", "file"), own.file if own is not None else None))
        for at, path in places:
            if path is None:
                continue
            if not path.startswith("/"):
                yield at, f"expected an absolute path, got {path!r}", ""
            elif path.rsplit("/", 1)[1] in ("", ".", ".."):
                yield at, f"expected the path of a file, got {path!r}", ""
            elif _plain(path).startswith(("/dev/", "/proc/")):
                yield at, f"{path} is no file that can be rotated", 'to = "console"'


def files_are_apart(config: Config) -> Iterator[Finding]:
    """Nobody writes to what another service writes to, or to what it has rotated."""
    homes: dict[str, str] = {}
    for name, spec in config.services.items():
        mine: set[str] = set()
        for stream in STREAMS:
            rules = file_rules(spec.log, stream)
            if rules is None:
                continue
            at: KeyPath = ("services", name, "log", "file")
            if stream == "stderr" and spec.log.stderr is not None and spec.log.stderr.file:
                at = ("services", name, "log", "stderr", "file")
                if rules.path in mine:
                    yield at, "stdout goes there already", 'leave "stderr" out to have both there'
                    continue
            elif rules.path in mine:
                continue
            mine.add(rules.path)
            for other, owner in homes.items():
                if other == rules.path:
                    yield at, f'"{owner}" writes to it already', "give each service its own file"
                elif _is_rotated(other, rules.path) or _is_rotated(rules.path, other):
                    yield at, f'is in the way of the rotated files of "{owner}": {other}', ""
            homes.setdefault(rules.path, name)


def _is_rotated(path: str, base: str) -> bool:
    """Whether a path is what a log file is called after a rotation."""
    if not path.startswith(f"{base}."):
        return False
    number = path[len(base) + 1 :].removesuffix(".gz")
    return number == "gz-new" or (number.isascii() and number.isdigit())


def sizes_make_sense(config: Config) -> Iterator[Finding]:
    """Files are large enough to hold lines, and their number is one that can be looked after."""
    for name, spec in config.services.items():
        told: set[tuple[str, str]] = set()  # stderr has what it does not say from stdout
        for stream in STREAMS:
            rules = file_rules(spec.log, stream)
            if rules is None:
                continue
            apart = stream == "stderr" and spec.log.stderr is not None and spec.log.stderr.file
            at: KeyPath = ("services", name, "log", *(("stderr",) if apart else ()))
            for key, message in _bad_sizes(rules):
                if (key, message) not in told:
                    told.add((key, message))
                    yield (*(at if key != "line_limit" else at[:3]), key), message, ""


def _bad_sizes(rules: FileRules) -> Iterator[tuple[str, str]]:
    if 0 < rules.max_size < SMALLEST:
        yield "max_size", f"expected at least {SMALLEST >> 10}KiB, or 0 for no rotation"
    elif 0 < rules.max_size < 2 * rules.line_limit:
        yield "line_limit", "is more than half of max_size: a line may not fit into a file"
    if not 0 <= rules.keep <= MOST_KEPT:
        yield "keep", f"expected a number from 0 to {MOST_KEPT}, got {rules.keep}"
    if rules.total and not rules.max_size:
        yield "total", "has no effect with max_size = 0"
    elif 0 < rules.total < rules.max_size:
        yield "total", "is less than max_size, which one file may have"
    if rules.mode & ~0o666:
        yield "mode", "a log file is read and written: up to 0666"


STRICT: Final = (
    files_are_named,
    paths_are_usable,
    files_are_apart,
    sizes_make_sense,
    syslog_is_wanted,
    shaping_makes_sense,
)
