"""What can be written about where output goes, beside the keys of `log` itself: structs."""

from typing import Literal

from msgspec import Struct

Level = Literal["debug", "info", "warning", "error"]
Form = Literal["text", "time", "json"]  # of lines on the console
FileForm = Literal["raw", "time", "json"]


class InitLog(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[init.log]`: what nsinit says itself, and how lines look on the console.

    `log = "debug"` is the level alone. A service's own `format` goes before this one.
    """

    level: Level = "info"
    format: Form = "text"
    color: Literal["auto", "always", "never"] = "auto"
