"""What services write: streams that are cut into lines, joined, marked, kept, written and sent."""

from __future__ import annotations

import base64
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nsinit.control.shapes import log_rows
from nsinit.model.logs import FileRules
from nsinit.model.shaping import ShapeRules
from nsinit.model.syslog import SyslogRules
from nsinit.runtime import rfc5424
from nsinit.runtime.datagrams import read_journal, read_syslog
from nsinit.runtime.jsonlines import json_lines
from nsinit.runtime.lines import Block, LineCutter, with_prefix
from nsinit.runtime.logfile import LogFile
from nsinit.runtime.ring import Rings, last_of, lines
from nsinit.runtime.shaping import Shaper
from nsinit.runtime.tagged import read_kept, shown
from nsinit.runtime.tally import Tally
from scripts.fuzzing.choices import Choices
from scripts.fuzzing.target import Target, words_of

if TYPE_CHECKING:
    from nsinit.runtime.tagged import Tagged

_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f]").search
_FILES: Final = 6  # that are full; each is renamed for each that is begun
_PIECES: Final = 40  # of as many bytes as a line may have
_AT: Final = 1_700_000_000.0
_WORDS: Final = (b"\n", b"\n\n", b"\r\n", b"x" * 70, b" ", b"\t", b"Traceback:\n  at", b"\n  at")


def _cut(choices: Choices, data: bytes) -> tuple[bytes, list[Block]]:
    """What a service wrote, and the blocks of it: more pieces of a line show nothing new."""
    limit = choices.pick((1, 3, 8, 64, 1024))
    data = data[: limit * _PIECES]
    cutter = LineCutter(limit)
    blocks = [block for piece in choices.cut(data) for block in cutter.feed(piece)]
    return data, [*blocks, *cutter.flush()]


def _whole(blocks: list[Block]) -> bytes:
    """What the service wrote, without the newlines that are ours."""
    return b"".join(b.data[:-1] if b.goes_on or b.unended else b.data for b in blocks)


def _cutter(data: bytes) -> None:
    """No byte is lost or changed; every block ends in a newline, and no line is over the limit."""
    head, body = data[:12], data[12:]
    choices = Choices(head)
    body, blocks = _cut(choices, body)
    assert _whole(blocks) == body
    went_on = False
    for block in blocks:
        assert block.data.endswith(b"\n")
        assert block.continues is went_on
        went_on = block.goes_on
        marked = with_prefix(block, b"<web> ", b"<web>+ ")
        assert marked.count(b"<web>") >= block.data.count(b"\n")
        assert marked.replace(b"<web>+ ", b"").replace(b"<web> ", b"").endswith(b"\n")


def _json(data: bytes) -> None:
    """Every line is an object that has all of what was written."""
    choices = Choices(data[:12])
    _, blocks = _cut(choices, data[12:])
    render = json_lines(choices.pick(("web", "web@2", "a@x")), 1, "stdout")
    for block in blocks:
        rows = [json.loads(row) for row in render(block, _AT, False).splitlines()]
        texts = [
            base64.b64decode(row["base64"]) if "base64" in row else row["message"].encode()
            for row in rows
        ]
        assert b"\n".join(texts) + b"\n" == block.data
        joined = json.loads(render(block._replace(goes_on=False, continues=False), _AT, True))
        assert "message" in joined


def _shaping(data: bytes) -> None:
    """What comes out was written; what does not is counted to the byte."""
    choices = Choices(data[:24])
    rules = ShapeRules(
        first=choices.pick(("", "^[^ ]", "^\\d", "a|b")),
        include=choices.pick(((), ("a",), ("^x", "[0-9]+$"))),
        exclude=choices.pick(((), ("b$",), ("^\\s*$",))),
        limit=choices.pick((8, 64, 1024)),
        lines=choices.pick((0.0, 0.0, 1.0, 3.0)),
        bytes=choices.pick((0.0, 0.0, 10.0)),
        burst=choices.pick((1.0, 5.0)),
    )  # fmt: skip
    filtered, limited = (Tally("a", ("stdout", sink)) for sink in ("filter", "rate_limit"))
    shaper = Shaper(rules, filtered, limited, lambda search, _: search(), 0.0)
    limit = choices.pick((3, 8, 64))
    cutter = LineCutter(limit)
    now, made = 0.0, []
    body = data[24 : 24 + limit * _PIECES]
    for piece in choices.cut(body):
        now += choices.number(20) / 8
        made += shaper.feed(cutter.feed(piece), now)
        made += shaper.tick(now)
    made += shaper.feed(cutter.flush(), now)
    made += shaper.flush(now)
    kept = [piece.block for piece in made if type(piece).__name__ != "Note"]
    size = sum(len(block.data) - block.goes_on for block in kept)
    missing = 1 if body and not body.endswith(b"\n") else 0
    assert size + filtered.dropped + limited.dropped == len(body) + missing, (size, len(body))


def _ring(data: bytes) -> None:
    choices = Choices(data[:12])
    rings = Rings(choices.pick((64, 1024, 65536)))
    rings.limit("a", choices.pick((16, 256, 4096)))
    for block in _cut(choices, data[12:])[1]:
        rings.add(_AT, "a", 1, "stdout", block)
    for record in rings.last("a", 3):
        for text, _, _ in lines(record):
            assert b"\n" not in text
        last_of(record, 1)
        for row in log_rows(record).splitlines():
            assert json.loads(row)["service"] == "a"
    rings.last_words("a", 1, 5, 100)
    other = Rings()
    limits, number = rings.export()
    other.adopt(limits, number, rings.rows())
    assert [r.block for r in other.records()] == [r.block for r in rings.records()]


def _log_file(data: bytes) -> None:
    """What was written is in the files, in order, or counted as dropped."""
    choices = Choices(data[:12])
    where = Path(tempfile.mkdtemp(prefix="fuzz-log-"))
    try:
        rules = FileRules(
            path=str(where / "log"), max_size=choices.pick((0, 64, 512)), keep=100, compress=False
        )
        file = LogFile(rules, "a", lambda _, __: None)
        body = data[12 : 12 + (rules.max_size or 64) * _FILES]
        for piece in choices.cut(body):
            file.write(memoryview(piece), "stdout")
        file.close()
        names = sorted(where.iterdir(), key=lambda path: path.name)
        old = sorted(names[1:], key=lambda path: -int(path.name.rpartition(".")[2]))
        said = b"".join(path.read_bytes() for path in [*old, *names[:1]])
        assert len(said) + file.dropped == len(body), (said, body)
        assert file.dropped or said == body
    finally:
        shutil.rmtree(where)


def _syslog(data: bytes) -> None:
    _kept([] if (one := read_syslog(data, b"host")) is None else [one])


def _journal(data: bytes) -> None:
    _kept(read_journal(data))
    _kept(read_journal(data, 17))


def _kept(entries: list[Tagged]) -> None:
    """In a ring they are what they were, and what people see has no control characters."""
    for one in entries:
        assert 0 <= one.priority <= 191
        for line in one.text.split(b"\n"):
            row = one.kept_before + line
            assert read_kept(row) == one._replace(text=line), one
            assert _CONTROL(shown(row)) is None, row


def _forward(data: bytes) -> None:
    """A message is one datagram, or one frame, whatever is in it."""
    choices = Choices(data[:12])
    sender = rfc5424.Sender(choices.text(8), choices.text(8), "stdout", choices.number(9))
    rules = SyslogRules("/dev/log", rfc5424=bool(choices.number(1)), priority=30)
    head = rfc5424.header(rules, sender, _AT)
    assert b"\n" not in head
    for block in _cut(choices, data[12:])[1]:
        for message in rfc5424.messages(head, block, joined=False):
            assert b"\n" not in message
            assert rfc5424.terminated(message).count(b"\0") == 1
            assert rfc5424.counted(message).endswith(message)


_HEAD: Final = bytes(range(12))
_STREAM: Final = (
    b"one\ntwo\r\n\n" + b"x" * 100 + b"\nTraceback:\n  at a\n  at b\nend\n\xff\xfe\x00no newline"
)

TARGETS: Final = (
    Target(
        "log-cutter", _cutter, ("nsinit.runtime.lines",), words=_WORDS,
        most=768, seeds=lambda: [_HEAD + _STREAM, _HEAD + b"\n" * 30, _HEAD + b"y" * 300],
    ),
    Target(
        "log-json", _json, ("nsinit.runtime.jsonlines", "nsinit.runtime.lines"),
        words=(*_WORDS, b'"', b"\\", b"\xc3\xa9", b"\xef\xbf\xbd", b"\x7f"),
        most=768, seeds=lambda: [_HEAD + _STREAM, _HEAD + b'a "b" \\ c\n\xff\n'],
    ),
    Target(
        "log-shaping", _shaping, ("nsinit.runtime.shaping",), words=(*_WORDS, b"a", b"b\n", b"x1"),
        most=768, seeds=lambda: [_HEAD * 2 + _STREAM, bytes(24) + _STREAM, b"\1" * 24 + _STREAM],
    ),
    Target(
        "log-ring", _ring, ("nsinit.runtime.ring", "nsinit.control.shapes"), words=_WORDS,
        most=768, seeds=lambda: [_HEAD + _STREAM, bytes(12) + _STREAM * 3],
    ),
    Target(
        "log-file", _log_file, ("nsinit.runtime.logfile", "nsinit.runtime.rotation"), words=_WORDS,
        most=768, seeds=lambda: [_HEAD + _STREAM, b"\1" * 12 + _STREAM * 3],
    ),
    Target(
        "syslog", _syslog, ("nsinit.runtime.datagrams", "nsinit.runtime.tagged"),
        words=(*words_of('<30> <191> <999> Nov host cron[12]: 1 - [a b="c"] [x@1'), b"Nov 22 12:00:00 "),
        seeds=lambda: [
            b"<30>Nov 22 12:00:00 cron[12]: text", b"<13>Nov  2 01:02:03 host a: b\nc\x1b[0m",
            b'<165>1 2003-10-11T22:14:15.003Z h app 12 ID [e@1 a="\\"b" c="d"][x] \xef\xbb\xbfmsg',
            b"plain", b"<0>a[1]:",
        ],
    ),
    Target(
        "journal", _journal, ("nsinit.runtime.datagrams", "nsinit.runtime.tagged"),
        words=words_of("MESSAGE= MESSAGE PRIORITY=3 SYSLOG_IDENTIFIER= SYSLOG_PID=1 SYSLOG_FACILITY=3"),
        seeds=lambda: [
            b"MESSAGE=hi\nPRIORITY=3\nSYSLOG_IDENTIFIER=a\nSYSLOG_PID=12\nSYSLOG_FACILITY=3\n",
            b"MESSAGE\n" + (5).to_bytes(8, "little") + b"a\nb\nc\nPRIORITY=6\n\nMESSAGE=two\n",
        ],
    ),
    Target(
        "syslog-out", _forward, ("nsinit.runtime.rfc5424",), words=(*_WORDS, b"\0", b"#000"),
        most=768, seeds=lambda: [_HEAD + _STREAM],
    ),
)  # fmt: skip
