"""runit's runsvdir, below a shell: by itself it does not wait for its services at the end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .peer import Packaged, Setup, Wish
from .peer_s6 import write_script

if TYPE_CHECKING:
    from collections.abc import Mapping

# runit's own stage 3 is such a script: stop all by force, with a limit, then end.
_INIT = """\
#!/bin/sh
trap 'sv -w {grace} force-stop {directory}/* >/dev/null; kill -HUP $pid; wait $pid; exit 0' TERM
runsvdir -P {directory} &
pid=$!
while :; do wait $pid; done
"""


class Runit(Packaged):
    """runsvdir, runsv, sv and svlogd."""

    name = "runit"
    get = "apt-get install --no-install-recommends runit"
    program = "runsvdir"
    path = "/usr/bin:/bin:/sbin:/usr/sbin"
    restarts_at_once = False
    turn = 1.0

    def write(self, directory: str, services: Mapping[str, tuple[str, ...]], wish: Wish) -> Setup:
        """A directory per service; a run file is a script that execs it."""
        scan = f"{directory}/scan"
        for name, command in services.items():
            place = f"{scan}/{name}"
            os.makedirs(place)
            write_script(f"{place}/run", f"#!/bin/sh\nexec {' '.join(command)} 2>&1\n")
            if wish.logs:
                logs = f"{wish.logs}/{name}"
                os.makedirs(f"{place}/log")
                os.makedirs(logs)
                with open(f"{logs}/config", "w") as file:
                    file.write("s10000000\nn5\n")
                write_script(f"{place}/log/run", f"#!/bin/sh\nexec svlogd -b 65536 {logs}\n")
        os.utime(scan, (1, 1))  # it waits for a second if its directory was changed in this one
        init, status = f"{directory}/init", f"{directory}/status"
        write_script(init, _INIT.format(directory=scan, grace=wish.grace))
        write_script(status, f"#!/bin/sh\nexec sv status {scan}/*\n")
        for verb in ("stop", "start"):
            write_script(f"{directory}/{verb}", f'#!/bin/sh\nexec sv {verb} {scan}/"$1"\n')
        return Setup(
            argv=(init,),
            status=(status,),
            stop=(f"{directory}/stop",),
            start=(f"{directory}/start",),
        )

    def says_all_run(self, answer: str, count: int) -> bool:
        """`run: NAME: ...` for each."""
        return answer.count("run: ") >= count
