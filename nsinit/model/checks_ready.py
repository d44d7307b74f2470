"""Checks of readiness and health: one way each, and one that can work. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.model import probing
from nsinit.model.logs import STREAMS, sinks
from nsinit.model.spec import NOTIFIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.spec import Config, Health, Http, Ready, Service

    Finding = tuple[KeyPath, str, str]  # where, what is wrong, what to do
    Tables = Iterator[tuple[str, Service, str, Ready | Health]]

_INSTEAD: Final = "use exec, http, tcp, unix or file"


def _tables(config: Config) -> Tables:
    for name, spec in config.services.items():
        for key, table in (("ready", spec.ready), ("health", spec.health)):
            if table is not None:
                yield name, spec, key, table


def ways_of_asking(config: Config) -> Iterator[Finding]:
    """A table of probes names exactly one way."""
    for name, spec in config.services.items():
        for key, table in (("ready", spec.ready), ("health", spec.health)):
            if table is None:
                continue
            found = probing.ways(table)
            if table is spec.ready:
                found += probing.told_ways(table)
                if spec.type in NOTIFIES:
                    found += [] if "notify" in found else [f'type = "{spec.type}"']
            elif not found:
                yield ("services", name, key), "names no way to ask", 'such as exec = "…"'
            if len(found) > 1:
                yield ("services", name, key), f"takes one of {', '.join(found)}, not several", ""
        if spec.health is not None and spec.type == "oneshot":
            yield ("services", name, "health"), "a oneshot runs once and has no health", ""
        if spec.health is not None and (spec.health.retries < 1 or spec.health.interval <= 0):
            yield ("services", name, "health"), "retries and interval are above 0", ""


def spans_of_probes(config: Config) -> Iterator[Finding]:
    """A probe has time for an answer, and is not asked without a pause."""
    for name, _, key, table in _tables(config):
        for span in ("timeout", "interval"):
            if getattr(table, span) <= 0 and (key, span) != ("health", "interval"):
                yield ("services", name, key, span), "is above 0", ""


def addresses_of_probes(config: Config) -> Iterator[Finding]:
    """What is asked has an address, which needs no looking up."""
    for name, _, key, table in _tables(config):
        path = ("services", name, key)
        if table.tcp is not None:
            try:
                probing.parse_address(str(table.tcp))
            except ValueError as error:
                yield (*path, "tcp"), str(error), ""
        if table.unix is not None and (bad := _bad_socket(table.unix)):
            yield (*path, "unix"), bad, ""
        if table.http is not None:
            yield from _http(table.http, (*path, "http"))


def _bad_socket(path: str) -> str:
    if path[:1] not in ("/", "@") or len(path) < 2 or "\0" in path:
        return f'expected an absolute path, or "@name" for an abstract socket, got {path!r}'
    if len(path.encode("utf-8", "surrogateescape")) > probing.PATH_MAX:
        return f"a socket's path has at most {probing.PATH_MAX} bytes"
    return ""


def _http(http: Http, path: KeyPath) -> Iterator[Finding]:
    try:
        probing.parse_url(http.url)
    except ValueError as error:
        yield (*path, "url"), str(error), ""
    for header, value in http.headers.items():
        if bad := probing.bad_header(header, value):
            yield (*path, "headers", header), bad, ""


def files_of_probes(config: Config) -> Iterator[Finding]:
    """The file that a service makes when it is ready has an absolute path."""
    for name, spec in config.services.items():
        file = spec.ready.file if spec.ready is not None else None
        if file is not None and (not file.startswith("/") or "\0" in file):
            path = ("services", name, "ready", "file")
            yield path, f"expected an absolute path, got {file!r}", ""


def ready_lines(config: Config) -> Iterator[Finding]:
    """A line that is waited for is read by nsinit, and its pattern is one."""
    for name, spec in config.services.items():
        path = ("services", name, "ready", "log")
        if spec.ready is None or spec.ready.log is None:
            continue
        try:
            probing.compile_pattern(spec.ready.log)
        except ValueError as error:
            yield path, str(error), ""
        if isinstance(spec.tty, str):
            yield path, "with a tty nsinit reads no lines", _INSTEAD
        kinds = {sink for stream in STREAMS for sink in sinks(spec.log, stream)}
        if kinds <= {"null", "inherit"}:
            yield path, f'with log = "{min(kinds)}" nsinit reads no lines', _INSTEAD


def ready_fds(config: Config) -> Iterator[Finding]:
    """The descriptor to write a newline to is none of the first three."""
    for name, spec in config.services.items():
        fd = spec.ready.fd if spec.ready is not None else None
        if fd is not None and fd not in probing.FDS:
            first, last = probing.FDS[0], probing.FDS[-1]
            path = ("services", name, "ready", "fd")
            yield path, f"expected a descriptor from {first} to {last}, got {fd}", ""
        given = len(spec.sockets) + spec.fd_store_max  # they are 3 and up
        if fd is not None and given and 3 <= fd < 3 + given:
            path = ("services", name, "ready", "fd")
            yield path, f"descriptors 3 to {2 + given} are those of its sockets", "take one above"


def told_by_daemons(config: Config) -> Iterator[Finding]:
    """A daemon is known only when its parent has ended, so its parent can't tell for it."""
    for name, spec in config.services.items():
        if spec.type != "forking" or spec.ready is None:
            continue
        for key in ("fd", "log"):
            if getattr(spec.ready, key) is not None:
                path = ("services", name, "ready", key)
                yield path, 'is not for type = "forking"', _INSTEAD


def readiness_on_time(config: Config) -> Iterator[Finding]:
    """A start_timeout without a declared readiness only bounds a oneshot."""
    for name, spec in config.services.items():
        declared = spec.type in (*NOTIFIES, "forking", "oneshot") or probing.declares(spec.ready)
        if spec.start_timeout is not None and not declared:
            path = ("services", name, "start_timeout")
            yield path, "has no effect without a declared readiness", "add ready = {notify = true}"


STRICT: Final = (
    ways_of_asking,
    spans_of_probes,
    addresses_of_probes,
    files_of_probes,
    ready_lines,
    ready_fds,
    told_by_daemons,
)
ADVICE: Final = (readiness_on_time,)
