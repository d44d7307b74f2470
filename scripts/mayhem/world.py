"""One init that lives through a program: its files, its processes, and what is asked of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any, Final

from nsinit.client import Client
from tests.support.cells import Cell
from tests.support.live import ORDINARY, Live, children

from .clients import Clients
from .following import Follower
from .kinds import Table, render, toml
from .processes import Process, Seen, look

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .program import Program, Subject

BOOT: Final = 30.0  # s
_GRACE: Final = 60.0  # s
SHUTDOWN: Final = 6.0  # s that a whole shutdown may take, told to init
_INIT: Final = """\
[init]
keep_running = true
shutdown_timeout = {shutdown}
recorder = "64KiB"
loop = "{loop}"
log = "warning"
"""
_made = 0


class Violation(Exception):  # noqa: N818  (what a program is to find)
    """Something that must never be; `check` says which rule it breaks."""

    def __init__(self, check: str, text: str) -> None:
        super().__init__(f"{check}: {text}")
        self.check = check


class World:
    """A started init with the services of a program."""

    def __init__(self, program: Program, home: Path, subject: str, init: Sequence[str]) -> None:
        global _made  # noqa: PLW0603  (no token is used twice by this process)
        _made += 1
        self.program = program
        self.token = f"chaos-{os.getpid()}-{_made}"
        self.home = home
        self._subject = subject
        self.file: dict[str, Subject] = {one.name: one for one in program.services}
        for name in ("locks", "pids", "socks"):
            (home / name).mkdir()
            (home / name).chmod(0o777)
        more = {"NSINIT_CLOCK": program.clock} if program.clock else {}
        self.live = Live(home, self.configuration(), program.way, **more)
        if init:
            self.live.program = list(init)
        self._cell = Cell(self.token) if program.groups else None
        if self._cell is not None:
            self.live.prefix = self._cell.command(0)
        self.clients = Clients(str(self.live.socket))
        self._violations = home / "violations"
        self._violations.touch()
        self._violations.chmod(0o666)
        if program.way == "rootless" and os.geteuid() == 0:
            for path in (home, self.live.socket.parent):
                os.chown(path, ORDINARY, ORDINARY)
        self.live.start()
        self.pid = self._wait_for_init()
        inside = program.way != "subreaper"
        self.proc = f"/proc/{self.pid}/root/proc" if inside else "/proc"
        self.inner_pid = 1 if inside else self.pid
        self.follower = Follower(str(self.live.socket))

    def _wait_for_init(self) -> int:
        until = time.monotonic() + BOOT
        while time.monotonic() < until:
            process = self.live.process
            if process is None or process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                if self.live.status() or (not self.file and self.live.client.is_answered()):
                    found = [process.pid] if self.live.way == "subreaper" else children(process.pid)
                    return found[0]
            time.sleep(0.02)
        raise Violation("boot", f"init does not answer: {self.said()}")

    # --- Its configuration ------------------------------------------------------------------------

    def configuration(self) -> str:
        """What the file says now."""
        parts = [_INIT.format(shutdown=SHUTDOWN, loop=self.program.loop)]
        parts += [self._table(one) for one in self.file.values()]
        return "".join(parts)

    def write(self, *, wrong: bool = False) -> None:
        """Write the file anew; if it is to be `wrong`, with what no init can go by."""
        text = self.live.with_sandbox(self.configuration())
        text += "\n[services.wrong]\ncommand = 7\nno_such_key = true\n" if wrong else ""
        new = self.home / "nsinit.toml.new"
        new.write_text(text)
        new.rename(self.live.config)

    def _table(self, one: Subject) -> str:
        def place(text: str) -> str:
            return text.replace("@/", f"{self.home}/").replace("@@", one.name)

        row = one.row
        command = [self._subject, self.token, one.name, str(self.home)]
        table: Table = {
            "command": [*command, "main", *row.words],
            "stop_timeout": 0.4,
            "tags": [one.kind],
            "autostart": one.autostart,
            "environment": {"VARIANT": str(one.variant)},
            "log": {"ring": "16KiB", "to": ["null"]},
        }
        if row.more.get("type") == "forking":
            table["command"][4] = "parent"
        table |= render(row.more, place, [*command, "hook"])
        if one.needs:
            table["depends_on"] = dict(one.needs)
        rows = [f"{key} = {toml(value)}" for key, value in table.items()]
        return "\n".join([f"[services.{one.name}]", *rows, ""])

    # --- Looking ----------------------------------------------------------------------------------

    def look(self) -> Seen:
        """All processes of this program, by the pids that init knows."""
        return look(self.proc, self.token.encode(), self.inner_pid)

    def outside(self) -> list[Process]:
        """The same by the pids that a signal from here needs."""
        return list(look("/proc", self.token.encode(), -1).ours.values())

    @property
    def client(self) -> Any:  # noqa: ANN401  (of the command table)
        """One that waits long: 200 services leave an init little of two busy processors."""
        return Client(str(self.live.socket), grace=_GRACE)

    def status(self) -> dict[str, dict[str, Any]]:
        """What init says of all services."""
        answer = self.client.status()
        return {row["name"]: row for row in answer["services"]}

    def violations(self) -> str:
        """What services have found by themselves: another of the same, or what one had left."""
        return self._violations.read_text()

    def groups(self) -> list[str]:
        """The cgroups that init has made, and not removed."""
        return self._cell.left() if self._cell is not None else []

    def is_alive(self) -> bool:
        """Whether init is there."""
        assert self.live.process is not None
        return self.live.process.poll() is None

    def wait(self, seconds: float) -> None:
        """Give init so long to end."""
        assert self.live.process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.live.process.wait(seconds)

    def said(self) -> str:
        """What init wrote."""
        return self.live.said()[-3000:]

    # --- The end ----------------------------------------------------------------------------------

    def close(self) -> None:
        """Whatever is left is killed, and its files go."""
        self.clients.close()
        self.live.close()
        for one in self.outside():
            with contextlib.suppress(OSError):
                os.kill(one.pid, signal.SIGKILL)
        if self._cell is not None:
            self._cell.close()
        self.follower_join()
        shutil.rmtree(self.home, ignore_errors=True)

    def follower_join(self) -> None:
        """Wait for the end of the stream of events, which comes with that of init."""
        follower = getattr(self, "follower", None)
        if follower is not None:
            follower.join(10.0)
