"""Lives the life of `tests.support.growth` as long as it is told to, and tells what has grown."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.benchmarks.records import BenchError, Records
from scripts.benchmarks.stage import Stage
from scripts.benchmarks.threads import used
from tests.support.growth import Held, Life, at_rest, configuration
from tests.support.live import children, live

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.support.live import Live, Way

_MOST: Final = Held(fds=0, memory=1024, maps=16, zombies=0, files=0)  # that may be added
_KINDS: Final = {
    "restarts": 20_000,
    "orphans": 100_000,
    "requests": 10_000,
    "updates": 1_000,
    "reexecs": 50,
}
# What comes before that: until the rings, the last events and the flight recorder are full, and
# whatever is loaded on demand is loaded.
_WARM_UP: Final = {
    "restarts": 5_000,
    "orphans": 10_000,
    "requests": 500,
    "updates": 2_500,
    "reexecs": 100,
}
_AT_ONCE: Final = 10_000  # orphans for each order
_WAIT: Final = 600.0  # s for so many
_SAY_EVERY: Final = 2.0  # s
_ORPHANS: Final = """\
[services.orphans]
command = ["{program}", "{records}", "orphans", "{count}"]
"""


def main(argv: Sequence[str]) -> int:
    """Live; 1 if something has grown, or can't be tried."""
    wanted = _parse(argv)
    way: Way = "pid1" if os.geteuid() == 0 else "subreaper"
    try:
        with tempfile.TemporaryDirectory(prefix="longlife-") as directory:
            return _live(Path(directory), way, wanted)
    except BenchError as error:
        print(f"longlife: {error}", file=sys.stderr)
        return 1


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="longlife",
        description="Lives long in a short time. 0 leaves a kind out.",
        epilog="Memory is what is in no file (PSS); each kind is warmed up before it counts.",
    )
    for kind, count in _KINDS.items():
        parser.add_argument(f"--{kind}", type=int, default=count, metavar="N",
                            help=f"default {count}")  # fmt: skip
    told = "at what it holds; each is told where there are more than one"
    parser.add_argument("--looks", type=int, default=1, metavar="N", help=told)
    return parser.parse_args(argv)


def _live(directory: Path, way: Way, wanted: argparse.Namespace) -> int:
    programs = directory / "programs"
    programs.mkdir()
    Stage(str(programs))
    records = Records(f"{directory}/records")
    more = _ORPHANS.format(program=f"{programs}/orphans", records=records.path, count=_AT_ONCE)
    home = directory / "init"
    home.mkdir()
    with live(home, configuration(more=more), way) as init:
        init.wait_for("orphans", "running")
        life = Life(init, _progress)
        do: dict[str, Callable[[int], None]] = {
            kind: getattr(life, kind) for kind in _KINDS if kind != "orphans"
        }
        do["orphans"] = lambda count: _orphans(init, records, count)
        print(f"{'':<9}{'times':>9}{'per s':>8}{'CPU, us':>9}"
              f"{'KiB':>15}{'fds':>10}{'maps':>10}{'zombies':>9}{'files':>7}")  # fmt: skip
        counts = {kind: getattr(wanted, kind) for kind in _KINDS}
        right = [
            _try(init, kind, do[kind], count, wanted.looks)
            for kind, count in counts.items()
            if count
        ]
        said = init.err.read_text(errors="replace")
        if said:
            print(f"init said: {said[-2000:]}")
        return 0 if all(right) and not said else 1


def _try(init: Live, kind: str, do: Callable[[int], None], count: int, looks: int) -> bool:
    """First some of it to warm up; whether nothing has grown by the rest."""
    do(_WARM_UP[kind])
    before, cpu, began = at_rest(init), used([init.pid]).cpu, time.monotonic()
    for look in range(looks):
        done = count * (look + 1) // looks
        do(done - count * look // looks)
        if looks > 1:
            print(f"{kind:<9}{done:>9}  {at_rest(init)}", flush=True)
    took, spent = time.monotonic() - began, used([init.pid]).cpu - cpu
    after = at_rest(init)
    grown = Held(*(now - then for now, then in zip(after, before, strict=True)))
    right = all(one <= most for one, most in zip(grown, _MOST, strict=True)) and not after.zombies
    sys.stderr.write("\r\033[K" if sys.stderr.isatty() else "")
    shown = f"{before.memory} {grown.memory:+}"
    print(f"{kind:<9}{count:>9}{count / took:>8.0f}{spent / count * 1e6:>9.0f}{shown:>15}"
          f"{f'{before.fds} {grown.fds:+}':>10}{f'{before.maps} {grown.maps:+}':>10}"
          f"{after.zombies:>9}{f'{before.files} {grown.files:+}':>7}"
          f"{'' if right else '  GROWS'}", flush=True)  # fmt: skip
    return right


def _orphans(init: Live, records: Records, count: int) -> None:
    """Processes whose parent is gone end, so fast as one program can make them."""
    maker = init.outer_pid(init.status()["orphans"]["pid"])
    for number in range(0, count, _AT_ONCE):
        made = len(records.of("O"))
        os.kill(maker, signal.SIGUSR1)
        records.wait("O", made + 1, _WAIT)
        _progress(number, count)
    until = time.monotonic() + 10
    while len(children(init.pid)) > len(init.status()) and time.monotonic() < until:
        time.sleep(0.01)


_said_at = time.monotonic()


def _progress(done: int, count: int) -> None:
    global _said_at  # noqa: PLW0603  (when the last line was)
    if time.monotonic() - _said_at > _SAY_EVERY:
        _said_at = time.monotonic()
        end = "" if sys.stderr.isatty() else "\n"
        sys.stderr.write(f"\r\033[K{done} of {count}{end}")
        sys.stderr.flush()
