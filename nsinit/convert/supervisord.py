"""supervisord.conf, with the files that it includes.

docs/moving.md says what becomes of each key.
"""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING, Final

from nsinit.convert.ini import Ini
from nsinit.convert.reading import read_text
from nsinit.convert.supervisord_keys import Keys
from nsinit.convert.supervisord_program import Context, Start, add
from nsinit.errors import ConvertError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.convert.document import Document, Value
    from nsinit.convert.kinds import Wishes

_PRIORITY: Final = 999
_LEVELS: Final = {
    "critical": "error", "error": "error", "warn": "warning", "info": "info", "debug": "debug",
    "trace": "debug", "blather": "debug",
}  # fmt: skip
_FACTORY: Final = "supervisor.rpcinterface_factory"
_STANDARD: Final = "supervisor.rpcinterface:make_main_rpcinterface"
# Of [supervisord], for which there is nothing.
_OWN: Final = {
    "logfile": "nsinit's own messages go to stderr",
    "logfile_maxbytes": "nsinit's own messages go to stderr",
    "logfile_backups": "nsinit's own messages go to stderr",
    "pidfile": "nsinit writes none; `nsinit run --pid-file` does for a sandbox",
    "childlogdir": "the output of programs without a log file goes to the console",
    "minfds": "nsinit raises its own limit; limits = { nofile = ... } is for a service",
    "minprocs": "limits = { nproc = ... } is for a service",
    "identifier": "there is nothing that it would tell apart",
    "silent": '[init] log = "error" says little',
    "strip_ansi": "output is written as it is",
}  # fmt: skip
_USUAL: Final = {"minfds": "1024", "minprocs": "200", "silent": "false", "strip_ansi": "false"}
_LISTENER: Final = "nsinit has no event listeners; on_fail of a service, or `nsinit ctl events`"
_CONTROL: Final = "`nsinit ctl` and nsinit's control socket take the place of supervisorctl"


def convert(paths: Sequence[str], document: Document, wishes: Wishes) -> None:
    """Add what the files say, each of them with those that it includes."""
    for path in paths:
        _convert(path, document, wishes.env)


def _convert(path: str, document: Document, env: Mapping[str, str]) -> None:
    ini = Ini()
    here = os.path.dirname(os.path.abspath(path))
    ini.read(path, read_text(path), here)
    values: dict[str, str | int] = {"host_node_name": os.uname().nodename}
    _include(path, ini, document, env, values)
    main = Keys(ini, "supervisord", document.init, env, values)
    variables = main.variables("environment")
    values |= {f"ENV_{name}": value for name, value in variables.items()}
    defaults = _own(main, variables)
    context = Context(document, env, values, defaults, {}, {})
    _programs(path, ini, context)
    _order(context)
    for name in list(context.places)[1:]:
        document.services[name].remarks.clear()  # they are the same everywhere
    _control(ini, document, env)
    for section in ini.sections:
        _other(ini, section, document)


def _include(
    path: str, ini: Ini, document: Document, env: Mapping[str, str], values: dict[str, str | int]
) -> None:
    """Add the files of [include]; there those can't include others."""
    keys = Keys(ini, "include", document.top, env, values)
    files = keys.now("files")
    base = os.path.dirname(path)
    for pattern in (files or "").split():
        found = sorted(glob.glob(os.path.join(glob.escape(base), pattern)))
        if not found:
            document.top.comment(f"[include] files: there is nothing at {pattern}")
        for file in found:
            ini.read(file, read_text(file), os.path.dirname(os.path.abspath(file)))
    keys.the_rest("supervisord knows no such key")


# --- [supervisord] --------------------------------------------------------------------------------


def _own(keys: Keys, variables: dict[str, str]) -> dict[str, str]:
    """Set what there is in [init]; returns what is left to the services."""
    init, defaults = keys.table, {}
    init.set("keep_running", value=True, remark="supervisord stays when all its programs ended")
    if variables:
        init.set("environment", variables)
    level = (keys.now("loglevel") or "info").strip().lower()
    if level not in _LEVELS:
        raise keys.wrong("loglevel", f"expected one of {', '.join(_LEVELS)}, got {level!r}")
    if _LEVELS[level] != "info":
        init.set("log", _LEVELS[level])
    for key, name in (("user", "user"), ("directory", "working_dir")):
        value = keys.text(key)
        if value:
            defaults[name] = value
    if umask := keys.octal("umask"):
        defaults["umask"] = umask
    if "nodaemon" in keys.written and not keys.flag("nodaemon", default=False):
        keys.unsupported("nodaemon", "nsinit run stays; --detach leaves a sandbox behind")
    keys.asked |= {"nodaemon", "nocleanup"}  # there are no files that would be removed
    for key, reason in _OWN.items():
        if keys.written.get(key, "").strip().lower() == _USUAL.get(key):
            keys.asked.add(key)  # it says what is so anyway
        else:
            keys.unsupported_if_given(reason, key)
    keys.the_rest("supervisord knows no such key")
    return defaults


# --- Programs -------------------------------------------------------------------------------------


def _programs(path: str, ini: Ini, context: Context) -> None:
    """Add the programs: first those of groups, as there."""
    known = {
        section.partition(":")[2].strip(): section
        for section in ini.sections
        if section.startswith(("program:", "fcgi-program:"))
    }
    grouped: set[str] = set()
    for section in ini.sections:
        if not section.startswith("group:"):
            continue
        group = section.partition(":")[2].strip()
        keys = Keys(ini, section, context.document.top, context.env, context.values)
        programs = [name.strip() for name in (keys.now("programs") or "").split(",")]
        priority = keys.number("priority", _PRIORITY)
        keys.the_rest("supervisord knows no such key")
        for program in filter(None, programs):
            if program not in known:
                raise keys.wrong("programs", f"there is no program {program!r}")
            grouped.add(known[program])
            add(ini, known[program], group, priority, context)
    for section in known.values():
        if section not in grouped:
            add(ini, section, section.partition(":")[2].strip(), None, context)
    if not known and "supervisord" not in ini.sections:
        raise ConvertError(path, 0, "there are neither programs nor a [supervisord] in it")


def _order(context: Context) -> None:
    """What has a lesser priority starts before the others, and stops after them."""
    tiers: dict[Start, list[str]] = {}
    for name, place in context.places.items():
        tiers.setdefault(place, []).append(name)
    budget, before = 0.0, list[str]()
    for place in sorted(tiers):
        names = tiers[place]
        services = [context.document.services[name] for name in names]
        for service in services:
            if before:
                service.set("after", before)
        budget += max(int(str(service.keys["stop_timeout"])[:-1]) for service in services)
        before = names
    if budget > 9:
        remark = "as long as all may take; docker stop gives 10 s unless told"
        context.document.init.set("shutdown_timeout", f"{budget:g}s", remark)


# --- All the rest ---------------------------------------------------------------------------------


def _control(ini: Ini, document: Document, env: Mapping[str, str]) -> None:
    """Who may use supervisorctl, as who may use `nsinit ctl`."""
    for section in ini.sections:
        if section != "unix_http_server":
            continue
        document.init.comment(_CONTROL)
        keys = Keys(ini, section, document.init, env)
        keys.asked.add("file")
        mode, owner = keys.octal("chmod"), keys.now("chown")
        control: dict[str, Value] = {}
        if owner:
            user, _, group = owner.partition(":")
            admin = [user] if user not in ("", "root", "0") else []
            if group and int(mode or "0700", 8) & 0o020:
                admin.append(f"@{group}")
            if admin:  # that of nsinit is root's, and asks who it is that connects
                control = {"mode": "0666", "admin": admin}
        elif mode and mode != "0700":
            control = {"mode": f"0{int(mode, 8) & 0o666:o}"}
        if control:
            document.init.set("control", control)
        keys.unsupported_if_given("access is by users and groups", "username", "password")
        keys.the_rest("supervisord knows no such key")


def _other(ini: Ini, section: str, document: Document) -> None:
    """Sections of which nothing was read so far."""
    kind = section.partition(":")[0]
    if kind in ("supervisord", "include", "program", "fcgi-program", "group", "unix_http_server"):
        return
    if kind == "supervisorctl":
        document.init.comment(_CONTROL)
        return
    keys = Keys(ini, section, document.top, {})
    if kind == "rpcinterface" and keys.written.get(_FACTORY) == _STANDARD:
        document.init.comment(_CONTROL)
        keys.asked.add(_FACTORY)
    if kind == "eventlistener":
        file, line = ini.place(section)
        document.top.unsupported(file, line, f"[{section}]", ", ".join(keys.written), _LISTENER)
        return
    reasons = {
        "inet_http_server": "nsinit is controlled by its unix socket; [init] listen has a page",
        "rpcinterface": "nsinit has no plug-ins",
        "ctlplugin": "nsinit has no plug-ins",
    }
    keys.the_rest(reasons.get(kind, "supervisord knows no such section"))
