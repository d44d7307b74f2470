"""Runs a flight record (docs/flight-recorder.md) again on the core, without a process or a clock.

Says whether the core does what it did, shows what it was told and what it did, or makes a test.
"""

from __future__ import annotations

import argparse
import base64
import sys
import textwrap
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nsinit import __version__
from nsinit.core import messages as m
from nsinit.core.replay import BadRecordError, Record, Step, read, replay

if TYPE_CHECKING:
    from collections.abc import Sequence

_TEST: Final = '''\
"""Made of a flight record by scripts/replay --test."""

from __future__ import annotations

import base64
import zlib

from nsinit.core.replay import read, replay

RECORD = """
{record}
"""


def test_core_does_the_same_when_it_is_told_the_same() -> None:
    """What each of {count} events was followed by; say here what should be otherwise."""
    record = read(zlib.decompress(base64.b85decode(RECORD.replace("\\n", ""))).splitlines())
    assert record.whole
    steps = list(replay(record))
    assert len(steps) == {count}
    for step in steps:
        assert not step.wrong, step
'''


def main(arguments: Sequence[str]) -> int:
    """0: the same came of it; 1: something else; 2: that is no record."""
    parser = argparse.ArgumentParser(prog="scripts/replay", description=__doc__)
    parser.add_argument("file", help="what `nsinit ctl record --out FILE` has written")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--trace", nargs="?", const="", metavar="NAME", help="show all, or what is about a service"
    )
    how.add_argument("--test", action="store_true", help="print a test made of the record")
    given = parser.parse_args(arguments)
    try:
        data = Path(given.file).read_bytes()
        record = read(data.splitlines())
    except OSError as error:
        print(f"replay: cannot read {given.file}: {error.strerror}", file=sys.stderr)
        return 2
    except BadRecordError as error:
        print(f"replay: {given.file}: {error}", file=sys.stderr)
        return 2
    if given.test:
        print(as_test(record, data), end="")
        return 0
    return show(record, given.trace)


def show(record: Record, name: str | None) -> int:
    """Tell everything again; with a name show what is about that service, with "" all of it."""
    wrong: list[Step] = []
    count, first, part = 0, None, -1
    for step in replay(record):
        first = step.told.at if first is None else first
        if name is not None and step.part != part:
            part = step.part
            print(f"-- nsinit {record.parts[part].version}")
        if name is not None:
            for line in trace(step, name, first):
                print(line)
        count += 1
        if step.wrong:
            wrong.append(step)
    for step in wrong[:10]:
        print(f"event {step.number} ({words(step.told.event)}): {step.wrong}")
    foreign = {part.version for part in record.parts} - {__version__}
    if foreign and wrong:
        print(f"it was recorded by nsinit {', '.join(sorted(foreign))}, and this is {__version__}")
    if not record.whole:
        print("the record is cut short: its last line is missing")
    print(f"{count} events, {len(wrong)} of them with another outcome")
    return 1 if wrong else 0


def trace(step: Step, name: str, first: float) -> list[str]:
    """An event and its actions, if they are about that service or about init."""
    actions = [action for action in step.actions if _about(action, name)]
    if not actions and not _about(step.told.event, name):
        return []
    lines = [f"{step.told.at - first:10.3f}  {words(step.told.event)}"]
    lines += [f"{'':14}{words(action)}" for action in actions]
    return lines + ([f"{'':14}!! {step.wrong}"] if step.wrong else [])


def _about(message: m.Message, name: str) -> bool:
    names = getattr(message, "names", None)
    if not name or isinstance(message, m.Boot | m.Shutdown | m.Update | m.Finish):
        return True
    return name in names if names is not None else getattr(message, "service", "") == name


def words(message: m.Message) -> str:
    """Its name, whom it is about, and what it says beyond the defaults."""
    fields = {key: getattr(message, key) for key in message.__struct_fields__ if key != "service"}
    defaults = dict(
        zip(message.__struct_fields__[::-1], message.__struct_defaults__[::-1], strict=False)
    )
    if isinstance(message, m.Update):
        fields["plan"] = f"of {len(message.plan.services)} services"
    said = [f"{k}={v}" for k, v in fields.items() if k not in defaults or v != defaults[k]]
    return " ".join([type(message).__name__, getattr(message, "service", "") or "", *said]).strip()


def as_test(record: Record, data: bytes) -> str:
    """A test that holds the record."""
    packed = base64.b85encode(zlib.compress(data, 9)).decode()
    lines = textwrap.wrap(packed, 96, break_long_words=True, break_on_hyphens=False)
    count = sum(len(part.told) for part in record.parts)
    return _TEST.format(record="\n".join(lines), count=count)
