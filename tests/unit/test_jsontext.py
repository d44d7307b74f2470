"""JSON by one library or the other is the same JSON."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from nsinit import jsontext

VALUES: list[object] = [
    {"name": "x", "list": [1, 2.5, None, True], "empty": [], "none": {}},
    {"unicode": "ä €", "bytes of a path": "\udcff"},
    ["\0", '"', "\\"],
    1 << 62,
]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("indent", [None, 1])
def test_value_comes_back_when_it_was_encoded(value: object, indent: int | None) -> None:
    """Text that is no Unicode too."""
    text = jsontext.encode(value, indent=indent)
    assert jsontext.decode(text) == value == json.loads(text)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"a": 1} x', b'"\xed\xa0\x80"'])
def test_rubbish_is_refused_when_it_is_decoded(data: bytes) -> None:
    """By the error that json has."""
    with pytest.raises(ValueError):
        jsontext.decode(data)


def test_json_is_used_when_msgspec_is_not_loaded() -> None:
    """Who has neither takes the smaller."""
    program = (
        "import sys; from nsinit import jsontext\n"
        "print(jsontext.decode(jsontext.encode({'a': [1]})), 'msgspec' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[0] == "{'a': [1]} False"
