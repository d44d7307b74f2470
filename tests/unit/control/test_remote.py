"""Who comes by TCP, and what they get; how long any client may take."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from nsinit.control import connection, page, remote
from nsinit.control.access import ADMIN, NOBODY, Peer
from nsinit.control.commands import BY_NAME, COMMANDS
from nsinit.control.connection import Client
from nsinit.control.crowding import FullError
from nsinit.control.remote import ACTIONS, READ, RemoteGate
from nsinit.control.routes import Asked, Page, Refusal, parse_call
from nsinit.model.spec import Listen
from nsinit.model.types import Names

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.control.gates import Gate

TOKEN = "0123456789abcdef-token"
BEARER = {"authorization": f"Bearer {TOKEN}"}
JSON = {"content-type": "application/json"}
ALL = Listen(address="127.0.0.1:1", token_file="t", actions=True, hosts=Names(["box.example"]))
PAGE = Listen(address="127.0.0.1:1")
BARE = Listen(address="127.0.0.1:1", status_page=False)


class _Transport:
    """A connection from that address."""

    def __init__(self, address: str) -> None:
        self._address = address

    def get_extra_info(self, _: str) -> tuple[str, int]:
        return self._address, 5


def gate(listen: Listen) -> RemoteGate:
    """One by that configuration; the token is there if there is a file."""
    token = TOKEN.encode() if listen.token_file else b""
    port = SimpleNamespace(listen=listen, token=token)
    return RemoteGate(cast("Any", SimpleNamespace(port=port)))


def ask(listen: Listen, method: str, target: str, **headers: str) -> tuple[int, str]:
    """The status and the code of what a request is answered before anything is done for it."""
    made = gate(listen)
    asked = Asked(method, target, {name.replace("_", "-"): v for name, v in headers.items()})
    try:
        made.screen(asked)
        body = b'{"names": ["a"]}' if method == "POST" else b""
        call = parse_call(method, target, body)
        made.allow(made_peer(made), NOBODY, asked, call)
    except Page:
        return 200, "page"
    except Refusal as refusal:
        return refusal.status, refusal.code
    return 200, "lines" if call.params.get("lines") else ""


def made_peer(one: RemoteGate) -> Any:
    """Somebody who was let in."""
    peer, level, leaving = one.enter(cast("Any", _Transport("127.0.0.1")), ())
    assert (peer.uid, level, leaving) == (-1, NOBODY, None)
    return peer


def test_lists_are_of_rows_when_compared_with_the_table() -> None:
    """What is open only looks; nothing runs commands or ends init; what is new is not there."""
    for name in READ | ACTIONS:
        row = BY_NAME[name]
        assert (row.method, row.access) in (("GET", "read"), ("POST", "operate"))
        assert (row.method == "GET") == (name in READ)
    for row in COMMANDS:
        if row.name in READ | ACTIONS:
            continue
        target = row.path + "?" + "&".join(
            f"{p.name}={'HUP' if p.kind == 'signal' else 'a'}" for p in row.params if p.required
        )  # fmt: skip
        headers = {**BEARER, "content_type": "application/json"}
        assert ask(ALL, row.method, target, **headers)[0] in (404, 405), row.name


@pytest.mark.parametrize(
    ("listen", "method", "target", "headers", "answer"),
    [
        (PAGE, "GET", "/", {}, (200, "page")),
        (PAGE, "HEAD", "/?x", {}, (200, "page")),
        (BARE, "GET", "/", {}, (404, "unknown-route")),
        (BARE, "GET", "/metrics", {}, (200, "")),
        (BARE, "GET", "/v1/status", {}, (404, "unknown-route")),
        (PAGE, "GET", "/v1/status", {}, (200, "")),
        (PAGE, "GET", "/v1/why?names=a", {}, (200, "")),
        (PAGE, "GET", "/v1/logs", {}, (404, "unknown-route")),
        (PAGE, "GET", "/v1/logs", BEARER, (401, "denied")),
        (PAGE, "POST", "/v1/stop", {}, (405, "wrong-method")),
        (PAGE, "OPTIONS", "*", {}, (405, "wrong-method")),
        (ALL, "GET", "/v1/logs", {}, (401, "denied")),
        (ALL, "GET", "/v1/logs", BEARER, (200, "")),
        (ALL, "GET", "/v1/logs", {"authorization": f"bearer   {TOKEN} "}, (200, "")),
        (ALL, "GET", "/v1/logs", {"authorization": f"Basic {TOKEN}"}, (401, "denied")),
        (ALL, "GET", "/v1/logs", {"authorization": f"Bearer {TOKEN[:-1]}"}, (401, "denied")),
        (ALL, "GET", "/livez", {"authorization": "Bearer \u20ac"}, (401, "denied")),
        (ALL, "GET", "/v1/why?names=a", {}, (200, "")),
        (ALL, "GET", "/v1/why?names=a", BEARER, (200, "lines")),
        (ALL, "POST", "/v1/stop", JSON, (401, "denied")),
        (ALL, "POST", "/v1/stop", BEARER, (415, "unsupported-type")),
        (ALL, "POST", "/v1/stop", {**BEARER, "content-type": "text/plain"},
         (415, "unsupported-type")),
        (ALL, "POST", "/v1/stop", {**BEARER, **JSON}, (200, "")),
        (ALL, "POST", "/v1/stop", {**BEARER, **JSON, "host": "a:9", "origin": "http://a:9"},
         (200, "")),
        (ALL, "POST", "/v1/stop", {**BEARER, **JSON, "host": "a:9", "origin": "http://b:9"},
         (403, "wrong-origin")),
        (ALL, "POST", "/v1/stop", {**BEARER, **JSON, "host": "a", "origin": "null"},
         (403, "wrong-origin")),
        (ALL, "POST", "/v1/stop", {**BEARER, **JSON, "host": "a", "origin": "http://[a"},
         (403, "wrong-origin")),
        (ALL, "POST", "/", {**BEARER, **JSON}, (404, "unknown-route")),
        (ALL, "DELETE", "/v1/stop", BEARER, (405, "wrong-method")),
    ],
)  # fmt: skip
def test_request_is_answered_as_it_deserves_when_it_comes_by_tcp(
    listen: Listen, method: str, target: str, headers: dict[str, str], answer: tuple[int, str]
) -> None:
    """By what the configuration offers, by the token, and by where a page came from."""
    given = {name.replace("-", "_"): value for name, value in headers.items()}
    assert ask(listen, method, target, **given) == answer


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:9150", 200), ("[::1]:9150", 200), ("[::1]", 200), ("localhost", 200),
        ("a.localhost:1", 200), ("web:9150", 200), ("BOX.example:9150", 200), ("box.example", 200),
        ("evil.example", 421), ("evil.example:9150", 421), ("127.0.0.1.evil.example", 421),
        ("", 421), ("1.2.3.4@evil.example", 421), ("box.example.evil", 421), ("a,b", 421),
        ("localhost.evil.example", 421), ("[::1].evil.example", 421),
    ],
)  # fmt: skip
def test_host_is_refused_when_a_stranger_could_answer_for_it(host: str, status: int) -> None:
    """DNS rebinding; with the token it is no browser of a stranger's page."""
    assert ask(ALL, "GET", "/livez", host=host)[0] == status
    assert ask(ALL, "GET", "/livez", host=host, **BEARER)[0] == 200


def test_clients_are_turned_away_when_one_address_has_too_many() -> None:
    """Unless one of them is idle; others still get in, until there are too many of all."""
    made = gate(PAGE)
    clients: list[Any] = []

    def enter(address: str) -> Any:
        transport = cast("Any", _Transport(address))
        peer, _, leaving = made.enter(transport, clients)
        clients.append(SimpleNamespace(gate=made, peer=peer, level=NOBODY, idle_since=None))
        return leaving

    for _ in range(remote.MAX_OF_A_PEER):
        assert enter("10.0.0.1") is None
    with pytest.raises(FullError, match=r"10\.0\.0\.1 has 32"):
        enter("10.0.0.1")
    for number in range(remote.MAX_CLIENTS - remote.MAX_OF_A_PEER):
        assert enter(f"10.0.1.{number}") is None
    with pytest.raises(FullError, match="there are 64"):
        enter("10.0.2.1")
    clients[5].idle_since = 2.0
    clients[6].idle_since = 1.0
    assert enter("10.0.0.1") is clients[6]
    clients.append(SimpleNamespace(gate=object(), peer=clients[0].peer, idle_since=0.5))
    assert enter("10.0.2.1") is clients[6]  # who came by another gate is not counted here


def test_page_may_do_nothing_but_its_own_when_it_is_loaded() -> None:
    """Its policy has a hash for its script and its style; it names no other place, and is small."""
    text, policy = page.load()
    assert policy.count("'sha256-") == 2
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert len(text) < 60_000
    html = text.decode()
    for word in ("http://", "https://", "//cdn", "@import", "innerHTML", "insertAdjacentHTML",
                 "document.write", "eval(", " style=", " onclick", "src="):  # fmt: skip
        assert word not in html.replace("http://www.w3.org/2000/svg", ""), word


class _Gate:
    """Lets everybody in, and has little patience."""

    name, headers = "", ()
    first, idle = 0.15, 0.15
    level = NOBODY

    def enter(self, *_: object) -> Any:
        return Peer(0, -1, -1), self.level, None

    def take_turn(self, work: Callable[[], object]) -> None:
        work()

    def screen(self, _: object) -> None:
        pass

    allow = lambda *_: None  # noqa: E731


def test_memory_is_bounded_when_many_ask_and_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who makes it too much is dropped; root on the control socket is not."""
    monkeypatch.setattr(connection, "MAX_UNSENT", 20 << 20)
    asyncio.run(_ask_for_much())


async def _ask_for_much() -> None:
    class Much(_Handlers):
        def __call__(self, _: str, __: object, reply: Any) -> None:
            reply.answer(200, {"live": "x" * (8 << 20)})

    loop, handlers = asyncio.get_running_loop(), Much()
    for level, dropped in ((NOBODY, 4), (ADMIN, 0)):
        clients: set[Any] = set()
        stub = SimpleNamespace(loop=loop, clients=clients, handlers=handlers, say=None)
        made = _Gate()
        made.level = level
        ends = []
        handlers.clients_dropped = 0
        for _ in range(6):
            ours, theirs = socket.socketpair()
            client = Client(cast("Any", stub), cast("Gate", made))
            await loop.connect_accepted_socket(lambda made=client: made, ours)  # type: ignore[misc]  # mypy does not see the default
            ends.append(theirs)
            client.data_received(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert handlers.clients_dropped == dropped
        assert len([one for one in clients if one.unsent]) == 6 - dropped
        for one in [*clients]:
            one.drop()
        for end in ends:
            end.close()
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("said", "is_late"),
    [
        (b"", False),
        (b"GET /livez HT", True),
        (b"POST /v1/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{", True),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", False),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /li", True),
        (b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n", True),
    ],
    ids=["nothing", "head", "body", "idle", "pipelined", "unread"],
)
def test_client_is_dropped_when_it_takes_too_long(
    monkeypatch: pytest.MonkeyPatch, said: bytes, is_late: bool
) -> None:
    """To begin, to end a request, to begin another, to read the answer: a trickle does not help."""
    monkeypatch.setattr(connection, "REQUEST", 0.15)
    monkeypatch.setattr(connection, "UNREAD", 0.15)
    asyncio.run(_drop(said, is_late=is_late))


class _Handlers:
    clients_dropped = 0

    def drop_client(self) -> None:
        self.clients_dropped += 1

    def __call__(self, _: str, __: object, reply: Any) -> None:
        reply.answer(200, {"live": True})


class _Leaving(set[Any]):
    """Tells when somebody has left."""

    def __init__(self, gone: asyncio.Event) -> None:
        super().__init__()
        self._gone = gone

    def discard(self, element: Any) -> None:
        super().discard(element)
        self._gone.set()


async def _drop(said: bytes, *, is_late: bool) -> None:
    loop, handlers, made = asyncio.get_running_loop(), _Handlers(), _Gate()
    gone = asyncio.Event()
    clients = _Leaving(gone)
    stub = SimpleNamespace(loop=loop, clients=clients, handlers=handlers, say=None)
    ours, theirs = socket.socketpair()
    if b"/big" in said:
        monkey = {"live": "x" * (8 << 20)}
        handlers.__class__ = type(
            "Big", (_Handlers,), {"__call__": lambda _, __, ___, reply: reply.answer(200, monkey)}
        )
        said = said.replace(b"/big", b"/livez")
    with theirs:
        theirs.setblocking(False)
        await loop.connect_accepted_socket(
            lambda: Client(cast("Any", stub), cast("Gate", made)), ours
        )
        began = loop.time()
        theirs.sendall(said)
        for _ in range(3):  # a trickle
            await asyncio.sleep(0.04)
            if said.endswith((b"HT", b"li")):
                theirs.sendall(b"x")
        await asyncio.wait_for(gone.wait(), 5)
        assert loop.time() - began < 2
        assert not stub.clients
        assert handlers.clients_dropped == is_late
