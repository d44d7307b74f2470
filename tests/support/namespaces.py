"""Namespaces as tests look at them: by inodes from outside, by words from inside."""

from __future__ import annotations

import os
import pathlib
from typing import TYPE_CHECKING, Final

from tests.support.live import eventually

if TYPE_CHECKING:
    from tests.support.boxes import Box

KINDS: Final = ("user", "ipc", "uts", "net", "pid", "mount", "cgroup", "time")
FILES: Final = {kind: "mnt" if kind == "mount" else kind for kind in KINDS}


def namespaces(pid: int | str = "self") -> dict[str, str]:
    """All of a process: {"uts": "uts:[4026531838]", ...}."""
    return {kind: os.readlink(f"/proc/{pid}/ns/{file}") for kind, file in FILES.items()}


def different(pid: int) -> set[str]:
    """The kinds of which a process has another namespace than we."""
    here, there = namespaces(), namespaces(pid)
    return {kind for kind in KINDS if here[kind] != there[kind]}


def written(box: Box, name: str = "a") -> list[str]:
    """The lines that a service has written so far."""
    rows = [line.partition("|") for line in box.out.read_text().splitlines()]
    return [text.strip() for who, _, text in rows if who.strip() == name]


def wait_for(box: Box, text: str = "end", name: str = "a") -> list[str]:
    """Wait until a service has written this line, and return those before."""

    def find() -> list[str] | None:
        lines = written(box, name)
        if text in lines:
            return [*lines[: lines.index(text)], text]
        assert box.process is not None
        assert box.process.poll() is None, box.said()
        return None

    found: list[str] = eventually(find, f"{name} writes {text!r}")
    return found[:-1]


def service(script: str, more: str = "", name: str = "a") -> str:
    """A service that runs a script of sh, writes "end", and stays."""
    words = ["sh", "-c", f"{script}\necho end; exec sleep 1000"]
    return f"[services.{name}]\nmin_uptime = 0\n{more}command = {toml(words)}\n"


def joining(box: Box, *kinds: str, more: str = "") -> str:
    """The key of `[sandbox]` that joins namespaces of a sandbox, as its user has to."""
    wanted = dict.fromkeys((*kinds, *(["user"] if box.user else [])), box.pid)
    return f"namespaces = {{{', '.join(f'{kind} = {pid}' for kind, pid in wanted.items())}{more}}}"


def toml(words: list[str]) -> str:
    """An array of strings; $ stands for itself."""
    quoted = (word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for word in words)
    return "[" + ", ".join(f'"{word.replace("$", "$$")}"' for word in quoted) + "]"


def mountinfo() -> str:
    """The mounts of this namespace."""
    return pathlib.Path("/proc/self/mountinfo").read_text()


def inner_pids(pid: int) -> list[int]:
    """The pids that a process has, from ours to the innermost namespace's."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    row = next(line for line in status.splitlines() if line.startswith("NSpid:"))
    return [int(word) for word in row.split()[1:]]
