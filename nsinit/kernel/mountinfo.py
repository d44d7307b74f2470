"""The mounts of a process, as /proc/PID/mountinfo has them (proc_pid_mountinfo(5))."""

from __future__ import annotations

from typing import Final, NamedTuple

from nsinit.kernel import seam

_OCTAL: Final = frozenset("01234567")
_DIGITS: Final = 18  # of a number that the kernel writes


class Mount(NamedTuple):
    """One mount that a process sees."""

    number: int
    parent: int
    device: str  # "major:minor"
    root: str  # what of the file system is mounted
    target: str
    options: tuple[str, ...]  # of the mount
    tags: tuple[str, ...]  # "shared:N", "master:N", "unbindable"; none: private
    kind: str
    source: str
    super_options: tuple[str, ...]  # of the file system


def parse(text: str) -> list[Mount]:
    """All mounts, in the order of the kernel; lines of another shape are left out."""
    found: list[Mount] = []
    for line in text.splitlines():
        left, mark, right = line.partition(" - ")
        before, after = left.split(" "), right.split(" ")
        if not mark or len(before) < 6 or len(after) < 3 or not all(map(_is_number, before[:2])):
            continue
        number, parent, device, root, target, options, *tags = before
        found.append(
            Mount(
                int(number),
                int(parent),
                device,
                _plain(root),
                _plain(target),
                tuple(options.split(",")),
                tuple(tags),
                after[0],
                _plain(after[1]),
                tuple(after[2].split(",")),
            )
        )
    return found


def read(pid: int | str = "self") -> list[Mount]:
    """Those of a process, by this /proc; OSError when it has none or can't be looked at."""
    seam.ask("open")
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        return parse(file.read())


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) <= _DIGITS


def _plain(text: str) -> str:
    r"""Without the escapes of space, tab, newline and backslash: "\040"."""
    first, *rest = text.split("\\")
    return first + "".join(map(_unescaped, rest))


def _unescaped(part: str) -> str:
    """What stood behind a backslash."""
    code = part[:3]
    if len(code) == 3 and _OCTAL.issuperset(code):
        return chr(int(code, 8)) + part[3:]
    return f"\\{part}"
