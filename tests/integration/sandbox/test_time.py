"""Clocks of a sandbox: ahead or behind, and the host's go on as they were."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support.namespaces import different, joining, namespaces, service, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

DAY = 86400.0
UPTIME = service("cut -d' ' -f1 /proc/uptime; cat /proc/self/timens_offsets")


def _boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@pytest.mark.row(54)  # they count for children only, so there is a process between, as with pids
@pytest.mark.parametrize("user_namespace", ["new", "shared"])
def test_clocks_differ_by_the_offsets_when_they_are_set(
    box: Callable[..., Box], user: int, user_namespace: str
) -> None:
    """Also parts of a second and a clock that is behind; with and without a user namespace."""
    if user_namespace == "shared" and user:
        user_namespace = "new"  # the ordinary user has no choice
    back = round(min(3.0, time.monotonic() / 2), 1) + 0.5
    before = _boottime()
    made = box(
        f'[sandbox]\nnamespaces = {{user = "{user_namespace}"}}\n'
        f"time_offsets = {{monotonic = -{back}, boottime = {DAY + 0.25}}}\n{UPTIME}"
    ).start()
    shown, *offsets = wait_for(made)
    assert DAY <= float(shown) - before < DAY + 20
    whole, part = divmod(round(-back * 1e9), 10**9)
    assert [line.split() for line in offsets] == [
        ["monotonic", str(whole), str(part)],
        ["boottime", str(int(DAY)), "250000000"],
    ]
    assert "time" in different(made.pid)
    assert ("user" in different(made.pid)) == (user_namespace == "new")
    assert _boottime() - before < 20
    assert made.stop() == 0


def test_timers_of_init_work_when_its_clocks_are_others(box: Callable[..., Box]) -> None:
    """A crash, a delay, a restart, a stop that takes its time."""
    script = service("[ -e $HERE/once ] || { touch $HERE/once; exit 1; }; echo again")
    made = box(
        f"[sandbox]\ntime_offsets = {{monotonic = {DAY * 900}, boottime = {DAY * 900}}}\n{script}"
        "restart_delay = 0.2\nstop_timeout = 0.3\nstop_signal = 'USR1'\n"
    ).start()
    assert wait_for(made) == ["again"]
    began = time.monotonic()
    assert made.stop() == 0
    assert time.monotonic() - began < 5


def test_offset_is_refused_when_a_clock_would_begin_before_zero(
    box: Callable[..., Box],
) -> None:
    """Before there is an init, with where to look; and nothing is left."""
    made = box(f"[sandbox]\ntime_offsets = {{boottime = {-_boottime() - DAY:.0f}}}\n{UPTIME}")
    done = made.run()
    assert done.returncode == 125
    assert "a time namespace with monotonic +0 s, boottime -" in done.stderr
    assert "Numerical result out of range" in done.stderr
    assert "a clock can be set back to 0 at most" in done.stderr
    assert not made.socket.exists()


def test_clocks_are_the_same_when_the_time_namespace_is_joined(box: Callable[..., Box]) -> None:
    """Those of whoever made it."""
    one = box(f"[sandbox]\ntime_offsets = {{monotonic = 1000, boottime = {DAY}}}\n{UPTIME}").start()
    wait_for(one)
    two = box(f"[sandbox]\n{joining(one, 'time')}\n{UPTIME}").start()
    assert float(wait_for(two)[0]) - _boottime() > DAY - 20
    assert namespaces(two.pid)["time"] == namespaces(one.pid)["time"]
