"""A network namespace that stands for the host: what a test does to its network is seen there."""

from __future__ import annotations

import contextlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

from tests.support.live import DEADLINE, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.boxes import Box


class Outer:
    """Held by a process of its own; everything in it ends with that."""

    def __init__(self) -> None:
        script = "ip link set lo up && echo ready && exec sleep 1000"
        self._process = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", script], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        self.before = self.links()

    @property
    def enter(self) -> list[str]:
        """What runs a program in it."""
        return ["nsenter", f"--net=/proc/{self._process.pid}/ns/net", "--"]

    def run(self, *words: str, check: bool = True) -> str:
        """Run a program in it; its output."""
        done = subprocess.run(
            [*self.enter, *words], capture_output=True, text=True, timeout=DEADLINE, check=False
        )
        assert not check or done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def ip(self, *words: str) -> list[dict[str, Any]]:
        """What the program ip lists."""
        text = self.run("ip", "-j", *words)
        return [row for row in json.loads(text or "[]") if row]

    def links(self) -> set[str]:
        """Its interfaces."""
        return {row["ifname"] for row in self.ip("link")}

    def holds(self, box: Box) -> Box:
        """Let that sandbox be started in it, as its user: only root may enter."""
        enter = self.enter
        if box.user:
            enter[-1:] = [f"--setuid={box.user}", f"--setgid={box.user}", "--"]
            box.user = 0
        box.program = [*enter, *box.program]
        return box

    def close(self) -> None:
        """Let it go."""
        self._process.kill()
        self._process.wait(DEADLINE)
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextlib.contextmanager
def outer() -> Iterator[Outer]:
    """One for a test, with nothing left in it that nsinit has made."""
    made = Outer()
    try:
        yield made
        eventually(lambda: made.links() == made.before, f"gone: {made.links() - made.before}")
    finally:
        made.close()


def addresses(box: Box, name: str = "eth0") -> list[str]:
    """Those of an interface of a sandbox that reach further than its cable."""
    words = ["nsenter", f"--net=/proc/{box.pid}/ns/net", "ip", "-j", "addr", "show", "dev", name]
    done = subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE, check=True)
    (row,) = json.loads(done.stdout)
    return [f"{a['local']}/{a['prefixlen']}" for a in row["addr_info"] if a["scope"] == "global"]
