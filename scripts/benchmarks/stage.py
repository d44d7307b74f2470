"""Where the benchmarks happen: two compiled programs, and one life of one init after another.

An init runs as PID 1 of a fresh pid and mount namespace. Whatever happens to the benchmark, the
kernel kills the launcher with it, the init with the launcher, and everything else with the init.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from . import size
from .peer import PLAIN
from .records import BenchError, Records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .peer import Contender, Peer, Setup, Wish

_SOURCES: Final = os.path.dirname(os.path.abspath(__file__))
_BOOT_TIMEOUT: Final = 60.0
_ANSWER_TIMEOUT: Final = 20.0
_END_TIMEOUT: Final = 30.0
_REST: Final = 0.15  # s without a change of memory
_TOLD: Final = 2000  # bytes of what init said before it failed
# What a fresh container has. PYTHONDONTWRITEBYTECODE above all is not passed on: a peer without
# byte code would compile itself at every start, and one that brought its own would not.
ENVIRONMENT: Final = {"PATH": os.environ.get("PATH", os.defpath)}


class Stage:
    """A temporary directory with the programs, and how to run an init in it."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        for source in os.listdir(_SOURCES):
            name, dot, kind = source.rpartition(".")
            if dot and kind == "c":
                _compile(f"{_SOURCES}/{source}", f"{directory}/{name}")

    def admit(self, peer: Contender) -> str:
        """Prepare a peer; returns its version."""
        place = f"{self.directory}/{peer.family}-{peer.name}"
        os.mkdir(place)
        peer.prepare(place)
        answer, _ = self.ask(peer.version())
        return answer.strip().partition("\n")[0].removeprefix(peer.name).strip()

    def warm(self, peer: Peer) -> None:
        """Let an init run once, unmeasured.

        After that its files are in the page cache and its byte code is written.
        """
        with self.life(peer, 1) as life:
            life.wait_until_up()

    @contextmanager
    def life(
        self,
        peer: Peer,
        count: int,
        *,
        program: str = "service",
        words: tuple[str, ...] = (),
        wish: Wish = PLAIN,
    ) -> Iterator[Life]:
        """Start an init with `count` services; it is gone when this is left, however.

        Each runs the `program` of ours that is told where the records are, its name, and `words`.
        """
        with tempfile.TemporaryDirectory(prefix=f"{peer.name}-", dir=self.directory) as place:
            records = Records(f"{place}/records")
            path = f"{self.directory}/{program}"
            names = [f"s{index:04}" for index in range(count)]
            if wish.logs:
                wish = wish._replace(logs=f"{place}/{wish.logs}")
                os.mkdir(wish.logs)
            commands = {n: (path, records.path, n, *words) for n in names}
            setup = peer.write(place, commands, wish)
            argv = [f"{self.directory}/launch", records.path, *setup.argv]
            with open(f"{place}/output", "ab+") as output:
                launcher = subprocess.Popen(
                    argv,
                    cwd="/",
                    env=ENVIRONMENT,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # ^C is for the benchmark, which ends the rest
                )
                life = Life(self, peer, setup, records, path, names, wish.logs)
                try:
                    records.follow(launcher.pid)
                    yield life
                except BenchError as error:
                    output.seek(max(0, output.seek(0, os.SEEK_END) - _TOLD))
                    said = output.read().decode(errors="replace")
                    raise BenchError(f"{peer.name}, {count} services: {error}\n{said}") from None
                finally:
                    _end(launcher, records)

    def ask(self, argv: tuple[str, ...]) -> tuple[str, float]:
        """Run a command of a peer: what it said, and how long it took (s, wall)."""
        with tempfile.TemporaryFile(dir=self.directory) as output:
            actions = [(os.POSIX_SPAWN_DUP2, output.fileno(), fd) for fd in (1, 2)]
            begin = time.perf_counter()
            pid = os.posix_spawn(argv[0], argv, ENVIRONMENT, file_actions=actions)
            try:
                if not _ends(pid, _ANSWER_TIMEOUT):
                    raise BenchError(f"no answer from {' '.join(argv)}")
                took = time.perf_counter() - begin
            finally:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            output.seek(0)
            return output.read().decode(errors="replace"), took


class Life:
    """One init at work."""

    def __init__(
        self,
        stage: Stage,
        peer: Peer,
        setup: Setup,
        records: Records,
        program: str,
        names: list[str],
        logs: str,
    ) -> None:
        self.records = records
        self.logs = logs  # the directory that has them, if it has
        self._stage = stage
        self._peer = peer
        self.setup = setup
        self._program = program
        self._names = names
        self._count = len(names)

    @property
    def init(self) -> int:
        """The pid of init as it is outside."""
        return self.records.wait("P", 1, _BOOT_TIMEOUT)[0].pid

    def wait_for_services(self) -> int:
        """Wait until every service has exec'd; when the last one did (ns)."""
        started = self.records.wait("S", self._count, _BOOT_TIMEOUT)
        return max(record.at for record in started)

    def wait_until_up(self) -> None:
        """Wait until init says that every service runs; one that says nothing, until it rests."""
        self.wait_for_services()
        if not self._peer.answers:
            size.at_rest(self, _REST)
            return
        until = time.monotonic() + _BOOT_TIMEOUT
        while time.monotonic() < until:
            answer, _ = self.status()
            if self._peer.says_all_run(answer, self._count):
                return
        raise BenchError("init does not say that its services run")

    def status(self) -> tuple[str, float]:
        """The answer of the status command, and how long it took (s)."""
        return self.ask(self.setup.status)

    def ask(self, argv: tuple[str, ...]) -> tuple[str, float]:
        """The answer of a command, and how long it took (s)."""
        return self._stage.ask(argv)

    def stop_and_start(self) -> float:
        """Stop the last service and start it again by commands, both of which wait; seconds."""
        name = self._peer.name_of(self._names[-1])
        return sum(self._stage.ask((*way, name))[1] for way in (self.setup.stop, self.setup.start))

    def outside(self, pid: int) -> int:
        """The pid by which a process of this life is known here."""
        for found, inside in self.processes().items():
            if inside == pid:
                return found
        raise BenchError("the service is not among the processes below init")

    def processes(self) -> dict[int, int]:
        """Every process of this life, init included: pid outside, pid inside."""
        made: dict[int, int] = {}
        todo = [self.init]
        while todo:
            pid = todo.pop()
            try:
                with open(f"/proc/{pid}/status") as file:
                    made[pid] = next(int(x.split()[-1]) for x in file if x.startswith("NSpid:"))
                with open(f"/proc/{pid}/task/{pid}/children") as file:
                    todo += map(int, file.read().split())
            except (OSError, StopIteration):  # it is gone
                continue
        return made

    def own_processes(self) -> list[int]:
        """Those of init itself: all that do not run the service's program."""
        service = os.stat(self._program)
        made = []
        for pid in self.processes():
            try:
                if not os.path.samestat(os.stat(f"/proc/{pid}/exe"), service):
                    made.append(pid)
            except OSError:
                continue
        return made


def _compile(source: str, target: str) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise BenchError("there is no C compiler: apt-get install gcc libc6-dev")
    done = subprocess.run(
        [compiler, "-O2", "-static", "-o", target, source],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BenchError(f"cannot compile {source}:\n{done.stderr}")


def _ends(pid: int, timeout: float) -> bool:
    """Whether a child ends in time; it is left to be reaped."""
    handle = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(timeout * 1000))
    finally:
        os.close(handle)


def _end(launcher: subprocess.Popen[bytes], records: Records) -> None:
    """Kill an init, and with it everything that it started, and wait for the end of that."""
    launcher.terminate()  # which it knows to mean this
    try:
        launcher.wait(_END_TIMEOUT)
    except subprocess.TimeoutExpired:
        print("an init can't be killed", file=sys.stderr)
        launcher.kill()
        launcher.wait()
    finally:
        records.close()
