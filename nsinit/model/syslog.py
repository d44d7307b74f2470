"""Syslog: where it listens, and what a message says of itself. Pure. Source: RFC 5424, RFC 3164.

Names of hosts are never looked up: that could hold process 1 for as long as a name server does not
answer.
"""

from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from nsinit.model import addresses
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.spec import Config, Log

    Finding = tuple[KeyPath, str, str]

DEFAULT: Final = "/dev/log"
DATAGRAM_MAX: Final = 60_000  # bytes of a line: with its header it has to fit into one datagram
_FACILITIES: Final = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "security", "console", "solaris-cron",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
_SEVERITIES: Final = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")

Facility = Literal[
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
]  # fmt: skip
Severity = Literal["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]


class SyslogAddress(str):
    """Where a syslog daemon listens: "/dev/log", "unix:PATH", "udp:HOST:PORT", "tcp:HOST:PORT"."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> str:
        """From text; a path alone is a datagram socket or, if it is none, a stream."""
        if not isinstance(value, str):
            raise ValueError('expected an address such as "/dev/log" or "udp:192.0.2.1:514"')
        if value.startswith(("/", "@")):
            return addresses.parse(value).path
        found = addresses.parse(value)
        if found.is_inet and not found.host:
            raise ValueError(
                f'expected the address of a host, as in "udp:192.0.2.1:514", not {value!r}'
            )
        return str(found)


class Syslog(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`log.syslog`: a daemon, and how messages are marked.

    `format` is "bsd" for a socket of this machine and "rfc5424" for another's, unless given.
    """

    address: SyslogAddress = SyslogAddress(DEFAULT)
    format: Literal["rfc5424", "bsd"] | None = None
    facility: Facility = "daemon"
    severity: Severity | None = None
    app_name: str | None = None


class SyslogRules(Named):
    """The same for one stream, with all that is left out."""

    address: str
    rfc5424: bool
    priority: int
    app_name: str = ""


def syslog_rules(log: "Log", stream: str) -> SyslogRules:
    """Where messages of a stream go: what is an error to its writer is one there."""
    own = log.stderr.syslog if stream == "stderr" and log.stderr is not None else None
    asked = own or log.syslog or Syslog()
    severity = asked.severity or ("err" if stream == "stderr" else "info")
    far = asked.address.startswith(("udp:", "tcp:"))
    return SyslogRules(
        address=asked.address,
        rfc5424=far if asked.format is None else asked.format == "rfc5424",
        priority=_FACILITIES.index(asked.facility) * 8 + _SEVERITIES.index(severity),
        app_name=asked.app_name or "",
    )


def syslog_is_wanted(config: "Config") -> "Iterator[Finding]":
    """Nothing is said about syslog where nothing goes there, and lines fit into datagrams."""
    from nsinit.model.logs import sinks  # noqa: PLC0415  (which has this among its checks)

    for name, spec in config.services.items():
        at: KeyPath = ("services", name, "log")
        log, own = spec.log, spec.log.stderr
        used = {stream for stream in ("stdout", "stderr") if "syslog" in sinks(log, stream)}
        if log.syslog is not None and not used:
            yield (*at, "syslog"), 'nothing goes there: "to" has no "syslog"', 'to = "syslog"'
        if own is not None and own.syslog is not None and "stderr" not in used:
            at_own = (*at, "stderr", "syslog")
            yield at_own, 'nothing goes there: "to" has no "syslog"', 'to = "syslog"'
        for table, key in ((log.syslog, at), (own.syslog if own else None, (*at, "stderr"))):
            if table is not None and table.app_name is not None and not _is_name(table.app_name):
                where = (*key, "syslog", "app_name")
                yield where, "expected 1 to 48 printable ASCII characters without spaces", ""
        if used and log.line_limit > DATAGRAM_MAX:
            why = f"a line of more than {DATAGRAM_MAX} bytes fits into no message of syslog"
            yield (*at, "line_limit"), why, ""


def _is_name(text: str) -> bool:
    return 0 < len(text) <= 48 and all("!" <= char <= "~" for char in text)
