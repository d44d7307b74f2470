"""`[init].listen`: the TCP port for monitoring systems and the status page. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.model.addresses import Endpoint, overlap, parse
from nsinit.model.listening import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.spec import Config

    Finding = tuple[KeyPath, str, str]

_EXPECTED: Final = 'expected an address such as "127.0.0.1:9150", "[::1]:9150" or "*:9150"'
_HOST: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._")
_PATH: Final = ("init", "listen", "address")


def endpoint(text: str) -> Endpoint:
    """Where to listen; ValueError says what was expected."""
    host, colon, _ = text.removeprefix("tcp:").rpartition(":")
    if not colon or not host or "/" in text:
        raise ValueError(f"{_EXPECTED}, got {text[:60]!r}")
    return parse("tcp:" + text.removeprefix("tcp:"))


def is_local(at: Endpoint) -> bool:
    """Whether only this machine, or this network namespace, can reach it."""
    return at.host.startswith("127.") or at.host == "::1"


def address_is_right(config: Config) -> Iterator[Finding]:
    """It can be read, and no service wants it."""
    listen = config.init.listen
    if listen is None:
        return
    try:
        at = endpoint(listen.address)
    except ValueError as error:
        yield _PATH, str(error), ""
        return
    for _, socket, other in rows(config):
        if overlap(at, other, ipv6_only=(False, socket.ipv6_only)):
            yield _PATH, f"{at} is taken by a socket of a service: {other}", ""


def actions_need_a_token(config: Config) -> Iterator[Finding]:
    """Nobody steers services without having shown who they are."""
    listen = config.init.listen
    if listen is not None and listen.actions and listen.token_file is None:
        why = "whoever reaches the port could stop services"
        yield ("init", "listen", "actions"), why, "give a token_file"


def hosts_are_names(config: Config) -> Iterator[Finding]:
    """As in the Host of a request, without a port."""
    for index, name in enumerate(config.init.listen.hosts if config.init.listen else ()):
        if not name or set(name.lower()) - _HOST:
            path = ("init", "listen", "hosts", index)
            yield path, f'expected a name such as "box.example", got {name[:60]!r}', ""


def token_is_hidden(config: Config) -> Iterator[Finding]:
    """It travels as it is: anybody on the way can read it."""
    listen = config.init.listen
    if listen is None or listen.token_file is None:
        return
    try:
        at = endpoint(listen.address)
    except ValueError:
        return
    if not is_local(at):
        why = "the token is sent in the clear to this address"
        yield _PATH, why, "listen on 127.0.0.1, behind something that speaks TLS"


STRICT: Final = (address_is_right, actions_need_a_token, hosts_are_names)
ADVICE: Final = (token_is_hidden,)
