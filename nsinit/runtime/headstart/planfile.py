"""What is in a plan, and whether it counts here and now.

The file is one line that names this nsinit and this Python, a sum of what follows, and a tuple as
marshal(3py) writes it: no other format of the standard library is read without a module of its own.
It begins processes, so it is believed only from root or whoever runs init, and if nobody else can
write to it. The sum is against a damaged disk: of bytes that it did not write itself marshal may
make gigabytes, or end the process.
"""

from __future__ import annotations

import marshal
import os
import stat
import sys
from _imp import source_hash  # SipHash, as it is for byte code; always loaded

from nsinit import __version__
from nsinit.places import look_for

TYPE_CHECKING = False  # as `typing` has it, which would be loaded before the first service
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

    Search = tuple[str, str, str]  # a directory, how names begin and how they end

ENDING: Final = ".plan"
_FORMAT: Final = 2  # of what follows; another one is another plan
_MOST: Final = 64 << 20  # bytes
_HEADER: Final = f"nsinit plan {_FORMAT}, {__version__}, {sys.implementation.cache_tag}\n".encode()

_SUM: Final = 8  # bytes
_KEY: Final = 0  # nobody is kept from making one

_BOM: Final = b"\xef\xbb\xbf"

# How a stream of a service is born.
PIPE: Final = 0
NULL: Final = 1
INHERIT: Final = 2


class NoPlanError(Exception):
    """There is a plan, and it does not count: says why, as the end of a sentence."""


class Start:
    """How to start one service: the keys of its table that matter for that, as a row of a plan."""

    __slots__ = (
        "command", "environment", "inherit_env", "name", "run", "stderr", "stdout", "umask",
        "working_dir",
    )  # fmt: skip
    name: str
    run: int
    command: tuple[str, ...]
    working_dir: str | None
    umask: int | None
    inherit_env: bool
    environment: dict[str, str]
    stdout: int  # PIPE, NULL or INHERIT
    stderr: int
    env_file: tuple[str, ...] = ()  # with one it would not be here

    def __init__(self, row: tuple[Any, ...]) -> None:
        (
            self.name, self.run, self.command, self.working_dir, self.umask, self.inherit_env,
            self.environment, self.stdout, self.stderr,
        ) = row  # fmt: skip


class HeadStart:
    """A plan: what it follows from, and what follows."""

    __slots__ = _ROW = ("sources", "listings", "variables", "control", "shared", "starts")

    sources: list[tuple[str, bytes]]  # each file, as its path leads from the main one, and its text
    listings: list[tuple[Search, list[str]]]  # what was searched for, and all that it found
    variables: dict[str, str | None]  # what was filled in, None where a default was
    control: tuple[str | None, int]  # path and mode of the control socket
    shared: dict[str, str]  # [init].environment
    starts: list[tuple[Any, ...]]  # rows of `Start`, in order

    def __init__(self, *row: Any) -> None:  # noqa: ANN401  (as above)
        for name, value in zip(self._ROW, row, strict=True):
            setattr(self, name, value)

    def to_bytes(self) -> bytes:
        """For the file."""
        body = marshal.dumps(tuple(getattr(self, name) for name in self._ROW))
        return _HEADER + source_hash(_KEY, body) + body


def find(argv: Sequence[str], env: Mapping[str, str]) -> str | None:
    """The configuration that `nsinit run ARGV` means, if it has a plan.

    None if there are other words, which need more than a plan knows.
    """
    if len(argv) > 1 or (argv and not argv[0].endswith(".toml")):
        return None
    path = look_for(argv[0] if argv else None, env)
    return path if path is not None and os.path.lexists(path + ENDING) else None


def read(path: str, env: Mapping[str, str]) -> HeadStart:
    """The plan beside the configuration at `path`; NoPlanError, OSError."""
    fd = os.open(path + ENDING, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        data = _read_trusted(fd)
    finally:
        os.close(fd)
    if not data.startswith(_HEADER):
        raise NoPlanError("it was made by another nsinit or Python")
    body = memoryview(data)[len(_HEADER) + _SUM :]
    if data[len(_HEADER) : len(_HEADER) + _SUM] != source_hash(_KEY, body):
        raise NoPlanError("it is damaged: its sum is another one")
    try:
        plan = HeadStart(*marshal.loads(body))  # noqa: S302  (as said above)
        _check(plan, path, env)
    except (ValueError, EOFError, TypeError, AttributeError, MemoryError) as error:
        raise NoPlanError(f"it is damaged: {error or 'its sizes make no sense'}") from None
    return plan


def _read_trusted(fd: int) -> bytes:
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode) or found.st_size > _MOST:
        raise NoPlanError("it is no regular file, or far too large")
    if found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o022:
        raise NoPlanError("others than root and you can write to it")
    return _read_all(fd, found.st_size)


def _read_all(fd: int, size: int) -> bytes:
    parts = []
    while part := os.read(fd, max(size, 1) + 1):
        parts.append(part)
    return b"".join(parts)


def _check(plan: HeadStart, path: str, env: Mapping[str, str]) -> None:
    """Whether everything is as it was when the plan was made."""
    here = os.path.dirname(path)
    for name, text in plan.sources:
        place = os.path.join(here, name) if name else path
        if _text(place) != text:
            raise NoPlanError(f"{place} is another one by now")
    for search, names in plan.listings:
        if found(here, search) != names:
            place = os.path.join(here, search[0]) or "."
            raise NoPlanError(f"there are other files in {place} by now")
    for name, value in plan.variables.items():
        if env.get(name) != value:
            raise NoPlanError(f"${name} is another one here")


def found(here: str, search: Search) -> list[str]:
    """The names that a pattern of `include` may mean; a plan itself is none of them."""
    directory, begin, end = search
    names = os.listdir(os.path.join(here, directory) or ".")
    fitting = (name for name in names if name.startswith(begin) and name.endswith(end))
    return sorted(name for name in fitting if not name.endswith(ENDING))


def _text(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise NoPlanError(f"{path} is no regular file")
        return _read_all(fd, found.st_size).removeprefix(_BOM)
    finally:
        os.close(fd)
