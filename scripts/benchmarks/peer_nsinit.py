"""nsinit, as the Python that runs the benchmark imports it."""

from __future__ import annotations

import compileall
import importlib.util
import os
import shutil
import site
import sys
from typing import TYPE_CHECKING

from .peer import Contender, Peer, Setup, Wish

if TYPE_CHECKING:
    from collections.abc import Mapping

# min_uptime = 0 is what startsecs = 0 is to supervisord.
_HEAD = """\
[init]
control = "{socket}"
shutdown_timeout = 60
"""
_SERVICE = """
[services.{name}]
command = [{command}]
restart = "always"
restart_delay = 0
restart_limit = "unlimited"
min_uptime = 0
stop_timeout = {grace}
"""
_FILES = """\
log = {{ file = "{logs}/{name}.log", max_size = "10MiB", keep = 5, compress = false,\
 file_format = "{form}" }}
"""
# What pip makes of an entry point, for a checkout that is not installed: `python -m` is slower.
_SCRIPT = "import sys\nfrom nsinit.__main__ import main\nsys.exit(main())\n"


class Ours(Contender):
    """nsinit itself, whatever it is measured as."""

    name = "nsinit"
    get = f"{sys.executable} -m pip install . (or PYTHONPATH=CHECKOUT)"

    def __init__(self) -> None:
        self.command: tuple[str, ...] = ()

    def is_there(self) -> bool:
        """Whether it can be imported."""
        return importlib.util.find_spec("nsinit") is not None

    def prepare(self, directory: str) -> None:
        """Nothing to do for what is installed.

        A checkout is copied and compiled. Byte code must be there, since every other peer has its
        own: pip compiles what it installs, a checkout is compiled when somebody runs it, and not
        even then with PYTHONDONTWRITEBYTECODE. And a benchmark writes nothing into a checkout.
        """
        spec = importlib.util.find_spec("nsinit")
        assert spec is not None
        assert spec.origin is not None
        package = os.path.dirname(spec.origin)
        script = os.path.join(os.path.dirname(sys.executable), "nsinit")
        installed = os.path.dirname(package) in (
            *site.getsitepackages(),
            site.getusersitepackages(),
        )
        if installed and os.access(script, os.X_OK):
            self.command = (script,)
            return
        # Beside the directories of the peers: one for all families.
        place = f"{os.path.dirname(directory)}/copy"
        script = f"{place}/script"
        if not os.path.exists(place):
            print(f"nsinit is not installed here: a compiled copy of {package} is measured",
                  file=sys.stderr)  # fmt: skip
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(package, f"{place}/nsinit", ignore=ignored)
            compileall.compile_dir(f"{place}/nsinit", quiet=2)
            with open(script, "w") as file:
                file.write(_SCRIPT)
        self.command = (sys.executable, script)

    def version(self) -> tuple[str, ...]:
        """The command that tells its version."""
        return (*self.command, "--version")


class Nsinit(Ours, Peer):
    """As an init of many services."""

    stamps_logs = True
    speaks_http = True

    def write(self, directory: str, services: Mapping[str, tuple[str, ...]], wish: Wish) -> Setup:
        """One TOML file; the control socket is beside it."""
        path = f"{directory}/nsinit.toml"
        socket = f"{directory}/control.sock"
        with open(path, "w") as file:
            file.write(_HEAD.format(socket=socket))
            for name, command in services.items():
                words = ", ".join(f'"{word}"' for word in command)
                text = _SERVICE + (_FILES if wish.logs else "")
                form = "time" if wish.stamped else "raw"
                more = {"grace": wish.grace, "logs": wish.logs, "form": form}
                file.write(text.format(name=name, command=words, **more))
        ask = (*self.command, "ctl", "--socket", socket)
        return Setup(
            argv=(*self.command, "run", path),
            status=(*ask, "status"),
            stop=(*ask, "stop"),
            start=(*ask, "start"),
            update=(*ask, "update"),
            path=path,
            socket=socket,
        )


class NsinitScale(Nsinit):
    """Alone, with more services than others are asked to have."""

    family = "scale"

    def change_one(self, setup: Setup) -> None:
        """Change the last service, in a way that does not restart it."""
        with open(setup.path) as file:
            head, key, value = file.read().rpartition("stop_timeout = ")
        with open(setup.path, "w") as file:
            file.write(f"{head}{key}1{value}")
