"""supervisord, from the environment of the Python that runs the benchmark."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from .peer import Peer, Setup, Wish

if TYPE_CHECKING:
    from collections.abc import Mapping

# user: else it warns that it is root. startsecs = 0: no end is "too quick", so none is followed by
# a backoff; what is left of the delay is its poll, once a second. One group of all programs: groups
# are stopped one after another. Two pipes per service: the end of the only one wakes it before the
# process can be reaped, now and then, and it sleeps a second more. Output to ours, as its
# documentation advises for containers.
_HEAD = """\
[supervisord]
nodaemon = true
{user}
logfile = /dev/null
logfile_maxbytes = 0
pidfile = {directory}/supervisord.pid
minfds = {files}

[unix_http_server]
file = {socket}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl = unix://{socket}

[group:all]
programs = {names}
"""
_PROGRAM = """
[program:{name}]
command = {command}
autorestart = true
startsecs = 0
stopwaitsecs = {grace}
"""
_OURS = """\
stdout_logfile = /dev/fd/1
stdout_logfile_maxbytes = 0
stderr_logfile = /dev/fd/2
stderr_logfile_maxbytes = 0
"""
_FILES = """\
redirect_stderr = true
stdout_logfile = {logs}/{name}.log
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 5
"""


class Supervisord(Peer):
    """supervisord and supervisorctl."""

    name = "supervisord"
    get = f"{sys.executable} -m pip install supervisor"
    turn = 1.0

    def is_there(self) -> bool:
        """Whether both of its programs are beside the interpreter."""
        return all(os.access(script(name), os.X_OK) for name in ("supervisord", "supervisorctl"))

    def version(self) -> tuple[str, ...]:
        """The command that tells its version."""
        return (script("supervisord"), "--version")

    def write(self, directory: str, services: Mapping[str, tuple[str, ...]], wish: Wish) -> Setup:
        """One file for both programs."""
        path = f"{directory}/supervisord.conf"
        socket = f"{directory}/control.sock"
        with open(path, "w") as file:
            file.write(
                _HEAD.format(
                    directory=directory,
                    socket=socket,
                    user="user = root",  # inside its namespace it is, whoever runs the benchmark
                    files=max(1024, 8 * len(services)),
                    names=",".join(services),
                )
            )
            output = _FILES if wish.logs else _OURS
            file.writelines(
                (_PROGRAM + output).format(
                    name=name, command=" ".join(command), grace=wish.grace, logs=wish.logs
                )
                for name, command in services.items()
            )
        ask = (script("supervisorctl"), "-c", path)
        return Setup(
            argv=(script("supervisord"), "-c", path),
            status=(*ask, "status"),
            stop=(*ask, "stop"),
            start=(*ask, "start"),
        )

    def name_of(self, service: str) -> str:
        """How a command names a service: with its group."""
        return f"all:{service}"


def script(name: str) -> str:
    """A program beside the interpreter that runs the benchmark."""
    return os.path.join(os.path.dirname(sys.executable), name)
