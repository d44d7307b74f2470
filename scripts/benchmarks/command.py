"""The command line: which measurements of which peers, in turn, and what came of them."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from . import (
    measure_boot,
    measure_command,
    measure_grace,
    measure_idle,
    measure_logs,
    measure_memory,
    measure_orphans,
    measure_restart,
    measure_sandbox,
    measure_shutdown,
    measure_single,
    measure_status,
)
from .figures import Row, as_table, document
from .launcher import Bubblewrap, Nspawn, Unshare
from .launcher_network import Docker, NsinitNetwork
from .launcher_nsinit import NsinitSandbox
from .launcher_oci import Crun, Runc
from .peer import Peer
from .peer_circus import Circus
from .peer_dinit import Dinit
from .peer_nsinit import Nsinit
from .peer_runit import Runit
from .peer_s6 import S6
from .peer_supervisord import Supervisord
from .records import BenchError
from .single import Catatonit, DumbInit, NsinitSingle, Python, Tini
from .stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .measure import Measure
    from .peer import Contender

OURS: Final = Nsinit.name
PEERS: Final[tuple[type[Contender], ...]] = (
    *(Nsinit, Dinit, S6, Runit, Supervisord, Circus),
    *(NsinitSingle, Python, Tini, DumbInit, Catatonit),
    *(NsinitSandbox, Unshare, Bubblewrap, Crun, Runc, Nspawn),
    *(NsinitNetwork, Docker),
)
MEASURES: Final[dict[str, Measure]] = {
    measure.name: measure
    for measure in (
        measure_boot.MEASURE,
        measure_restart.MEASURE,
        measure_orphans.CLEAN,
        measure_orphans.MOST,
        measure_orphans.COST,
        measure_shutdown.MEASURE,
        measure_grace.MEASURE,
        measure_memory.MEASURE,
        measure_idle.SWITCHES,
        measure_idle.CPU,
        measure_status.MEASURE,
        measure_command.MEASURE,
        measure_logs.ONE,
        measure_logs.CPU,
        measure_logs.MANY,
        measure_single.MEASURE,
        measure_sandbox.MEASURE,
        measure_sandbox.NETWORK,
    )
}
_COUNTS: Final = (1, 100)
_EPILOG: Final = """\
examples:
  .venv/bin/python scripts/bench all
  .venv/bin/python scripts/bench all --quick
  .venv/bin/python scripts/bench boot shutdown --services 1,10,100 --rounds 30
  .venv/bin/python scripts/bench restart --json restart.json

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
        found = [row for row in rows if row.measure.family == family]
        print(as_table(found, list(versions), OURS), end="\n\n")
    for peer, get in about["missing"].items():
        print(f"{peer} is missing: {get}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(document(rows, about, OURS), file, indent=1)
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
        "--services", type=_counts, default=_COUNTS, metavar="N,...",
        help=f"how many services (default {','.join(map(str, _COUNTS))})",
    )  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write every sample there too")
    return parser.parse_args(argv)


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


def _run(options: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    measures = _chosen(options.what)
    families = {measure.family for measure in measures}
    peers: list[Contender] = [kind() for kind in PEERS if kind.family in families]
    missing = {peer.name: peer.get for peer in peers if not peer.is_there()}
    if OURS in missing:
        raise BenchError(f"{OURS} is missing: {missing[OURS]}")
    peers = [peer for peer in peers if peer.name not in missing]
    versions: dict[str, dict[str, str]] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as directory, ExitStack() as stack:
        stage = Stage(directory)
        for peer in peers:
            stack.callback(peer.close)
            versions.setdefault(peer.family, {})[peer.name] = stage.admit(peer)
            if isinstance(peer, Peer):
                stage.warm(peer)
        rows = [
            _measure(stage, [p for p in peers if _can(p, measure)], measure, count, options)
            for measure in measures
            for count in ([1] if measure.alone else options.services)
        ]  # fmt: skip
    about = {
        "versions": versions,
        "missing": missing,
        "python": platform.python_version(),
        "kernel": platform.release(),
        "processors": os.cpu_count(),
        "quick": options.quick,
    }
    return rows, about


def _chosen(names: Iterable[str]) -> list[Measure]:
    return [measure for name, measure in MEASURES.items() if {name, "all"} & set(names)]


def _can(peer: Contender, measure: Measure) -> bool:
    return (
        peer.family == measure.family and getattr(peer, measure.needs or "name", False) is not False
    )


def _measure(
    stage: Stage, peers: list[Contender], measure: Measure, count: int, options: argparse.Namespace
) -> Row:
    """The rounds of one row; who comes first changes, since the second finds warmer caches."""
    row = Row(measure, count)
    rounds = options.rounds or (measure.quick_rounds if options.quick else measure.rounds)
    for number in range(rounds):
        _tell(f"{measure.name}, {count} services: round {number + 1} of {rounds}")
        for peer in peers if number % 2 == 0 else reversed(peers):
            row.add(peer.name, measure.sample(stage, peer, count))
    _tell("")
    return row


def _tell(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr)
