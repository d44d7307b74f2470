"""Where supervisord puts the output of a program, as a `log` table. Pure."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from nsinit.convert.document import Template
from nsinit.model.logs import MOST_KEPT, SMALLEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nsinit.convert.document import Value
    from nsinit.convert.supervisord_keys import Keys

_NONE: Final = ("none", "off", "/dev/null")
_CONSOLE: Final = (
    "auto", "/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2", "/proc/self/fd/1",
    "/proc/self/fd/2",
)  # fmt: skip
_MOST: Final = "console"  # where what has no file goes


def logs(keys: Keys, service: str, files: dict[str, str], env: Mapping[str, str]) -> None:
    """Set the `log` of a service; `files` are those that others have already."""
    redirected = keys.flag("redirect_stderr", default=False)
    out = _stream(keys, "stdout", service, files, env)
    places = [out.get("to")]
    log: dict[str, Value] = dict(out)
    if redirected:
        for key in ("logfile", "logfile_maxbytes", "logfile_backups", "syslog"):
            keys.asked.add(f"stderr_{key}")  # supervisord does not look at them either
    else:
        err = _stream(keys, "stderr", service, files, env, out)
        places.append(err.get("to"))
        if err != out:
            log["stderr"] = err["to"] if set(err) == {"to"} else err
    if any(place == "syslog" or (isinstance(place, list) and "syslog" in place)
           for place in places):  # fmt: skip
        log["syslog"] = {"facility": "user"}  # as supervisord's messages have it
    if log == {"to": _MOST}:
        return
    keys.table.set("log", log["to"] if set(log) == {"to"} else log)


def _stream(
    keys: Keys,
    stream: str,
    service: str,
    files: dict[str, str],
    env: Mapping[str, str],
    out: Mapping[str, Value] | None = None,
) -> dict[str, Value]:
    """Where one stream goes; stderr may go to the file that stdout goes to."""
    key = f"{stream}_logfile"
    path = keys.text(key)
    for name in ("maxbytes", "backups"):
        keys.asked.add(f"{key}_{name}")  # they are about a file
    word = (path or "auto").lower()
    logged = keys.flag(f"{stream}_syslog", default=False) or word == "syslog"
    also = ["syslog"] if logged else []
    console: dict[str, Value] = {"to": [_MOST, *also] if also else _MOST}
    if word == "syslog" or word in _NONE:
        return {"to": "syslog" if also else "null"}
    if path is None or word in _CONSOLE:
        return console
    path = _absolute(keys, key, path, env)
    if os.path.normpath(path).startswith(("/dev/", "/proc/")) or path.endswith("/"):
        keys.unsupported(key, "is no file that can be rotated: goes to the console")
        return console
    if "replicas" in keys.table.keys and "{{index}}" not in path:
        path = Template(path + ".{{index}}") if isinstance(path, Template) else path + ".{{index}}"
        keys.unsupported(key, "one file for several processes: each has one of its own")
    shared = out is not None and out.get("file") == path
    if not shared and (other := _owner(path, files)):
        keys.unsupported(key, f'"{other}" writes to it already: goes to the console')
        return console
    files[os.path.normpath(path)] = service
    made = _file(keys, key, path)
    if shared and out is not None:
        for name in ("maxbytes", "backups"):
            if any(out.get(one) != made.get(one) for one in ("max_size", "keep")):
                keys.unsupported_if_given("it is one file with that of stdout", f"{key}_{name}")
        return dict(out)
    return {"to": ["file", *also], **made} if also else made


def _file(keys: Keys, key: str, path: str) -> dict[str, Value]:
    """A file, and how it is rotated there."""
    size = keys.size(f"{key}_maxbytes", 50 << 20)
    keep = keys.number(f"{key}_backups", 10)
    if 0 < size < SMALLEST:
        keys.unsupported(f"{key}_maxbytes", f"{SMALLEST >> 10}KiB is the least")
        size = SMALLEST
    if not 0 <= keep <= MOST_KEPT:
        keys.unsupported(f"{key}_backups", f"{MOST_KEPT} are the most")
        keep = min(max(keep, 0), MOST_KEPT)
    made: dict[str, Value] = {"file": path, "max_size": _shown(size)}
    if size:
        made["keep"] = keep
    return {**made, "compress": False, "mode": "0644"}


def _absolute(keys: Keys, key: str, path: str, env: Mapping[str, str]) -> str:
    """A relative path is one from where supervisord is started; that is where we are, then."""
    if path == "~" or path.startswith("~/"):
        return Template("${HOME}" + path[1:].replace("$", "$$"))
    start = path
    if isinstance(path, Template) and path.startswith("${"):
        start = env.get(path[2 : path.index("}")], "/") + path[path.index("}") + 1 :]
    if start.startswith("/"):
        return path
    keys.table.comment(f"{key} is relative there, to where supervisord was started")
    full = os.path.join(os.getcwd(), path)
    return Template(full) if isinstance(path, Template) else full


def _owner(path: str, files: Mapping[str, str]) -> str:
    """Whose file it is already, or has in the way when it is rotated; "" if nobody's."""
    mine = os.path.normpath(path)
    for other, service in files.items():
        one, _, more = max(mine, other, key=len).rpartition(".")
        if mine == other or (one in (mine, other) and more.isdigit()):
            return service
    return ""


def _shown(size: int) -> str | int:
    for name, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size and size % factor == 0:
            return f"{size // factor}{name}"
    return size
