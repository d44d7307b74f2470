"""Runs the loads of `tests.support.loads` in full, and prints what became of each byte."""

from __future__ import annotations

import pathlib
import tempfile
from typing import TYPE_CHECKING, Final

from tests.support import loads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MIB: Final = 1 << 20


def main(argv: Sequence[str]) -> int:
    """Every load; 1 if one of them went wrong."""
    size = int(argv[0]) * _MIB if argv else 1024 * _MIB
    seconds = float(argv[1]) if len(argv) > 1 else 30.0
    home = argv[2] if len(argv) > 2 else None

    def within(run: Callable[[pathlib.Path], loads.Result]) -> bool:
        with tempfile.TemporaryDirectory(prefix="loadlogs-", dir=home) as directory:
            return _tell(run(pathlib.Path(directory)))

    print(f"{'sink':<18}{'handed, bytes':>16}{'arrived':>16}{'dropped':>16}{'MB/s read':>10}")
    done = [within(lambda d, f=form: loads.through_file(d, size, f)) for form in _FILES]  # type: ignore[misc]  # the default
    done += [within(lambda d, f=form: loads.through_console(d, size, f)) for form in _CONSOLE]  # type: ignore[misc]  # the default
    done += [within(lambda d, k=kind: loads.through_syslog(d, size, k)) for kind in _SYSLOG]  # type: ignore[misc]  # the default
    with tempfile.TemporaryDirectory(prefix="loadlogs-", dir=home) as directory:
        found = loads.blocked(pathlib.Path(directory), seconds, lambda _: None)
    done.append(_tell(found.result))
    print(f"  control answered within {found.slowest * 1000:.0f} ms, {found.restarts} restarts")
    with tempfile.TemporaryDirectory(prefix="loadlogs-", dir=home) as directory:
        written, whole = loads.chatty(pathlib.Path(directory), seconds)
    print(f"two chatty services, {seconds:g} s: {whole} of {written} lines are whole")
    return 0 if all(done) and written == whole else 1


_FILES: Final = ("raw", "time", "json")
_CONSOLE: Final = ("text", "time", "json")
_SYSLOG: Final = ("dgram", "tcp")


def _tell(one: loads.Result) -> bool:
    rate = one.read / one.seconds / 1e6
    mark = "" if one.is_right else f"  WRONG {one.odd[:200]!r}"
    numbers = f"{one.handed:>16}{one.arrived:>16}{one.dropped:>16}{rate:>10.0f}"
    print(f"{one.name:<18}{numbers}{mark}", flush=True)
    return one.is_right
