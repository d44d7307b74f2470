"""One service directory, of s6-supervise, s6-rc or runit, as a service.

https://skarnet.org/software/s6/servicedir.html, runsv(8).
"""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.convert.reading import entries, read_text
from nsinit.convert.s6 import logger, script
from nsinit.units import format_duration, format_signal, parse_signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.convert.document import Table, Value

LONGEST: Final = "3650d"  # as long as nsinit waits for anything
_FINISH: Final = 5.0  # s, timeout-finish
_MAX: Final = 3650 * 86_400_000  # ms
_TELLS: Final = "the lines of two programs are not piped"
# Files that say nothing about the service: what s6 and runit keep there, and what run reads.
_QUIET: Final = frozenset((
    "run", "type", "data", "env", "event", "supervise", "README", "nosetsid", "down",
    "dependencies", "dependencies.d", "contents", "contents.d", "up", "producer-for",
    "consumer-for", "pipeline-name", "conf", ".s6-svscan", "timeout-down",
))  # fmt: skip
_REASONS: Final = {
    "lock-fd": "a service is given no descriptor with a lock",
    "instance": "instances are made by replicas, and are all the same",
    "instances": "instances are made by replicas, and are all the same",
    "template": "instances are made by replicas, and are all the same",
    "control": "signals of runit's control can't be replaced by scripts",
    "max-death-tally": "nsinit ctl history keeps the last deaths",
    "flag-essential": "a service can be stopped by hand",
}


class Place(NamedTuple):
    """A service directory: where it is here, and where it is when it runs."""

    path: str
    later: str

    def file(self, name: str) -> str:
        """A file of it here."""
        return os.path.join(self.path, name)

    def has(self, name: str) -> bool:
        """Whether it has such a file."""
        return os.path.lexists(self.file(name))

    def below(self, name: str) -> Place:
        """A directory in it."""
        return Place(self.file(name), f"{self.later.rstrip('/')}/{name}")


def add_longrun(place: Place, table: Table, *, grace: str = LONGEST) -> None:
    """The keys of a supervised program; `grace` is what a stop may take if nothing is said.

    s6-supervise restarts always, one second after the start at the earliest, signals the process
    alone and waits for it for ever.
    """
    _run(place, table)
    table.set("restart", "always")
    table.set("restart_delay", "1s")
    table.set("restart_max_delay", "1s")
    table.set("restart_limit", "unlimited")
    table.set("restart_reset", "1s")
    table.set("kill_mode", "process")
    fd = number(place, table, "notification-fd")
    if fd is not None and 3 <= fd <= 1023:
        table.set("ready", {"fd": fd})
        up = number(place, table, "timeout-up")
        table.set("start_timeout", format_duration(up / 1000) if up else LONGEST)
    elif fd is not None:
        told(place, table, "notification-fd", "the descriptor is one from 3 to 1023")
    else:
        table.set("min_uptime", 0)
        if number(place, table, "timeout-up"):
            told(place, table, "timeout-up", "without a notification it is up at once")
    _stop(place, table, grace)
    if place.has("down"):
        table.set("autostart", value=False)
    if place.has("finish"):
        limit = number(place, table, "timeout-finish")
        seconds = _FINISH if limit is None else limit / 1000
        hook: dict[str, Value] = {
            "shell": True,
            "command": f'cd {shlex.quote(place.later)} && exec ./finish "$@"',
            "timeout": format_duration(seconds) if seconds else LONGEST,
        }
        table.set("post_stop", hook | ({"user": 0} if "user" in table.keys else {}))
    if place.has("check"):
        table.set("ready", {"exec": [f"{place.later}/check"]})
        table.keys.pop("min_uptime", None)
    if place.has("flag-newpidns"):
        table.set("namespaces", {"pid": "new"})
    if place.has("log"):
        log = place.below("log")
        if not logger.take(log.file("run"), table, log.later):
            told(place, table, "log", _TELLS)
    leftovers(place, table)


def leftovers(place: Place, table: Table) -> None:
    """Tell what there is besides; of unknown files too."""
    known = {
        "notification-fd", "timeout-up", "timeout-kill", "timeout-finish", "down-signal", "finish",
        "check", "flag-newpidns", "log",
    }  # fmt: skip
    for name in entries(place.path):
        if name in _QUIET or name in known or name.endswith(("~", ".md")):
            continue
        reason = _REASONS.get(name, "nsinit does not know this file")
        if reason:
            told(place, table, name, reason)


def _stop(place: Place, table: Table, grace: str) -> None:
    kill, down = number(place, table, "timeout-kill"), number(place, table, "timeout-down")
    limit = min((one for one in (kill, down) if one), default=0)
    table.set("stop_timeout", format_duration(limit / 1000) if limit else grace)
    if place.has("down-signal"):
        text = read_text(place.file("down-signal")).strip()
        try:
            name = format_signal(parse_signal(text))
        except ValueError as error:
            told(place, table, "down-signal", str(error))
            return
        if name != "TERM":
            table.set("stop_signal", name)


def number(place: Place, table: Table, name: str) -> int | None:
    """What a file with a number says; None without one."""
    if not place.has(name):
        return None
    text = read_text(place.file(name)).strip()
    if re.fullmatch("[0-9]{1,15}", text):
        return min(int(text), _MAX)
    told(place, table, name, "expected a number")
    return None


def told(place: Place, table: Table, name: str, reason: str) -> None:
    """Tell of a file that has no equal."""
    path = place.file(name)
    text = ""
    if os.path.isfile(path) and name != "log":
        text = read_text(path).strip().partition("\n")[0]
    table.unsupported(path, 0, name, text, reason)


# --- The script -----------------------------------------------------------------------------------


def _run(place: Place, table: Table) -> None:
    text = read_text(place.file("run"))
    words = script.interpreter(text)
    behind = script.without_contenv(words)
    if behind is not None:
        table.comment("with-contenv is not there: the environment is the one of nsinit")
        words = behind
    table.set("working_dir", place.later)
    if script.is_execline(words) and "-P" in " ".join(words[1:]):
        body = text.partition("\n")[2]
        if take_script(body, place, table):
            return
    if behind is not None:
        table.set("command", [*words, f"{place.later}/run"])
    else:
        table.set("command", [f"{place.later}/run"])
    if script.is_execline(words):
        table.comment("The script needs execline where it runs")


def take_script(text: str, place: Place, table: Table) -> bool:
    """Translate a script of execline into keys; False if it says more than keys can."""
    try:
        keys = script.translate(text, place.later, envdir_reader(place))
    except script.LeftError as error:
        table.comment(f"The script stays as it is: {error}")
        return False
    for key, value in keys.made.items():
        table.set(key, value)
    set_before(keys, table)
    if "user" in keys.made:
        table.comment(
            "HOME, USER, LOGNAME and SHELL are those of the user, as s6 leaves them alone"
        )
    for remark in keys.remarks:
        table.comment(remark)
    return True


def set_before(keys: script.Keys, table: Table) -> None:
    """What a script runs before its program, as root."""
    if keys.before:
        hook: dict[str, Value] = {"shell": True, "command": " && ".join(keys.before)}
        if "user" in keys.made:
            hook["user"] = 0
        table.set("pre_start", {**hook, "timeout": LONGEST})


def envdir_reader(place: Place) -> Callable[[str], dict[str, Value]]:
    """Reads a directory of variables: a file for each, whose first line is the value."""

    def read(path: str) -> dict[str, Value]:
        here = path
        if path == place.later or path.startswith(f"{place.later}/"):
            here = place.path + path.removeprefix(place.later)
        if not os.path.isdir(here):
            raise ValueError(f"there is no {path} here to read variables from")
        made: dict[str, Value] = {}
        for name in entries(here):
            file = os.path.join(here, name)
            if "=" in name or not os.path.isfile(file) or "\n" in read_text(file).rstrip("\n"):
                raise ValueError(f"{name} is more than a variable of one line")
            made[name] = {"file": f"{path.rstrip('/')}/{name}"}
        return made

    return read
