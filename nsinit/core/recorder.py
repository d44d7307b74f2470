"""The flight recorder: what the core was told, and what it made of it, so that it can run again.

A generation is all that the core remembered at one moment and every event from then on, with the
instant and the random number that came with it, and a sum of the actions that followed. When one is
full another begins; the oldest go, so the last two at least are there. Pure; `replay` is its
counterpart. What the core remembers is packed at once, as it goes on with it; what it is told and
what it says never changes, and is packed by `settle`, when nothing is urgent.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nsinit.core.messages import Action, Event
    from nsinit.core.supervisor import Supervisor

    AsJson = Callable[[object], str]
    Told = tuple[Event, float, float]  # with its instant and random number

FORMAT: Final = "nsinit flight record"
VERSION: Final = 2
LIMIT: Final = 1 << 20  # bytes of all generations, about
MOST: Final = 8  # generations
_ERROR_MAX: Final = 1000  # characters
_OVERHEAD: Final = 40  # bytes of an entry without its content, about
_JSON: Final = b"\xc1"  # begins what is JSON, and no msgpack
_PIECE: Final = 32 << 10  # bytes
_LOOSE: Final = 256  # events that are not packed yet, at most
_PRIME: Final = (1 << 30) - 35  # the largest that is one digit to Python: so it takes linear time
_pack: Final = msgspec.msgpack.Encoder().encode


class Entry(NamedTuple):
    """One event, packed with its instant and random number; and the sum of the actions."""

    data: bytes
    total: int


class Generation:
    """A moment, and what came after it; `error` is what its last event has raised."""

    __slots__ = ("entries", "error", "plan", "size", "state", "version")

    def __init__(self, version: str, plan: bytes, state: bytes) -> None:
        self.version = version
        self.plan = plan
        self.state = state
        self.entries: list[Entry] = []
        self.size = 0  # of the entries
        self.error = ""

    def export(self) -> bytes:
        """For another init."""
        return _pack((self.version, self.plan, self.state, self.entries, self.error))


class Recorder:
    """Keeps the last generations."""

    def __init__(self, version: str, limit: int = LIMIT) -> None:
        self._version = version
        self._limit = limit
        self._kept: deque[Generation] = deque(maxlen=MOST)
        self._over = True  # another generation begins with the next event
        self._most: int  # bytes of entries in the present one
        self._told: Told
        self._loose: list[tuple[Told, Iterable[Action]]] = []

    def begin(self, core: Supervisor, event: Event, now: float, jitter: float) -> None:
        """An event is about to be handled."""
        if len(self._loose) >= _LOOSE:
            self.settle()
        if self._over or self._kept[-1].size >= self._most:
            self._start(core)
        self._told = (event, now, jitter)

    def end(self, actions: Iterable[Action]) -> None:
        """It was, and these are to follow."""
        self._loose.append((self._told, actions))

    def fail(self, error: str) -> None:
        """It could not be; what the core remembers now is anybody's guess."""
        self.settle()
        self._keep(self._told, 0)
        self._kept[-1].error = error[:_ERROR_MAX]
        self._over = True

    def settle(self) -> None:
        """Pack what is not packed yet; without it that is done some time."""
        loose, self._loose = self._loose, []
        for told, actions in loose:
            self._keep(told, fingerprint(packed(actions)))

    def _keep(self, told: Told, total: int) -> None:
        last, data = self._kept[-1], packed(told)
        last.entries.append(Entry(data, total))
        last.size += len(data) + _OVERHEAD

    def _start(self, core: Supervisor) -> None:
        core.tidy()
        plan, state = packed(core.plan), packed(core.state)
        if self._kept and self._kept[-1].plan == plan:
            plan = self._kept[-1].plan  # there once
        self._kept.append(Generation(self._version, plan, state))
        self._most = max(self._limit // 2 - len(plan) - len(state), self._limit // 4)
        self._over = False
        while self.size + self._most > self._limit and len(self._kept) > 2:
            self._kept.popleft()

    @property
    def size(self) -> int:
        """Bytes of all that is kept and packed, about."""
        plans = {id(one.plan): len(one.plan) for one in self._kept}
        return sum(plans.values()) + sum(len(one.state) + one.size for one in self._kept)

    def export(self) -> list[bytes]:
        """For another init."""
        self.settle()
        return [one.export() for one in self._kept]

    def adopt(self, data: list[bytes]) -> None:
        """What another init has kept comes before; one that can't be read, and those before, go."""
        kind = tuple[str, bytes, bytes, list[Entry], str]
        for one in data:
            try:
                version, plan, state, entries, error = msgspec.msgpack.decode(one, type=kind)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                self._kept.clear()
                continue
            made = Generation(version, plan, state)
            made.entries, made.error = entries, error
            made.size = sum(len(entry.data) + _OVERHEAD for entry in entries)
            self._kept.append(made)

    def pieces(self, now: float, wall: float) -> Iterator[bytes]:
        """All of it as lines of JSON, a piece at a time; what comes meanwhile is left out."""
        import json  # noqa: PLC0415  (few ask for it)

        self.settle()
        as_json = json.JSONEncoder(separators=(",", ":")).encode
        kept = [(one, len(one.entries)) for one in self._kept]
        head = {"format": FORMAT, "version": VERSION, "nsinit": self._version}
        yield _line(as_json, head | {"at": now, "time": wall})
        count = 0
        for one, entries in kept:
            yield f'{{"begin":{as_json(one.version)},"plan":'.encode()
            yield from _spread(one.plan, as_json)
            yield b',"state":'
            yield from _spread(one.state, as_json)
            yield b"}\n"
            for data, total in one.entries[:entries]:
                event, at, jitter = unpacked(data)
                row = {"n": count, "at": at, "jitter": jitter, "event": event, "sum": total}
                count += 1
                yield _line(as_json, row)
            if one.error and entries == len(one.entries):
                yield _line(as_json, {"raised": one.error})
        yield _line(as_json, {"end": count})


def _line(as_json: AsJson, row: dict[str, Any]) -> bytes:
    return as_json(row).encode() + b"\n"


def _spread(data: bytes, as_json: AsJson) -> Iterator[bytes]:
    """A plan or a state as JSON, service by service: there may be thousands."""
    if data.startswith(_JSON):
        for start in range(len(_JSON), len(data), _PIECE):
            yield data[start : start + _PIECE]
        return
    before = b"{"
    for key, value in msgspec.msgpack.decode(data, type=dict[str, msgspec.Raw]).items():
        yield before + as_json(key).encode() + b":"
        if key == "services":
            inner = b"{"
            for name, one in msgspec.msgpack.decode(value, type=dict[str, msgspec.Raw]).items():
                yield inner + f"{as_json(name)}:{as_json(unpacked(bytes(one)))}".encode()
                inner = b","
            yield b"}" if inner == b"," else b"{}"
        else:
            yield as_json(unpacked(bytes(value))).encode()
        before = b","
    yield b"}"


def fingerprint(data: bytes) -> int:
    """Of what two replays have to agree on: another one, but for one case in a thousand million.

    Anything that is not made to have the same would do. This takes no library.
    """
    return int.from_bytes(data, "little") % _PRIME


def packed(value: object) -> bytes:
    """Anything that is made of structs; as JSON where it holds what msgpack can't say."""
    try:
        return _pack(value)
    except (UnicodeEncodeError, OverflowError):
        import json  # noqa: PLC0415  (hardly ever: text with bytes of an environment)

        return _JSON + json.dumps(msgspec.to_builtins(value)).encode()


def unpacked(data: bytes) -> Any:  # noqa: ANN401  (plain values)
    """The plain values of what `packed` packed."""
    if data.startswith(_JSON):
        import json  # noqa: PLC0415  (as above)

        return json.loads(data[1:])
    return msgspec.msgpack.decode(data)
