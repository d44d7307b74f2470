"""Nonsense to the sockets of a real init, by many connections and from a service of its own.

Afterwards the same init must answer, with the descriptors and the memory that it had before.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from scripts.fuzzing.crowd import Crowd
from scripts.fuzzing.mutation import Mutator
from scripts.fuzzing.target import ROOT
from scripts.fuzzing.targets import TARGETS
from tests.support.growth import Held, at_rest, held
from tests.support.live import live

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.support.live import Live, Way

_MEMORY: Final = 2048  # KiB that may be added: rings and the last events may not be full before
_ANSWER: Final = 10.0  # s for init to answer who asks properly
_PIPELINE: Final = 40  # requests at once
_WRONG: Final = 0.1  # of them
_AGAIN: Final = 0.2  # s
_ANSWERED: Final = "requests answered, some of them wrong, several on a connection"
_ROUND: Final = 2000  # inputs between two looks at whether init answers
# Each takes init milliseconds: so many of them are not sent, and others in their place.
_LONG: Final = ("record", "restart", "update", "openapi.json")
_SPARED: Final = 0.8
_LINGERS: Final = 15.0  # s
_LOOK_EVERY: Final = 10  # rounds
# Of these a right one would end or replace init, or run a program.
_NOT: Final = ("shutdown", "reexec", "exec", "enter")
_CONFIG: Final = """\
[init]
log = "error"
keep_running = true
syslog = "{here}/log"
journal = "{here}/journal"
[services.a]
command = ["sleep", "100000"]
tty = true
min_uptime = 0
[services.b]
command = ["sleep", "100000"]
min_uptime = 0
[services.chatter]
type = "notify"
start_timeout = "1d"
restart = "always"
restart_delay = 0
restart_limit = "unlimited"
log = "null"
environment = {{ PYTHONPATH = "{root}" }}
command = [
    "{python}", "-m", "scripts.fuzzing.chatter", "{count}", "{seed}",
    "{here}/log", "{here}/journal", "{here}/note",
]
"""


class Told(NamedTuple):
    """What was sent, by kind; what init held before and after; what is wrong."""

    sent: dict[str, int]
    seconds: float
    before: Held
    after: Held
    slowest: float  # s that a proper request took in between
    memory: list[int]  # KiB, now and then
    wrong: list[str]

    def table(self) -> str:
        """For people."""
        rows = [f"| {kind} | {count:,} |" for kind, count in self.sent.items()]
        head = ["", "| to a real init | inputs |", "|---|---|", *rows]
        total = f"{sum(self.sent.values()):,} inputs in {self.seconds:.0f} s"
        slowest = f"a proper request took {self.slowest * 1000:.0f} ms at the most meanwhile"
        curve = f"KiB on the way: {' '.join(map(str, self.memory))}"
        held = [f"before {self.before}", f"after  {self.after}", curve]
        told = [f"{total}; {slowest}", *held, *self.wrong]
        return "\n".join([*head, *told])

    def as_json(self) -> dict[str, Any]:
        """For a file of results."""
        made = self._asdict()
        return {
            "target": "live",
            **made,
            "before": self.before._asdict(),
            "after": self.after._asdict(),
        }


class Attack:
    """One init, and who sends it what."""

    def __init__(self, init: Live, seed: int) -> None:
        self._init = init
        self._chance = random.Random(seed)
        target = TARGETS["http"]
        mutator = Mutator(self._chance, target.words, target.most)
        pool = [data[1:] for data in target.begin()]
        self._good = [data for data in pool if not any(b"/v1/" + n.encode() in data for n in _NOT)]
        self._make: Callable[[Sequence[bytes]], bytes] = mutator.make
        self._ways: dict[str, Callable[[], int]] = {
            _ANSWERED: self._pipeline,
            "connections of nonsense": self._garbage,
            "connections with descriptors": self._descriptors,
            "connections that are left": self._leave,
        }
        self.sent = dict.fromkeys(self._ways, 0)
        self._crowd = Crowd(str(init.socket))
        self.slowest = 0.0

    def begin(self) -> None:
        """Each that is right, so that all is loaded: for its own description alone 2 MB."""
        for data in self._good:
            self._crowd.say(data, 1)
        self._crowd.leave()

    def round(self, inputs: int) -> None:
        """About so many inputs of all kinds, and one proper request."""
        goal = sum(self.sent.values()) + inputs
        weights = (20, 60, 1, 2)
        names = list(self._ways)
        while sum(self.sent.values()) < goal:
            (kind,) = self._chance.choices(names, weights)
            with contextlib.suppress(ConnectionError, TimeoutError, BlockingIOError):
                self.sent[kind] += self._ways[kind]()
            self.sent[_ANSWERED] = self._crowd.answered
        self._crowd.leave()
        begun = time.monotonic()
        assert self._init.client.version()
        self.slowest = max(self.slowest, time.monotonic() - begun)

    def _connect(self) -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        try:
            made.connect(str(self._init.socket))
        except OSError:
            made.close()
            raise
        made.settimeout(_ANSWER)
        return made

    def _input(self) -> bytes:
        """Anything but what would do what it is not to do here."""
        made = self._make(self._good)
        return b"" if any(name.encode() in made for name in _NOT) else made

    def _request(self) -> bytes:
        """A right one."""
        made = self._chance.choice(self._good)
        long = any(b"/v1/" + name.encode() in made for name in _LONG)
        spared = long and self._chance.random() < _SPARED
        return self._chance.choice(self._good) if spared else made

    def _pipeline(self) -> int:
        """One after the other, mostly right; a wrong one may end the connection, or we leave."""
        count = self._chance.randrange(1, _PIPELINE)
        some = [
            self._input() if self._chance.random() < _WRONG else self._request()
            for _ in range(count)
        ]
        self._crowd.say(b"".join(data.replace(b"HTTP/1.0", b"HTTP/1.1") for data in some), count)
        return 0  # what is answered counts

    def _garbage(self) -> int:
        self._crowd.say(self._input() or self._chance.randbytes(20), 0, ends=True)
        return 1

    def _descriptors(self) -> int:
        """As `exec` takes them; too many, too few, or where nobody wants any."""
        with self._connect() as connection, open(os.devnull, "rb") as null:
            fds = [null.fileno()] * self._chance.randrange(8)
            if self._chance.random() < 0.5:
                connection.sendall(b"POST /v1/exec?name=b&command=true HTTP/1.0\r\n\r\n")
                connection.recv(1 << 16)
            with contextlib.suppress(PermissionError):  # by SO_PASSRIGHTS, where there is that
                socket.send_fds(connection, [self._input() or b"x"], fds)
        return 2

    def _leave(self) -> int:
        with self._connect() as connection:
            data = self._input() or b"GET"
            connection.send(data[: self._chance.randrange(1, len(data) + 1)])
        return 1


def attack(inputs: int, seconds: float, seed: int, way: Way | None = None) -> Told:
    """Half of so many inputs by connections, the other half as datagrams of a service."""
    way = way or ("pid1" if os.geteuid() == 0 else "subreaper")
    with tempfile.TemporaryDirectory(prefix="fuzz-live-") as name:
        here = Path(name)
        config = _CONFIG.format(
            here=here, root=ROOT, python=sys.executable, count=inputs // 2, seed=seed
        )
        with live(here, config, way) as init:
            init.wait_for("b", "running")
            return _attack(init, here / "note", inputs, seconds, seed)


def _attack(init: Live, note: Path, inputs: int, seconds: float, seed: int) -> Told:
    made = Attack(init, seed)
    begun = time.monotonic()
    wrong: list[str] = []
    pid = init.pid
    warm = min(inputs // 10, 50_000)
    memory: list[int] = []
    rounds = 0
    before: Held | None = None
    try:
        made.begin()
        while sum(made.sent.values()) < inputs // 2 and time.monotonic() - begun < seconds / 2:
            made.round(min(_ROUND, max(inputs // 10, 1)))
            if (rounds := rounds + 1) % _LOOK_EVERY == 0:
                memory.append(held(init).memory)
            if before is None and sum(made.sent.values()) >= warm:
                before = _at_peace(init)
        _have_chatter(init, note, inputs // 2, seconds - (time.monotonic() - begun))
        after = _at_peace(init, before.fds if before else 0)
    except Exception as error:  # noqa: BLE001  (whatever it is, init did not do as it should)
        where = "".join(traceback.format_exception(error))
        wrong.append(f"init did not answer: {where}\n{init.said()[-2000:]}")
        after = before or Held(0, 0, 0, 0, 0)
    sent = made.sent | {"datagrams of a service": _number(note)}
    before = before or after
    if init.process is None or init.process.poll() is not None or init.pid != pid:
        wrong.append("init is another one, or none")
    if after.fds > before.fds or after.zombies:
        wrong.append("descriptors or zombies are left")
    if after.memory - before.memory > _MEMORY:
        wrong.append(f"memory has grown by {after.memory - before.memory} KiB")
    return Told(sent, time.monotonic() - begun, before, after, made.slowest, memory, wrong)


def _at_peace(init: Live, fds: int = 0) -> Held:
    """What it holds once all services are as they were in the beginning, whatever was asked for.

    Connections that init ends by itself, seconds after an error, are given the time for that, if
    there are to be so many descriptors.
    """
    client = init.client
    for verb in (client.unpause, client.unpin, client.reset):
        verb(names=["*"])
    client.stop(names=["chatter"])
    client.start(names=["a", "b"])
    for name in ("a", "b"):
        init.wait_for(name, "running")
    until = time.monotonic() + _LINGERS
    while (now := at_rest(init)).fds > fds > 0 and time.monotonic() < until:
        continue
    return now


def _number(note: Path) -> int:
    return int(note.read_text() or 0) if note.exists() else 0


def _have_chatter(init: Live, note: Path, count: int, seconds: float) -> None:
    """Let it send as much; it is started again, as any request may have stopped it."""
    until = time.monotonic() + max(seconds, 0.0)
    while _number(note) < count and time.monotonic() < until:
        init.client.start(names=["chatter"])
        time.sleep(_AGAIN)
