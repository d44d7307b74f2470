"""What the patterns of the schema take is what the model reads."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from nsinit.model import resources, tuning, types
from nsinit.reference.kinds import KINDS

# A type, and the letters of what may be written for it.
CASES: list[tuple[Any, str]] = [
    (types.Seconds, "0159.dhmsinu"),
    (types.Size, "0159.kKMGTiBb "),
    (types.Mode, "0o178"),
    (types.Signal, "TERMHUPSIGrtmin+-15"),
    (tuning.CpuSet, "0159-, "),
    (tuning.IoPriority, "idle:07best-effort"),
    (resources.Cpus, "0159.% "),
]


@pytest.mark.parametrize(("kind", "letters"), CASES, ids=[kind.__name__ for kind, _ in CASES])
@given(data=st.data())
def test_text_is_valid_when_it_can_be_read(kind: Any, letters: str, data: Any) -> None:
    """Whatever is read is valid; what is valid is read, but for numbers that are out of range."""
    text = data.draw(st.text(letters, max_size=8))
    valid = Draft202012Validator(KINDS[kind].schema).is_valid(text)
    try:
        kind.read(text)
    except ValueError as error:
        assume("between" not in str(error) and "from" not in str(error))
        readable = False
    else:
        readable = True
    if readable:
        assert valid
    elif kind in (types.Seconds, types.Size, types.Mode):
        assert not valid
