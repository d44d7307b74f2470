"""An init with nothing to do does nothing: no turn of its loop, no microsecond of a processor."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from functools import partial
from pathlib import Path

import pytest

from tests.support.live import Live, Way, children, eventually, live

SPAN = 2.0  # s in which nothing happens
_HEAD = "[init]\nlog = 'warning'\nkeep_running = true\n"
_SERVICE = "[services.s{}]\ncommand = 'sleep 1000'\nmin_uptime = 0\n"

# A schedule that is due in years, and a file for what is written.
_FAR = """
[services.far]
type = "oneshot"
command = "true"
schedule = { cron = "0 0 29 2 *", timezone = "UTC" }
"""
WAYS: dict[str, tuple[str, Way]] = {
    "one": (_HEAD + _SERVICE.format(0), "subreaper"),
    "hundred": (_HEAD + "".join(map(_SERVICE.format, range(100))), "subreaper"),
    "far": (_HEAD + _SERVICE.format(0) + "log = { file = 'OUT' }\n" + _FAR, "subreaper"),
    "sandbox": (_HEAD + _SERVICE.format(0), "sandbox"),
}


def _switches(pids: list[int]) -> dict[str, int]:
    """How often each thread gave a processor away, or lost it."""
    found = {}
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            rows = Path(f"/proc/{pid}/task/{thread}/status").read_text().splitlines()
            found[f"{pid}/{thread}"] = sum(int(r.split()[1]) for r in rows if "ctxt_switches" in r)
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="sandbox: needs root")
def test_nothing_wakes_up_when_nothing_happens(tmp_path: Path) -> None:
    """With one service or a hundred, a client, a log file, a schedule, and a sandbox's launcher."""
    with contextlib.ExitStack() as stack:
        inits: list[Live] = []
        for name, (config, way) in WAYS.items():
            directory = tmp_path / name
            directory.mkdir()
            there = config.replace("OUT", str(directory / "log"))
            inits.append(stack.enter_context(live(directory, there, way)))
        for init in inits:
            eventually(partial(_is_up, init), "all services")
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.connect(str(init.socket))
        own = [pid for init in inits for pid in _own(init)]
        assert len(own) == len(inits) + 1  # the launcher too
        seen = [_switches(own)]

        def rests() -> bool:
            """Whether the last look saw what the one before it did."""
            time.sleep(0.5)
            seen.append(_switches(own))
            return seen[-1] == seen[-2]

        eventually(rests, "rest")
        time.sleep(SPAN)
        assert _switches(own) == seen[-1]


def _is_up(init: Live) -> bool:
    services = init.status().values()
    return bool(services) and all(one["state"] in ("running", "waiting") for one in services)


def _own(init: Live) -> list[int]:
    """Init and, where there is one, its launcher."""
    assert init.process is not None
    if init.way == "subreaper":
        return [init.process.pid]
    return [init.process.pid, *children(init.process.pid)]
