"""Sockets, timers and paths: what starts a service becomes keys of that service. Pure.

systemd.socket(5), systemd.timer(5), systemd.path(5).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from nsinit.convert.systemd import values
from nsinit.convert.systemd.calendar import Event, to_cron
from nsinit.convert.systemd.known import CONDITION, SOCKET_OPTION
from nsinit.convert.systemd.leftovers import settle
from nsinit.convert.systemd.unit import Draft
from nsinit.model import addresses
from nsinit.model.listening import CONNECTIONS, bad_fd_name

if TYPE_CHECKING:
    from nsinit.convert.document import Value
    from nsinit.convert.systemd.text import Entry
    from nsinit.convert.systemd.unit import Unit

_LISTEN: Final = {"ListenStream": ("tcp", "unix"), "ListenDatagram": ("udp", "unix-dgram")}
_CONNECTIONS: Final = 64  # MaxConnections=
_MONOTONIC: Final = ("OnActiveSec", "OnBootSec", "OnStartupSec")
# With a process for each connection there is no main process for these.
_OF_MAIN: Final = ("type", "watchdog", "reload_signal", "ready", "start_timeout")


def target_of(unit: Unit) -> str:
    """The name of the unit that a socket, timer or path starts."""
    section, key = {
        "socket": ("Socket", "Service"), "timer": ("Timer", "Unit"), "path": ("Path", "Unit"),
    }[unit.name.suffix]  # fmt: skip
    given = unit.peek(section, key)
    if given:
        try:
            return unit.fill(given[-1].value)
        except ValueError:
            return given[-1].value
    if unit.name.suffix == "socket" and accepts(unit):
        return str(unit.name._replace(instance="connection", suffix="service"))
    return str(unit.name._replace(suffix="service"))


def accepts(unit: Unit) -> bool:
    """Whether each connection gets a process of its own."""
    given = unit.peek("Socket", "Accept")
    return bool(given) and given[-1].value.lower() in ("yes", "true", "1", "on", "y", "t")


def add(unit: Unit, service: Draft, *, starts: bool, is_up: bool) -> None:
    """Give a service what a unit says that starts it.

    `starts`: whether that unit is started with the system; `is_up`: whether the service is.
    """
    draft = Draft(unit, service.name, service.document, service.tree)
    draft.kind, draft.user = service.kind, service.user
    for section, key in (("Socket", "Service"), ("Timer", "Unit"), ("Path", "Unit")):
        unit.take(section, key)
    _common(draft)
    if unit.name.suffix == "socket":
        _sockets(draft, is_up=is_up)
    elif unit.name.suffix == "timer":
        _schedule(draft)
    else:
        _watch(draft, is_up=is_up)
    if starts:
        service.table.keys.pop("autostart", None)
    settle(draft)


def _common(draft: Draft) -> None:
    """What `[Unit]` of a socket, timer or path says: they are there before any service."""
    unit = draft.unit
    for key in ("Description", "Documentation"):
        unit.take("Unit", key)
    for key in ("After", "Before", "Requires", "Wants", "BindsTo", "PartOf", "Conflicts"):
        for entry in unit.take("Unit", key):
            draft.remark(entry, f"a {unit.name.suffix} is there before any service")
    for key in unit.keys("Unit"):
        if key.startswith(("Condition", "Assert")):
            for entry in unit.take("Unit", key):
                draft.cannot(entry, CONDITION)


# --- Sockets --------------------------------------------------------------------------------------


def _sockets(draft: Draft, *, is_up: bool) -> None:
    own = accepts(draft.unit)
    draft.unit.take("Socket", "Accept")
    shared = _options(draft, is_accepting=own)
    if own:
        shared["accept"] = True
    elif not is_up:
        shared["lazy"] = True
    only6 = draft.read("BindIPv6Only", _family, "Socket")
    made: list[Value] = []
    for key, kinds in _LISTEN.items():
        for entry in draft.unit.take("Socket", key):
            try:
                address = _address(draft.unit.fill(entry.value), kinds)
                made.append(_socket(address, shared, only6=only6 is not None and only6[0]))
            except ValueError as error:
                draft.cannot(entry, str(error))
    known = draft.table.keys.get("sockets", [])
    if made and isinstance(known, list):
        draft.table.set("sockets", [*known, *made])
    for key in draft.unit.keys("Socket"):
        for entry in draft.unit.take("Socket", key) if key in _OPTIONS else ():
            if entry.value.lower() not in ("no", "false", "0", "off"):
                draft.cannot(entry, SOCKET_OPTION)
    for key in _OF_MAIN if own and made else ():
        if draft.table.keys.pop(key, None) is not None and key == "watchdog":
            draft.table.comment("a process for each connection has no watchdog")


def _socket(address: str, shared: dict[str, Value], *, only6: bool) -> dict[str, Value]:
    """A socket with what fits of the keys that all of a unit have."""
    at = addresses.parse(address)
    if "accept" in shared and not at.is_stream:
        raise ValueError("only connections have a process of their own")
    fits = {
        "backlog": at.is_stream, "reuse_port": at.is_inet, "mode": at.is_file, "user": at.is_file,
        "group": at.is_file,
    }  # fmt: skip
    made: dict[str, Value] = {"listen": address}
    made |= {key: value for key, value in shared.items() if fits.get(key, True)}
    if only6 and at.is_ipv6 and at.host:
        made["ipv6_only"] = True
    return made


def _family(text: str) -> bool:
    if text not in ("ipv6-only", "default", "both"):
        raise ValueError("expected default, both or ipv6-only")
    return text == "ipv6-only"


_OPTIONS: Final = frozenset((
    "BindToDevice", "Broadcast", "DeferAcceptSec", "FreeBind", "IPTOS", "IPTTL", "KeepAlive",
    "KeepAliveIntervalSec", "KeepAliveProbes", "KeepAliveTimeSec", "Mark",
    "MessageQueueMaxMessages", "MessageQueueMessageSize", "NoDelay", "PassCredentials",
    "PassFileDescriptorsToExec", "PassPIDFD", "PassPacketInfo", "PassSecurity",
    "AcceptFileDescriptors",
    "PipeSize", "Priority", "ReceiveBuffer", "SELinuxContextFromNet", "SELinuxLabelFromNet",
    "SendBuffer", "SmackLabel", "SmackLabelIPIn", "SmackLabelIPOut", "TCPCongestion",
    "Timestamping",
    "Transparent", "XAttrEntryPoint", "XAttrListen", "XAttrAccept", "DeferTrigger",
    "DeferTriggerMaxSec",
))  # fmt: skip


def _options(draft: Draft, *, is_accepting: bool) -> dict[str, Value]:
    """The keys that all sockets of a unit have, where they fit."""
    made: dict[str, Value] = {}
    mode = draft.read("SocketMode", str, "Socket")
    if mode is not None and re.fullmatch(r"[0-7]{3,4}", mode[0]):
        made["mode"] = mode[0].zfill(4)
    elif mode is not None:
        draft.cannot(mode[1], "expected an octal mode")
    for key, ours in (("SocketUser", "user"), ("SocketGroup", "group")):
        if text := draft.text(key, "Socket"):
            made[ours] = int(text) if text.isascii() and text.isdigit() else text
    backlog = draft.read("Backlog", lambda text: values.integer(text, 0, 0xFFFF_FFFF), "Socket")
    if backlog is not None and backlog[0]:
        made["backlog"] = min(backlog[0], 0x7FFF_FFFF)
    if draft.flag("ReusePort", section="Socket"):
        made["reuse_port"] = True
    name = draft.read("FileDescriptorName", str, "Socket")
    made["name"] = str(draft.unit.name)
    if name is not None and bad_fd_name(name[0]):
        draft.cannot(name[1], bad_fd_name(name[0]))
    elif name is not None:
        made["name"] = name[0]
    if is_accepting:
        made["name"] = "connection" if name is None else made["name"]
        most = draft.read(
            "MaxConnections", lambda text: values.integer(text, 1, CONNECTIONS), "Socket"
        )
        made["max_connections"] = _CONNECTIONS if most is None else most[0]
    else:
        draft.unit.take("Socket", "MaxConnections")
    return made


def _address(text: str, kinds: tuple[str, str]) -> str:
    inet, file = kinds
    if text.startswith(("/", "@")):
        return str(addresses.parse(f"{file}:{text}"))
    if text.startswith("vsock:"):
        raise ValueError("a socket is tcp, udp, unix or unix-dgram")
    return str(addresses.parse(f"{inet}:{text}"))


# --- Timers ---------------------------------------------------------------------------------------


def _schedule(draft: Draft) -> None:
    made: dict[str, Value] = {}
    events: list[tuple[Event, Entry]] = []
    for entry in draft.unit.take("Timer", "OnCalendar"):
        try:
            events.append((to_cron(draft.unit.fill(entry.value)), entry))
        except ValueError as error:
            draft.cannot(entry, str(error))
    for _, entry in events[1:]:
        draft.cannot(entry, "a service has one schedule")
    if events:
        event = events[0][0]
        made["cron"] = event.cron
        made |= {"timezone": event.timezone} if event.timezone else {}
    _intervals(draft, made)
    delay = draft.span("RandomizedDelaySec", "Timer")
    if delay and made:
        made["jitter"] = values.written(delay)
    persistent = draft.read("Persistent", values.boolean, "Timer")
    if persistent is not None and persistent[0]:
        draft.cannot(persistent[1], "what was due before nsinit started is not known to it")
    if not made:
        return
    draft.table.set("schedule", made)
    if draft.table.keys.get("restart") in ("always", "on-success"):
        draft.table.set("restart", "no", remark="it runs again by its schedule")
    if draft.table.keys.get("type") != "oneshot" and "min_uptime" not in draft.table.keys:
        draft.table.set("min_uptime", 0)


def _intervals(draft: Draft, made: dict[str, Value]) -> None:
    """Spans since something: one from run to run is an interval, others happen once."""
    every: tuple[float, Entry] | None = None
    for key in ("OnUnitActiveSec", "OnUnitInactiveSec"):
        for entry in draft.unit.take("Timer", key):
            try:
                seconds = values.span(entry.value)
            except ValueError as error:
                draft.cannot(entry, str(error))
                continue
            if every is not None or made or not 0 < seconds < values.LONGEST:
                draft.cannot(entry, "a service has one schedule")
                continue
            every = (seconds, entry)
            if key == "OnUnitInactiveSec":
                draft.remark(entry, "counted from start to start")
    for key in _MONOTONIC:
        for entry in draft.unit.take("Timer", key):
            if every is None or draft.unit.peek("Timer", key):
                draft.cannot(entry, "nothing is run once, some time after the start")
                continue
            try:
                first = values.span(entry.value)
            except ValueError as error:
                draft.cannot(entry, str(error))
                continue
            if first != every[0]:
                text = f"the first run is {values.written(every[0])} after the start of nsinit"
                draft.cannot(entry, text)
    if every is not None:
        made["every"] = values.written(every[0])


# --- Paths ----------------------------------------------------------------------------------------


def _watch(draft: Draft, *, is_up: bool) -> None:
    paths: list[Value] = []
    for key in ("PathChanged", "PathModified"):
        for entry in draft.unit.take("Path", key):
            if draft.kind != "oneshot":
                draft.cannot(entry, "a change starts no service that does not run")
                continue
            try:
                paths.append(draft.unit.fill(entry.value))
            except ValueError as error:
                draft.cannot(entry, str(error))
                continue
            if not is_up:
                draft.cannot(entry, "it runs once when nsinit starts, too")
    for key in ("PathExists", "PathExistsGlob", "DirectoryNotEmpty"):
        for entry in draft.unit.take("Path", key):
            draft.cannot(entry, "nothing is started by a file that is there")
    if paths:
        draft.table.set("watch", {"paths": paths})
