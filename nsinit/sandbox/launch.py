"""The launcher: makes the namespaces with an init in them, and waits for that.

    launcher                                  init (pid 1 of the new namespaces)
    --------                                  ----------------------------------
    block signals, bind the control socket
    take the steps of the host
    clone3 ---------------------------------> die with the launcher
    take the steps of the parent              wait
    GO  ------------------------------------> take the steps of the child
                <---------------------------- CALL, where that has a Halfway; then as before
    take the steps halfway, GO -------------> go on with the steps of the child
                <---------------------------- DONE, or FAILED with what, why, and what to do
    take the steps that wait for helpers
    let it begin
    forward signals, wait                     be init
    undo the steps of parent and host
    end with init's code

Where namespaces are joined or clocks are set there is a process between the two: who does that is
not in all of them himself, but his child is. That child is the launcher's too (CLONE_PARENT), so
that nothing else changes:

    launcher                 between                       init
    --------                 -------                       ----
    fork ------------------> take the steps of the split
                             clone3 ---------------------> as above
        <------------------- its pid and pidfd, or FAILED
                             end

Signals are blocked before the clone, so none is lost while init is not ready for them. In the
foreground the two live and die together: init gets KILL when the launcher is gone, and the launcher
ends when init has. When anything fails, init is killed first, and then what the launcher did is
taken back in reverse.
"""

from __future__ import annotations

import _socket
import os
import select
import signal
from array import array
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from nsinit.errors import EXIT_INTERNAL, EXIT_SANDBOX, SandboxError
from nsinit.kernel import fds, libc, mask, namespaces, proc, seam, signals
from nsinit.named import Named
from nsinit.process.steps import Born, Bound, StepError, Taken, run
from nsinit.sandbox.halfway import CALL, GO, Halfway

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from nsinit.sandbox.plan import SandboxPlan

NOTHING: Final[Mapping[int, Callable[[], object]]] = {}
_DONE = b"done"
_MESSAGE_MAX = 1 << 16  # bytes
_WORDS_MAX = 2500  # characters of what has failed, and of what helps
_BETWEEN = "\0"  # these two, and in none of them
_ROUNDS = 100  # of killing what is left, whose children are then left to us
_PAUSE = 0.005  # s for the kernel to take them apart
_NOT_PASSED_ON = frozenset({signal.SIGCHLD, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})


def launch(
    plan: SandboxPlan,
    main: Callable[[], int],
    born: Callable[[Born], object] = lambda _: None,
    watched: Mapping[int, Callable[[], object]] = NOTHING,
) -> int:
    """Run `main` as the init of a new sandbox; its exit code. SandboxError if there is none.

    `born` is called when the sandbox stands; if that fails, the sandbox ends. The `watched`
    descriptors are called for when they can be read.
    """
    mask.block_all()
    mask.hear_children()
    fds.fill_standard()
    fds.close_on_exec()
    reader = signals.SignalReader()
    if "pid" not in plan.kinds:
        libc.become_subreaper()  # for what a killed init leaves in a shared pid namespace
    taken = Taken()
    try:
        taken.take(plan.host)
        init = _begin(plan, taken, reader, main)
        try:
            born(init)
        except BaseException:
            _end(init.pid)
            raise
        return _look_after(init, reader, watched)
    except StepError as error:
        raise SandboxError(str(error), hint=error.remedy) from None
    finally:
        taken.undo()


def _begin(
    plan: SandboxPlan, taken: Taken, reader: signals.SignalReader, main: Callable[[], int]
) -> Born:
    """Make the init, and see it through its steps; it is killed if any step fails."""
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)

    def be_inside() -> NoReturn:
        ours.close()
        os.close(reader.fd)
        _be_inside(plan, theirs, main)

    try:
        init = _split(plan, be_inside) if plan.split else _clone(plan, signal.SIGCHLD, be_inside)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    try:
        taken.take([Bound(step, init) for step in plan.parent])
        hear = _Hearing(ours, reader, init)
        hear.await_done(lambda: taken.take([Bound(step, init) for step in plan.halfway]))
        taken.take(plan.settled)
    except StepError:
        _end(init.pid)
        if said := _last_words(ours):  # why there is no init any more that it could be done to
            raise _told(said) from None
        raise
    except BaseException:
        _end(init.pid)
        raise
    finally:
        ours.close()
    return init


def _clone(plan: SandboxPlan, exit_signal: int, be_inside: Callable[[], NoReturn]) -> Born:
    """Make init as a child; without an exit signal as a sibling."""
    flags = plan.flags if exit_signal else plan.flags | libc.CLONE_PARENT
    try:
        pid, pidfd = _clone_into(plan, flags, exit_signal)
    except OSError as error:
        hint = namespaces.why_refused(error.errno or 0, list(plan.kinds))
        kinds = ", ".join(plan.kinds)
        message = f"cannot make namespaces ({kinds}): {error.strerror}"
        raise SandboxError(message, hint=hint) from None
    if pid == 0:
        be_inside()
    return Born(pid, pidfd)


def _clone_into(plan: SandboxPlan, flags: int, exit_signal: int) -> tuple[int, int]:
    """Into its cgroup of version 2 if that can be; else a step of the parent moves it there."""
    if plan.group is not None and plan.group.fd is not None and not plan.split:
        with suppress(OSError):  # of before Linux 5.7, or refused; the next one tells what else
            made = libc.clone3(flags, exit_signal, plan.group.fd)
            plan.group.cloned = True
            return made
    return libc.clone3(flags, exit_signal)


def _split(plan: SandboxPlan, be_inside: Callable[[], NoReturn]) -> Born:
    """Make init by a process between, which enters and sets what its children are to have."""
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    launcher = os.getpid()
    pid = seam.fork()
    if pid == 0:
        ours.close()
        _be_between(plan, theirs, launcher, be_inside)
    theirs.close()
    passed = array("i")
    try:
        data, control, _, _ = ours.recvmsg(
            _MESSAGE_MAX, _socket.CMSG_LEN(passed.itemsize), _socket.MSG_CMSG_CLOEXEC
        )
    finally:
        ours.close()
        os.waitid(os.P_PID, pid, os.WEXITED)
    for level, kind, content in control:
        if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS):
            passed.frombytes(content[: passed.itemsize])
    if data.isdigit() and passed:
        return Born(int(data), passed[0])
    raise _told(data)


def _be_between(
    plan: SandboxPlan, theirs: _socket.socket, launcher: int, be_inside: Callable[[], NoReturn]
) -> NoReturn:
    def beget() -> NoReturn:
        theirs.close()
        be_inside()

    try:
        proc.die_with_parent(signal.SIGKILL)
        if os.getppid() != launcher:
            os._exit(EXIT_SANDBOX)
        Taken().take(plan.split)
        init = _clone(plan, 0, beget)
    except StepError as error:
        _fail(theirs, str(error), error.remedy)
    except SandboxError as error:
        _fail(theirs, error.message, error.hint)
    except Exception as error:  # noqa: BLE001  (whatever it is, the launcher is who tells it)
        _fail(theirs, f"cannot make the sandbox: {error}")
    rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array("i", [init.pidfd]))
    with suppress(OSError):  # the launcher is gone: so is its end of init's socket
        theirs.sendmsg([str(init.pid).encode()], [rights])
    os._exit(0)


class _Hearing(Named):
    """What the launcher listens to while init takes its steps, some of which may take long."""

    ours: _socket.socket
    reader: signals.SignalReader
    init: Born

    def await_done(self, go_halfway: Callable[[], object]) -> None:
        """Let init take its steps; SandboxError with what it says when it can't."""
        data = self._answer()
        if data == CALL:
            go_halfway()
            data = self._answer()
        if data != _DONE:
            raise _told(data)

    def _answer(self) -> bytes:
        """Let it go on, and forward signals until it says something."""
        try:
            self.ours.send(GO)
            poll = select.poll()
            for fd in (self.ours.fileno(), self.reader.fd):
                poll.register(fd, select.POLLIN)
            while self.ours.fileno() not in {fd for fd, _ in poll.poll()}:
                for one in self.reader.read():
                    _forward(one, self.init.pidfd)
            return self.ours.recv(_MESSAGE_MAX)
        except OSError:  # reset: it ended without having read
            return b""


def _last_words(ours: _socket.socket) -> bytes:
    try:
        return ours.recv(_MESSAGE_MAX, _socket.MSG_DONTWAIT)
    except OSError:
        return b""


def _told(data: bytes) -> SandboxError:
    """What a child said last."""
    if not data:
        return SandboxError("cannot make the sandbox: its init ended before it began")
    message, _, remedy = data.decode(errors="surrogatepass").partition(_BETWEEN)
    return SandboxError(message, hint=remedy)


def _end(pid: int) -> None:
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED)


def _look_after(
    init: Born, reader: signals.SignalReader, watched: Mapping[int, Callable[[], object]]
) -> int:
    """Forward signals until init has ended; its exit code, 128+n for a signal."""
    others = set(proc.children() or ()) - {init.pid}  # of a shell that has exec'ed us
    while True:
        poll = select.poll()
        for fd in (reader.fd, init.pidfd, *watched):  # they may come and go
            poll.register(fd, select.POLLIN)
        ready = {fd for fd, _ in poll.poll()}
        for fd in ready & watched.keys():
            watched[fd]()
        if reader.fd in ready:
            for one in reader.read():
                _forward(one, init.pidfd)
        if init.pidfd in ready:
            while end := proc.reap():
                if end.pid == init.pid:
                    _end_strays(others)
                    return end.status if end.status >= 0 else 128 - end.status


def _end_strays(others: set[int]) -> None:
    """Kill what init has left to us: in a pid namespace of its own the kernel has done that."""
    for _ in range(_ROUNDS):
        left = set(proc.children() or ()) - others
        if not left:
            return
        for pid in left:
            with suppress(OSError):
                seam.kill(pid, signal.SIGKILL)
        select.select([], [], [], _PAUSE)
        while proc.reap():
            continue


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
        _prepare(plan, theirs)
        theirs.close()
        code = main()
    except BaseException as error:  # noqa: BLE001  (it must not unwind into the launcher)
        with suppress(OSError):
            os.write(2, f"nsinit: internal error in the sandbox: {error!r}\n".encode())
    os._exit(code)


def _prepare(plan: SandboxPlan, theirs: _socket.socket) -> None:
    """All that a child does before it is init; it ends here if a step fails, or if it is alone."""
    # Without a pid namespace of its own, a killed init would leave its services behind.
    deadly = signal.SIGKILL if "pid" in plan.kinds else signal.SIGTERM
    try:
        proc.die_with_parent(deadly)
        if theirs.recv(_MESSAGE_MAX) != GO:
            os._exit(EXIT_SANDBOX)  # the launcher is gone
        with suppress(OSError):
            os.setsid()
        for step in plan.child:
            if isinstance(step, Halfway):
                step.socket = theirs
        run(plan.child)
        proc.die_with_parent(deadly)  # once more: a change of ids clears it (prctl(2))
    except StepError as error:
        _fail(theirs, str(error), error.remedy)
    except Exception as error:  # noqa: BLE001  (whatever it is, the launcher is who tells it)
        _fail(theirs, f"cannot make the sandbox: {error}")
    try:
        theirs.send(_DONE)
    except OSError:
        os._exit(EXIT_SANDBOX)  # the launcher ended before that


def _fail(theirs: _socket.socket, message: str, remedy: str = "") -> NoReturn:
    told = _BETWEEN.join(_cut(words.replace(_BETWEEN, "")) for words in (message, remedy))
    with suppress(OSError):
        theirs.send(told.encode(errors="surrogatepass"))
    os._exit(EXIT_SANDBOX)


def _cut(text: str) -> str:
    """Not so long that it would not arrive: paths can be, and a root can have hundreds of layers.

    The reason is at the end.
    """
    half = _WORDS_MAX // 2
    return text if len(text) <= _WORDS_MAX else f"{text[:half]} ... {text[-half:]}"
