"""nsinit as a maker of sandboxes."""

from __future__ import annotations

from .launcher import Launch, Launcher
from .peer_nsinit import Nsinit

_KINDS = "pid,mount,uts,ipc,net,cgroup,user"


class NsinitSandbox(Launcher):
    """`nsinit run` with the options that make what the others make."""

    name = Nsinit.name
    get = Nsinit.get

    def __init__(self) -> None:
        self._nsinit = Nsinit()

    def is_there(self) -> bool:
        """Whether it can be imported."""
        return self._nsinit.is_there()

    def prepare(self, directory: str) -> None:
        """A checkout is copied and compiled."""
        self._nsinit.prepare(directory)

    def version(self) -> tuple[str, ...]:
        """The command that tells its version."""
        return self._nsinit.version()

    def launch(self, directory: str, root: str, command: tuple[str, ...]) -> Launch:
        """What the command says goes where nsinit's output goes."""
        del directory
        options = ("--namespaces", _KINDS, "--rootfs", root)
        return Launch((*self._nsinit.command, "run", *options, "--", *command))
