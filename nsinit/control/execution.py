"""`exec` and `enter`: a command in the place of a service, or in that of init itself.

It runs on the descriptors of whoever asks for it.

The answer is a stream of rows. After the first, {"descriptors": 3}, the client sends one byte with
its stdin, stdout and stderr (SCM_RIGHTS of unix(7)); the command gets these, so init never reads or
writes what passes between the two. {"pid": N} says that it was started. From then on each byte from
the client is the number of a signal for its process group, and the end of the connection is HUP.
The last row is {"exit_code": N} or {"exit_signal": N}, with an "error" if it could not be run.
"""

from __future__ import annotations

import _socket
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from nsinit.control.routes import Refusal, encode
from nsinit.core.policy import exec_status
from nsinit.errors import SpawnError
from nsinit.kernel import seam
from nsinit.runtime.helpers import Helper

if TYPE_CHECKING:
    import asyncio

    from nsinit.control.reply import Reply
    from nsinit.runtime.boot import Init

_STDIO: Final = 3
_PATIENCE: Final = 10.0  # s for the descriptors to come
_SIZE: Final = 4  # of a descriptor in a message


class Execution:
    """One command, from the request to its end."""

    def __init__(
        self,
        init: Init,
        loop: asyncio.AbstractEventLoop,
        params: dict[str, Any],
        reply: Reply,
    ) -> None:
        self._init = init
        self._params = params
        self._reply = reply
        self._pid = 0
        self._input: _socket.socket | None = None
        self._timer = loop.call_later(_PATIENCE, self._refuse, "the descriptors did not come")

    def begin(self) -> None:
        """Ask for the descriptors."""
        self._reply.begin_stream()
        self._input = self._reply.take_input()
        self._say({"descriptors": _STDIO})
        self._reply.on_leave(self._close)
        if self._input is not None:
            self._init.reactor.add_reader(self._input.fileno(), self._read)

    def _say(self, row: dict[str, Any]) -> None:
        self._reply.send(encode(row) + b"\n")

    def _close(self) -> None:
        """Listen no more."""
        self._timer.cancel()
        if self._input is not None:
            self._init.reactor.remove_reader(self._input.fileno())
            self._input.close()
            self._input = None

    # --- What the client sends --------------------------------------------------------------------

    def _read(self) -> None:
        assert self._input is not None  # noqa: S101  (else nobody would call)
        room = _socket.CMSG_SPACE(_STDIO * _SIZE)
        try:
            got = self._input.recvmsg(256, room, _socket.MSG_CMSG_CLOEXEC)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            got = (b"", [], 0, None)
        data, ancillary = got[0], got[1]
        fds = _descriptors(ancillary)
        try:
            if not data:
                self._hang_up()
            elif self._pid:
                self._signal(data)
            elif len(fds) != _STDIO:
                self._refuse(f"expected {_STDIO} descriptors, got {len(fds)}")
            else:
                self._start(fds)
        finally:
            for fd in fds:
                os.close(fd)

    def _hang_up(self) -> None:
        """The client is gone: as when a terminal is."""
        self._close()
        if self._pid:
            self._signal(bytes((signal.SIGHUP, signal.SIGCONT)))
        self._reply.end_stream()

    def _signal(self, numbers: bytes) -> None:
        for number in numbers:
            with suppress(OSError):  # its processes may have ended; no number is an accident
                seam.killpg(self._pid, number)

    def _refuse(self, text: str) -> None:
        refusal = Refusal(400, "no-descriptors", f"cannot run the command: {text}")
        self._say(refusal.body())
        self._reply.end_stream()

    # --- The command ------------------------------------------------------------------------------

    def _start(self, fds: list[int]) -> None:
        self._timer.cancel()
        params = self._params
        term = {"TERM": params["term"]} if params["term"] else {}
        try:
            self._pid = self._init.runs.tasks.start_helper(
                Helper(
                    params.get("name", ""),
                    tuple(params["command"] or ()),
                    fds,
                    term,
                    bool(params["terminal"]),
                    params.get("user"),
                ),
                self._ended,
            )
        except SpawnError as error:
            self._ended(exec_status(error.errno), error)
        except (OSError, ValueError) as error:  # such as text that no encoding knows
            self._ended(exec_status(0), error)
        else:
            self._say({"pid": self._pid})

    def _ended(self, status: int, error: Exception | None = None) -> None:
        """Tell how it ended; from now on its pid may be another's."""
        self._pid = 0
        row: dict[str, Any] = {"exit_code": status} if status >= 0 else {"exit_signal": -status}
        if error is not None:
            text = str(error).encode("utf-8", "backslashreplace").decode()
            row |= Refusal(409, "cannot-execute", text).body()
        self._say(row)
        self._reply.end_stream()


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    """What a message carries; whoever gets them closes them."""
    made: list[int] = []
    for level, kind, data in ancillary:
        if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS):
            whole = len(data) - len(data) % _SIZE
            made += memoryview(data[:whole]).cast("i").tolist()
    return made
