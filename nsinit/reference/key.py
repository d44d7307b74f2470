"""One entry of the key reference. Imports nothing but typing."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Key(NamedTuple):
    """What a key means, a value as TOML has it, and its default where that is not a plain value.

    The first sentence of a key of `[sandbox]` is also what `nsinit run --help` says of its option.
    """

    text: str
    example: str
    default: str = ""


# By the name of the struct, the title of a group, and the key.
Texts: TypeAlias = dict[str, dict[str, dict[str, Key]]]
