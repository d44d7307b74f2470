"""A scan directory run by s6's own programs and, converted, by nsinit: the same can be seen."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from nsinit.convert.kinds import Wishes, convert
from nsinit.convert.write import write
from tests.support.live import DEADLINE, Live, descendants, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("machine")

SCAN: Final = {
    # Dies at once, again and again: a second between its starts.
    "flap/run": '#!/bin/sh\necho "start" >> "$OUT/flap"\nexit 3\n',
    "flap/finish": '#!/bin/sh\necho "finish $1" >> "$OUT/flap"\n',
    # Is done, and says so by the code of its finish script.
    "done/run": '#!/bin/sh\necho "start" >> "$OUT/done"\n',
    "done/finish": '#!/bin/sh\necho "finish $1" >> "$OUT/done"\nexit 125\n',
    # Is asked to end, and by which signal.
    "asked/run": (
        "#!/bin/sh\ntrap 'echo USR1 >> \"$OUT/asked\"; exit 0' USR1\n"
        'echo start in ${PWD##*/} >> "$OUT/asked"\nwhile :; do sleep 0.1; done\n'
    ),
    "asked/down-signal": "SIGUSR1\n",
    "asked/finish": '#!/bin/sh\necho "finish $1" >> "$OUT/asked"\n',
    # Is killed by a signal.
    "killed/run": '#!/bin/sh\necho "start" >> "$OUT/killed"\nkill -9 $$\n',
    "killed/finish": '#!/bin/sh\necho "finish $1 $2" >> "$OUT/killed"\nexit 125\n',
    # Is not started.
    "off/run": '#!/bin/sh\necho "start" >> "$OUT/off"\n',
    "off/down": "",
    # A chain of execline: nsinit does without it.
    "chain/run": (
        "#!/usr/bin/execlineb -P\nfdmove -c 2 1\nexport WORD said\numask 027\ncd /\n"
        "s6-setuidgid nobody\n"
        'sh -c "echo $WORD by $(id -un) in $PWD with $(umask) >> $OUT/chain; exec sleep 1000"\n'
    ),
}  # fmt: skip


def make(home: Path) -> tuple[Path, Path]:
    """A scan directory, and a directory that everybody may write into."""
    out = home / "out"
    out.mkdir()
    out.chmod(0o777)
    for name, text in SCAN.items():
        path = home / "scan" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return home / "scan", out


def has_seen_enough(out: Path) -> bool:
    """Whether every service has done what it does."""
    lines = {path.name: path.read_text().splitlines() for path in out.iterdir()}
    return (
        len(lines.get("flap", [])) >= 6
        and {"done", "asked", "killed", "chain"} <= set(lines)
        and len(lines["killed"]) == len(lines["done"]) == 2
    )


def seen(out: Path) -> dict[str, list[str]]:
    """What the services have written; of what goes on and on the beginning."""
    return {path.name: path.read_text().splitlines()[:6] for path in sorted(out.iterdir())}


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that every user may enter, which those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="nsinit-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_services_do_the_same_when_nsinit_runs_what_s6_ran(home: Path) -> None:
    """Restarts and their pace, finish scripts, signals, users, directories."""
    places = {}
    for name in ("s6", "nsinit"):
        (home / name).mkdir()
        places[name] = make(home / name)
    scan, out = places["s6"]
    real = subprocess.Popen(
        ["s6-svscan", str(scan)],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "OUT": str(out)},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    ours_scan, ours_out = places["nsinit"]
    live = Live(
        home, write(convert([str(ours_scan)], Wishes({}))), "subreaper", OUT=str(ours_out)
    )  # fmt: skip
    try:
        live.start()
        for place in (out, ours_out):
            eventually(partial(has_seen_enough, place), f"what is in {place}")
        status = live.status()
        assert {name: one["state"] for name, one in status.items() if name != "flap"} == {
            "asked": "running", "chain": "running", "done": "exited", "killed": "failed",
            "off": "stopped",
        }  # fmt: skip
        real.send_signal(signal.SIGTERM)
        live.signal(signal.SIGTERM)
        assert real.wait(DEADLINE) == 0
        assert live.wait() == 0
    finally:
        live.close()
        for pid in [real.pid, *descendants(real.pid)] if real.poll() is None else ():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        real.wait()
    assert seen(ours_out) == seen(out)
    assert seen(out)["asked"] == ["start in asked", "USR1", "finish 0"]
