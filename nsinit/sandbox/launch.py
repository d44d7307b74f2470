"""The launcher: makes the namespaces with an init in them, and waits for that.

    launcher                                  init (pid 1 of the new namespaces)
    --------                                  ----------------------------------
    block signals, bind the control socket
    clone3 ---------------------------------> die with the launcher
    write the id maps                         wait
    GO  ------------------------------------> take the steps of the plan
                <---------------------------- DONE, or FAILED with what, why, and what to do
    forward signals, wait                     be init
    end with init's code

Signals are blocked before the clone, so none is lost while init is not ready for them. In the
foreground the two live and die together: init gets KILL when the launcher is gone, and the launcher
ends when init has.
"""

from __future__ import annotations

import _socket
import json
import os
import select
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from nsinit.errors import EXIT_INTERNAL, EXIT_SANDBOX, SandboxError, SyscallError
from nsinit.kernel import fds, libc, namespaces, proc, signals
from nsinit.process import steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.sandbox.plan import SandboxPlan

_GO = b"go"
_DONE = b"done"
_MESSAGE_MAX = 4096
_NOT_PASSED_ON = frozenset({signal.SIGCHLD, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})


def launch(plan: SandboxPlan, main: Callable[[], int]) -> int:
    """Run `main` as the init of a new sandbox; its exit code. SandboxError if there is none."""
    signals.block_all()
    signals.hear_children()
    fds.fill_standard()
    fds.close_on_exec()
    reader = signals.SignalReader()
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    try:
        pid, pidfd = libc.clone3(plan.flags, signal.SIGCHLD)
    except SyscallError as error:
        hint = namespaces.why_refused(error.errno or 0, list(plan.kinds))
        kinds = ", ".join(plan.kinds)
        message = f"cannot make namespaces ({kinds}): {error.strerror}"
        raise SandboxError(message, hint=hint) from None
    if pid == 0:
        ours.close()
        os.close(reader.fd)
        _be_inside(plan, theirs, main)
    theirs.close()
    try:
        _map_ids(pid, plan)
        ours.send(_GO)
        _await_done(ours)
    except (OSError, SandboxError) as error:
        ours.close()
        _end(pid)
        if isinstance(error, SandboxError):
            raise
        raise SandboxError(f"cannot make the sandbox: {error}") from None
    return _look_after(pid, pidfd, reader)


def _map_ids(pid: int, plan: SandboxPlan) -> None:
    if plan.maps is None:
        return
    try:
        if plan.maps.deny_setgroups:
            namespaces.deny_setgroups(pid)
        namespaces.write_map(pid, "gid_map", plan.maps.gids)
        namespaces.write_map(pid, "uid_map", plan.maps.uids)
    except OSError as error:
        message = f"cannot map ids ({plan.maps.uids}): {error.strerror}"
        raise SandboxError(message, hint=namespaces.why_refused(1, ["user"])) from None


def _await_done(ours: _socket.socket) -> None:
    data = ours.recv(_MESSAGE_MAX)
    if data == _DONE:
        return
    if not data:
        raise SandboxError("cannot make the sandbox: its init ended before it began")
    told = json.loads(data)
    raise SandboxError(told["message"], hint=told["remedy"])


def _end(pid: int) -> None:
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED)


def _look_after(pid: int, pidfd: int, reader: signals.SignalReader) -> int:
    """Forward signals until init has ended; its exit code, 128+n for a signal."""
    poll = select.poll()
    poll.register(reader.fd, select.POLLIN)
    poll.register(pidfd, select.POLLIN)
    while True:
        ready = {fd for fd, _ in poll.poll()}
        if reader.fd in ready:
            for one in reader.read():
                _forward(one, pidfd)
        if pidfd in ready:
            while end := proc.reap():
                if end.pid == pid:
                    return end.status if end.status >= 0 else 128 - end.status


def _forward(one: signals.Received, pidfd: int) -> None:
    if one.number in _NOT_PASSED_ON:
        return
    number = one.number
    if number == signal.SIGHUP and one.from_kernel:
        number = signal.SIGTERM  # passed on, it would look as if somebody had sent it
    with suppress(OSError):
        signal.pidfd_send_signal(pidfd, number)


# --- Inside ---------------------------------------------------------------------------------------


def _be_inside(plan: SandboxPlan, theirs: _socket.socket, main: Callable[[], int]) -> NoReturn:
    """The life of init, in the child of the clone; never returns to the launcher's code."""
    code = EXIT_INTERNAL
    try:
        # Without a pid namespace of its own, a killed init would leave its services behind.
        deadly = signal.SIGKILL if "pid" in plan.kinds else signal.SIGTERM
        proc.die_with_parent(deadly)
        if theirs.recv(_MESSAGE_MAX) != _GO:
            os._exit(EXIT_SANDBOX)  # the launcher is gone
        with suppress(OSError):
            os.setsid()
        _take_steps(plan, theirs)
        theirs.close()
        code = main()
    except BaseException as error:  # noqa: BLE001  (it must not unwind into the launcher)
        with suppress(OSError):
            os.write(2, f"nsinit: internal error in the sandbox: {error!r}\n".encode())
    os._exit(code)


def _take_steps(plan: SandboxPlan, theirs: _socket.socket) -> None:
    try:
        steps.run(plan.steps)
    except steps.StepError as error:
        theirs.send(json.dumps({"message": str(error), "remedy": error.remedy}).encode())
        os._exit(EXIT_SANDBOX)
    theirs.send(_DONE)
