"""A log file on a real file system: whatever is written is in exactly one place."""

from __future__ import annotations

import errno
import os
import pathlib
import tempfile

from hypothesis import given
from hypothesis import strategies as st

from nsinit.kernel import seam
from nsinit.model.logs import FileRules
from nsinit.runtime.forms import raw
from nsinit.runtime.lines import LineCutter
from nsinit.runtime.logfile import LogFile
from nsinit.runtime.logfiles import Tap
from nsinit.runtime.rotation import find_slots
from tests.support import strategies as some

TMPFS = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
YEAR = 365.0 * 86_400
LINES = st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b" ")), max_size=60)


def _rules(path: str, max_size: int, line_limit: int, keep: int = 1000) -> FileRules:
    return FileRules(path, max_size=max_size, keep=keep, line_limit=line_limit)


def _parts(path: str) -> list[bytes]:
    """The contents of all files, the oldest first."""
    directory, name = os.path.split(path)
    slots = find_slots(os.listdir(directory), name)
    paths = [slot.path(path) for slot in reversed(slots)]
    return [pathlib.Path(p).read_bytes() for p in [*paths, path]]


@given(st.data(), LINES, st.integers(20, 200), st.integers(1, 60), st.booleans())
def test_no_byte_is_lost_or_doubled_when_files_rotate(
    data: st.DataObject, lines: list[bytes], max_size: int, limit: int, ended: bool
) -> None:
    """All files together are the stream; none is too large; lines within the limit are whole."""
    text = b"\n".join(lines) + (b"\n" if ended else b"")
    with tempfile.TemporaryDirectory(dir=TMPFS) as directory:
        path = f"{directory}/x"
        told: list[str] = []
        file = LogFile(_rules(path, max_size, limit), "a", lambda *words: told.append(str(words)))
        tap = Tap(file, shared=False)
        for piece in data.draw(some.cuts(text)):
            tap.write(piece)
            if data.draw(st.booleans()):
                file.reopen()
        tap.end()
        file.close()
        parts = _parts(path) if text else []
    assert told == []
    assert file.dropped == 0
    whole = b"".join(parts)
    assert whole == text
    assert all(len(part) <= max_size for part in parts)
    assert all(part for part in parts[:-1])


@given(st.data(), LINES, st.integers(20, 200), st.integers(1, 60))
def test_lines_are_whole_when_files_rotate(
    data: st.DataObject, lines: list[bytes], max_size: int, limit: int
) -> None:
    """What is no longer than the limit is in one file, however it was read."""
    text = b"".join(line + b"\n" for line in lines)
    with tempfile.TemporaryDirectory(dir=TMPFS) as directory:
        path = f"{directory}/x"
        file = LogFile(_rules(path, max_size, limit), "a", lambda *_: None)
        for piece in data.draw(some.cuts(text)):
            file.write(piece, "who")
        file.close()
        parts = _parts(path) if text else []
    assert b"".join(parts) == text
    fits = min(limit, max_size // 2)
    at, inner = 0, set()
    for part in parts[:-1]:
        at += len(part)
        inner.add(at)
    start = 0
    for line in lines:
        end = start + len(line) + 1
        assert len(line) + 1 > fits or not any(start < cut < end for cut in inner)
        start = end


@given(st.data(), LINES, LINES, st.integers(40, 200))
def test_two_streams_keep_their_lines_when_they_share_a_file(
    data: st.DataObject, out: list[bytes], err: list[bytes], max_size: int
) -> None:
    """Each stream's lines come whole and in their order, whoever writes in between."""
    sides = {
        b"o": [b"o" + line + b"\n" for line in out],
        b"e": [b"e" + line + b"\n" for line in err],
    }
    pieces = {side: data.draw(some.cuts(b"".join(lines))) for side, lines in sides.items()}
    with tempfile.TemporaryDirectory(dir=TMPFS) as directory:
        path = f"{directory}/x"
        file = LogFile(_rules(path, max_size, 40), "a", lambda *_: None)
        ways = {side: (Tap(file, shared=True), LineCutter(40)) for side in sides}
        while any(pieces.values()):
            side = data.draw(st.sampled_from([s for s in sides if pieces[s]]))
            tap, cutter = ways[side]
            for block in cutter.feed(pieces[side].pop(0)):
                tap.write(raw(block, 0.0, False))
        for tap, _ in ways.values():
            tap.end()
        file.close()
        written = b"".join(_parts(path)) if out or err else b""
    for side, lines in sides.items():
        assert [li + b"\n" for li in written.split(b"\n") if li[:1] == side] == lines


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=40), st.booleans()), max_size=30))
def test_every_byte_is_counted_when_writes_fail(written: list[tuple[bytes, bool]]) -> None:
    """What is not in the file is in the number of dropped bytes."""
    fails = False

    def fault(name: str) -> None:
        if fails and name == "write":
            raise OSError(errno.ENOSPC, "full")

    with tempfile.TemporaryDirectory(dir=TMPFS) as directory:
        path = f"{directory}/x"
        file = LogFile(_rules(path, 0, 40), "a", lambda *_: None)
        seam.inject(fault)
        try:
            for data, fails in written:  # noqa: B007  (the fault looks at it)
                file._retry_at = 0.0
                file.write(data, "who")
        finally:
            seam.inject(None)
        file.close()
        kept = pathlib.Path(path).read_bytes() if written else b""
    confessions = [li for li in kept.split(b"\n") if li.endswith(b"they could not be written")]
    assert all(li.startswith(b"nsinit | ") for li in confessions)
    came = len(kept) - sum(len(li) + 1 for li in confessions)
    ended = came + file.dropped - sum(len(data) for data, _ in written)
    assert 0 <= ended <= len(confessions)  # newlines after lines that were torn


@given(
    st.data(),
    LINES,
    st.lists(st.floats(-90_000, 90_000) | st.sampled_from([-YEAR, YEAR]), max_size=12),
    st.sampled_from(["hourly", "daily", "60s"]),
)
def test_no_byte_is_lost_when_the_clock_goes_anywhere(
    data: st.DataObject, lines: list[bytes], steps: list[float], rule: str
) -> None:
    """All files together are the stream, a step of the clock ends one file at most, at a line."""
    text = b"".join(line + b"\n" for line in lines)
    clock = 1_767_225_600.0
    with tempfile.TemporaryDirectory(dir=TMPFS) as directory:
        path = f"{directory}/x"
        rules = FileRules(path, max_size=0, keep=1000, rotate=rule)
        file = LogFile(rules, "a", lambda *_: None)
        try:
            for piece in data.draw(some.cuts(text)):
                if data.draw(st.booleans()) and steps:
                    clock += steps.pop()
                seam.set_clock(seam.Clock(str(clock)))
                file.write(piece, "who")
        finally:
            seam.set_clock(None)
        file.close()
        parts = _parts(path) if text else []
    assert b"".join(parts) == text
    assert file.dropped == 0
    assert len(parts) <= 14
    assert all(part.endswith(b"\n") for part in parts[:-1])
