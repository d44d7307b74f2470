"""One `[program:x]` or `[fcgi-program:x]` of supervisord as services. Pure.

What supervisord does where nothing is said differs from what nsinit does; then the key is written
out, so that the service behaves as it did.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.convert.document import Table, Template
from nsinit.convert.supervisord_keys import Keys
from nsinit.convert.supervisord_logs import logs
from nsinit.errors import ConvertError
from nsinit.model.plan import REPLICAS_MAX
from nsinit.units import format_signal, parse_signal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nsinit.convert.document import Document
    from nsinit.convert.ini import Ini

_NUMBER: Final = "%(process_num)"
_PLAIN_NUMBER: Final = re.compile(r"%\(process_num\)[ds]")
_INDEX: Final = "{{index}}"
_PRIORITY: Final = 999
_NO_EVENTS: Final = "nsinit has no event listeners; `nsinit ctl events` and on_fail tell"
_NEVER_KNOWN: Final = "supervisord knows no such key"


class Start(NamedTuple):
    """When a service starts, by the lesser number first."""

    group: int
    own: int


class Context(NamedTuple):
    """What concerns all programs."""

    document: Document
    env: Mapping[str, str]
    values: Mapping[str, str | int]  # for %(NAME)s everywhere
    defaults: Mapping[str, str]  # "user", "working_dir", "umask" of [supervisord]
    files: dict[str, str]  # log files, and whose they are
    places: dict[str, Start]  # of the services that were made


def add(ini: Ini, section: str, group: str, priority: int | None, context: Context) -> None:
    """Make the services of a program; it stands in a [group] if that gives it a priority."""
    name = section.partition(":")[2].strip()
    values = {**context.values, "program_name": name, "group_name": group}
    first = Keys(ini, section, Table(), context.env, values)
    count, start = first.number("numprocs", 1), first.number("numprocs_start", 0)
    if count > REPLICAS_MAX:
        raise first.wrong("numprocs", f"{REPLICAS_MAX} processes at most, got {count}")
    if count > 1 and _NUMBER not in first.written.get("process_name", ""):
        at = "process_name" if "process_name" in first.written else "numprocs"
        raise first.wrong(at, "with several processes it needs %(process_num)")
    _check_name(first, name)
    together = count != 1 and _are_alike(first.written, start)
    numbers: list[str | int] = [_INDEX] if together else list(range(start, start + max(count, 0)))
    if not numbers:
        first.table = context.document.top
        first.unsupported(
            "numprocs", "a service without any process; replicas = 0 with plain names"
        )
    for number in numbers:
        keys = Keys(ini, section, Table(), context.env, values)
        keys.values |= {"process_num": number, "numprocs": count}
        keys.table.findings += first.table.findings
        _add_one(keys, group, priority, context, replicas=max(count, 0) if together else None)
        if number != numbers[0]:
            keys.table.findings.clear()  # they are told of the first


def _add_one(
    keys: Keys, group: str, priority: int | None, context: Context, *, replicas: int | None
) -> None:
    """Make one service, which is all of the processes if it has `replicas`."""
    kind, _, name = keys.section.partition(":")
    name = wanted = name.strip()
    if replicas is None:
        wanted = keys.now("process_name") or name
    if priority is not None and wanted in context.document.services:
        wanted = f"{group}-{wanted}"
    service = context.document.free_name(wanted)
    table = context.document.service(service)
    table.findings += keys.table.findings
    keys.table = table
    if service != wanted:
        table.comment(f'there it is called "{wanted}"')
    if replicas is not None:
        keys.asked.add("process_name")  # the instances have names of their own
        table.set("replicas", replicas)
        if "process_name" in keys.written:
            table.comment(f"there they are called {keys.written['process_name']}")
    own = keys.number("priority", _PRIORITY)
    context.places[service] = Start(own if priority is None else priority, own)
    tags = [tag for tag in (group, name) if tag != service]
    if tags:
        table.set("tags", list(dict.fromkeys(tags)))
    _fill(keys, service, context)
    if kind == "fcgi-program":
        _socket(keys)
    keys.the_rest(_NEVER_KNOWN)


def _are_alike(written: Mapping[str, str], start: int) -> bool:
    """Whether the processes differ in nothing but their name, or as nsinit's instances do."""
    if any(_INDEX in text for text in written.values()):
        return False  # it would be filled in
    texts = [text for key, text in written.items() if key != "process_name" and _NUMBER in text]
    return not texts or (start == 1 and not any(_NUMBER in _PLAIN_NUMBER.sub("", t) for t in texts))


def _check_name(keys: Keys, name: str) -> None:
    if not name or any(char in name for char in " :/"):
        file, line = keys.ini.place(keys.section)
        raise ConvertError(file, line, f"[{keys.section}]: {name!r} can't be the name of a program")


def _fill(keys: Keys, service: str, context: Context) -> None:
    table = keys.table
    variables = keys.variables("environment")
    keys.values |= {f"ENV_{name}": value for name, value in variables.items()}
    table.set("command", _command(keys))
    if variables:
        table.set("environment", variables)
    for key, name in (("directory", "working_dir"), ("user", "user")):
        value = keys.text(key) or context.defaults.get(name)
        if value:
            table.set(name, value)
    umask = keys.octal("umask") or context.defaults.get("umask")
    if umask:
        table.set("umask", umask)
    if not keys.flag("autostart", default=True):
        table.set("autostart", value=False)
    _restarts(keys)
    _stop(keys)
    logs(keys, service, context.files, context.env)
    keys.unsupported_if_given(_NO_EVENTS, *_events(keys))
    for key in ("numprocs", "numprocs_start", "process_name", "serverurl"):
        keys.asked.add(key)
    if keys.written.get("serverurl", "AUTO").strip().upper() != "AUTO":
        keys.unsupported("serverurl", "there is no supervisord to be found by it")


def _command(keys: Keys) -> str:
    command = keys.text("command")
    if command is None:
        file, line = keys.ini.place(keys.section)
        raise ConvertError(file, line, f'[{keys.section}]: the key "command" is missing')
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise keys.wrong("command", f"cannot be split into words: {error}") from None
    if not words or not words[0]:
        raise keys.wrong("command", "is empty")
    flat = " ".join(command.split())
    if flat != command and shlex.split(flat) == words:
        return Template(flat) if isinstance(command, Template) else flat
    return command


def _events(keys: Keys) -> Iterator[str]:
    """The keys of a program that ask for events."""
    for stream in ("stdout", "stderr"):
        if keys.size(f"{stream}_capture_maxbytes", 0):
            yield f"{stream}_capture_maxbytes"
        if keys.flag(f"{stream}_events_enabled", default=False):
            yield f"{stream}_events_enabled"


def _restarts(keys: Keys) -> None:
    table = keys.table
    word = (keys.now("autorestart") or "unexpected").strip().lower()
    if word == "unexpected":
        restart = "on-failure"
    else:
        restart = "always" if keys.flag("autorestart", default=True) else "no"
    seconds, retries = keys.number("startsecs", 1), keys.number("startretries", 3)
    codes = keys.now("exitcodes")
    table.set("restart", restart)
    if seconds != 1:
        table.set("min_uptime", f"{max(seconds, 0)}s")
    if codes is not None:
        table.set("success_exit_codes", _codes(keys, codes))
    if restart == "no":
        if "startretries" in keys.written and retries > 0:
            keys.unsupported("startretries", 'with restart = "no" nothing is tried again')
        return
    if retries < 1 and seconds > 0:
        keys.unsupported("startretries", "it starts once more: a limit of 0 is no restart at all")
    table.set("restart_limit", max(retries, 1) if seconds > 0 else "unlimited")
    table.set("restart_delay", "1s")
    table.set("restart_reset", "100ms", "what was up for startsecs has all its retries again")


def _codes(keys: Keys, text: str) -> list[int]:
    made = []
    for word in filter(None, text.split(",")):
        digits = word.strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 3 and int(digits) < 256):
            raise keys.wrong("exitcodes", f"expected numbers from 0 to 255, got {text!r}")
        made.append(int(digits))
    return made


def _stop(keys: Keys) -> None:
    table = keys.table
    word = keys.now("stopsignal")
    if word is not None:
        try:
            number = parse_signal(word.strip())
        except ValueError as error:
            raise keys.wrong("stopsignal", str(error)) from None
        if number != parse_signal("TERM"):
            table.set("stop_signal", format_signal(number))
    table.set("stop_timeout", f"{max(keys.number('stopwaitsecs', 10), 0)}s")
    group = keys.flag("stopasgroup", default=False)
    kill = keys.flag("killasgroup", default=group)
    if group and not kill:
        raise keys.wrong("killasgroup", "is false, and stopasgroup is true")
    if not group:
        table.set("kill_mode", "mixed" if kill else "process", "" if kill else _ALONE)


_ALONE: Final = 'as there: what it has started is left alone; "mixed" ends that too'


def _socket(keys: Keys) -> None:
    """A FastCGI socket: there the program has it as its stdin, here as descriptor 3."""
    table, where = keys.table, keys.now("socket")
    if not where:
        file, line = keys.ini.place(keys.section)
        raise ConvertError(file, line, f'[{keys.section}]: the key "socket" is missing')
    if not re.fullmatch(r"unix:///.+|tcp://[^\s:/]+:\d{1,5}", where):
        raise keys.wrong("socket", f"expected unix:///PATH or tcp://HOST:PORT, got {where!r}")
    is_file = where.startswith("unix://")
    mode, owner = keys.octal("socket_mode"), keys.now("socket_owner")
    if not is_file and (mode or owner):
        raise keys.wrong("socket_mode" if mode else "socket_owner", "is for unix sockets only")
    host = where.removeprefix("tcp://").partition(":")[0]
    if not is_file and host != "localhost" and not re.fullmatch(r"[\d.]+", host):
        keys.unsupported("socket", "an address is wanted, and this name would have to be looked up")
        return
    socket: dict[str, str | int] = {
        "listen": where.removeprefix("unix://")
        if is_file
        else "tcp:" + where.removeprefix("tcp://").replace("localhost", "127.0.0.1")
    }
    if is_file:
        socket["mode"] = mode or "0700"
        user, _, group = (owner or "").partition(":")
        if user or "user" in table.keys:
            socket["user"] = user or str(table.keys["user"])
        if group:
            socket["group"] = group
    backlog = keys.number("socket_backlog", 0)
    if backlog:
        socket["backlog"] = backlog
    if "replicas" in table.keys:
        keys.unsupported("numprocs", "a socket is that of one process: it may fork by itself")
        del table.keys["replicas"]
    table.set("sockets", [socket])
    command = table.keys["command"]
    kind = Template if isinstance(command, Template) else str
    words = [kind(word) for word in shlex.split(str(command))]
    table.comment("there the socket is stdin, here it is descriptor 3: a shell moves it")
    table.set("command", ["/bin/sh", "-c", 'exec "$@" <&3 3<&-', "sh", *words])
