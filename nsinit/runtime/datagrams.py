r"""What programs send to /dev/log and to the journal, understood. Pure; any bytes will do.

By syslog(3) comes RFC 3164 as C libraries write it, "<30>Nov 22 12:00:00 cron[12]: text", with less
or more of it; or RFC 5424. By the native protocol of the journal come fields, of which those are
used that a line of text has room for. Text is made safe line by line: of control characters only
tabs are left, the others are written out as \x1b.
"""

from __future__ import annotations

import re
from typing import Final

from nsinit.runtime.tagged import Tagged

USER: Final = 1 << 3  # LOG_USER of syslog(3)
NOTICE: Final = 5
INFO: Final = 6
_MOST: Final = 191  # facility 23, severity 7
_WORD: Final = 64  # bytes of an identifier
_DIGITS: Final = 10
_LENGTH: Final = 8  # bytes of the size of a binary field, the lowest first

_PRIORITY: Final = re.compile(rb"<(\d{1,3})>")
_MONTHS: Final = rb"Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_TIME: Final = re.compile(rb"(?:%b) [ \d]\d \d\d:\d\d:\d\d " % _MONTHS)
_RFC_5424: Final = re.compile(rb"1 \S+ (\S+) (\S+) (\S+) \S+ ")
_DATA: Final = re.compile(rb'(?:-|(?:\[[^\s\]"=]+(?: [^\s\]"=]+="(?:[^"\\]|\\.)*")*\])+)(?: |$)')
_TAG: Final = re.compile(rb"([^\s\[\]:<>]{1,64})(?:\[(\d{1,10})\])?:(?: |$)")
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]").search
_BOM: Final = b"\xef\xbb\xbf"


def read_syslog(data: bytes, host: bytes = b"") -> Tagged | None:
    """One datagram; `host` may stand before the name. None if there is no text in it."""
    priority = USER + NOTICE
    data = data.rstrip(b"\0\r\n")
    if (head := _PRIORITY.match(data)) is not None and int(head[1]) <= _MOST:
        priority = int(head[1])
        data = data[head.end() :]
        if (modern := _RFC_5424.match(data)) is not None:
            return _read_modern(priority, data, modern)
    if (stamp := _TIME.match(data)) is not None:
        data = data[stamp.end() :]
        if host and data.startswith(host + b" "):
            data = data[len(host) + 1 :]
    identifier = pid = b""
    if (tag := _TAG.match(data)) is not None:
        identifier, pid, data = tag[1], tag[2] or b"", data[tag.end() :]
    return _tagged(priority, identifier, pid, data)


def _read_modern(priority: int, data: bytes, head: re.Match[bytes]) -> Tagged | None:
    _, identifier, pid = (b"" if word == b"-" else word for word in head.groups())
    rest = data[head.end() :]
    if (structured := _DATA.match(rest)) is not None:
        rest = rest[structured.end() :]
    return _tagged(priority, identifier, pid if _is_number(pid) else b"", rest.removeprefix(_BOM))


def read_journal(data: bytes, extra: int = 0) -> list[Tagged]:
    """The entries of one datagram or file; `extra` bytes that follow it were not read."""
    made: list[Tagged] = []
    for fields in _entries(data):
        text = fields.get(b"MESSAGE")
        if text is None:
            continue
        level, facility = fields.get(b"PRIORITY", b""), fields.get(b"SYSLOG_FACILITY", b"")
        severity = int(level) if len(level) == 1 and level in b"01234567" else INFO
        known = _is_number(facility) and int(facility) <= _MOST >> 3
        priority = (int(facility) << 3 if known else USER) + severity
        pid = fields.get(b"SYSLOG_PID", b"")
        one = _tagged(
            priority, fields.get(b"SYSLOG_IDENTIFIER", b""), pid if _is_number(pid) else b"", text
        )
        if one is not None:
            made.append(one)
    if made and extra:
        cut = b"\n[%d bytes more were too many for one entry]" % extra
        made[-1] = made[-1]._replace(text=made[-1].text + cut)
    return made


def _entries(data: bytes) -> list[dict[bytes, bytes]]:
    """The fields of each entry; what is cut short or wrong ends the last one."""
    made: list[dict[bytes, bytes]] = [{}]
    at = 0
    while at < len(data):
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        name, mark, value = data[at:end].partition(b"=")
        if mark:
            made[-1].setdefault(name, value)
            at = end + 1
        elif not name:  # an empty line: another entry
            made.append({})
            at = end + 1
        else:
            size = int.from_bytes(data[end + 1 : end + 1 + _LENGTH], "little")
            start = end + 1 + _LENGTH
            if start > len(data):
                break
            made[-1].setdefault(name, data[start : start + size])
            at = start + size + 1
    return made


def _tagged(priority: int, identifier: bytes, pid: bytes, text: bytes) -> Tagged | None:
    text = text.rstrip(b"\0\r\n \t")
    if not text:
        return None
    word = safe(identifier.replace(b"\n", b" ").strip()[:_WORD])
    return Tagged(priority, word, pid, safe(text.replace(b"\r\n", b"\n")))


def _is_number(text: bytes) -> bool:
    return text.isdigit() and len(text) <= _DIGITS


def safe(text: bytes) -> bytes:
    """Text without control characters but tabs and newlines; the rest is as it came."""
    if _CONTROL(text) is None:
        return text
    for code in (*range(9), *range(11, 32), 127):
        text = text.replace(b"%c" % code, b"\\x%02x" % code)
    return text
