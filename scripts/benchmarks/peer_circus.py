"""circus, from the environment of the Python that runs the benchmark."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from .peer import Peer, Setup, Wish
from .peer_supervisord import script

if TYPE_CHECKING:
    from collections.abc import Mapping

# check_delay: it looks for the dead that often, 5 s by default. warmup_delay: between two starts.
# max_retry = -1: for ever.
_HEAD = """\
[circus]
endpoint = ipc://{directory}/control
pubsub_endpoint = ipc://{directory}/events
check_delay = 1
warmup_delay = 0
"""
_WATCHER = """
[watcher:{name}]
cmd = {command}
max_retry = -1
warmup_delay = 0
graceful_timeout = {grace}
"""
_FILES = """\
stdout_stream.class = FileStream
stdout_stream.filename = {logs}/{name}.log
stdout_stream.max_bytes = 10485760
stdout_stream.backup_count = 5
"""


class Circus(Peer):
    """circusd and circusctl."""

    name = "circus"
    get = f"{sys.executable} -m pip install circus"
    turn = 1.0

    def is_there(self) -> bool:
        """Whether both of its programs are beside the interpreter."""
        return all(os.access(script(name), os.X_OK) for name in ("circusd", "circusctl"))

    def version(self) -> tuple[str, ...]:
        """The command that tells its version."""
        return (script("circusd"), "--version")

    def write(self, directory: str, services: Mapping[str, tuple[str, ...]], wish: Wish) -> Setup:
        """One file; the sockets of ZeroMQ are beside it."""
        path = f"{directory}/circus.ini"
        with open(path, "w") as file:
            file.write(_HEAD.format(directory=directory))
            text = _WATCHER + (_FILES if wish.logs else "")
            for name, command in services.items():
                more = {"grace": wish.grace, "logs": wish.logs}
                file.write(text.format(name=name, command=" ".join(command), **more))
        ask = (script("circusctl"), "--endpoint", f"ipc://{directory}/control")
        return Setup(
            argv=(script("circusd"), "--log-output", "/dev/null", path),
            status=(*ask, "status"),
            stop=(*ask, "stop", "--waiting"),
            start=(*ask, "start", "--waiting"),
        )

    def says_all_run(self, answer: str, count: int) -> bool:
        """`NAME: active` for each."""
        return answer.count(": active") >= count
