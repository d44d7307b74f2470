"""`nsinit run --detach`: the launcher goes on in the background; this process waits until all runs.

    this process                             launcher, in a session of its own
    ------------                             ---------------------------------
    fork ----------------------------------> output into a pipe that it reads itself
                <--------------------------- BORN: name, control socket
    ask init until every service is ready    look after init
                <--------------------------- FAILED: why; or ENDED: the code, and the last output
    print the name; end                      keep the last output in the file "log"

A service that writes to the output of init must never find it closed or full: so the launcher
reads it for as long as it lives, and keeps as much of it as fits into two files of bounded size.
"""

from __future__ import annotations

import _socket
import json
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn

from nsinit.cli.output import complain, say
from nsinit.client import Client
from nsinit.errors import EXIT_FAILED, EXIT_INTERNAL, EXIT_OK, ControlError, NsinitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.cli.launching import Wishes
    from nsinit.sandbox.state import Registration

LOG: Final = "log"
_LOG_MAX: Final = 1 << 20  # bytes of the file, and of the one before it
_TAIL: Final = 8 << 10  # bytes of the last output that a failure is told with
_PIECE: Final = 1 << 16
_PIECES: Final = 16
_MESSAGE_MAX: Final = 1 << 16


def detach(launch: Callable[[Wishes], int], wishes: Wishes, *, quiet: bool) -> int:
    """Have `launch` go on in the background; the exit code of this process."""
    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        ours.close()
        _be_launcher(launch, wishes, theirs)
    theirs.close()
    if wishes.info_fd >= 0:
        os.close(wishes.info_fd)  # its reader waits for the end
    stopped = _stop_it_with_us(pid)
    code = _wait(ours, stopped, quiet=quiet)
    return 128 + stopped[0] if stopped else code


def _stop_it_with_us(pid: int) -> list[int]:
    """Whoever interrupts the wait does not want the sandbox; the list gets the signal."""
    stopped: list[int] = []

    def stop(number: int, _: object) -> None:
        stopped.append(number)
        with suppress(OSError):
            os.kill(pid, signal.SIGTERM)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
    return stopped


# --- In the foreground ----------------------------------------------------------------------------


def _wait(launcher: _socket.socket, stopped: list[int], *, quiet: bool) -> int:
    """Until every service is ready, or something has ended before."""
    told = _hear(launcher)
    if "born" in told:
        name, control = told["born"], told["control"]
        for note in told["notes"]:
            complain(note)
        try:
            failed = _await_ready(name, control, stopped, quiet=quiet)
        except ControlError as error:
            told = _hear(launcher, patience=2.0)
            if not told:
                complain(f"the sandbox {name!r} runs, and can't be asked how: {error.message}")
                return EXIT_FAILED
        else:
            if not failed:
                say(name)
                return EXIT_OK
            for line in failed:
                complain(f"in the sandbox {name!r} {line}")
            say(f"  hint: it goes on: nsinit ctl -s {name} why; nsinit stop {name}", sys.stderr)
            return EXIT_FAILED
    return _ended(told)


def _ended(told: dict[str, Any]) -> int:
    """Say how the sandbox ended while it was waited for; the code of its init."""
    if "failed" in told:
        complain(told["failed"], told["hint"])
        return int(told["code"])
    if "code" not in told:
        complain("the launcher has ended without a word")
        return EXIT_INTERNAL
    code = int(told["code"])
    sys.stderr.write(told["tail"])
    if code:
        complain(f"the sandbox {told['ended']!r} ended with code {code} before it was ready")
    else:
        say(told["ended"])
    return code


def _hear(launcher: _socket.socket, patience: float | None = None) -> dict[str, Any]:
    """The next word of the launcher; empty if none comes."""
    launcher.settimeout(patience)
    try:
        data = launcher.recv(_MESSAGE_MAX)
    except OSError:
        return {}
    made: dict[str, Any] = json.loads(data) if data else {}
    return made


def _await_ready(name: str, control: str, stopped: list[int], *, quiet: bool) -> list[str]:
    """What has failed of that which should be up; nothing when all of it is. ControlError."""
    from nsinit.cli.output import is_watched
    from nsinit.cli.progress import BEAT, DOWN, UP, Line

    client = Client(control)
    line = Line("starting", UP, is_seen=is_watched(quiet=quiet))
    try:
        line.follow(client)
        while line.is_told and not stopped:
            answer = client.health()
            failed = [row for row in answer["services"] if row["state"] == "failed"]
            if failed:
                return [f"{row['name']} has failed: {row['reason']}" for row in failed]
            if answer["health"] != "not-running":
                return []
            line.about = {row["name"] for row in answer["services"]}
            line.look(BEAT)
        if line.is_told:
            line.tell(f"interrupted: the sandbox {name!r} is being stopped; once more: at once")
            line.what, line.goal, line.about = "stopping", DOWN, None
        while line.is_told:
            line.look(BEAT)
    finally:
        line.close()
    raise ControlError("init has ended")


# --- In the background ----------------------------------------------------------------------------


def _be_launcher(
    launch: Callable[[Wishes], int], wishes: Wishes, caller: _socket.socket
) -> NoReturn:
    code, name = EXIT_INTERNAL, ""
    output = _Output()
    try:
        os.setsid()
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        null = os.open(os.devnull, os.O_RDWR)
        for ours, standard in ((null, 0), (writer, 1), (writer, 2)):
            os.dup2(ours, standard)
        for fd in (writer, null):
            os.close(fd)

        def born(entry: Registration) -> None:
            nonlocal name
            name = entry.record.name
            output.keep_in(entry.directory)
            told = {"born": name, "control": entry.record.control, "notes": entry.notes}
            _say(caller, told)

        watched = {reader: lambda: output.read(reader)}
        try:
            code = launch(wishes._replace(born=born, watched=watched))
        except NsinitError as error:
            code = error.exit_code
            _say(caller, {"failed": error.message, "hint": error.hint, "code": code})
        output.read(reader)
        _say(caller, {"ended": name, "code": code, "tail": output.tail.decode(errors="replace")})
    except Exception as error:  # noqa: BLE001  (it must not unwind into the caller's code)
        _say(caller, {"failed": f"internal error: {error!r}", "hint": "", "code": EXIT_INTERNAL})
    finally:
        os._exit(code)


def _say(caller: _socket.socket, told: dict[str, Any]) -> None:
    with suppress(OSError):  # it waits no more
        caller.send(json.dumps(told).encode())


class _Output:
    """The last output of the sandbox."""

    def __init__(self) -> None:
        self.tail = b""
        self._directory = ""
        self._fd = -1
        self._size = 0

    def keep_in(self, directory: str) -> None:
        """From now on in a file there too."""
        self._directory = directory
        self._begin()

    def _begin(self) -> None:
        self._size = 0
        if self._directory:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
            with suppress(OSError):
                self._fd = os.open(f"{self._directory}/{LOG}", flags, 0o600)

    def read(self, fd: int) -> None:
        """Take all that is there; what can't be kept is lost."""
        with suppress(BlockingIOError):
            for _ in range(_PIECES):  # and no more: there are signals to forward
                piece = os.read(fd, _PIECE)
                self.tail = (self.tail + piece)[-_TAIL:]
                self._write(piece)

    def _write(self, piece: bytes) -> None:
        if self._fd < 0:
            return
        with suppress(OSError):
            os.write(self._fd, piece)
        self._size += len(piece)
        if self._size >= _LOG_MAX:
            os.close(self._fd)
            self._fd = -1
            with suppress(OSError):
                os.rename(f"{self._directory}/{LOG}", f"{self._directory}/{LOG}.1")
            self._begin()
