"""JSON by msgspec, where that is loaded: `json` takes `re` with it, 4 ms at each start.

What is no Unicode, as the bytes of a path may be, is left to `json`, which escapes it.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # as `typing` has it, which this need not load
if TYPE_CHECKING:
    from typing import Any


def encode(value: object, *, indent: int | None = None) -> bytes:
    """A value of builtin types as JSON, on one line unless it is indented."""
    if "msgspec" in sys.modules:
        from msgspec.json import encode as write  # noqa: PLC0415  (loaded by then)
        from msgspec.json import format as lay_out  # noqa: PLC0415  (the same)

        try:
            return write(value) if indent is None else lay_out(write(value), indent=indent)
        except UnicodeEncodeError:
            pass
    import json  # noqa: PLC0415  (as said above)

    return json.dumps(value, indent=indent).encode()


def decode(data: bytes) -> Any:  # noqa: ANN401  (decoded JSON)
    """What `encode` made of it; ValueError or RecursionError for what is no JSON in UTF-8."""
    if "msgspec" in sys.modules:
        from msgspec.json import decode as read  # noqa: PLC0415  (loaded by then)

        try:
            return read(data)
        except ValueError:
            pass
    import json  # noqa: PLC0415  (as said above)

    return json.loads(data.decode())  # of bytes it takes halves of pairs, too
