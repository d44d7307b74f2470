"""Tests in a copy of the tree, with nothing in reach that is the machine's.

They run in mount, pid, uts, ipc and network namespaces that end with them: no process, mount, name,
queue or interface of theirs is left, whatever the fault. The files of the machine and its cgroups
are mounted read-only there, /dev and /run are others: what can be written is in the directory of
the copy, but for settings of the kernel in /proc/sys and /sys. Mounts are shared there and there is
another interface, as on most machines.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.etree import ElementTree as ET

from scripts.mutation.copies import copy_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PREFIX: Final = "nsinit-fault-"  # of the directories of copies
LIMIT: Final = 300.0  # s for the tests of one fault
LIMIT_OF_ALL: Final = 1200.0  # s for all tests without any
_NAMES: Final = ("nsinit", "tests", "config", "scripts", "pyproject.toml")
_UNSHARE: Final = (
    "setpriv", "--pdeathsig", "KILL", "--", "unshare", "--mount", "--uts", "--ipc", "--net",
    "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "--",
)  # fmt: skip
# The shell stays process 1: it reaps what the tests leave, and they are not killed one by one.
_APART: Final = """
mount --bind "$1" "$1"
mount -t tmpfs -o mode=755 run /run
mkdir /run/dev
mount -t tmpfs -o mode=755 dev /run/dev
cd /run/dev
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/kmsg \
    /dev/fd /dev/stdin /dev/stdout /dev/stderr .
mkdir pts shm mqueue
ln -s pts/ptmx ptmx
mount -t devpts -o ptmxmode=666,mode=620 pts pts
mount -t tmpfs -o mode=1777 shm shm
mount -t mqueue mqueue mqueue
umount --lazy /dev
mount --move /run/dev /dev
for place in / $(awk '$2 ~ "^/sys/" {print $2}' /proc/mounts | sort -u); do
    mount -o remount,bind,ro "$place"
done
mount --make-rshared /
ip link set lo up
ip link add outside0 type veth peer name outside1
cd "$1"
shift
"$@" || exit $?
exit 0
"""


class Report(NamedTuple):
    """How tests went: "passed", "failed" or "skipped", by their names as pytest has them."""

    results: dict[str, str]

    def of(self, node: str) -> dict[str, str]:
        """Those of a test: one, or all of its parameters."""
        return {
            name: how
            for name, how in self.results.items()
            if name == node or name.startswith(f"{node}[")
        }

    def failed(self, node: str) -> str:
        """One of its cases that failed; "" if none did."""
        return next((name for name, how in self.of(node).items() if how == "failed"), "")

    def passed(self, node: str) -> bool:
        """Whether all of its cases passed, and there are some."""
        return set(self.of(node).values()) == {"passed"}


class TrialError(Exception):
    """The tests could not be run, or did not come to their end."""


@contextmanager
def copied(source: Path | None = None) -> Iterator[Path]:
    """A copy of the tree, or of such a copy with all that is compiled in it."""
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as made:
        root = Path(made)
        root.chmod(0o755)
        if source is None:
            copy_tree(root, _NAMES, "__pycache__", "engines")
        else:
            copy_tree(root, _NAMES, source=source)
        yield root


def run_tests(root: Path, nodes: Sequence[str], jobs: int = 1, limit: float = LIMIT) -> Report:
    """Run tests in the tree under `root`; TrialError if they don't come to an end."""
    own = root / "t"
    own.mkdir(mode=0o755, exist_ok=True)
    report = root / "report.xml"
    report.unlink(missing_ok=True)
    env = os.environ | {"PYTHONPATH": str(root), "TMPDIR": str(own), "HOME": str(own)}
    env |= {"HYPOTHESIS_PROFILE": "quick", "NSINIT_TEST_DEADLINE": "10"}
    pytest = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",  # the test of what is to go on working comes before those that leave things
        f"--junitxml={report}",
    ]
    if jobs > 1:
        pytest += ["-n", str(jobs)]
    command = [*_UNSHARE, "sh", "-euc", _APART, "sh", str(root), *pytest, *nodes]
    try:
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False, timeout=limit,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise TrialError(f"no end after {limit:.0f} s") from None
    if done.returncode not in (0, 1) or not report.exists():
        raise TrialError(f"cannot run the tests: {done.stdout.decode(errors='replace')[-2000:]}")
    return Report(_read(report))


def _read(report: Path) -> dict[str, str]:
    """From the classes and names that JUnit has: "tests.unit.test_x", "test_y[a]"."""
    found: dict[str, str] = {}
    for case in ET.parse(report).iter("testcase"):
        name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"
        kinds = {child.tag for child in case}
        how = "failed" if kinds & {"failure", "error"} else "passed"
        if found.get(name) != "failed":  # a failure and an error of its fixture are two cases
            found[name] = "skipped" if "skipped" in kinds else how
    return found
