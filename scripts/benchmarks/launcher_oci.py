"""The runtimes of the OCI: each runs the bundle that `runc spec` makes, with a user namespace."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from .launcher import Launch, Launcher

_IDS = [{"containerID": 0, "hostID": 0, "size": 65536}]


class Runc(Launcher):
    """runc."""

    name = "runc"
    get = "apt-get install runc"

    def launch(self, directory: str, root: str, command: tuple[str, ...]) -> Launch:
        """A bundle beside the root."""
        write_bundle(directory, root, command)
        name = f"bench-{os.path.basename(directory)}"
        return Launch((self.program, "run", "--bundle", directory, name))


class Crun(Launcher):
    """crun; it has its own idea of where cgroups are, and refuses a machine that has both kinds."""

    name = "crun"
    get = "apt-get install crun (and runc, which writes its bundle)"

    def is_there(self) -> bool:
        """Whether both are there."""
        return super().is_there() and Runc().is_there()

    def launch(self, directory: str, root: str, command: tuple[str, ...]) -> Launch:
        """Without cgroups; those that it refuses are unmounted before, where it alone sees it."""
        write_bundle(directory, root, command)
        name = f"bench-{os.path.basename(directory)}"
        hide = 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"'
        return Launch(
            (self.program, "--cgroup-manager=disabled", "run", "--bundle", directory, name),
            before=("/usr/bin/unshare", "--mount", "/bin/sh", "-c", hide, "crun"),
        )


def write_bundle(directory: str, root: str, command: tuple[str, ...]) -> None:
    """What `runc spec` says, but for the terminal, the root, the command and the user namespace."""
    subprocess.run([Runc().program, "spec", "--bundle", directory], check=True)
    path = f"{directory}/config.json"
    with open(path) as file:
        config: dict[str, Any] = json.load(file)
    config["process"] |= {"terminal": False, "args": list(command)}
    config["root"] = {"path": root, "readonly": False}
    linux = config["linux"]
    linux["namespaces"].append({"type": "user"})
    linux |= {"uidMappings": _IDS, "gidMappings": _IDS}
    with open(path, "w") as file:
        json.dump(config, file)
