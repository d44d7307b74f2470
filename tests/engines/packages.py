"""Own the list of Debian packages that the engine tests need, and the one way to install them.

Imports the standard library only, so that it also runs as a script on a bare machine:
``python -m tests.engines.packages`` or ``python tests/engines/packages.py``.
What must stay true: nothing is installed unless somebody calls `install`.
"""

import os
import shutil
import subprocess
from typing import Final

SYSTEM_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Where Debian puts programs: another copy earlier in $PATH must not be mixed in."""

PROGRAMS: Final = {
    "docker.io": "dockerd",
    "iproute2": "ip",
    "iputils-ping": "ping",
    "runc": "runc",
    "mmdebstrap": "mmdebstrap",
    "nginx": "nginx",
    "redis-server": "redis-server",
    "postgresql": "pg_ctlcluster",
    "curl": "curl",
    "uidmap": "newuidmap",
    "nftables": "nft",
    "passt": "pasta",
    "slirp4netns": "slirp4netns",
    "systemd": "systemd-notify",
    "strace": "strace",
    "supervisor": "supervisord",
    "tmux": "tmux",
    "cron": "cron",
    "s6": "s6-svscan",
    "execline": "execlineb",
    "prometheus": "prometheus",
    "chromium": "chromium",
    "chromium-driver": "chromedriver",
    "zsh": "zsh",
    "fish": "fish",
    "mandoc": "mandoc",
    "gcc": "gcc",
    "libc6-dev": "gcc",
}
"""Package -> the program that shows that it is installed."""

INSTALL_TIMEOUT: Final = 900.0


def missing() -> list[str]:
    """Return the packages whose program is not on this machine."""
    return [
        package
        for package, program in PROGRAMS.items()
        if shutil.which(program, path=SYSTEM_PATH) is None
    ]


def install() -> None:
    """Install every package that is missing, without starting the services they bring."""
    lacking = missing()
    if not lacking:
        return
    environment = {
        **os.environ,
        "PATH": SYSTEM_PATH,
        "DEBIAN_FRONTEND": "noninteractive",
        # invoke-rc.d starts nothing in runlevel 1: the tests bring up their own instances.
        "RUNLEVEL": "1",
    }
    # Another apt on the machine is waited for rather than reported as a failure.
    apt = ("apt-get", "-q", "-o", "DPkg::Lock::Timeout=300")
    for command in (
        (*apt, "update"),
        (*apt, "install", "-y", "--no-install-recommends", *lacking),
    ):
        subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=INSTALL_TIMEOUT,
            check=True,
        )


if __name__ == "__main__":
    install()
