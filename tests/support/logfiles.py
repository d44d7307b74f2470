"""Services that write to log files, and what they have written."""

from __future__ import annotations

import contextlib
import gzip
import os
import pathlib
import signal
from typing import TYPE_CHECKING

from nsinit.runtime.rotation import find_slots
from tests.support.live import DEADLINE, Live, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

SLEEPER = '[services.a]\ncommand = "sleep 1000"\nmin_uptime = 0\nrestart_delay = 0.05\n'


def once(script: str, log: str, more: str = "") -> str:
    """A service b that runs a shell script to its end, beside one that stays."""
    return (
        f"{SLEEPER}[services.b]\ntype = 'oneshot'\n{more}\n"
        f"command = [\"sh\", \"-c\", '''{script}''']\nlog = {log}\n"
    )


def paths_of(init: Live, name: str = "x.log") -> list[pathlib.Path]:
    """The files of a log, the oldest first."""
    slots = find_slots(os.listdir(init.directory), name)
    base = str(init.directory / name)
    return [pathlib.Path(slot.path(base)) for slot in reversed(slots)] + [init.directory / name]


def content_of(path: pathlib.Path) -> bytes:
    """What is in a file, unpacked."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def packed(init: Live) -> list[pathlib.Path]:
    """The files once everything that should be packed is."""

    def done() -> bool:
        names = [path.name for path in paths_of(init)]
        plain = [name for name in names if not name.endswith(".gz")]
        return plain == ["x.log.1", "x.log"] and not (init.directory / "x.log.gz-new").exists()

    eventually(done, "gzip is done", 3 * DEADLINE)
    return paths_of(init)


def still_works(init: Live) -> None:
    """Control answers, and a killed service comes back."""
    before = init.wait_for("a", "running")
    os.kill(init.outer_pid(before["pid"]), signal.SIGKILL)
    init.wait_for("a", "running", run=before["run"] + 1)


@contextlib.contextmanager
def prefixed(
    directory: pathlib.Path, config: str, prefix: list[str], user: int | None = None
) -> Iterator[Live]:
    """An init below a command that prepares something for it."""
    made = Live(directory, config, "subreaper")
    made.prefix, made.user = prefix, user
    try:
        yield made.start()
    finally:
        made.close()


TICKER = """
[services.b]
command = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.01; done"]
log = {file = "${HERE}/x.log", max_size = 0}
min_uptime = 0
"""
