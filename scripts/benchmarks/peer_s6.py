"""s6, with s6-svscan as PID 1 and a logger of its own for whoever is to have one."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from .peer import Packaged, Setup, Wish

if TYPE_CHECKING:
    from collections.abc import Mapping

# What is left of the delay before a restart is the second that s6-supervise waits without
# readiness. s6 has no command that shows many services: a loop asks for one after another.
_STATUS = """\
#!/bin/sh
for one in {directory}/*; do s6-svstat "$one"; done
"""
_ONE = """\
#!/bin/sh
exec s6-svc {options} {directory}/"$1"
"""


class S6(Packaged):
    """s6-svscan, s6-supervise and s6-log."""

    name = "s6"
    get = "apt-get install s6"
    program = "s6-svscan"
    path = "/usr/bin:/bin:/command"
    restarts_at_once = False

    def write(self, directory: str, services: Mapping[str, tuple[str, ...]], wish: Wish) -> Setup:
        """A scan directory; a run file is a script that execs the service."""
        scan = f"{directory}/scan"
        for name, command in services.items():
            place = f"{scan}/{name}"
            os.makedirs(place)
            write_script(f"{place}/run", f"#!/bin/sh\nexec {' '.join(command)} 2>&1\n")
            with open(f"{place}/timeout-kill", "w") as file:
                file.write(f"{wish.grace * 1000}\n")
            if wish.logs:
                os.makedirs(f"{place}/log")
                logs = f"{wish.logs}/{name}"
                write_script(f"{place}/log/run", f"#!/bin/sh\nexec s6-log n5 s10000000 {logs}\n")
        status = f"{directory}/status"
        write_script(status, _STATUS.format(directory=scan))
        write_script(f"{directory}/stop", _ONE.format(options="-wd -d", directory=scan))
        write_script(f"{directory}/start", _ONE.format(options="-wu -u", directory=scan))
        limit = str(max(1000, 2 * len(services) + 10))
        program = shutil.which("s6-svscan", path=self.path) or ""
        return Setup(
            argv=(program, "-c", limit, scan),
            status=(status,),
            stop=(f"{directory}/stop",),
            start=(f"{directory}/start",),
        )

    def says_all_run(self, answer: str, count: int) -> bool:
        """`up (pid N) ...` for each."""
        return answer.count("up (pid") >= count


def write_script(path: str, text: str) -> None:
    """A file that can be executed."""
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, 0o755)
