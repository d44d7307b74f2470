"""What services say by sd_notify(3)."""

from __future__ import annotations

import pytest

from nsinit.runtime.notify import parse


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (b"", {}),
        (b"READY=1", {"READY": "1"}),
        (b"READY=1\n", {"READY": "1"}),
        (b"READY=1\nSTATUS=up and running\nMAINPID=7", {
            "READY": "1", "STATUS": "up and running", "MAINPID": "7"}),
        (b"STATUS=a=b=c", {"STATUS": "a=b=c"}),
        (b"STATUS=", {"STATUS": ""}),
        (b"READY=0\nREADY=1", {"READY": "1"}),
        (b"READY\n\nX=1", {"X": "1"}),
        (b"=x", {"": "x"}),
        (b"STATUS=caf\xe9", {"STATUS": "caf\ufffd"}),
        (b"STATUS=a\x00b\r", {"STATUS": "a\x00b\r"}),
    ],
)  # fmt: skip
def test_fields_are_read_when_a_datagram_has_them(data: bytes, fields: dict[str, str]) -> None:
    """Lines of NAME=value; anything else is passed over."""
    assert parse(data) == fields
