"""dinit, in its mode for containers."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from .peer import Peer, Setup, Wish

if TYPE_CHECKING:
    from collections.abc import Mapping

# restart-limit-interval = 0: no limit of restarts; smooth-recovery: what depends on it goes on.
_SERVICE = """\
type = process
command = {command}
restart = true
smooth-recovery = true
restart-delay = 0
restart-limit-interval = 0
stop-timeout = {grace}
"""
_PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin:/usr/local/sbin"


class Dinit(Peer):
    """dinit and dinitctl."""

    name = "dinit"
    get = "Debian 12 has no package: build it, or see your distribution"
    keeps_logs = False  # it rotates no files

    def is_there(self) -> bool:
        """Whether both of its programs are on the PATH."""
        return all(shutil.which(name, path=_PATH) for name in ("dinit", "dinitctl"))

    def version(self) -> tuple[str, ...]:
        """The command that tells its version."""
        return (_program("dinit"), "--version")

    def write(self, directory: str, services: Mapping[str, tuple[str, ...]], wish: Wish) -> Setup:
        """A directory with a file per service, and one that waits for all."""
        place, socket = f"{directory}/services", f"{directory}/control"
        os.makedirs(place)
        for name, command in services.items():
            with open(f"{place}/{name}", "w") as file:
                file.write(_SERVICE.format(command=" ".join(command), grace=wish.grace))
        with open(f"{place}/boot", "w") as file:
            file.write("type = internal\n")
            file.writelines(f"waits-for = {name}\n" for name in services)
        ask = (_program("dinitctl"), "-p", socket)
        return Setup(
            argv=(_program("dinit"), "--container", "--quiet", "-d", place, "-p", socket, "boot"),
            status=(*ask, "list"),
            stop=(*ask, "stop"),
            start=(*ask, "start"),
        )

    def says_all_run(self, answer: str, count: int) -> bool:
        """A pid for each."""
        return answer.count("(pid:") >= count


def _program(name: str) -> str:
    return shutil.which(name, path=_PATH) or ""
