"""Single values as they are written in configurations, options and parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nsinit import capnames, moments, units
from nsinit.convert.systemd import calendar
from nsinit.model import (
    addresses,
    envfile,
    expand,
    idmaps,
    probing,
    publish,
    resources,
    tuning,
    types,
)
from nsinit.model.checks_network import read_address, read_ip
from nsinit.model.cron import Calendar, CalendarError, load_zone
from scripts.fuzzing.target import Target, plain_text, text_of, words_of

if TYPE_CHECKING:
    from collections.abc import Callable

_NOW: Final = 1_700_000_000.0
_READERS: Final[tuple[Callable[[Any], object], ...]] = (
    units.parse_duration, units.parse_size, units.parse_signal, units.parse_mode,
    capnames.parse_name, moments.parse_moment, types.StopSequence.read, types.Codes.read,
    types.Statuses.read, types.Rlimit.read, types.Words.read, types.Needs.read, types.Period.read,
    types.Environment.read, types.Sinks.read, types.Limit.read, tuning.CpuSet.read,
    tuning.IoPriority.read, tuning.Scheduler.read, tuning.Files.read, tuning.Nice.read,
    resources.DeviceRules.read, resources.Count.read,
)  # fmt: skip
_PLACES: Final[tuple[Callable[[Any], object], ...]] = (
    addresses.parse, probing.parse_address, probing.parse_url, probing.compile_pattern,
    types.Address.read, publish.Publish.read, idmaps.IdMap.read, read_address, read_ip,
)  # fmt: skip


_OF_LISTS: Final = tuple(
    read for read in (*_READERS, *_PLACES) if getattr(read, "__name__", "") == "read"
)


def _each(readers: tuple[Callable[[Any], object], ...], text: str) -> None:
    """Each of them reads it or refuses it by a ValueError that says something."""
    for read in readers:
        try:
            read(text)
        except ValueError as error:
            if not str(error):
                raise AssertionError(f"{read} says nothing") from error
    _lists(text)


def _lists(text: str) -> None:
    """What stands in a list in TOML."""
    parts = text.split(",")
    for read in _OF_LISTS if len(parts) > 1 else ():
        try:
            read(parts)
        except ValueError as error:
            if not str(error):
                raise AssertionError(f"{read} says nothing") from error


def _units(data: bytes) -> None:
    _each(_READERS, text_of(data))


def _places(data: bytes) -> None:
    _each(_PLACES, text_of(data))


def _cron(data: bytes) -> None:
    line, _, zone = plain_text(data).partition("\n")
    found = Calendar(line, load_zone(zone or "UTC"))
    at = found.next(_NOW)
    assert at is None or at > _NOW
    if at is not None:
        found.next(float(at))


def _systemd_calendar(data: bytes) -> None:
    Calendar(calendar.to_cron(plain_text(data))[0], load_zone("UTC"))


def _env_file(data: bytes) -> None:
    """Values are what a program can be given."""
    for name, value in envfile.parse(text_of(data), {"HOME": "/root", "X": "x" * 1000}).items():
        assert "\0" not in name + value
        assert name
        assert "=" not in name
        assert len(value) <= envfile.LONGEST


def _expand(data: bytes) -> None:
    expand.expand(text_of(data), {"HOME": "/root", "X": "$$", "EMPTY": ""})


def _moments(data: bytes) -> None:
    text = text_of(data)
    found = moments.parse_moment(text, _NOW)
    assert moments.parse_moment(moments.format_moment(found.at(_NOW)), _NOW) is not None


TARGETS: Final = (
    Target(
        "units", _units,
        ("nsinit.units", "nsinit.capnames", "nsinit.moments", "nsinit.model.types",
         "nsinit.model.tuning", "nsinit.model.resources"),
        words=words_of(
            "1h 30s 5m 1d 1w 10MiB 1.5G 0o644 TERM SIGRTMIN+3 SIGRTMAX-1 unlimited 10:20 best-effort:4"
            " fifo:10 0-3,5 now today yesterday 2024-02-30 12:00:00 Z +01:00 c:1:3:rwm a=1 hourly"
        ),
        seeds=lambda: [
            b"1h30m", b"10MiB", b"SIGTERM", b"0644", b"CAP_NET_ADMIN", b"TERM,5s,INT", b"1,2-5,TERM",
            b"0-3,5", b"best-effort:4", b"2024-02-29T12:00:00Z", b"-5m", b"c 1:3 rwm", b"5:unlimited",
        ],
        most=512,
    ),
    Target(
        "moments", _moments, ("nsinit.moments",), answers=(ValueError,),
        words=words_of("ago today yesterday now T Z +14:00 -00:30 2024-12-31 23:59:60 .5 @ 1e9"),
        seeds=lambda: [b"2024-02-29T12:00:00Z", b"5m", b"@1700000000.5", b"2024-02-29 12:00", b"12:30"],
        most=128,
    ),
    Target(
        "addresses", _places,
        ("nsinit.model.addresses", "nsinit.model.probing", "nsinit.model.publish",
         "nsinit.model.idmaps", "nsinit.model.checks_network", "nsinit.model.types"),
        words=words_of(
            "tcp: udp: unix: unixgram: [::1]:80 127.0.0.1 http:// https:// %eth0 @ /24 /udp -443 :: *"
            " (a+)+ (?i) [^ \\d{1000} (?<=a) 0:100000:65536 localhost"
        ),
        seeds=lambda: [
            b"tcp:127.0.0.1:80", b"unix:/run/x", b"@abstract", b"[::1]:8080", b"http://[::1]:80/x?y#z",
            b"127.0.0.1:8080-8090:80-90/udp", b"0:1000:1,1:100000:65536", b"fe80::1%eth0/64",
            b"10.0.0.1/24", b"ready (in|after) [0-9]+ms",
        ],
        most=512,
    ),
    Target(
        "cron", _cron, ("nsinit.model.cron",), answers=(CalendarError,),
        words=words_of("* */5 1-5 L W # MON-FRI JAN @daily @hourly @reboot 31 2 29 0/0 Europe/Berlin ../x"),
        seeds=lambda: [
            b"30 2 * * *\nEurope/Berlin", b"*/5 0-6,8 1,15 JAN-MAR MON", b"0 0 29 2 *", b"@weekly",
            b"0 0 L * 5#3", b"* * * * * */10\nUTC",
        ],
        most=256, bound=5.0,
    ),
    Target(
        "systemd-calendar", _systemd_calendar, ("nsinit.convert.systemd.calendar",),
        answers=(ValueError,),
        words=words_of("Mon..Fri *-*-* 00:00:00 daily 2024-01-01 1..7/2 ~1 UTC Europe/Berlin 0/5"),
        seeds=lambda: [b"Mon..Fri *-*-* 10:00:00", b"*-2-29", b"hourly", b"Sat *-*-1..7 18:00 UTC"],
        most=256, bound=5.0,
    ),
    Target(
        "env-file", _env_file, ("nsinit.model.envfile",), answers=(envfile.BadLineError,),
        words=words_of("export A= ${X} ${HOME:-a} ${X:?no} $$ \\n \\x '\"' # \"$X\" ${"),
        seeds=lambda: [
            b"# a\nexport A=1\nB='x y' # c\nC=\"a\\n$X ${HOME}\"\nD=${NO:-d}\n\nE=a\\ b\nF=\"two\nlines\"\n",
            b"A=$X$X$X$X\nB=$A$A$A$A\nC=$B$B$B$B\nD=$C$C$C$C\n",
        ],
        most=8192,
    ),
    Target(
        "expand", _expand, ("nsinit.model.expand",), answers=(ValueError,),
        words=words_of("${X} ${HOME:-a} ${X:?no} $$ ${ } ${X:-${HOME}} {{index}}"),
        seeds=lambda: [b"a ${X:-d} $$ ${HOME} ${EMPTY:-x} ${NO:?told}"],
        most=1024,
    ),
)  # fmt: skip
