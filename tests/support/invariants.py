"""What must hold of the core at any moment, seen against the fake kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit.core import order
from nsinit.core.state import ACTIVE, State
from nsinit.core.turn import PAUSABLE, TASKS, WHERE

if TYPE_CHECKING:
    from nsinit.core.state import ServiceState
    from tests.support.fake_kernel import FakeKernel


def check_after_event(kernel: FakeKernel) -> None:
    """After every single event, whatever else is under way."""
    for s in kernel.core.state.services.values():
        _check_state(kernel, s)
        _check_timers(kernel, s)
        _check_tasks(kernel, s)
    _check_own_hook(kernel)


def check_when_still(kernel: FakeKernel) -> None:
    """When all that has an answer at once was answered: nothing waits for what never comes."""
    for s in kernel.core.state.services.values():
        process = kernel.processes.get(s.name)
        alive = process is not None and process.run == s.run and process.alive
        told = any(e.service == s.name and e.run == s.run for e in kernel.pending)
        _check_pause(kernel, s)
        if s.state is State.STARTING:
            assert s.tasks or s.timers or s.paused or alive or told, (
                f"{s.name} hangs in its start: {s}"
            )
        if s.state is State.STOPPING:
            assert s.tasks or "stop" in s.timers, f"{s.name} hangs in its stop: {s}"
        if s.asked and s.pid and s.state is not State.STOPPING:
            rules = kernel.core.plan.services[s.name]
            late = order.late_dependents(kernel.core.state, rules)
            assert late, f"{s.name} is to stop, and nobody stops it: {s}"
        if s.state is State.BACKOFF:
            assert "backoff" in s.timers, f"{s.name} waits for ever: {s}"
        if s.state is State.WAITING:
            verdict, _ = order.verdict(kernel.core.plan, kernel.core.state, kernel.rules(s.name))
            assert verdict == "wait", f"{s.name} waits, and nobody tells it to {verdict}: {s}"


def _check_state(kernel: FakeKernel, s: ServiceState) -> None:
    process = kernel.processes.get(s.name)
    live = process is not None and process.main and process.run == s.run
    if s.state is State.RUNNING:
        assert s.pid, f"{s.name} is running without a process"
        assert live, f"{s.name} is running and dead"
        ends = "reload" in (*s.timers, *s.held)
        assert not ends or s.reloading, f"{s.name} has a time limit for no reload"
        assert ends or s.reload_at is None, f"{s.name} may wait for a reload for ever"
    if s.state in (State.STOPPED, State.EXITED, State.FAILED, State.WAITING, State.BACKOFF):
        assert not live, f"{s.name} is {s.state} and alive"
        assert not s.pid
        assert not s.asked or s.state is State.EXITED, f"{s.name} is {s.state}, asked to {s.asked}"
    if s.state in ACTIVE:
        assert s.want is not (s.asked == "stop"), f"{s.name}: want {s.want}, asked {s.asked}"
    if s.state is State.STOPPED:
        assert not s.want or kernel.core.state.phase == "new", f"{s.name} is stopped and wanted"
    if s.state in (State.WAITING, State.BACKOFF, State.FAILED):
        assert s.want or s.state is State.FAILED, f"{s.name} is {s.state} and not wanted"


def _check_pause(kernel: FakeKernel, s: ServiceState) -> None:
    process = kernel.processes.get(s.name)
    frozen = process is not None and process.frozen
    assert s.paused == frozen, f"{s.name} is {'not ' * (not frozen)}frozen"
    if s.paused:
        assert s.state in PAUSABLE, f"{s.name} is {s.state} and paused"
        assert not s.timers, f"{s.name} is paused with timers {s.timers}"
        assert not {"ready", "health"} & set(s.tasks), f"{s.name} is probed while it is paused"
    else:
        assert not s.held, f"{s.name} goes on without {s.held}"
        assert not s.put_off, f"{s.name} goes on without {s.put_off}"
    assert not set(s.put_off) & set(s.tasks), f"{s.name} has a task twice"


def _check_timers(kernel: FakeKernel, s: ServiceState) -> None:
    for kind in (*s.timers, *s.held):
        assert s.state in WHERE[kind], f"{s.name} is {s.state} with the timer {kind}"
    if s.state in (State.STOPPED, State.EXITED):
        assert not s.timers, f"{s.name} is at rest with timers {s.timers}"
    if s.state is State.BACKOFF and not s.due:
        assert set(s.timers) == {"backoff"}, f"{s.name} waits for {s.timers}"
    armed = {kind: t.at for (who, kind), t in kernel.timers.items() if who == s.name}
    assert armed == s.timers, f"{s.name}: timers differ: {armed} and {s.timers}"


def _check_tasks(kernel: FakeKernel, s: ServiceState) -> None:
    assert len(set(s.tasks)) == len(s.tasks), f"{s.name} runs a task twice: {s.tasks}"
    for task in s.tasks:
        assert TASKS[task] is s.state, f"{s.name} is {s.state} with the task {task}"
        assert task in (*s.timers, *s.held), f"{task} of {s.name} has no time limit"
    running = {(run, task) for who, run, task in kernel.tasks if who == s.name}
    assert running == {(s.run, task) for task in s.tasks}, f"{s.name}: tasks differ: {running}"


def _check_own_hook(kernel: FakeKernel) -> None:
    state = kernel.core.state
    running = [task for who, _, task in kernel.tasks if not who]
    assert running == ([state.hook] if state.hook else [])
    armed = [kind for who, kind in kernel.timers if not who and kind != "shutdown"]
    assert armed == running
    if state.phase == "stopping" and not state.hook and kernel.finished is None:
        assert ("", "shutdown") in kernel.timers, "a shutdown without a deadline"
