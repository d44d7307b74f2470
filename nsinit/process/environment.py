"""The environment that nsinit was given, as it was given."""

from __future__ import annotations

import os


def given_environment() -> dict[str, str]:
    """The variables that our caller set; values may hold any bytes (surrogateescape).

    In the C locale Python itself sets LC_CTYPE before anything of ours runs (PEP 538), over what
    was there, and services must not inherit that; what the kernel handed over is in
    /proc/self/environ.
    """
    made = dict(os.environ)
    if "LC_CTYPE" not in made:
        return made
    try:
        fd = os.open("/proc/self/environ", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return made
    try:
        parts = []
        while part := os.read(fd, 1 << 16):
            parts.append(part)
    except OSError:
        return made
    finally:
        os.close(fd)
    given = [item for item in b"".join(parts).split(b"\0") if item.startswith(b"LC_CTYPE=")]
    if given:
        made["LC_CTYPE"] = os.fsdecode(given[0].removeprefix(b"LC_CTYPE="))
    else:
        del made["LC_CTYPE"]
    return made
