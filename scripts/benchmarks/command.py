"""The command line: which measurements of which peers, in turn, and what came of them."""

from __future__ import annotations

import argparse
import os
import platform
import resource
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from . import plot, readme, report
from .catalogue import MEASURES, OURS, PEERS, TRIALS
from .peer import Peer
from .records import BenchError
from .result import Result
from .rounds import Effort, Rounds
from .stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .figures import Row
    from .measure import Trial
    from .peer import Contender

_COUNTS: Final = (1, 100, 1000)
_QUICK_COUNTS: Final = (1, 100)
_EPILOG: Final = """\
examples:
  .venv/bin/python scripts/bench all
  .venv/bin/python scripts/bench all --quick
  .venv/bin/python scripts/bench all --json docs/performance.json \\
      && .venv/bin/python scripts/bench --readme
  .venv/bin/python scripts/bench boot shutdown --services 1,10,100 --rounds 30
  .venv/bin/python scripts/bench restart --peers s6,dinit --json restart.json

Every init is PID 1 of a fresh pid and mount namespace, so root is needed, or user namespaces.
The peers take turns within each round, and ratios are taken round by round: compare those between
machines and days, not milliseconds. Progress goes to stderr."""


def main() -> int:
    """Measure, and print the table; the exit code."""
    options = _parse(sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    if options.readme:
        return readme.write()
    try:
        rows, about = _run(options)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        return 128 + int(stop.args[0])
    result = Result(about, rows)
    print(report.text(result))
    if options.json:
        result.save(options.json)
    if options.plot:
        print("\n".join(plot.write(result, options.plot)))
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
        "what", nargs="*", type=_name, metavar="WHAT", help=f"{', '.join(MEASURES)}, or all"
    )
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
    parser.add_argument("--plot", metavar="DIR", help="draw pictures (SVG) there")
    parser.add_argument(
        "--readme", action="store_true",
        help=f"measure nothing: write the tables of {readme.SOURCE} into the pages that have them",
    )  # fmt: skip
    options = parser.parse_args(argv)
    if bool(options.what) == options.readme:
        parser.error("say what to measure, or --readme")
    return options


def _name(text: str) -> str:
    if text not in {*MEASURES, "all"}:
        raise argparse.ArgumentTypeError(f"there is no measure {text!r}: see --help")
    return text


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


def _run(options: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    """The rows, and what they were measured on."""
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
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "command": _again(options),
        "versions": versions,
        "missing": missing,
        "python": platform.python_version(),
        "kernel": platform.release(),
        "processors": os.cpu_count(),
        "quick": options.quick,
        "seconds": round(time.monotonic() - began),
    }
    return rows, about


def _again(options: argparse.Namespace) -> str:
    """The command that measures the same, wherever it puts what it finds."""
    words = ["scripts/bench", *options.what, *(["--quick"] if options.quick else [])]
    if options.rounds:
        words += ["--rounds", str(options.rounds)]
    if options.services:
        words += ["--services", _text(options.services)]
    if options.peers:
        words += ["--peers", ",".join(sorted(options.peers - {OURS}))]
    return " ".join(words)


def _rows(
    stage: Stage, trials: Iterable[Trial], peers: list[Contender], options: argparse.Namespace
) -> list[Row]:
    counts = options.services or (_QUICK_COUNTS if options.quick else _COUNTS)
    names = frozenset(MEASURES if "all" in options.what else options.what)
    effort = Effort(options.quick, options.rounds or 0)
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = sys.maxsize if files == resource.RLIM_INFINITY else files
    rows: list[Row] = []
    for trial in trials:
        able = [
            p for p in peers if p.family == trial.family and (trial.starts or not p.only_starts)
        ]
        made: list[Row] = []
        own = trial.quick_counts if options.quick and trial.quick_counts else trial.counts
        for count in own or counts:
            if count * trial.files_each > files:
                what = f"{count} {trial.measures[0].things}"
                print(f"bench: left out: {what}, ulimit -Hn is {files}", file=sys.stderr)
                continue
            if measures := trial.asked(count, names):
                made += Rounds(stage, trial, count, effort).run(able, measures)
        # Measure by measure: the table tells of each with every number of services.
        made.sort(key=lambda row: trial.measures.index(row.measure))
        rows += made
    return rows


def _chosen(names: Iterable[str]) -> list[Trial]:
    wanted = set(names)
    return [
        trial for trial in TRIALS
        if "all" in wanted or wanted & {measure.name for measure in trial.measures}
    ]  # fmt: skip
