"""Requests as the client writes them, in any pieces, and bytes that are no requests."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nsinit.control.commands import COMMANDS, MAX_INTEGER, Command, Param
from nsinit.control.routes import Call, HttpConnection, Refusal
from nsinit.control.select import select
from nsinit.model.plan import Rules
from nsinit.moments import Moment
from nsinit.wire import request
from tests.support import strategies as some

TEXT = st.text(max_size=8)
# What the surrogateescape handler makes of bytes that are no UTF-8 (PEP 383).
ANY_BYTES = st.binary(max_size=8).map(lambda data: data.decode("utf-8", "surrogateescape"))
PLAIN_SECONDS = some.SECONDS.filter(lambda s: s == 0 or s >= 0.0001)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "names": st.lists(TEXT, min_size=1, max_size=4),
    "name": TEXT,
    "words": st.lists(TEXT, min_size=1, max_size=4),
    "text": TEXT,
    "integer": st.integers(0, MAX_INTEGER),
    "seconds": PLAIN_SECONDS,
    "moment": PLAIN_SECONDS,
    "flag": st.booleans(),
    "signal": some.SIGNALS,
}


def _values(param: Param) -> st.SearchStrategy[Any]:
    if param.pattern and param.kind == "text":
        return st.from_regex(param.pattern.removesuffix("$"), fullmatch=True)
    if param.pattern:
        return st.lists(st.just("a=1"), min_size=1, max_size=4)
    if param.most:
        return VALUES[param.kind].map(lambda value: value % param.most)
    return st.sampled_from(param.choices) if param.choices else VALUES[param.kind]


def _default(param: Param) -> object:
    return [] if param.kind == "names" else param.default


@st.composite
def requests(draw: st.DrawFn) -> tuple[Command, dict[str, Any]]:
    """A row of the table and parameters for it."""
    row = draw(st.sampled_from(COMMANDS))
    given = {p.name: _values(p) for p in row.params if p.required or draw(st.booleans())}
    return row, draw(st.fixed_dictionaries(given))


def receive(http: HttpConnection, pieces: list[bytes]) -> list[Call | Refusal]:
    """What comes of bytes; what is refused or called is answered, as a server does."""
    made: list[Call | Refusal] = []
    for piece in [*pieces, b""]:
        got = http.receive(piece)
        while got is not None:
            made.append(got)
            answer = got.body() if isinstance(got, Refusal) else {}
            http.answer(got.status if isinstance(got, Refusal) else 200, answer)
            if http.must_close:
                return made
            got = http.resume()
    return made


@given(requests(), st.data())
def test_call_is_what_the_client_asked_for_when_it_comes_in_any_pieces(
    asked: tuple[Command, dict[str, Any]], data: st.DataObject
) -> None:
    """The same call, however the bytes are cut; what was not given is the default."""
    row, params = asked
    (got,) = receive(HttpConnection(), data.draw(some.cuts(request(row, params))))
    wanted = {param.name: params.get(param.name, _default(param)) for param in row.params}
    for param in row.params:
        if param.kind == "moment" and wanted[param.name] is not None:
            wanted[param.name] = Moment(wanted[param.name], ago=True)
    assert got == Call(row, wanted)


@given(st.sampled_from([c for c in COMMANDS if c.name != "scale"]), ANY_BYTES)
@example(COMMANDS[0], "\udcff")
def test_name_is_what_the_client_asked_for_when_it_is_any_bytes(row: Command, name: str) -> None:
    """Then the answer is that no service is called so, and not that the request is bad."""
    values: dict[str, Any] = {"names": [name], "name": name, "words": [name], "signal": "HUP"}
    params = {p.name: values[p.kind] for p in row.params if p.positional}
    (got,) = receive(HttpConnection(), [request(row, params)])
    assert isinstance(got, Call)
    assert got.params.get("names", [name]) == [name]


@given(st.floats(1e-6, 0.001))
@example(0.00005)
def test_span_is_what_the_client_asked_for_when_it_is_tiny(seconds: float) -> None:
    """`logs --since 50us`."""
    row = next(row for row in COMMANDS if row.name == "logs")
    (got,) = receive(HttpConnection(), [request(row, {"since": seconds})])
    assert isinstance(got, Call)
    assert got.params["since"].ago
    assert got.params["since"].seconds == pytest.approx(seconds, abs=1e-6)


PIECES = [
    b"GET ", b"POST ", b"HEAD ", b"CONNECT ", b"/v1/status", b"/v1/stop", b"/v1/exec", b"/v1/why",
    b"/v1/wait", b"/v1/top", b"/livez", b"/readyz", b"?interval=", b"?state=", b"?names=", b"&",
    b"%", b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\r\n\r\n", b"\n", b"Host: x\r\n",
    b"Host: x\r\n\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n", b"Upgrade: x\r\n", b"Expect: 100-continue\r\n", b"5\r\nhello\r\n",
    b"0\r\n\r\n", b'{"names": ["a"]}', b"\x00", b"\xff", b":", b" ", b"[", b"//",
]  # fmt: skip
NOISE = st.lists(st.binary(min_size=1, max_size=20) | st.sampled_from(PIECES), max_size=12)


@given(NOISE)
def test_nothing_is_raised_when_the_bytes_are_anything(pieces: list[bytes]) -> None:
    """Each refusal can be answered; nothing is done for a request that was not one."""
    for got in receive(HttpConnection(), pieces):
        assert isinstance(got, Call | Refusal)
        if isinstance(got, Refusal):
            assert 400 <= got.status < 600
            assert got.message


@given(st.lists(TEXT, max_size=3), st.lists(some.NAMES, unique=True, max_size=4))
def test_services_are_chosen_or_refused_when_patterns_are_anything(
    patterns: list[str], names: list[str]
) -> None:
    """What is chosen is there, in starting order."""
    services = {name: Rules(name=name) for name in names}
    try:
        chosen = select(patterns, services)
    except Refusal as refusal:
        assert refusal.code == "unknown-name"  # noqa: PT017  (either outcome is right)
    else:
        assert chosen == [name for name in names if name in chosen]
        assert len(chosen) > 0 or not (names and patterns)
