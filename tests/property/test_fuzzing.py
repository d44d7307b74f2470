"""Everything that reads what others write, fed with what is near to right and with what is not.

The targets are those of scripts/fuzz, which does the same for as long as somebody likes to wait.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scripts.fuzzing.targets import TARGETS

# Each of these takes milliseconds for an input.
DEAR = frozenset(name for name in TARGETS if name.startswith("convert-")) | {"includes", "tables"}
NAMES = sorted(TARGETS)
EDIT = st.tuples(st.integers(0, 1 << 12), st.integers(0, 24), st.binary(max_size=6))


@pytest.mark.parametrize("name", NAMES)
def test_kept_inputs_are_answered_when_they_come_again(name: str) -> None:
    """Those that reach what no other reaches, and those that once went wrong."""
    target = TARGETS[name]
    taken = [target.feed(data) for data in target.begin()]
    assert taken


@pytest.mark.parametrize("name", sorted(TARGETS.keys() - DEAR))
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_input_is_answered_when_it_is_anything(name: str, data: st.DataObject) -> None:
    """By what it means, or by the error that is documented, and within its time."""
    _feed(name, data)


@pytest.mark.parametrize("name", sorted(DEAR))
@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_file_is_answered_when_it_is_anything(name: str, data: st.DataObject) -> None:
    """The same, for what takes longer."""
    _feed(name, data)


def _feed(name: str, data: st.DataObject) -> None:
    """What is right with some edits, or any bytes."""
    target = TARGETS[name]
    made = bytearray(data.draw(st.sampled_from(target.begin()) | st.binary(max_size=64)))
    word = st.sampled_from(target.words or (b"",))
    for at, gone, new in data.draw(st.lists(EDIT, max_size=4)):
        place = at % (len(made) + 1)
        made[place : place + gone] = new if at % 2 else data.draw(word)
    target.feed(bytes(made[: target.most]))
