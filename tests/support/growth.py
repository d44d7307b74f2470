"""A long life in a short time, and what an init holds before and after it.

Tests live it briefly; `scripts/longlife` as long as somebody likes to wait.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.support.live import DEADLINE, children, status_field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.live import Live

STILL: Final = 20  # services to which nothing happens
QUICK: Final = ("q0", "q1")  # that end at once, and come back at once
DYING: Final = ("d0",)  # that ends soon, and comes back at once
_LOOK: Final = 0.1  # s between looks while services come and go
_ASKED: Final = ("status", "why", "list", "events", "logs", "health", "graph", "tree")

# One says something in each of its lives.
_HEAD: Final = """\
[init]
log = "warning"
keep_running = true
recorder = "{recorder}"
[services.q0]
command = ["/bin/true"]
[services.q1]
command = ["/bin/echo", "one more"]
"""
_QUICK: Final = """\
autostart = false
restart = "always"
restart_delay = 0
restart_limit = "unlimited"
min_uptime = 0
"""
_DYING: Final = """\
[services.d0]
command = ["sh", "-c", "echo one more; exec sleep 0.05"]
"""
_STILL: Final = """\
[services.{name}]
command = ["sleep", "{seconds}"]
min_uptime = 0
stop_timeout = 5
"""
# So that it is seen if anything keeps what an update has taken away.
_LARGE: Final = f'environment = {{ LARGE = "{"x" * 20_000}" }}\n'


class Held(NamedTuple):
    """What an init holds; memory in KiB."""

    fds: int
    memory: int  # PSS, of which what it shares with other Pythons is a part
    maps: int
    zombies: int
    files: int  # in the directory of its socket


def held(init: Live) -> Held:
    """Now."""
    pid = init.pid
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    anonymous = re.findall(r"^Pss_(?:Anon|Shmem): +(\d+)", rollup, re.MULTILINE)
    return Held(
        fds=len(os.listdir(f"/proc/{pid}/fd")),
        memory=sum(map(int, anonymous)),
        maps=Path(f"/proc/{pid}/maps").read_text().count("\n"),
        zombies=sum(status_field(child, "State")[:1] == "Z" for child in children(pid)),
        files=sum(len(files) + len(below) for _, below, files in os.walk(init.socket.parent)),
    )


def at_rest(init: Live, seconds: float = DEADLINE) -> Held:
    """Once nothing ends or is about to: two looks that see the same but for memory, or the last."""
    until = time.monotonic() + seconds
    before = held(init)
    while True:
        time.sleep(_LOOK)
        now = held(init)
        if now._replace(memory=before.memory) == before or time.monotonic() > until:
            return now
        before = now


def configuration(*, recorder: str = "1MiB", still: int = STILL, more: str = "") -> str:
    """Services that stay, and those that die all the time once they are started."""
    quick = (
        _HEAD.format(recorder=recorder).replace("[services.q1]", _QUICK + "[services.q1]") + _QUICK
    )
    quick += _DYING + _QUICK
    rows = [_STILL.format(name=f"s{number}", seconds=100000) for number in range(still)]
    return quick + "".join(rows) + more


class Life:
    """An init of that configuration, and what may happen to it, each as often as one likes.

    `tell` hears now and then how many of how many are done.
    """

    def __init__(self, init: Live, tell: Callable[[int, int], None] = lambda _, __: None) -> None:
        self._init = init
        self._tell = tell
        self._plain = init.config.read_text()

    @contextlib.contextmanager
    def _dying(self, names: tuple[str, ...]) -> Iterator[None]:
        self._init.client.start(names=[*names])
        try:
            yield
        finally:
            self._init.client.stop(names=[*names])

    def _restarts(self) -> int:
        """Of all that die, so far."""
        services = self._init.client.status(names=[*QUICK])["services"]
        return sum(service["run"] for service in services)

    def restarts(self, count: int) -> None:
        """Services end and are started again."""
        goal = (begin := self._restarts()) + count
        with self._dying(QUICK):
            while (now := self._restarts()) < goal:
                self._tell(now - begin, count)
                time.sleep(_LOOK)

    def requests(self, count: int) -> None:
        """Clients ask for this and that, each on a connection of its own."""
        for number in range(count):
            verb = _ASKED[number % len(_ASKED)]
            names = {"names": ["s0"]} if verb in ("why", "tree", "health") else {}
            answer = getattr(self._init.client, verb)(**names)
            if verb in ("events", "logs"):
                next(iter(answer), None)
                answer.close()
            self._tell(number, count)

    def updates(self, count: int) -> None:
        """One service of the file changes, one goes and one comes, with a name that is new."""
        for number in range(count):
            name = f"new{number % 2}-{number}"
            changed = self._plain.replace("100000", str(100001 + number % 2), 1)
            self._init.config.write_text(changed + _STILL.format(name=name, seconds=1000) + _LARGE)
            self._init.client.update()
            self._tell(number, count)
        self._init.config.write_text(self._plain)
        self._init.client.update()

    def reexecs(self, count: int) -> None:
        """The program of init is replaced, while services die, but not so many that it is slow."""
        with self._dying(DYING):
            for number in range(count):
                self._init.client.reexec()
                self._tell(number, count)
