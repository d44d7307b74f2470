"""supervisord, from the environment of the Python that runs the benchmark."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from .peer import Peer, Setup

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
stdout_logfile = /dev/fd/1
stdout_logfile_maxbytes = 0
stderr_logfile = /dev/fd/2
stderr_logfile_maxbytes = 0
"""


class Supervisord(Peer):
    """supervisord and supervisorctl."""

    name = "supervisord"
    get = f"{sys.executable} -m pip install supervisor"

    def is_there(self) -> bool:
        """Whether both of its programs are beside the interpreter."""
        return all(os.access(_script(name), os.X_OK) for name in ("supervisord", "supervisorctl"))

    def version(self) -> tuple[str, ...]:
        """The command that tells its version."""
        return (_script("supervisord"), "--version")

    def write(self, directory: str, services: Mapping[str, tuple[str, ...]]) -> Setup:
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
            file.writelines(
                _PROGRAM.format(name=name, command=" ".join(command))
                for name, command in services.items()
            )
        return Setup(
            argv=(_script("supervisord"), "-c", path),
            status=(_script("supervisorctl"), "-c", path, "status"),
        )


def _script(name: str) -> str:
    return os.path.join(os.path.dirname(sys.executable), name)
