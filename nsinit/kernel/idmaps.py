"""Id maps of user namespaces: written once, and why the kernel refuses. Knows no policy.

Source: user_namespaces(7), "Defining user and group ID mappings".
"""

from __future__ import annotations

import errno
import os
from typing import Final, Literal

from nsinit.kernel import seam
from nsinit.kernel.creds import has_cap

Which = Literal["uid", "gid"]
_CAPS: Final = {"uid": (7, "CAP_SETUID"), "gid": (6, "CAP_SETGID")}
_CAP_SETFCAP: Final = 31
_MOST: Final = 1 << 16  # bytes of a file in /proc


def write_map(pid: int, which: Which, text: str) -> None:
    """Write a map of a process's user namespace: all of it at once, since a second is refused."""
    _write(f"/proc/{pid}/{which}_map", text)


def deny_setgroups(pid: int) -> None:
    """Required before an unprivileged gid_map: dropping a group could open a file to somebody."""
    _write(f"/proc/{pid}/setgroups", "deny")


def setgroups_allowed(pid: int | str) -> bool:
    """Whether setgroups(2) is not denied in a process's user namespace, as it is in all below."""
    return _read(f"/proc/{pid}/setgroups").strip() != "deny"


def read_map(pid: int | str, which: Which) -> str:
    """A map as /proc shows it; "" while there is none, and for a process that is gone."""
    return _read(f"/proc/{pid}/{which}_map")


def may_map_any() -> bool:
    """Whether we may write any map: CAP_SETUID and CAP_SETGID."""
    return all(has_cap(number) for number, _ in _CAPS.values())


def why_refused(pid: int, which: Which, text: str, number: int) -> str:
    """Which of the kernel's conditions a refused write did not fulfil; "" if none is known.

    Of a refused denial of setgroups too, with an empty text.
    """
    plain = {
        errno.EROFS: "/proc is mounted read-only here",
        errno.EINVAL: "rows are empty, share ids or are too many (340, and 5 before Linux 4.15)",
        errno.EACCES: f"/proc/{pid} is not ours: not dumpable, or the process of another user",
    }
    return _why_not_permitted(pid, which, text) if number == errno.EPERM else plain.get(number, "")


def _why_not_permitted(pid: int, which: Which, text: str) -> str:
    rows = [[int(word) for word in line.split()] for line in text.splitlines()]
    cap, name = _CAPS[which]
    capable = has_cap(cap)
    own = os.geteuid() if which == "uid" else os.getegid()
    missing = [first for _, first, size in rows if not _exists(which, first, size)]
    reasons = {
        "it has been written already, and the kernel takes only one write": bool(
            read_map(pid, which)
        ),
        f"there are {which}s in it that do not exist here: see /proc/self/{which}_map": missing,
        f"without {name} only the own id ({own}) can be mapped": (
            not capable and (len(rows) != 1 or rows[0][1:] != [own, 1])
        ),
        "CAP_SETFCAP is missing, which a map of uid 0 needs since Linux 5.12": (
            which == "uid" and any(first == 0 for _, first, _ in rows) and not has_cap(_CAP_SETFCAP)
        ),
        f"without {name} setgroups has to be denied first": (
            which == "gid" and not capable and setgroups_allowed(pid)
        ),
    }
    otherwise = f"{name} is missing, or the process is in no child of our user namespace"
    return next((reason for reason, holds in reasons.items() if holds), otherwise)


def _exists(which: Which, first: int, count: int) -> bool:
    """Whether some ids are mapped in our own namespace, and in one row, as the kernel wants it."""
    rows = (line.split() for line in read_map("self", which).splitlines())
    spans = ((int(row[0]), int(row[2])) for row in rows if len(row) == 3)
    return any(begin <= first and first + count <= begin + size for begin, size in spans)


def _read(path: str) -> str:
    try:
        fd = seam.open_fd(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return seam.read(fd, _MOST).decode("ascii", "replace")
    except OSError:
        return ""
    finally:
        os.close(fd)


def _write(path: str, text: str) -> None:
    seam.ask("map_ids")
    fd = seam.open_fd(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        seam.write(fd, text.encode())  # its result counts: file objects lose errors at close
    finally:
        os.close(fd)
