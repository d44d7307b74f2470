"""A sandbox: from the exec of the program that makes it to the exec of the command in it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from typing import TYPE_CHECKING, Final

from .measure import Ask, Found, Limits, Measure, Trial
from .records import BenchError, Records
from .stage import ENVIRONMENT

if TYPE_CHECKING:
    from .launcher import Launcher
    from .stage import Stage

_DIRECTORIES: Final = ("proc", "sys", "dev", "tmp", "run", "etc", "usr", "records")
_TIMEOUT: Final = 60.0
_TOLD: Final = 2000


def _took(stage: Stage, launcher: Launcher) -> list[float]:
    with tempfile.TemporaryDirectory(dir=stage.directory) as place:
        root = _make_root(stage, place)
        records = Records(f"{root}/records/all")
        try:
            return [_run(stage, launcher, place, root, records)]
        finally:
            records.close()


def _plain(stage: Stage, launcher: Launcher, _: Ask) -> Found:
    return {PLAIN.name: _took(stage, launcher)}


def _network(stage: Stage, launcher: Launcher, _: Ask) -> Found:
    return {NETWORK.name: _took(stage, launcher)}


def _make_root(stage: Stage, place: str) -> str:
    """A root file system that has one program."""
    root = f"{place}/root"
    for name in _DIRECTORIES:
        os.makedirs(f"{root}/{name}")
    os.chmod(f"{root}/records", 0o777)
    os.link(f"{stage.directory}/arrival", f"{root}/arrival")
    return root


def _run(stage: Stage, launcher: Launcher, place: str, root: str, records: Records) -> float:
    launch = launcher.launch(place, root, ("/arrival", "/records/all", "first"))
    done = subprocess.run(
        [*launch.before, f"{stage.directory}/mark", records.path, *launch.argv],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_TIMEOUT,
        check=False,
    )
    try:
        records.wait("S", 1, 1.0)
    except BenchError:
        said = done.stdout[-_TOLD:].decode(errors="replace")
        raise BenchError(f"{launcher.name} ended with {done.returncode}:\n{said}") from None
    return (records.of("S")[0].at - records.of("I")[0].at) / 1e6


PLAIN: Final = Measure(
    "sandbox",
    "sandbox of 7 namespaces, own root and /proc: exec of its maker → exec of the command",
    "ms",
)
NETWORK: Final = Measure("network", "the same with a bridge, an address and a published port", "ms")
TRIALS: Final = (
    Trial(
        (PLAIN,), sample=_plain, full=Limits(20, 4.0), quick=Limits(4, 1.0), family="sandbox",
        starts=True, counts=(1,),
    ),
    Trial(
        (NETWORK,), sample=_network, full=Limits(10, 15.0), quick=Limits(2, 3.0),
        family="network", counts=(1,),
    ),
)  # fmt: skip
