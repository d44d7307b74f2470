"""nsinit as a maker of sandboxes."""

from __future__ import annotations

from .launcher import Launch, Launcher
from .peer_nsinit import Ours

_KINDS = "pid,mount,uts,ipc,net,cgroup,user"


class NsinitSandbox(Ours, Launcher):
    """`nsinit run` with the options that make what the others make."""

    def launch(self, directory: str, root: str, command: tuple[str, ...]) -> Launch:
        """What the command says goes where nsinit's output goes."""
        del directory
        options = ("--namespaces", _KINDS, "--rootfs", root)
        return Launch((*self.command, "run", *options, "--", *command))
