"""The status page: one file, which loads nothing from anywhere and is allowed nothing else."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATH: Final = os.path.join(os.path.dirname(os.path.dirname(__file__)), "resources", "status.html")
# By the loader of this module: in a sandbox with its own root there is no such file any more.
_TEXT: Final[bytes] = cast("Any", __spec__).loader.get_data(_PATH)


class Document(NamedTuple):
    """The text, and the policy that allows its own script and style and nothing else."""

    text: bytes
    policy: str


@cache
def load() -> Document:
    """The page."""
    policy = (
        f"default-src 'none'; script-src {' '.join(_hashes(b'script'))}; "
        f"style-src {' '.join(_hashes(b'style'))}; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Document(_TEXT, policy)


def _hashes(tag: bytes) -> Iterator[str]:
    for found in re.finditer(rb"<%s>(.*?)</%s>" % (tag, tag), _TEXT, re.DOTALL):
        yield f"'sha256-{b64encode(sha256(found[1]).digest()).decode()}'"
