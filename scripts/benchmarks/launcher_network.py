"""The same with a network: a bridge, an address, and a published port; nsinit beside docker.

Both have a network namespace of their own for the host's, so that nothing of the machine's is used.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from .launcher import Launch, Launcher
from .launcher_nsinit import NsinitSandbox
from .records import BenchError

if TYPE_CHECKING:
    from collections.abc import Callable

_KINDS = "pid,mount,uts,ipc,net,cgroup"
_UP = 'ip link set lo up && exec "$@"'
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_IMAGE = "bench"


class NsinitNetwork(NsinitSandbox):
    """`nsinit run` with a bridge that is made, and one port."""

    family = "network"

    def launch(self, directory: str, root: str, command: tuple[str, ...]) -> Launch:
        """In a network namespace where there is no bridge yet."""
        del directory
        options = ("--namespaces", _KINDS, "--rootfs", root, "--network", "bridge", "-p", "8080:80")
        host = ("/usr/bin/unshare", "--net", "/bin/sh", "-c", _UP, "sh")
        return Launch((*self.command, "run", *options, "--", *command), before=host)


class Docker(Launcher):
    """`docker run` with an Engine of the benchmark's own, which runs already."""

    name = "docker"
    family = "network"
    get = "apt-get install docker.io; run it as root, from a checkout with its tests"

    def __init__(self) -> None:
        self._engine: Any = None
        self._image = ""

    def is_there(self) -> bool:
        """Whether an Engine can be started."""
        has_programs = super().is_there() and shutil.which("dockerd", path=_PATH) is not None
        return has_programs and os.geteuid() == 0 and _engine_class() is not None

    def prepare(self, directory: str) -> None:
        """Start the Engine, which keeps its bridge; it is ended by `close`."""
        del directory
        kind = _engine_class()
        assert kind is not None
        self._engine = kind()
        try:
            self._engine.start()
        except Exception as error:  # noqa: BLE001  (whatever it is, there is nothing to measure)
            raise BenchError(f"docker's engine does not start: {error}") from None

    def close(self) -> None:
        """End the Engine and everything in it."""
        if self._engine is not None:
            self._engine.stop()

    def launch(self, directory: str, root: str, command: tuple[str, ...]) -> Launch:
        """The root as an image, made once; the records are bound."""
        del directory
        if not self._image:
            tar = subprocess.run(
                ["tar", "--create", "--directory", root, "."], stdout=subprocess.PIPE, check=True
            )
            words = self._engine.command("import", "-", _IMAGE)
            env = self._engine.environment()
            subprocess.run(words, input=tar.stdout, env=env, check=True, stdout=subprocess.DEVNULL)
            self._image = _IMAGE
        options = ("--rm", "-p", "8080:80", "-v", f"{root}/records:/records")
        words = self._engine.command("run", *options, self._image, *command)
        given = self._engine.environment()
        env = [f"{name}={given[name]}" for name in ("DOCKER_HOST", "DOCKER_CONFIG")]
        return Launch(tuple(words), before=("/usr/bin/env", *env))


def _engine_class() -> Callable[[], Any] | None:
    """What the tests start their Engine with; it is beside the scripts in a checkout."""
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if here not in sys.path:
        sys.path.append(here)  # what is installed goes first
    try:
        from tests.engines.engine import Engine  # noqa: PLC0415  (there may be none)
    except ImportError:
        return None
    return Engine
