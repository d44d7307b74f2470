"""What patterns may take of init's time."""

from __future__ import annotations

import os
import time
from typing import Any

from nsinit.model.spec import Log
from nsinit.model.types import Names, Sinks
from nsinit.runtime.lines import Block
from nsinit.runtime.outputs import Outputs
from nsinit.runtime.stream import Stream
from nsinit.runtime.tally import CAPTURE


def test_patterns_are_given_up_when_many_blocks_take_long() -> None:
    """Each alone would not take too long: what was read at once has one bound in all."""
    told: list[str] = []
    nobody: Any = None
    outputs = Outputs(nobody, nobody, os.open(os.devnull, os.O_RDWR))
    outputs.tell = lambda _, text: told.append(text)
    stream = Stream(-1, "stdout", 100, outputs.tallies.of("a", "stdout", CAPTURE))
    outputs.lead_all(("a", 1, ""), [stream], Log(exclude=Names(("a*a*a*b",)), to=Sinks(("null",))))
    slow = Block(b"a" * 350 + b"\n")
    begun = time.thread_time()
    assert stream.shaper is not None
    assert len(stream.shaper.feed([slow] * 1000, 5.0)) == 1000
    assert time.thread_time() - begun < 3
    assert len(told) == 1
