"""Which lines of nsinit an input reaches: what reaches a new one is worth keeping."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scripts.fuzzing.readers import name_of
from scripts.fuzzing.target import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType, FrameType

    from scripts.fuzzing.target import Target

_OURS: Final = f"{ROOT}/nsinit/"
BUDGET: Final = 3072  # bytes that are kept for one target
_LARGEST: Final = 1024  # bytes of one of them

Step = tuple["CodeType", int, int]  # from one line of a function to another


def steps(target: Target, data: bytes) -> set[Step]:
    """All that an input reaches; a finding reaches what it reaches."""
    found: set[Step] = set()
    ours: dict[CodeType, bool] = {}

    def enter(frame: FrameType, _: str, __: object) -> Any:  # noqa: ANN401  (settrace's protocol)
        code = frame.f_code
        if code not in ours:
            ours[code] = code.co_filename.startswith(_OURS)
        if not ours[code]:
            return None
        last = 0

        def step(frame: FrameType, event: str, _: object) -> Any:  # noqa: ANN401  (as above)
            nonlocal last
            if event == "line":
                found.add((code, last, frame.f_lineno))
                last = frame.f_lineno
            return step

        found.add((code, 0, 0))
        return step

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        with suppress(Exception):  # the same input is run and judged elsewhere
            target.feed(data)
    finally:
        sys.settrace(before)
    return found


def modules(target: Target, inputs: Iterable[bytes]) -> set[str]:
    """The modules of nsinit of which any of these runs a function."""
    entered: set[CodeType] = set()

    def call(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            entered.add(frame.f_code)

    sys.setprofile(call)
    try:
        for data in inputs:
            with suppress(Exception):
                target.feed(data)
    finally:
        sys.setprofile(None)
    files = {code.co_filename for code in entered if code.co_filename.startswith(_OURS)}
    return {name_of(Path(file)) for file in files}


def worth_keeping(target: Target, known: Iterable[bytes], new: Iterable[bytes]) -> list[bytes]:
    """Of new inputs those that reach what none before does, short ones first, up to a budget."""
    known = list(known)
    seen: set[Step] = set()
    for data in known:
        seen |= steps(target, data)
    kept: list[bytes] = []
    room = BUDGET
    for data in sorted(set(new) - set(known), key=len):
        if len(data) > min(_LARGEST, room):
            continue
        found = steps(target, data)
        if not found <= seen:
            seen |= found
            kept.append(data)
            room -= len(data)
    return kept
