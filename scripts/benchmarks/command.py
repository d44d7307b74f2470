"""The command line: which measurements of which peers, in turn, and what came of them."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from . import (
    measure_grace,
    measure_idle,
    measure_life,
    measure_logs,
    measure_orphans,
    measure_restart,
    measure_sandbox,
    measure_single,
)
from .figures import as_table, document
from .launcher import Bubblewrap, Nspawn, Unshare
from .launcher_network import Docker, NsinitNetwork
from .launcher_nsinit import NsinitSandbox
from .launcher_oci import Crun, Runc
from .peer import Peer
from .peer_circus import Circus
from .peer_dinit import Dinit
from .peer_floor import FloorC, FloorEpoll, FloorStaged
from .peer_nsinit import Nsinit
from .peer_runit import Runit
from .peer_s6 import S6
from .peer_supervisord import Supervisord
from .records import BenchError
from .rounds import Effort, Rounds
from .single import Catatonit, DumbInit, NsinitSingle, Python, Tini
from .stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .figures import Row
    from .measure import Measure, Trial
    from .peer import Contender

OURS: Final = Nsinit.name
PEERS: Final[tuple[type[Contender], ...]] = (
    *(Nsinit, FloorC, FloorEpoll, FloorStaged, Dinit, S6, Runit, Supervisord, Circus),
    *(NsinitSingle, Python, Tini, DumbInit, Catatonit),
    *(NsinitSandbox, Unshare, Bubblewrap, Crun, Runc, Nspawn),
    *(NsinitNetwork, Docker),
)
TRIALS: Final[tuple[Trial, ...]] = (
    measure_life.TRIAL,
    measure_restart.TRIAL,
    measure_orphans.TRIAL,
    measure_grace.TRIAL,
    measure_idle.TRIAL,
    *measure_logs.TRIALS,
    measure_single.TRIAL,
    *measure_sandbox.TRIALS,
)
MEASURES: Final[dict[str, Measure]] = {m.name: m for trial in TRIALS for m in trial.measures}
_COUNTS: Final = (1, 100, 1000)
_QUICK_COUNTS: Final = (1, 100)
_EPILOG: Final = """\
examples:
  .venv/bin/python scripts/bench all
  .venv/bin/python scripts/bench all --quick
  .venv/bin/python scripts/bench boot shutdown --services 1,10,100 --rounds 30
  .venv/bin/python scripts/bench restart --peers s6,dinit --json restart.json

Every init is PID 1 of a fresh pid and mount namespace, so root is needed, or user namespaces.
The peers take turns within each round, and ratios are taken round by round: compare those between
machines and days, not milliseconds. Figures: median (least to most). Progress goes to stderr."""


def main() -> int:
    """Measure, and print the table; the exit code."""
    options = _parse(sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        rows, about = _run(options)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        return 128 + int(stop.args[0])
    for family, versions in about["versions"].items():
        print(as_table(rows[family], list(versions), OURS), end="\n\n")
    for peer, get in about["missing"].items():
        print(f"{peer} is missing: {get}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(document(chain.from_iterable(rows.values()), about, OURS), file, indent=1)
            file.write("\n")
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Measures nsinit beside other inits, in turn, on this machine.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "what", nargs="+", choices=[*MEASURES, "all"], metavar="WHAT",
        help=f"{', '.join(MEASURES)}, or all",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="fewer rounds: under two minutes")
    parser.add_argument("--rounds", type=_positive, metavar="R", help="as many rounds of each")
    parser.add_argument(
        "--services", type=_counts, metavar="N,...",
        help=f"how many services (default {_text(_COUNTS)}; with --quick {_text(_QUICK_COUNTS)})",
    )  # fmt: skip
    parser.add_argument(
        "--peers", type=_peers, metavar="PEER,...", help=f"only these and {OURS}: {_known()}"
    )
    parser.add_argument("--json", metavar="FILE", help="write every sample there too")
    return parser.parse_args(argv)


def _text(counts: Iterable[int]) -> str:
    return ",".join(map(str, counts))


def _known() -> str:
    return ", ".join(dict.fromkeys(kind.name for kind in PEERS if kind.name != OURS))


def _peers(text: str) -> frozenset[str]:
    names = frozenset(text.split(","))
    if wrong := names - {kind.name for kind in PEERS}:
        raise argparse.ArgumentTypeError(f"no such peer: {', '.join(sorted(wrong))}")
    return names | {OURS}


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def _counts(text: str) -> tuple[int, ...]:
    return tuple(_positive(part) for part in text.split(","))


def _stop(number: int, _: object) -> None:
    """Unwind, which cleans up; the cleaning itself is not to be interrupted."""
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt(number)


def _run(options: argparse.Namespace) -> tuple[dict[str, list[Row]], dict[str, Any]]:
    """The rows by family, and what they were measured on."""
    trials = _chosen(options.what)
    families = {trial.family for trial in trials}
    peers: list[Contender] = [
        kind() for kind in PEERS
        if kind.family in families and (not options.peers or kind.name in options.peers)
    ]  # fmt: skip
    missing = {peer.name: peer.get for peer in peers if not peer.is_there()}
    if OURS in missing:
        raise BenchError(f"{OURS} is missing: {missing[OURS]}")
    peers = [peer for peer in peers if peer.name not in missing]
    versions: dict[str, dict[str, str]] = {}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory, ExitStack() as stack:
        stage = Stage(directory)
        for peer in peers:
            stack.callback(peer.close)
            versions.setdefault(peer.family, {})[peer.name] = stage.admit(peer)
            if isinstance(peer, Peer):
                stage.warm(peer)
        rows = _rows(stage, trials, peers, options)
    about = {
        "versions": versions,
        "missing": missing,
        "python": platform.python_version(),
        "kernel": platform.release(),
        "processors": os.cpu_count(),
        "quick": options.quick,
        "seconds": round(time.monotonic() - began),
    }
    return rows, about


def _rows(
    stage: Stage, trials: Iterable[Trial], peers: list[Contender], options: argparse.Namespace
) -> dict[str, list[Row]]:
    counts = options.services or (_QUICK_COUNTS if options.quick else _COUNTS)
    names = frozenset(MEASURES if "all" in options.what else options.what)
    effort = Effort(options.quick, options.rounds or 0)
    rows: dict[str, list[Row]] = {}
    for trial in trials:
        able = [peer for peer in peers if peer.family == trial.family]
        made: list[Row] = []
        for count in trial.counts or counts:
            if measures := trial.asked(count, names):
                made += Rounds(stage, trial, count, effort).run(able, measures)
        # Measure by measure: the table tells of each with every number of services.
        made.sort(key=lambda row: trial.measures.index(row.measure))
        rows.setdefault(trial.family, []).extend(made)
    return rows


def _chosen(names: Iterable[str]) -> list[Trial]:
    wanted = set(names)
    return [
        trial for trial in TRIALS
        if "all" in wanted or wanted & {measure.name for measure in trial.measures}
    ]  # fmt: skip
