"""Oneshots with a stop_command: what they did is undone when they are stopped, in order."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

from tests.support.live import descendants, eventually
from tests.support.traces import hook, note, script, trace

if TYPE_CHECKING:
    from tests.integration.conftest import Start


def _step(name: str, *needs: str) -> str:
    up = script(f'echo up {name} >> "$HERE/trace"')
    return (
        f'[services.{name}]\ntype = "oneshot"\ncommand = {up}\n'
        f"stop_command = {note('down ' + name)}\ndepends_on = {list(needs)}\n"
    )


def test_steps_are_undone_backwards_when_init_shuts_down(start: Start, loop: str) -> None:
    """After what needs them has stopped, the last one first."""
    web = script("trap 'echo web ends >> \"$HERE/trace\"; exit 0' TERM; sleep 1000 & wait")
    init = start(
        f'[init]\nloop = "{loop}"\n{_step("net")}{_step("disk", "net")}'
        f'[services.web]\ncommand = {web}\nmin_uptime = 0.3\ndepends_on = ["disk"]\n'
    )
    init.wait_for("web", "running")
    init.signal(signal.SIGTERM)
    assert init.wait() == 0
    assert trace(init) == ["up net", "up disk", "web ends", "down disk", "down net"]


def test_step_is_undone_once_when_stopped_and_started(start: Start) -> None:
    """Stop undoes it, start does it again, restart both; what is stopped is not undone twice."""
    init = start(f"[init]\nkeep_running = true\n{_step('net')}")
    init.wait_for("net", "exited")
    init.ctl("stop", "net")
    assert init.status()["net"]["state"] == "stopped"
    init.ctl("stop", "net")
    init.ctl("start", "net")
    init.ctl("restart", "net")
    assert trace(init) == ["up net", "down net", "up net", "down net", "up net"]
    init.signal(signal.SIGTERM)
    assert init.wait() == 0
    assert trace(init)[5:] == ["down net"]


def test_nothing_is_undone_when_step_has_failed(start: Start) -> None:
    """As with ExecStop= of systemd, which needs a successful start."""
    init = start(
        '[init]\nkeep_running = true\n[services.net]\ntype = "oneshot"\n'
        f"command = {script('exit 4')}\nstop_command = {note('down')}\n"
    )
    init.wait_for("net", "failed")
    init.ctl("stop", "net")
    init.signal(signal.SIGTERM)
    assert init.wait() in (0, 4)
    assert trace(init) == []


def test_shutdown_ends_in_time_when_undoing_hangs_or_fails(start: Start) -> None:
    """Its share of the budget is all it gets, and the others are undone all the same."""
    slow = hook("exec sleep 1001", timeout="4s")
    wrong = hook('echo tried >> "$HERE/trace"; exit 5')
    steps = "".join(
        f'[services.{name}]\ntype = "oneshot"\ncommand = "true"\nstop_command = {undo}\n'
        f"depends_on = {needs}\n"
        for name, undo, needs in (
            ("first", note("down first"), []),
            ("wrong", wrong, ["first"]),
            ("slow", slow, ["wrong"]),
        )
    )
    init = start(f"[init]\nkeep_running = true\nshutdown_timeout = 3\n{steps}")
    init.wait_for("slow", "exited")
    began = time.monotonic()
    init.signal(signal.SIGTERM)
    assert init.wait() == 0
    assert time.monotonic() - began < 8
    assert "slow: stop_command took too long" in init.said()
    assert "wrong: stop_command failed with code 5" in init.said()
    assert trace(init) == ["tried", "down first"]


def test_step_is_undone_when_update_removes_it(start: Start) -> None:
    """What the file has no more goes as if it were stopped."""
    init = start(f"[init]\nkeep_running = true\n{_step('net')}{_step('disk', 'net')}")
    init.wait_for("disk", "exited")
    text = init.config.read_text()
    head, _, rest = text.partition("[services.disk]")
    tail = "\n[sandbox]" + rest.partition("[sandbox]")[2] if "[sandbox]" in rest else ""
    init.config.write_text(head + tail)
    init.ctl("update")
    eventually(lambda: list(init.status()) == ["net"], "disk is gone")
    assert trace(init) == ["up net", "up disk", "down disk"]
    assert not descendants(init.pid)
