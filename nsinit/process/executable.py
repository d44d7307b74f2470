"""The file that a command means. execvp(3)."""

from __future__ import annotations

import errno
import os

from nsinit.errors import SpawnError
from nsinit.kernel import seam


def find_in_path(name: str, path: str, beside: str) -> str:
    """The first executable file of that name in the directories of `path`.

    Those that are relative begin `beside` it. SpawnError tells not found (127) from not
    runnable (126).
    """
    denied = ""
    for directory in path.split(":"):
        place = os.path.join(beside, directory or ".", name)
        try:
            mode = seam.stat(place).st_mode
        except OSError:
            continue
        if mode & 0o170000 == 0o100000 and mode & 0o111:
            return place
        denied = denied or place
    if denied:
        raise SpawnError(denied, "execute", errno.EACCES, hint="it is no executable file")
    raise SpawnError(name, "find", errno.ENOENT, hint=f"PATH is {path}")
