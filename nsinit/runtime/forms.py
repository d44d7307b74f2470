"""How blocks of lines look where they go: as they are, with a prefix, with the time. Pure.

A form is a function of a block, the clock time at which it was read (s), and whether its lines
are one record. Nothing here looks at each line. JSON is in `jsonlines`, for those who want it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from nsinit.runtime.lines import prefix_lines, with_prefix

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.runtime.lines import Block

    Form = Callable[[Block, float, bool], bytes]

_COLORS: Final = (32, 33, 34, 35, 36, 92, 93, 94, 95, 96)  # SGR of ECMA-48; no red, black or white
_PLAIN: Final = "\x1b[0m"
_OWN: Final = 1  # bold, for nsinit itself


def stamp(at: float) -> str:
    """A time as RFC 3339 has it, in UTC with microseconds."""
    whole, rest = divmod(round(at * 1_000_000), 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{rest:06d}Z"


def name_of(service: str, width: int, *, color: bool) -> str:
    """The name as it stands before a line; instances of a service have one color."""
    name = f"{service:<{width}}"
    if not color:
        return name
    from binascii import crc32  # noqa: PLC0415  (few have a terminal; it is 150 KiB)

    number = _OWN
    if service != "nsinit":
        number = _COLORS[crc32(service.partition("@")[0].encode()) % len(_COLORS)]
    return f"\x1b[{number}m{name}{_PLAIN}"


def prefixed(name: str) -> Form:
    """The name before each line; a plus sign marks what goes on with a line that was cut."""
    first, other = f"{name} | ".encode(), f"{name} + ".encode()
    return lambda block, at, joined: with_prefix(block, first, other)  # noqa: ARG005  (of a Form)


def stamped(name: str) -> Form:
    """The time and the name before each line; all lines of a block were read at one time."""
    first, other = f" {name} | ".encode(), f" {name} + ".encode()

    def render(block: Block, at: float, joined: bool) -> bytes:  # noqa: ARG001  (a Form)
        when = stamp(at).encode()
        return with_prefix(block, when + first, when + other)

    return render


def raw(block: Block, at: float, joined: bool) -> bytes:  # noqa: ARG001  (a Form)
    """The bytes of the service again: a line that was cut is whole."""
    return block.data[:-1] if block.goes_on or block.unended else block.data


def timed(block: Block, at: float, joined: bool) -> bytes:  # noqa: ARG001  (a Form)
    """The time before each line; a line that was cut is whole, with the time of its beginning."""
    when = f"{stamp(at)} ".encode()
    text = prefix_lines(block.data, b"" if block.continues else when, when)
    return text[:-1] if block.goes_on else text
