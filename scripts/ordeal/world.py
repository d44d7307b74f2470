"""An init with some of everything, what is done to it, and how it looks from outside."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Final

from nsinit.client import Client
from nsinit.errors import ControlError
from nsinit.kernel.board import SIZE, Board
from tests.support.live import Live, descendants, status_field

if TYPE_CHECKING:
    import pathlib
    from typing import Any

_HEAD: Final = """\
[init]
shutdown_timeout = "2s"
keep_running = true
post_stop = { shell = true, command = "true" }
"""
_AGAIN: Final = """\
min_uptime = 0
stop_timeout = "1s"
restart = "always"
restart_delay = 0.05
restart_max_delay = "200ms"
restart_limit = "unlimited"
"""
# What restarts and is replaced; each says in its own words which it is: sleep's argument.
_SERVICES: Final = {
    "still": 'command = ["sleep", "1001"]',
    "victim": 'command = ["sh", "-c", "setsid sleep 1012 & exec sleep 1002"]',
    "full": """\
command = ["sleep", "1003"]
nice = 1
ioprio = "idle"
oom_score_adj = 100
cpu_affinity = [0]
umask = "077"
working_dir = "{here}"
limits = {{ core = 0 }}
environment = {{ FROM_FILE = {{ file = "{here}/secret" }} }}""",
    "writer": """\
command = ["sh", "-c", "while :; do echo {line}; sleep 0.05; done"]
log = {{ file = "{here}/logs/writer.log", max_size = "64KiB", keep = 2, compress = true }}""",
    "hooked": """\
command = ["sleep", "1005"]
pre_start = {{ command = "true" }}
post_start = {{ command = "true" }}
pre_stop = {{ command = "true" }}
post_stop = {{ command = "true" }}""",
    "told": """\
type = "notify"
command = ["{python}", "-I", "-S", "{here}/told.py"]""",
    "probed": """\
command = ["sh", "-c", "echo it is ready; exec sleep 1007"]
ready = {{ log = "it is ready" }}
health = {{ unix = "{socket}", interval = "200ms", timeout = "1s", retries = 1000 }}""",
    "asked": """\
command = ["sleep", "1008"]
health = {{ exec = "true", interval = "400ms", timeout = "2s", retries = 1000 }}""",
    "caller": """\
command = ["cat"]
sockets = [{{ listen = "{here}/caller.sock", accept = true }}]""",
    "lazy": """\
command = ["sleep", "1009"]
sockets = [{{ listen = "{here}/lazy.sock" }}]""",
    "watched": """\
command = ["sleep", "1010"]
watch = {{ paths = ["{here}/watched.conf"], debounce = "20ms" }}""",
    "term": 'command = ["sleep", "1011"]\ntty = true',
}  # fmt: skip
_TOLD: Final = """\
import _socket, os, time

socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
socket.connect(os.environ["NOTIFY_SOCKET"])
socket.send(b"READY=1\\nSTATUS=here")
time.sleep(1006)
"""
_TICK: Final = """\
[services.tick]
type = "oneshot"
command = "true"
schedule = { every = "300ms" }
"""
UNTOUCHED: Final = ("still", "lazy")  # nothing is done to these
_NO_PROCESS: Final = ("caller", "tick")
_LINE: Final = "whole" * 1000  # so that its files turn every second or so
_FILES: Final = re.compile(
    r"(ctl(/control\.sock|/\.?notify[-\d]*(/.*)?|/crash\.txt|/flight.*)?|logs(/writer\.log(\.\d(\.gz)?)?)?"
    r"|nsinit\.toml|told\.py|board|secret|watched\.conf|(caller|lazy)\.sock|stdout|stderr)"
)
_LOOK: Final = 0.02  # s between two looks
_KILL_AFTER: Final = 12.0  # s: its budget for a shutdown is 2


class World:
    """One init in a directory of its own."""

    def __init__(self, directory: pathlib.Path, plan: str = "", loop: str = "auto") -> None:
        self.directory = directory
        (directory / "logs").mkdir()
        (directory / "secret").write_text("x\n")
        (directory / "told.py").write_text(_TOLD)
        (directory / "watched.conf").write_text("0\n")
        (directory / "board").write_bytes(bytes(SIZE))
        self.board = Board(str(directory / "board"))
        self.board.write(plan)
        faults = f"@{directory}/board"
        self.live = Live(
            directory, _configuration(directory, loop), "subreaper", NSINIT_FAULTS=faults
        )
        self.live.start()
        self.client: Any = Client(str(self.live.socket), grace=2.0)
        self._known: dict[str, int] = {}  # pids of services
        self._base: tuple[int, list[str]] = (0, [])
        self._stirred = 0
        self._said: dict[pathlib.Path, int] = {}

    # --- What happens to it -----------------------------------------------------------------------

    def settle(self, seconds: float = 20.0) -> None:
        """Everything runs, and is remembered as how it should be."""
        self._settled(seconds)
        self.stir()  # the first time it keeps what it will use again, as pipes of services
        self._settled(seconds)
        time.sleep(0.3)
        self._base = self._descriptors()

    def _settled(self, seconds: float) -> None:
        problems = self._until_right(seconds)
        if problems:
            raise RuntimeError("; ".join(problems) + "\n" + self.live.said()[-2000:])
        self._known = self._pids()

    def stir(self) -> None:
        """Have a bit of everything done: deaths, verbs, connections, files, signals."""
        for name in ("victim", "full", "told", "term"):
            if pid := self._known.get(name):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        self._stirred += 1
        (self.directory / "watched.conf").write_text(f"{self._stirred}\n")
        self._call()
        self._verb("status")
        self._verb("restart", names=["hooked", "probed"], timeout=1)
        with contextlib.suppress(OSError):
            self.live.signal(signal.SIGUSR1)
        self._config(f"# {self._stirred}\n")
        self._verb("update")
        self._verb("metrics")

    def _config(self, more: str) -> None:
        text = self.live.config.read_text().split("# more\n")[0]
        self.live.config.write_text(f"{text}# more\n{more}")

    def _verb(self, verb: str, **params: object) -> None:
        with contextlib.suppress(ControlError, OSError):
            getattr(self.client, verb)(**params)

    def _call(self) -> None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as made:
            made.settimeout(0.5)
            made.connect(str(self.directory / "caller.sock"))
            made.sendall(b"hello\n")
            made.recv(10)

    def reexec(self) -> None:
        """Have the program replaced, or refused."""
        self._verb("reexec")

    def told(self) -> str:
        """What init has said since it was asked the last time, and why services are as they are."""
        new = ""
        for path in (self.live.out, self.live.err):
            said = path.read_text(errors="replace")
            new += said[self._said.get(path, 0) :]
            self._said[path] = len(said)
        with contextlib.suppress(ControlError, OSError):
            new += "\n".join(s["reason"] or "" for s in self.client.status()["services"])
        return new

    # --- How it looks -----------------------------------------------------------------------------

    def is_alive(self) -> bool:
        """Whether init is still there."""
        assert self.live.process is not None
        return self.live.process.poll() is None

    def runs(self, seconds: float) -> bool:
        """Whether everything does, within so long."""
        return not self._until_right(seconds)

    def recovered(self, seconds: float = 15.0) -> list[str]:
        """What is still wrong a while after the last fault; what gave up is started again."""
        wrong = self._until_right(seconds)
        if not self.is_alive():
            return wrong
        for name in UNTOUCHED:
            if self._known and self._pids().get(name) != self._known[name]:
                wrong.append(f"{name} was touched")
        self._known = self._pids() or self._known
        if self._base[0]:
            wrong += self._leaks()
        wrong += self._files()
        return wrong

    def _until_right(self, seconds: float) -> list[str]:
        looks = 0
        until = time.monotonic() + seconds
        while True:
            wrong = self._wrong()
            looks += 1
            late = time.monotonic() > until and looks > 2  # whoever tests may have been frozen
            if not wrong or late or not self.is_alive():
                return wrong
            time.sleep(_LOOK * 3)

    def _wrong(self) -> list[str]:
        if not self.is_alive():
            assert self.live.process is not None
            return [f"init has ended with {self.live.process.returncode}"]
        try:
            services = {s["name"]: s for s in self.client.status()["services"]}
        except (ControlError, OSError) as error:
            return [f"no answer: {error}"]
        wrong = []
        for name in _SERVICES:
            state = services.get(name, {}).get("state")
            if state in ("failed", "exited", "stopped"):
                self._verb("start", names=[name], timeout=2)
            if name not in _NO_PROCESS and state != "running":
                wrong.append(f"{name} is {state}: {services.get(name, {}).get('reason')}")
        tick = services.get("tick", {})
        if tick.get("state") == "failed":
            self._verb("start", names=["tick"], timeout=2)
        wrong += self._processes(services)
        return wrong

    def _processes(self, services: dict[str, dict[str, Any]]) -> list[str]:
        wrong = []
        count: dict[str, int] = {}
        for pid in descendants(self.live.pid):
            if status_field(pid, "State")[:1] == "Z":
                wrong.append(f"{pid} is a zombie")
                continue
            words = _words(pid)
            if words[:1] == [b"sleep"] and words[1].startswith(b"10"):
                key = words[1].decode()
                count[key] = count.get(key, 0) + 1
        wrong += [f"{n} of sleep {key}" for key, n in count.items() if n != 1]
        for name, service in services.items():
            if name in _NO_PROCESS or service["state"] != "running":
                continue
            if status_field(service["pid"], "State")[:1] in ("", "Z"):
                wrong.append(f"{name} is said to run, and does not")
        return wrong

    def _pids(self) -> dict[str, int]:
        try:
            return {s["name"]: s["pid"] for s in self.client.status()["services"] if s["pid"]}
        except (ControlError, OSError):
            return {}

    def _descriptors(self) -> tuple[int, list[str]]:
        at = f"/proc/{self.live.pid}/fd"
        found = []
        for fd in os.listdir(at):
            with contextlib.suppress(OSError):
                found.append(os.readlink(f"{at}/{fd}"))
        return len(found), sorted(found)

    def _leaks(self) -> list[str]:
        until = time.monotonic() + 4.0
        while True:
            count, now = self._descriptors()
            if count <= self._base[0]:
                return []
            if time.monotonic() > until:
                break
            time.sleep(0.1)
        kinds = [re.sub(r"\d+", "N", word) for word in now]
        before = [re.sub(r"\d+", "N", word) for word in self._base[1]]
        for word in before:
            with contextlib.suppress(ValueError):
                kinds.remove(word)
        self._base = (count, now)
        return [f"descriptors: {' '.join(kinds)[:200]}"]

    def _files(self, seconds: float = 4.0) -> list[str]:
        """What is there that should not, also after a while: a log is being packed now and then."""
        until = time.monotonic() + seconds
        while (left := self._left()) and time.monotonic() < until:
            time.sleep(0.1)
        return left + self._torn()

    def _left(self) -> list[str]:
        found = []
        for at, below, files in os.walk(self.directory):
            paths = (
                os.path.relpath(os.path.join(at, name), self.directory) for name in below + files
            )
            found += [f"left: {path}" for path in paths if not _FILES.fullmatch(path)]
        return found

    def _torn(self) -> list[str]:
        log = self.directory / "logs" / "writer.log"
        lines = log.read_bytes().split(b"\n")[:-1] if log.exists() else []
        return [f"torn: {line[:60]!r}" for line in lines if not _fits(line)][:1]

    # --- Its end ----------------------------------------------------------------------------------

    def stop(self) -> list[str]:
        """Have it end in order; what was wrong with that."""
        with contextlib.suppress(OSError):
            self.live.signal(signal.SIGTERM)
        return self.ended()

    def ended(self, seconds: float = _KILL_AFTER) -> list[str]:
        """What was wrong with its end, and what it has left."""
        assert self.live.process is not None
        below = descendants(self.live.process.pid)
        try:
            code = self.live.wait(seconds)
        except AssertionError:
            return ["it does not end"]
        wrong = [] if code == 0 else [f"ended with {code}"]
        if b := [pid for pid in below if status_field(pid, "State")[:1] not in ("", "Z", "X")]:
            wrong.append(f"{len(b)} processes were left: {[_words(pid)[:2] for pid in b][:3]}")
        if self.live.socket.exists():
            wrong.append("its socket was left")
        return wrong + self._files()

    def close(self) -> None:
        """Whatever it is in."""
        self.live.close()
        for pid in _of(self.directory):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def _fits(line: bytes) -> bool:
    return line == _LINE.encode() or b"dropped" in line or b"lost" in line


def _configuration(directory: pathlib.Path, loop: str) -> str:
    here = {
        "here": str(directory),
        "socket": str(directory / "ctl" / "control.sock"),
        "line": _LINE,
        "python": sys.executable,
    }
    rows = [
        f"[services.{name}]\n{text.format(**here)}\n{_AGAIN if name != 'caller' else ''}"
        for name, text in _SERVICES.items()
    ]
    head = _HEAD + (f'loop = "{loop}"\n' if loop != "auto" else "")
    return head + "".join(rows) + _TICK + "# more\n"


def _words(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []


def _of(directory: pathlib.Path) -> list[int]:
    """Processes whose environment names that directory."""
    found = []
    mark = os.fsencode(f"HERE={directory}")
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:
                if mark in file.read().split(b"\0"):
                    found.append(int(name))
    return found
