"""Whatever stands behind a key is read or refused, and reading twice changes nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given

from nsinit.model import confinement, idmaps, resources, tuning, types
from tests.support import strategies as some

KINDS = [*types._TYPES, *tuning.TYPES, *confinement.TYPES, *resources.TYPES, idmaps.IdMap]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
@given(value=some.VALUES | some.UNIT_TEXT)
def test_value_is_read_or_refused_when_it_is_anything(kind: type[Any], value: object) -> None:
    """ValueError is the only way to refuse; what was read survives as bytes."""
    try:
        made = types.decode_hook(kind, value)
    except ValueError:
        return
    data = msgspec.msgpack.encode(made, enc_hook=types.encode_hook)
    assert msgspec.msgpack.decode(data, type=kind, dec_hook=types.decode_hook) == made
