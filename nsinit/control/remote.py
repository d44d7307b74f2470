"""What can be had by TCP: figures, probes, the status page, and with a token a little more.

Who comes is not known, so the rule is a list of what is open; all else is not there. Against web
pages of others in the browser of somebody who may reach the port: a Host must be one that no
stranger's name server answers for, what steers has a token in a header, which no form can send, and
an Origin of its own.
"""

from __future__ import annotations

import re
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from nsinit.control.access import NOBODY, Peer
from nsinit.control.commands import BY_PATH, Command
from nsinit.control.crowding import oldest
from nsinit.control.page import load
from nsinit.control.routes import Asked, Call, Headers, Page, Refusal

if TYPE_CHECKING:
    import _socket
    import asyncio
    from collections.abc import Callable, Collection

    from nsinit.control.connection import Client
    from nsinit.model.spec import Listen
    from nsinit.runtime.boot import Init
    from nsinit.runtime.port import Port

PROBES: Final = frozenset(("metrics", "livez", "readyz"))
# With the page, what it shows: that tells nothing of what services write, nor how they are run.
OPEN: Final = PROBES | {
    "status", "list", "health", "graph", "blame", "events", "version", "why",
}  # fmt: skip
READ: Final = OPEN | {"logs", "tree", "top"}  # with the token: lines and commands may hold secrets
ACTIONS: Final = frozenset(
    ("start", "stop", "restart", "reload", "reset", "pause", "unpause", "pin", "unpin")
)
MAX_CLIENTS: Final = 64
MAX_OF_A_PEER: Final = 32
_IDLE: Final = 300.0  # s: longer than any interval of scraping
_FIRST: Final = 15.0
_NAME: Final = re.compile(r"[a-z0-9_-]+\.?|[a-z0-9_-]+\.localhost\.?")
_ADDRESS: Final = re.compile(r"\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.%]+\]")


class RemoteGate:
    """The TCP port."""

    name = "remote"
    first: float | None = _FIRST
    idle: float | None = _IDLE
    headers: Headers = (
        ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    )

    def __init__(self, init: Init) -> None:
        self._init = init

    @property
    def _port(self) -> Port:
        assert self._init.port is not None  # noqa: S101  (there is one before there is a gate)
        return self._init.port

    @property
    def socket(self) -> _socket.socket | None:
        """The one that is bound now."""
        return self._port.socket

    def enter(
        self, transport: asyncio.Transport, clients: Collection[Client]
    ) -> tuple[Peer, int, Client | None]:
        """By address; so many of each, and so many together. Who is idle makes room."""
        address = str((transport.get_extra_info("peername") or ("",))[0])
        here = [client for client in clients if client.gate is self]
        same = [client for client in here if client.peer.address == address]
        leaving = None
        if len(same) >= MAX_OF_A_PEER:
            why = f"{address} has {MAX_OF_A_PEER} connections, and all are busy"
            leaving = oldest(same, why)
        elif len(here) >= MAX_CLIENTS:
            leaving = oldest(here, f"there are {MAX_CLIENTS} connections, and all are busy")
        return Peer(0, NOBODY, NOBODY, address=address), NOBODY, leaving

    def take_turn(self, work: Callable[[], object]) -> None:
        """After others who wait for something, so that many who ask hold up nobody else."""
        self._init.reactor.turns.call_soon(work)

    # --- Requests ---------------------------------------------------------------------------------

    def screen(self, asked: Asked) -> None:
        """Refuse what is for nobody who comes this way."""
        listen = self._port.listen
        known = self._knows(asked)
        if not known and not self._is_ours(asked.headers.get("host")):
            message = f"this is not {asked.headers.get('host', '')[:100]!r}"
            hint = "hosts in [init.listen] tells by which names it may be reached"
            raise Refusal(421, "wrong-host", message, hint)
        steers = listen is not None and listen.actions
        if asked.method not in ("GET", "HEAD") and not (steers and asked.method == "POST"):
            refusal = Refusal(405, "wrong-method", "what comes by this port can only look")
            refusal.allow = "GET, HEAD"
            raise refusal
        if asked.method == "POST":
            self._check_origin(asked)
        elif listen is not None and listen.status_page and asked.target.split("?")[0] == "/":
            raise _page(listen)
        row = BY_PATH.get(asked.target.partition("?")[0])
        if row is not None:  # early: nothing is said of the parameters of what is not here
            self._check_row(row, known=known)

    def allow(self, peer: Peer, level: int, asked: Asked, call: Call) -> None:
        """Only what is on the lists above."""
        del peer, level
        known = self._knows(asked)
        self._check_row(call.command, known=known)
        if call.command.name == "why" and not known:
            call.params["lines"] = 0  # and so none of those that died, either

    def _check_row(self, row: Command, *, known: bool) -> None:
        name, listen = row.name, self._port.listen
        anybody = OPEN if listen is not None and listen.status_page else PROBES
        reads = name in anybody or (name in READ and listen is not None and listen.token_file)
        if not reads and not (name in ACTIONS and listen is not None and listen.actions):
            message = f"{row.path} can't be had by this port"
            raise Refusal(404, "unknown-route", message, "the control socket has it")
        if name not in anybody and not known:
            raise _unknown()

    def _knows(self, asked: Asked) -> bool:
        """Whether a request has the token; Refusal if it has another."""
        given = asked.headers.get("authorization")
        if given is None:
            return False
        scheme, _, token = given.partition(" ")
        raw = token.strip().encode("latin-1", "replace")
        right = compare_digest(raw, self._port.token) and bool(self._port.token)
        if scheme.lower() != "bearer" or not right:
            raise _unknown()
        return True

    def _is_ours(self, host: str | None) -> bool:
        """Whether a Host is an address, a name without a domain, or one that was given."""
        if host is None:
            return True  # HTTP/1.0: no browser
        name = host.lower()
        if name.rpartition(":")[2].isdigit() and not name.endswith("]"):
            name = name.rpartition(":")[0]
        listen = self._port.listen
        given = {one.lower() for one in listen.hosts} if listen is not None else set()
        return bool(name in given or _ADDRESS.fullmatch(name) or _NAME.fullmatch(name))

    def _check_origin(self, asked: Asked) -> None:
        """What steers comes from our own page, or from no page."""
        if not self._knows(asked):
            raise _unknown()
        origin = asked.headers.get("origin")
        if origin is not None and origin.partition("://")[2] != asked.headers.get("host"):
            message = f"a page of {origin[:100]!r} may not do that"
            raise Refusal(403, "wrong-origin", message)
        kind = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Refusal(415, "unsupported-type", "the body has to be application/json")


def _page(listen: Listen) -> Page:
    """What it offers is told to its script by attributes."""
    text, policy = load()
    marks = b"".join(
        mark
        for mark, on in ((b" data-token", listen.token_file), (b" data-actions", listen.actions))
        if on
    )
    return Page(text.replace(b"<html", b"<html" + marks, 1), policy)


def _unknown() -> Refusal:
    hint = "send Authorization: Bearer and what is in the token_file"
    refusal = Refusal(401, "denied", "that needs the token", hint)
    refusal.headers = (("WWW-Authenticate", 'Bearer realm="nsinit"'),)
    return refusal
