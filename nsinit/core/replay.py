"""Runs a flight record again on the core, and tells whether the same comes of it. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from nsinit.core.messages import Event  # noqa: TC001  (msgspec reads the annotations)
from nsinit.core.recorder import FORMAT, VERSION, fingerprint, packed
from nsinit.core.state import CoreState
from nsinit.core.supervisor import Supervisor
from nsinit.model.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nsinit.core.messages import Action

_KEYS: Final = ("at", "jitter", "event", "sum")


class BadRecordError(Exception):
    """What was given is no record, or none that this version knows; says why."""


class Told(NamedTuple):
    """An event as it was recorded: when, with which random number, and the sum of the actions."""

    at: float
    jitter: float
    event: Event
    total: int


class Part(NamedTuple):
    """A generation: what the core remembered, and what it was told; what the last of it raised."""

    version: str  # of nsinit
    plan: Plan
    state: CoreState
    told: list[Told]
    error: str


class Record(NamedTuple):
    """A whole record; without `whole` its end is missing."""

    version: str
    parts: list[Part]
    whole: bool


class Step(NamedTuple):
    """One event that was told again; `wrong` says how it went otherwise than recorded."""

    number: int
    part: int
    told: Told
    actions: list[Action]
    wrong: str


def read(lines: Iterable[str | bytes]) -> Record:
    """A record from its lines; BadRecordError."""
    rows = _rows(lines)
    try:
        number, head = next(rows)
    except StopIteration:
        raise BadRecordError("the record is empty") from None
    if head.get("format") != FORMAT:
        raise BadRecordError(f'this is no flight record: its first line has no "format": {FORMAT}')
    if head.get("version") != VERSION:
        why = f"the record is of version {head.get('version')!r}, this nsinit knows {VERSION}"
        raise BadRecordError(why)
    parts: list[Part] = []
    whole = False
    for number, row in rows:
        try:
            whole = _take(row, parts)
        except (msgspec.ValidationError, UnicodeError, KeyError, IndexError) as error:
            raise BadRecordError(f"cannot read line {number} of the record: {error}") from None
    return Record(str(head.get("nsinit")), parts, whole)


def _rows(lines: Iterable[str | bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number == 1:
                raise BadRecordError("this is no flight record: no JSON") from None
            raise BadRecordError(f"cannot read line {number} of the record: {error}") from None
        if not isinstance(row, dict):
            raise BadRecordError(f"cannot read line {number} of the record: it is no object")
        yield number, row


def _take(row: dict[str, Any], parts: list[Part]) -> bool:
    """One row of a record; whether it is the last."""
    if "begin" in row:
        plan, state = msgspec.convert(row["plan"], Plan), msgspec.convert(row["state"], CoreState)
        parts.append(Part(str(row["begin"]), plan, state, [], ""))
    elif "raised" in row:
        parts[-1] = parts[-1]._replace(error=str(row["raised"]))
    elif "end" in row:
        return True
    else:
        values = [row[key] for key in _KEYS]
        parts[-1].told.append(msgspec.convert(values, Told))
    return False


def replay(record: Record) -> Iterator[Step]:
    """Tell the core everything again."""
    number = 0
    core: Supervisor | None = None
    for index, part in enumerate(record.parts):
        wrong = _jump(core, part) if core is not None and not record.parts[index - 1].error else ""
        core = Supervisor(_copy(part.plan, Plan), _copy(part.state, CoreState))
        for place, told in enumerate(part.told):
            raised = part.error if place == len(part.told) - 1 else ""
            actions, other = _tell(core, told, raised)
            yield Step(number, index, told, actions, wrong or other)
            number += 1
            wrong = ""


def _tell(core: Supervisor, told: Told, raised: str) -> tuple[list[Action], str]:
    try:
        actions = core.handle(told.event, told.at, told.jitter)
    except Exception as error:  # noqa: BLE001  (it may be what is looked for)
        return [], "" if raised else f"raises {error!r}, which it did not"
    if raised:
        return actions, f"raised {raised}, and does not any more"
    wrong = "" if fingerprint(packed(actions)) == told.total else "other actions follow"
    core.tidy()  # as who drives it does, once all is carried out
    return actions, wrong


def _jump(core: Supervisor, part: Part) -> str:
    """What the core remembers is what the next part begins with, if nothing is missing between."""
    core.tidy()
    same = core.state == part.state and core.plan == part.plan
    return "" if same else "what the core remembered here is not what came of the events before"


def _copy(value: object, kind: Any) -> Any:  # noqa: ANN401  (the same again)
    """The core changes what it is given."""
    return msgspec.convert(msgspec.to_builtins(value), kind)
