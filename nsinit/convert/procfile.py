"""A Procfile, and the .env beside it. Pure but for reading them.

Each line is `NAME: shell command`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nsinit.convert.reading import entries, read_text
from nsinit.errors import ConvertError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.convert.document import Document
    from nsinit.convert.kinds import Wishes


def convert(paths: Sequence[str], document: Document, wishes: Wishes) -> None:
    """Add what the files say."""
    del wishes
    for path in paths:
        for line in read_text(_procfile(path)).splitlines():
            name, colon, command = line.partition(":")
            if colon:
                service = document.service(document.free_name(name))
                service.set("command", command.strip())
                service.set("shell", value=True)


def _procfile(path: str) -> str:
    if not os.path.isdir(path):
        return path
    if "Procfile" not in entries(path):
        raise ConvertError(path, 0, "there is no Procfile in it")
    return os.path.join(path, "Procfile")
