"""Hooks and exec probes: commands beside the main process of a run, as processes of its service.

What a hook prints goes where its service's output goes; what a probe prints goes nowhere. The time
limits are the core's; a task that is cut short is killed with its whole group.
"""

from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING, Final

from msgspec import structs

from nsinit.core import messages as m
from nsinit.core.policy import exec_status
from nsinit.errors import SpawnError
from nsinit.model.spec import Hook, Service
from nsinit.process.program import prepare
from nsinit.units import SIGNAL_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nsinit.kernel.proc import End, Stat
    from nsinit.process.spawner import Child, Spawner
    from nsinit.process.strays import Strays
    from nsinit.runtime.handover import ChildState, Keep, TaskState
    from nsinit.runtime.helpers import Ended, Helper, Helpers
    from nsinit.runtime.logs import Logs
    from nsinit.runtime.probes import Probes
    from nsinit.runtime.reactor import Reactor
    from nsinit.runtime.runs import Runs

_ALONE: Final = ("pre_start", "post_stop", "on_fail")  # there is no main process then
PROBES: Final = ("ready", "health")
OWN: Final = "nsinit"  # the name under which init's own hooks write
# Systemd's words for how a run ended, where they differ from ours.
_RESULTS: Final = {"oom": "oom-kill", "start-limit": "start-limit-hit", "dependency": "resources"}


class Tasks:
    """All hooks, probes and commands of operators that run now."""

    def __init__(
        self, runs: Runs, reactor: Reactor, spawner: Spawner, strays: Strays, logs: Logs
    ) -> None:
        self._runs = runs
        self._reactor = reactor
        self._probes: Probes | None = None  # loaded when one is asked for
        self._helpers: Helpers | None = None  # likewise
        self._spawner = spawner
        self._strays = strays
        self._logs = logs
        self._running: dict[int, tuple[m.RunTask, Child]] = {}
        self._cancelled: set[int] = set()

    def run(self, action: m.RunTask) -> None:
        """Start a hook or a probe."""
        if action.service:
            spec = self._runs.services[action.service]
            table = spec.ready if action.task == "ready" else spec.health
            if action.task in PROBES and table is not None and table.exec is None:
                self._ask().start(action.service, action.run, action.task, table)
                return
        else:
            hook = self._runs.own[action.task]
            assert hook is not None  # noqa: S101  (the plan has its limit)
            spec = own_service(hook, action.task)
        if (ended := self._start(action, spec)) is not None:
            self._runs.post(ended)

    def _ask(self) -> Probes:
        if self._probes is None:
            from nsinit.runtime.probes import Probes  # noqa: PLC0415  (few need it)

            self._probes = Probes(self._reactor, self._runs.post)
        return self._probes

    def start_helper(self, helper: Helper, ended: Ended) -> int:
        """Start a command that an operator runs beside a service; SpawnError if it can't be."""
        if self._helpers is None:
            from nsinit.runtime.helpers import Helpers  # noqa: PLC0415  (few inits are asked to)

            self._helpers = Helpers(self._runs, self._spawner, self._strays)
        return self._helpers.start(helper, ended)

    def processes(self, seen: dict[int, Stat]) -> list[tuple[int, str, bool]]:
        """Of these those of services: pid, service, and whether init has started it itself."""
        return self._strays.processes(seen)

    def owners(self, seen: dict[int, Stat]) -> dict[int, str]:
        """Whose each of these processes is; of nobody's nothing is told."""
        return self._strays.owners(seen)

    def helper_pids(self) -> list[int]:
        """The commands that operators run."""
        return self._helpers.pids() if self._helpers is not None else []

    def _start(self, action: m.RunTask, spec: Service) -> m.TaskEnded | None:
        """Start a task of a service; its end, if it could not be started."""
        hook = hook_of(spec, action.task)
        variables = self._runs.own_variables(action.service)
        try:
            child = self._spawn(action, spec, hook, variables)
        except SpawnError as error:
            text = str(error).encode("utf-8", "backslashreplace").decode()
            status = exec_status(error.errno)
            return m.TaskEnded(action.service, action.run, action.task, status, text)
        self._running[child.pid] = (action, child)
        if action.service:
            self._strays.began(child.pid, action.service)
        return None

    def _spawn(
        self, action: m.RunTask, spec: Service, hook: Hook, variables: Mapping[str, str]
    ) -> Child:
        changes: dict[str, object] = {"command": _argv(hook, action), "tty": None, "pass_fds": []}
        if hook.user is not None:
            changes |= {"user": hook.user, "group": None, "groups": None}
        program = prepare(
            structs.replace(spec, **changes),
            self._runs.around,
            {**variables, **_result(action)},
            0 if action.task in _ALONE or not action.service else self._runs.beside(action.service),
        )
        owner = program.identity[0] if program.identity is not None else None
        null, key = self._logs.null, (action.service or OWN, action.run, action.task)
        if action.task in PROBES:
            program.fds.update({0: null, 1: null, 2: null})
            return self._spawner.spawn(program)
        try:
            ends = self._logs.open(key, spec.log, owner)
        except OSError as error:
            raise SpawnError(hook.command[0], "make pipes for", error.errno or errno.EIO) from None
        program.fds.update({0: null, 1: ends.stdout, 2: ends.stderr})
        try:
            return self._spawner.spawn(program)
        finally:
            for fd in ends.ours:
                os.close(fd)

    def kill(self, service: str, run: int, task: m.TaskKind) -> None:
        """End a hook or a probe, if it still runs."""
        if self._probes is not None:
            self._probes.cancel(service, run, task)
        for pid, (action, _) in self._running.items():
            if (action.service, action.run, action.task) == (service, run, task):
                self._cancelled.add(pid)
                self._strays.signal_group(pid, signal.SIGKILL)

    def export(self, keep: Keep) -> list[TaskState]:
        """Those that run."""
        from nsinit.runtime.handover import TaskState  # noqa: PLC0415  (loaded by then)

        return [
            TaskState(
                action=action, child=export_child(child, keep), cancelled=pid in self._cancelled
            )
            for pid, (action, child) in self._running.items()
        ]

    def export_probes(self) -> list[tuple[str, int, m.TaskKind]]:
        """The probes under way that have no process."""
        return self._probes.under_way() if self._probes is not None else []

    def adopt(self, states: list[TaskState], probes: list[tuple[str, int, m.TaskKind]]) -> None:
        """Wait for those that another started; what has no process is asked anew."""
        for service, run, task in probes:
            self.run(m.RunTask(service, run, task))
        for state in states:
            self._running[state.child.pid] = (state.action, adopt_child(state.child))
            if state.cancelled:
                self._cancelled.add(state.child.pid)

    def ended(self, end: End) -> tuple[bool, m.TaskEnded | None]:
        """Whether a process that was reaped is a task, and what the core should hear of it."""
        action, child = self._running.pop(end.pid, (None, None))
        if action is None or child is None:
            return bool(self._helpers and self._helpers.ended(end)), None
        text, status = "", end.status
        if child.report is not None:
            if (failed := _outcome(child)) is not None:
                text, status = str(failed), exec_status(failed.errno)
            os.close(child.report)
        if action.task not in PROBES:
            self._logs.finish((action.service or OWN, action.run, action.task))
        if end.pid in self._cancelled:
            self._cancelled.discard(end.pid)
            return True, None
        return True, m.TaskEnded(action.service, action.run, action.task, status, text)


def hook_of(spec: Service, task: m.TaskKind) -> Hook:
    """The command of a task."""
    if task in PROBES:
        table = spec.ready if task == "ready" else spec.health
        assert table is not None  # noqa: S101  (the plan has the task because the table is there)
        assert table.exec is not None  # noqa: S101
        return Hook(command=table.exec)
    found: Hook = getattr(spec, "reload_command" if task == "reload" else task)
    return found


def own_service(hook: Hook, task: str) -> Service:
    """Init's own hook as what a service would have it."""
    return structs.replace(Service(command=hook.command), **{task: hook})


def export_child(child: Child, keep: Keep) -> ChildState:
    """A process, with the names of what it does before it execs if that is not over."""
    from nsinit.runtime.handover import NONE, ChildState  # noqa: PLC0415  (loaded by then)

    report = NONE if child.report is None else keep(child.report)
    return ChildState(child.pid, child.path, report, [stage.name for stage in child.stages])


def adopt_child(state: ChildState) -> Child:
    """The same; what would have helped against an errno is not known any more."""
    from nsinit.process.spawner import Child  # noqa: PLC0415  (for types only otherwise)

    if state.report < 0:
        return Child(state.pid, state.path)
    from nsinit.process.stages import Stage  # noqa: PLC0415  (not for the vfork road)

    stages = tuple(Stage(name, lambda: None) for name in state.stages)
    return Child(state.pid, state.path, state.report, stages)


def _outcome(child: Child) -> SpawnError | None:
    try:
        return child.outcome()
    except OSError:
        return None


def _argv(hook: Hook, action: m.RunTask) -> tuple[str, ...]:
    """The command; a shell's finds what s6 gives to finish scripts as $1 to $4."""
    if not hook.shell or action.task not in ("post_stop", "on_fail"):
        return hook.command
    code, number = _code_and_signal(action.status)
    name = action.service or OWN
    return (*hook.command, name, str(code), str(number), name, str(action.pid))


def _code_and_signal(status: int | None) -> tuple[int, int]:
    """As s6-supervise tells a finish script: a code and 0, or 256 and the signal."""
    if status is None:
        return 256, 0
    return (status, 0) if status >= 0 else (256, -status)


def _result(action: m.RunTask) -> dict[str, str]:
    """What systemd.exec(5) documents for hooks: MAINPID, and after the end how that was."""
    made = {"MAINPID": str(action.pid)} if action.pid else {}
    if action.task not in ("post_stop", "on_fail"):
        return made
    made["SERVICE_RESULT"] = _RESULTS.get(action.result, action.result)
    if action.status is not None:
        killed = action.status < 0
        made["EXIT_CODE"] = "killed" if killed else "exited"
        named = SIGNAL_NAMES.get(-action.status, str(-action.status))
        made["EXIT_STATUS"] = named if killed else str(action.status)
    return made
