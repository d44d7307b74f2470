"""nsinit as an image has it: by `python -I -S`, and with a plan (docs/fast-start.md)."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from .launcher_nsinit import NsinitSandbox
from .peer_nsinit import Nsinit, Ours
from .single import NsinitSingle
from .stage import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .peer import Setup, Wish


class Image(Ours):
    """What is different, whatever it is measured as."""

    name = "nsinit-image"
    only_starts = True

    def prepare(self, directory: str) -> None:
        """The package itself is the program, which finds its libraries beside itself."""
        super().prepare(directory)
        package = _package()
        copy = f"{os.path.dirname(directory)}/copy"
        if os.path.exists(copy):
            _link_libraries(copy)
            package = f"{copy}/nsinit"
        self.command = (sys.executable, "-I", "-S", f"{package}/start.py")


class NsinitImage(Image, Nsinit):
    """As an init of many services."""

    def write(self, directory: str, services: Mapping[str, tuple[str, ...]], wish: Wish) -> Setup:
        """The same, and its plan."""
        setup = super().write(directory, services, wish)
        subprocess.run([*self.command, "compile", setup.path], env=ENVIRONMENT, check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        return setup


class NsinitImageSingle(Image, NsinitSingle):
    """For one command."""


class NsinitImageSandbox(Image, NsinitSandbox):
    """As a maker of sandboxes."""


def _package() -> str:
    spec = importlib.util.find_spec("nsinit")
    assert spec is not None
    assert spec.origin is not None
    return os.path.dirname(spec.origin)


def _link_libraries(copy: str) -> None:
    """Put what is installed for this Python beside a copy of a checkout."""
    spec = importlib.util.find_spec("msgspec")  # which nsinit can't do without
    assert spec is not None
    assert spec.origin is not None
    libraries = os.path.dirname(os.path.dirname(spec.origin))
    for name in os.listdir(libraries):
        if not os.path.lexists(f"{copy}/{name}"):
            os.symlink(f"{libraries}/{name}", f"{copy}/{name}")
