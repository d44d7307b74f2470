"""A real nsinit for tests: started, asked, waited for, and ended for certain."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any, Literal, Self

from nsinit.client import Client
from nsinit.errors import ControlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
NSINIT = [sys.executable, "-m", "nsinit"]
# s. Generous: two busy cores. Who wants to see tests fail waits less; an emulator takes longer.
DEADLINE = float(os.environ.get("NSINIT_TEST_DEADLINE", "20"))

Way = Literal["pid1", "sandbox", "subreaper", "rootless"]
# An ordinary user for what must work without privilege; any uid will do, it needs no account.
ORDINARY = 54321


def environment(**more: str) -> dict[str, str]:
    """What tests start nsinit with: nothing of the caller's that could matter, and byte code."""
    kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    measured = {key: value for key, value in os.environ.items() if key.startswith("COVERAGE_")}
    return kept | {"NSINIT_TEST": "1"} | measured | more


def eventually(what: Callable[[], Any], why: str, seconds: float = DEADLINE) -> Any:
    """Ask again until it is true, which it must be before the deadline."""
    until = time.monotonic() + seconds
    while True:
        got = what()
        if got:
            return got
        assert time.monotonic() < until, f"waited too long: {why}"
        select.select([], [], [], 0.01)


class Live:
    """One init with its configuration, as PID 1 of a new namespace or as somebody's child."""

    def __init__(self, directory: pathlib.Path, config: str, way: Way, **env: str) -> None:
        self.directory = directory
        self.way = way
        self.config = directory / "nsinit.toml"
        self.socket = directory / "ctl" / "control.sock"
        self.socket.parent.mkdir()
        self.out = directory / "stdout"
        self.err = directory / "stderr"
        self.config.write_text(self.with_sandbox(config))
        self.env = environment(NSINIT_SOCKET=str(self.socket), HERE=str(directory), **env)
        if way in ("sandbox", "rootless"):
            self.env["NSINIT_RUN_DIR"] = str(self.socket.parent)
        self.program = NSINIT
        self.process: subprocess.Popen[bytes] | None = None
        self.user: int | None = None
        self.limits: dict[str, tuple[int, int]] = {}  # of resources, for init
        self.prefix: list[str] = []  # of the command
        self.words: list[str] = []  # after the file

    def with_sandbox(self, config: str) -> str:
        """The configuration with what this way of being init wants of it."""
        if self.way not in ("sandbox", "rootless"):
            return config
        # The path inside is the same: the file system is shared.
        return _with_control(config, self.socket) + '\n[sandbox]\nname = "test"\n'

    def start(self, *, stdout: int | None = None, stderr: int | None = None) -> Self:
        """Start it; its output goes to files unless told otherwise."""
        command = [*self.program, "run", str(self.config), *self.words]
        if self.way == "pid1":
            unshare = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child"]
            command = [*unshare, "--propagation", "private", "--", *command]
        command = [*self.prefix, *command]
        demote = self.user
        if self.way == "rootless" and os.geteuid() == 0:
            demote = ORDINARY
        if demote is not None:
            for path in (self.directory, self.socket.parent):
                os.chown(path, demote, demote)
        if self.limits:
            words = [f"--{name}={soft}:{hard}" for name, (soft, hard) in self.limits.items()]
            command = ["prlimit", *words, *command]
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                command,
                env=self.env,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=out if stdout is None else stdout,
                stderr=err if stderr is None else stderr,
                user=demote,
                group=demote,
                extra_groups=[] if demote else None,
                process_group=0,
            )
        return self

    # --- Asking -----------------------------------------------------------------------------------

    @property
    def client(self) -> Any:  # tests look into JSON as they like
        """A client of its control socket."""
        return Client(str(self.socket))

    def ctl(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `nsinit ctl`."""
        done = subprocess.run(
            [*NSINIT, "ctl", *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=DEADLINE * 2,
            check=False,
        )
        if check:
            assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
        return done

    def status(self) -> dict[str, dict[str, Any]]:
        """The services by name; empty while init does not answer."""
        try:
            return {s["name"]: s for s in self.client.status()["services"]}
        except ControlError:
            return {}

    def wait_for(self, name: str, state: str, **fields: object) -> dict[str, Any]:
        """Wait until a service has a state and other fields, and return it."""

        def fits() -> dict[str, Any] | None:
            s = self.status().get(name)
            if s and s["state"] == state and all(s[k] == v for k, v in fields.items()):
                return s
            assert self.process is not None
            assert self.process.poll() is None or s, "init has ended"
            over = s and s["state"] == "failed"
            assert not over or state in ("failed", "stopped"), f"{name} has failed"
            return None

        try:
            found: dict[str, Any] = eventually(fits, f"{name} {state} {fields}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.status().get(name)}\n{self.said()}") from None
        return found

    def said(self) -> str:
        """All that it has written to its stdout and stderr."""
        files = [path for path in (self.out, self.err) if path.exists()]
        return "\n".join(path.read_text(errors="replace") for path in files)

    def events(self) -> list[dict[str, Any]]:
        """What has happened so far."""
        return list(self.client.events())

    # --- Processes --------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """Of init, as the test sees it."""
        assert self.process is not None
        if self.way == "subreaper":
            return self.process.pid
        return int(eventually(lambda: children(self.process.pid), "init itself")[0])  # type: ignore[union-attr]

    def outer_pid(self, inner: int) -> int:
        """The pid, as the test sees it, of a process that init calls `inner`."""
        if self.way == "subreaper":
            return inner
        for pid in descendants(self.pid):
            row = next((r for r in status_rows(pid) if r.startswith("NSpid:")), "")
            if row and int(row.split()[-1]) == inner:
                return pid
        raise AssertionError(f"no process {inner} under {self.pid}")

    def signal(self, number: int) -> None:
        """Signal init as a runtime does: from outside."""
        os.kill(self.pid, number)

    def wait(self, seconds: float = DEADLINE) -> int:
        """Wait for its end; the exit code."""
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"init does not end: {self.said()}") from None

    def close(self) -> None:
        """End it, whatever state it is in."""
        if self.process is None:
            return
        everything = [*descendants(self.process.pid), self.process.pid]
        for pid in everything:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def _with_control(config: str, socket: pathlib.Path) -> str:
    line = f'control = "{socket}"\n'
    if "[init]\n" in config:
        return config.replace("[init]\n", f"[init]\n{line}", 1)
    return f"[init]\n{line}{config}"


def children(pid: int) -> list[int]:
    """The children of a process."""
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def descendants(pid: int) -> list[int]:
    """All processes below one."""
    made = children(pid)
    return [*made, *(below for child in made for below in descendants(child))]


def status_rows(pid: int) -> list[str]:
    """The lines of /proc/PID/status; none if it is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return []


def status_field(pid: int, name: str) -> str:
    """One field of /proc/PID/status; "" if it is gone."""
    return next((r.split(":", 1)[1].strip() for r in status_rows(pid) if r.startswith(name)), "")


def command_line(pid: int) -> bytes:
    """The words of a process, each with a NUL; a moment after its exec there are none yet."""
    path = pathlib.Path(f"/proc/{pid}/cmdline")
    found: bytes = eventually(path.read_bytes, f"{pid} has executed")
    return found


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    return status_field(pid, "State")[:1] not in ("", "Z", "X")


@contextlib.contextmanager
def live(
    directory: pathlib.Path, config: str, way: Way = "subreaper", **env: str
) -> Iterator[Live]:
    """A started init, ended at the end of the block."""
    made = Live(directory, config, way, **env).start()
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def shared(config: str, **states: str) -> Iterator[Live]:
    """One init for a whole module, once its services have these states."""
    with (
        tempfile.TemporaryDirectory(prefix="nsinit-test-") as directory,
        live(pathlib.Path(directory), config) as made,
    ):
        for name, state in states.items():
            made.wait_for(name, state)
        yield made


def run_single(*command: str, way: Way = "subreaper", **kwargs: Any) -> subprocess.Popen[bytes]:
    """`nsinit -- COMMAND`."""
    full = [*NSINIT, "--", *command]
    if way == "pid1":
        full = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child", "--", *full]
    return subprocess.Popen(full, env=environment(), **kwargs)


def toml(value: object) -> str:
    """A string or a list of strings as TOML writes it."""
    return json.dumps(value)


def have(*programs: str) -> bool:
    """Whether all these programs are installed."""
    return all(shutil.which(program) for program in programs)
