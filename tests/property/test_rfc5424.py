"""Messages of syslog can be read back from their frames, whatever is in them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsinit.model.syslog import SyslogRules
from nsinit.runtime.lines import Block
from nsinit.runtime.rfc5424 import Sender, counted, header, messages, terminated

AT = 1_767_225_600.25
# The header of RFC 5424, section 6, as its ABNF has it.
HEADER = re.compile(
    rb"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([!-~]{1,255}) ([!-~]{1,48})"
    rb" ([!-~]{1,128}) ([!-~]{1,32}) - "
)


@pytest.mark.parametrize(
    ("rules", "sender", "text"),
    [
        (SyslogRules("", rfc5424=True, priority=30), Sender("h", "web@2", "stdout", 7),
            "<30>1 2026-01-01T00:00:00.250000Z h web@2 7 stdout - "),
        (SyslogRules("", rfc5424=True, priority=131, app_name="x"), Sender("", "a", "stderr", 0),
            "<131>1 2026-01-01T00:00:00.250000Z - x - stderr - "),
        (SyslogRules("", rfc5424=False, priority=30), Sender("", "web", "stdout", 7),
            "<30>Jan  1 00:00:00 web[7]: "),
        (SyslogRules("", rfc5424=False, priority=30), Sender("h", "web", "stdout", 0),
            "<30>Jan  1 00:00:00 h web: "),
    ],
)  # fmt: skip
def test_header_says_all_when_a_message_is_made(
    monkeypatch: pytest.MonkeyPatch, rules: SyslogRules, sender: Sender, text: str
) -> None:
    """As the two documents have it; what is not known is left out."""
    monkeypatch.setenv("TZ", "UTC")
    assert header(rules, sender, AT).decode() == text


@given(
    host=st.text(max_size=300),
    service=st.text(max_size=60),
    pid=st.integers(0, 1 << 22),
    lines=st.lists(st.binary(max_size=20).map(lambda b: b.replace(b"\n", b"")), min_size=1),
    joined=st.booleans(),
)
def test_messages_come_back_when_they_are_in_frames(
    host: str, service: str, pid: int, lines: list[bytes], joined: bool
) -> None:
    """Counted ones with every byte; a header is one whatever the names are."""
    rules = SyslogRules("", rfc5424=True, priority=30)
    head = header(rules, Sender(host, service, "stdout", pid), AT)
    assert HEADER.fullmatch(head)
    block = Block(b"".join(line + b"\n" for line in lines))
    made = messages(head, block, joined=joined)
    bodies = [one[len(head) :] for one in made]
    assert bodies == ([b"\n".join(lines)] if joined else lines)
    stream, back = b"".join(counted(one) for one in made), []
    while stream:
        size, _, stream = stream.partition(b" ")
        back.append(stream[: int(size)])
        stream = stream[int(size) :]
    assert back == made
    ended = b"".join(terminated(one) for one in made).split(b"\0")
    assert [*ended] == [*(one.replace(b"\0", b"#000") for one in made), b""]
