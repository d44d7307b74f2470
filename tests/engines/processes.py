"""Own the view of a pid namespace from outside: who is in it, under which pid, and its end.

Imports the standard library only; reads /proc of the namespace that the tests run in.
"""

import contextlib
import os
import select
import time
from pathlib import Path
from typing import Final

TIMEOUT = 20.0

# Python: the innermost of so many processes are orphans before they end, all in the same moment.
ORPHANS: Final = """\
import os, time
reader, writer = os.pipe()
for _ in range(%d):
    if os.fork() == 0:
        if os.fork() == 0:
            os.close(writer)
            os.read(reader, 1)
        os._exit(0)
    os.wait()
os.close(writer)
print("all orphaned", flush=True)
time.sleep(600)
"""


def members(namespace: str) -> list[int]:
    """Return the processes in a pid namespace, by its link ("pid:[4026531836]")."""
    found = []
    for link in Path("/proc").glob("[0-9]*/ns/pid"):
        # Processes come and go while they are listed; a zombie is in no namespace.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if str(link.readlink()) == namespace:
                found.append(int(link.parts[2]))
    return sorted(found)


def host_pids(namespace: str) -> dict[int, int]:
    """Return, for each pid inside of a namespace, the pid out here."""
    made = {}
    for pid in members(namespace):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            row = next(line for line in lines if line.startswith("NSpid:"))
            made[int(row.split()[-1])] = pid
    return made


def await_end(namespace: str, timeout: float = TIMEOUT) -> None:
    """Wait until nobody is in a namespace any more."""
    end = time.monotonic() + timeout
    while left := members(namespace):
        assert time.monotonic() < end, f"still in {namespace}: {left}"
        with contextlib.suppress(ProcessLookupError):
            descriptor = os.pidfd_open(left[0])
            try:
                select.select([descriptor], [], [], max(0.0, end - time.monotonic()))
            finally:
                os.close(descriptor)
