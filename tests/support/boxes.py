"""A sandbox for tests: started, waited for, looked at from both sides, ended for certain."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Any, Self

from nsinit.client import Client
from tests.support.live import DEADLINE, NSINIT, children, environment, eventually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.cells import Cell

_FAULTY = """\
import sys
from nsinit.__main__ import main
from nsinit.kernel import seam

seam.inject(seam.Plan(sys.argv.pop(1)))
sys.exit(main())"""


class Box:
    """`nsinit run` with a configuration that has a `[sandbox]`, or with options, as some user."""

    def __init__(
        self,
        directory: pathlib.Path,
        config: str,
        user: int,
        options: Sequence[str] = (),
        **env: str,
    ) -> None:
        self.directory = directory
        self.user = user
        self.config = directory / "nsinit.toml"
        self.socket = directory / "control.sock"
        self.options = list(options)
        self.out, self.err = directory / "stdout", directory / "stderr"
        if config:
            self.config.write_text(f'[init]\ncontrol = "{self.socket}"\n{config}')
        own = {"HERE": directory, "HOME": directory}
        own |= dict.fromkeys(("XDG_RUNTIME_DIR", "NSINIT_RUN_DIR"), directory / "run")
        self.env = environment(**{name: str(path) for name, path in own.items()} | env)
        self.process: subprocess.Popen[bytes] | None = None
        self._fds: tuple[int, ...] = ()
        self._beside: list[subprocess.Popen[bytes]] = []
        self.program = NSINIT
        self.cell: Cell | None = None  # a cgroup to start in
        (directory / "run").mkdir(mode=0o700)
        if user != os.geteuid():
            for path in (directory, directory / "run"):
                os.chown(path, user, user)

    def with_faults(self, plan: str) -> Self:
        """Let system calls of nsinit fail as a `seam.Plan` says: "mount:EPERM@2"."""
        self.program = [sys.executable, "-c", _FAULTY, plan]
        return self

    def _arguments(self) -> list[str]:
        return [str(self.config), *self.options] if self.config.exists() else self.options

    def start(self) -> Self:
        """Start it in the background; its output goes to files."""
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = self._popen(["run", *self._arguments()], out, err)
        return self

    def _popen(
        self,
        words: list[str],
        out: IO[bytes] | int,
        err: IO[bytes] | int,
        stdin: int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        other = self.user != os.geteuid() and self.cell is None
        before = self.cell.command(self.user) if self.cell is not None else []
        return subprocess.Popen(
            [*before, *self.program, *words],
            env=self.env,
            cwd=self.directory,
            stdin=stdin,
            stdout=out,
            stderr=err,
            user=self.user if other else None,
            group=self.user if other else None,
            extra_groups=[] if other else None,
            pass_fds=self._fds,
            process_group=0,
        )

    def with_descriptors(self, *fds: int) -> Self:
        """Give these to what is started from now on."""
        self._fds = fds
        return self

    def beside(self, *words: str, out: pathlib.Path | None = None) -> subprocess.Popen[bytes]:
        """Start another verb of nsinit, which is to end by itself; its output may go to a file."""
        with (out or pathlib.Path(os.devnull)).open("wb") as file:
            made = self._popen(list(words), file, file)
        self._beside.append(made)
        return made

    def shell(self, script: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a script of a shell, as `run`."""
        self.program = ["sh", "-c", script]
        return self.run("sh", *words)

    def typed(self) -> str:
        """How nsinit is called in a shell."""
        return shlex.join(self.program)

    def wait_for_file(self, name: str, pattern: str) -> None:
        """Wait until a file below the directory has something that fits a regular expression."""
        path = self.directory / name

        def has() -> bool:
            return path.exists() and re.search(pattern, path.read_text()) is not None

        eventually(has, f"{pattern!r} in {name}")

    def run(self, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run it to its end (or another verb, if words are given); what it wrote, and its code.

        A text is its input.
        """
        given = list(words) or ["run", *self._arguments()]
        source = subprocess.PIPE if text else subprocess.DEVNULL
        process = self._popen(given, subprocess.PIPE, subprocess.PIPE, source)
        try:
            out, err = process.communicate(text.encode() or None, timeout=DEADLINE * 2)
        finally:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
        return subprocess.CompletedProcess(
            process.args, process.returncode, out.decode(), err.decode()
        )

    @property
    def client(self) -> Any:  # tests look into JSON as they like
        """A client of its control socket."""
        return Client(str(self.socket))

    def said(self) -> str:
        """What it has written so far: both streams."""
        return self.out.read_text() + self.err.read_text()

    @property
    def pid(self) -> int:
        """The init of the sandbox, as the host sees it."""
        process = self.process
        assert process is not None
        found: list[int] = eventually(lambda: children(process.pid), "there is an init")
        return found[0]

    def root(self) -> pathlib.Path:
        """The sandbox's root directory, seen from outside."""
        return pathlib.Path(f"/proc/{self.pid}/root")

    def wait_for_line(self, text: str) -> str:
        """Wait for a line that has this in it, and return it."""
        above = self.directory.parent.name

        def find() -> str:
            assert self.process is not None
            lines = self.said().splitlines()  # a path may have anything in it
            found = next((line for line in lines if text in line.replace(above, "")), "")
            assert found or self.process.poll() is None, self.said()
            return found

        line: str = eventually(find, f"{text!r} is written")
        return line

    def namespace(self, kind: str) -> str:
        """Its namespace of a kind ("mnt", "pid" ...) as /proc has it: "mnt:[4026532283]"."""
        return os.readlink(f"/proc/{self.pid}/ns/{kind}")

    def wait(self) -> int:
        """Wait for the end; the exit code."""
        assert self.process is not None
        return self.process.wait(DEADLINE)

    def stop(self) -> int:
        """Ask it to end; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def close(self) -> None:
        """End it for certain."""
        for process in [*self._beside, *filter(None, [self.process])]:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(DEADLINE)


def traces(directory: pathlib.Path) -> list[str]:
    """What there still is of tests in a directory: processes that name it, and mounts below it."""
    text = str(directory).encode()
    found = [
        line
        for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
        if str(directory) in line
    ]
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (path / "cmdline").read_bytes()
            if path.name != str(os.getpid()) and text in words + (path / "environ").read_bytes():
                found.append(f"process {path.name}: {words!r}")
    return found
