"""Whether a process that somebody wrote down is still the one that runs.

A pid alone says little: with it goes when the process was started, in which boot, and in which pid
namespace the pid counts.
"""

from __future__ import annotations

from nsinit.kernel import proc, seam


def runs(pid: int, started: int) -> bool:
    """Whether that process, and not another that got its pid later, runs; a zombie does not."""
    found = proc.stat(pid) if pid > 0 else None
    return found is not None and found.started == started and found.state not in "ZX"


def start_time(pid: int) -> int:
    """When a process was started (clock ticks since the boot); 0 if it is gone or hidden."""
    found = proc.stat(pid)
    return found.started if found else 0


def boot_id() -> str:
    """What tells this boot from others."""
    try:
        seam.ask("open")
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""


def own_pids() -> int:
    """The pid namespace (inode) that this process sees pids of."""
    try:
        return seam.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return 0


def format_owner(name: str, pid: int, started: int, pids_of: int, boot: str) -> str:
    """A line that says who owns something, to be read by `owner_runs`."""
    return f"{name} {pid} {started} {pids_of} {boot}"


def owner_runs(line: str) -> bool:
    """Whether the process in such a line may still run; what is no such line owns nothing."""
    words = line.split()
    if len(words) != 5 or not all(word.isdigit() for word in words[1:4]) or words[4] != boot_id():
        return False
    return int(words[3]) != own_pids() or runs(int(words[1]), int(words[2]))
