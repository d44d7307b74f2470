"""What a benchmark needs to know of a program that makes sandboxes: how to run one command in one.

All make the same: new pid, mount, uts, ipc, net, cgroup and user namespaces, in which ids are what
they are outside; a given directory as the root; a /proc of their own, and nothing of the machine.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from typing import NamedTuple

from .peer import OnPath


class Launch(NamedTuple):
    """How to run one command: what is to be there before the clock starts, and what it times."""

    argv: tuple[str, ...]
    before: tuple[str, ...] = ()  # words in front, that end with an exec of what follows


class Launcher(OnPath):
    """One program that makes sandboxes."""

    family = "sandbox"
    path = "/usr/sbin:/usr/bin:/sbin:/bin"

    @abstractmethod
    def launch(self, directory: str, root: str, command: tuple[str, ...]) -> Launch:
        """How to run a command in the root; `directory` is for whatever it needs."""


class Unshare(Launcher):
    """unshare of util-linux: the namespaces and no more."""

    name = "unshare"
    get = "apt-get install util-linux"

    def launch(self, directory: str, root: str, command: tuple[str, ...]) -> Launch:
        """A chroot is the only root that it makes."""
        del directory
        kinds = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--map-root-user")
        return Launch(
            (self.program, *kinds, "--fork", f"--root={root}", "--mount-proc=/proc", *command)
        )


class Bubblewrap(Launcher):
    """bwrap, with a PID 1 of its own, as it is by default."""

    name = "bwrap"
    get = "apt-get install bubblewrap"

    def launch(self, directory: str, root: str, command: tuple[str, ...]) -> Launch:
        """The same mounts as a container."""
        del directory
        mounts = ("--bind", root, "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp")
        return Launch((self.program, "--unshare-all", "--unshare-user", *mounts, *command))


class Nspawn(Launcher):
    """systemd-nspawn, which must not ask a systemd that is not there."""

    name = "systemd-nspawn"
    get = "apt-get install systemd-container"

    def launch(self, directory: str, root: str, command: tuple[str, ...]) -> Launch:
        """Its machine has the name of the directory of this run."""
        machine = f"--machine=bench-{os.path.basename(directory).replace('_', '-')}"
        return Launch(
            (self.program, "--quiet", "--register=no", "--keep-unit", f"--directory={root}",
             machine, "--private-network", "--private-users=identity", "--as-pid2",
             "--link-journal=no", "--timezone=off", "--resolv-conf=off", "--console=pipe",
             *command)
        )  # fmt: skip
