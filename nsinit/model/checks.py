"""What a configuration must fulfil beyond the types of its keys: a flat list of named checks.

Each check looks at one thing and yields what it found: nothing when all is right. What the
`STRICT` ones find makes the configuration unusable, the `ADVICE` ones warn. Pure.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal

from nsinit.model import graph, logs
from nsinit.model.naming import bad_name
from nsinit.model.plan import REPLICAS_MAX, STOP_TIMEOUT, condition, stop_steps, waits_for
from nsinit.model.security import is_asked
from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.report import Report
    from nsinit.model.sandboxes import Sandbox
    from nsinit.model.spec import Config, Service

    Check = Callable[[Config], Iterator["Finding"]]

SOCKET_PATH_MAX: Final = 107  # unix(7): sun_path holds 108 bytes with its NUL
RESET_MIN: Final = 0.1  # s
ID_MAX: Final = 0xFFFF_FFFF  # (uid_t) -1 is no id
RLIMITS: Final = (
    "as", "core", "cpu", "data", "fsize", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss",
    "rtprio", "rttime", "sigpending", "stack",
)  # fmt: skip


Finding = tuple["KeyPath", str, str]  # where, what is wrong, what to do


def run_checks(config: Config, report: Report) -> None:
    """Apply every check that could find something."""
    for check in checks("STRICT", config):
        for path, message, hint in check(config):
            report.error(path, message, hint)
    for check in checks("ADVICE", config):
        for path, message, hint in check(config):
            report.warning(path, message, hint)


def checks(kind: Literal["STRICT", "ADVICE"], config: Config | None = None) -> Iterator[Check]:
    """Those that could find something in a configuration; without one, all that there are."""
    for row in STRICT if kind == "STRICT" else ADVICE:
        if not isinstance(row, str):
            yield row
        elif config is None or _CONCERNS[row](config):
            yield from getattr(import_module(f"nsinit.model.{row}"), kind)


def ids_exist(config: Config) -> Iterator[Finding]:
    """Numeric ids are ids: -1 would mean "leave as it is" to setresuid(2), that is root."""
    for name, spec in config.services.items():
        for key in ("user", "group"):
            for part in str(getattr(spec, key)).split(":"):
                if bad := _bad_id(part):
                    yield ("services", name, key), bad, ""
        for index, group in enumerate(spec.groups or []):
            if bad := _bad_id(str(group)):
                yield ("services", name, "groups", index), bad, ""
    for level in ("read", "operate", "admin"):
        for index, who in enumerate(getattr(config.init.control, level)):
            if bad := _bad_id(str(who).removeprefix("@")):
                yield ("init", "control", level, index), bad, ""


def socket_owners(config: Config) -> Iterator[Finding]:
    """The owner of a socket's file is a name or an id, likewise."""
    for name, spec in config.services.items():
        for index, socket in enumerate(spec.sockets):
            for key in ("user", "group"):
                if bad := _bad_id(str(getattr(socket, key))):
                    yield ("services", name, "sockets", index, key), bad, ""


def _bad_id(text: str) -> str:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        return ""  # a name
    return "" if len(text) <= 10 and 0 <= int(text) < ID_MAX else f"an id is from 0 to {ID_MAX - 1}"


def log_owners_exist(config: Config) -> Iterator[Finding]:
    """The owner of a log file is a user, and perhaps a group."""
    for name, spec in config.services.items():
        path = ("services", name, "log")
        owners: list[tuple[KeyPath, object]] = [((*path, "owner"), spec.log.owner)]
        if spec.log.stderr is not None:
            owners.append(((*path, "stderr", "owner"), spec.log.stderr.owner))
        for at, owner in owners:
            if bad := next(filter(None, map(_bad_id, str(owner).split(":"))), ""):
                yield at, bad, ""


def something_to_run(config: Config) -> Iterator[Finding]:
    """There is at least one service, or an image that may bring one."""
    if not config.services and (config.sandbox is None or config.sandbox.image is None):
        yield (), "nothing to run", "add a [services.NAME] table with a command"


def service_names(config: Config) -> Iterator[Finding]:
    """Names can stand in paths, in `x@1` and in patterns."""
    for name in config.services:
        if bad := bad_name(name):
            yield ("services", name), bad, ""


def known_references(config: Config) -> Iterator[Finding]:
    """Every service that is named somewhere exists."""
    known = config.services
    for name, spec in config.services.items():
        for key in ("depends_on", "wants", "after", "before"):
            for other in getattr(spec, key):
                path = ("services", name, key)
                if other == name:
                    yield path, f'"{name}" names itself', ""
                elif other not in known:
                    yield path, f'there is no service "{other}"', did_you_mean(other, known)


def no_cycle(config: Config) -> Iterator[Finding]:
    """No service waits for itself, however far round."""
    edges = {name: [o for o in to if o != name] for name, to in waits_for(config.services).items()}
    while cycle := graph.find_cycle(edges):
        yield ("services", cycle[0]), f"these wait for each other: {' -> '.join(cycle)}", ""
        edges = {name: to for name, to in edges.items() if name not in cycle}


def one_main(config: Config) -> Iterator[Finding]:
    """The exit code of init is that of one service."""
    mains = [name for name, spec in config.services.items() if spec.main]
    for name in mains[1:]:
        yield ("services", name, "main"), f'"{mains[0]}" is main already', "one service can be main"


def conditions_can_be_met(config: Config) -> Iterator[Finding]:
    """Nobody waits for the end of a service that never ends."""
    for name, spec in config.services.items():
        for other, written in spec.depends_on.items():
            target = config.services.get(other)
            wanted = condition(written, target) if target is not None else ""
            never = {"completed": ("always", "on-success"), "exited": ("always",)}.get(wanted, ())
            if target is not None and target.restart in never:
                path = ("services", name, "depends_on")
                yield path, f'"{other}" has restart = "{target.restart}" and is never {wanted}', ""


def shell_commands(config: Config) -> Iterator[Finding]:
    """With `shell = true` the command is one string."""
    for name, spec in config.services.items():
        if spec.shell and spec.command[:2] != ("/bin/sh", "-c"):
            path = ("services", name, "command")
            yield path, "shell = true takes the command as one string", ""


def limit_names(config: Config) -> Iterator[Finding]:
    """Resource limits have the names of getrlimit(2), in small letters."""
    for name, spec in config.services.items():
        for limit in spec.limits:
            if limit not in RLIMITS:
                path = ("services", name, "limits", limit)
                yield path, "unknown limit", did_you_mean(limit, RLIMITS) or ", ".join(RLIMITS)


def terminal_paths(config: Config) -> Iterator[Finding]:
    """A terminal is named by its device, or is read by nsinit."""
    for name, spec in config.services.items():
        path: KeyPath = ("services", name, "tty")
        if isinstance(spec.tty, str) and not spec.tty.startswith("/"):
            yield path, f'expected true or a path such as "/dev/tty1", got {spec.tty!r}', ""
        if spec.tty is True and "inherit" in logs.sinks(spec.log, "stdout"):
            path = ("services", name, "log")
            yield path, "with tty = true nsinit reads the terminal", 'use "console"'


def oneshot_restarts(config: Config) -> Iterator[Finding]:
    """A oneshot that succeeded is done."""
    for name, spec in config.services.items():
        if spec.type == "oneshot" and spec.restart in ("always", "on-success"):
            path = ("services", name, "restart")
            yield path, "a oneshot runs until it succeeds", 'use "no" or "on-failure"'


def resets_take_time(config: Config) -> Iterator[Finding]:
    """What dies at once is never started without any pause, again and again."""
    for name, spec in config.services.items():
        if spec.restart_reset < RESET_MIN:
            path = ("services", name, "restart_reset")
            yield path, f"expected at least {RESET_MIN:g} s, got {spec.restart_reset:g} s", ""


def control_path(config: Config) -> Iterator[Finding]:
    """The control socket has an absolute path that fits into a socket address."""
    path = config.init.control.path
    key = ("init", "control", "path")
    if path is None:
        return
    if not path.startswith("/"):
        yield key, f"expected an absolute path, got {path!r}", ""
    elif len(path.encode("utf-8", "surrogateescape")) > SOCKET_PATH_MAX:
        yield key, f"a socket's path has at most {SOCKET_PATH_MAX} bytes", ""


def budget_is_enough(config: Config) -> Iterator[Finding]:
    """A stop_timeout longer than the whole shutdown is cut short there."""
    total = config.init.shutdown_timeout
    for name, spec in config.services.items():
        asked = sum(wait for _, wait in stop_steps(spec))
        if asked > total and asked != STOP_TIMEOUT:
            path = ("services", name, "stop_timeout")
            yield path, f"a shutdown gives all services {total:g} s", "raise init.shutdown_timeout"


def terminal_output(config: Config) -> Iterator[Finding]:
    """What goes to a terminal does not go to the log, or all of it as stdout."""
    for name, spec in config.services.items():
        path: KeyPath = ("services", name, "log")
        if isinstance(spec.tty, str) and spec.log != type(spec.log)():
            yield path, "has no effect: the output goes to the tty", ""
        elif spec.tty is True and spec.log.stderr is not None:
            yield (*path, "stderr"), "has no effect: what a terminal shows is one stream", ""


def daemons(config: Config) -> Iterator[Finding]:
    """Only a forking service has a pid file."""
    for name, spec in config.services.items():
        path = ("services", name, "pid_file")
        if spec.pid_file is None:
            continue
        if spec.type != "forking":
            yield path, 'is for type = "forking" only', ""
        elif not spec.pid_file.startswith("/"):
            yield path, f"expected an absolute path, got {spec.pid_file!r}", ""


def numbers_of_replicas(config: Config) -> Iterator[Finding]:
    """As many instances as the machine may bear, and one main service at most."""
    for name, spec in config.services.items():
        path = ("services", name, "replicas")
        if spec.replicas is None:
            continue
        if not 0 <= spec.replicas <= REPLICAS_MAX:
            yield path, f"expected a number from 0 to {REPLICAS_MAX}, got {spec.replicas}", ""
        if spec.main:
            yield path, "the main service is one process, and has no replicas", ""


def ways_to_reload(config: Config) -> Iterator[Finding]:
    """A service is reloaded by a command or by a signal."""
    for name, spec in config.services.items():
        if spec.reload_command is None:
            continue
        if spec.reload_signal is not None:
            path = ("services", name, "reload_signal")
            yield path, "there is a reload_command already", "use one of them"
        elif spec.type == "notify-reload":
            path = ("services", name, "reload_command")
            why = 'a service of type = "notify-reload" is reloaded by a signal'
            yield path, why, 'use type = "notify", or reload_signal'


def _some(test: Callable[[Service], object]) -> Callable[[Config], bool]:
    """Whether that holds of a service."""
    return lambda config: any(map(test, config.services.values()))


def _of_sandbox(test: Callable[[Sandbox], object]) -> Callable[[Config], bool]:
    """Whether there is a sandbox, of which that holds."""
    return lambda config: config.sandbox is not None and bool(test(config.sandbox))


def _of_any(test: Callable[[Sandbox | Service], object]) -> Callable[[Config], bool]:
    """Whether that holds of the sandbox or of a service."""
    one, others = _of_sandbox(test), _some(test)
    return lambda config: one(config) or others(config)


def _works_in_sandbox(config: Config) -> bool:
    return config.sandbox is not None and _some(lambda s: s.working_dir is not None)(config)


# Modules with checks of their own, and what a configuration has in which they could find anything.
# Most have little of all this, and their services need not wait for a hundred checks to be loaded.
_CONCERNS: Final[dict[str, Callable[[Config], bool]]] = {
    "checks_ready": _some(lambda s: s.ready or s.health or s.start_timeout is not None),
    "checks_triggers": _some(lambda s: s.schedule or s.watch),
    "checks_sandbox": _of_sandbox(lambda _: True),
    "checks_root": _of_sandbox(lambda _: True),
    "checks_network": _of_sandbox(lambda s: s.network is not None),
    "checks_publish": _of_sandbox(lambda s: s.network is not None),
    "checks_users": _of_sandbox(lambda s: s.users is not None),
    "checks_security": lambda config: _of_any(is_asked)(config) or _works_in_sandbox(config),
    "checks_confinement": _of_any(is_asked),
    "checks_own": _some(lambda s: s.has_space or s.pass_fds),
    "checks_resources": lambda config: (
        _of_any(lambda s: s.resources is not None or s.resources_optional)(config)
        or _of_sandbox(lambda s: s.cgroup_parent is not None)(config)
    ),
    "intake": lambda config: bool(config.init.syslog or config.init.journal),
    "listening": _some(lambda s: s.sockets or s.fd_store_max),
    "remote": lambda config: config.init.listen is not None,
}
# A name is that of such a module, whose checks stand in its place.
STRICT: Final[tuple[Check | str, ...]] = (
    something_to_run,
    service_names,
    known_references,
    no_cycle,
    one_main,
    conditions_can_be_met,
    shell_commands,
    limit_names,
    ids_exist,
    terminal_paths,
    log_owners_exist,
    oneshot_restarts,
    resets_take_time,
    "checks_ready",
    daemons,
    ways_to_reload,
    numbers_of_replicas,
    "checks_triggers",
    control_path,
    "checks_sandbox",
    "checks_root",
    "checks_network",
    "checks_publish",
    "checks_security",
    "checks_users",
    "checks_own",
    "checks_confinement",
    "checks_resources",
    *logs.STRICT,
    "intake",
    socket_owners,
    "listening",
    "remote",
)
ADVICE: Final[tuple[Check | str, ...]] = (
    "checks_ready",
    "checks_sandbox",
    "checks_network",
    "checks_security",
    "checks_users",
    "checks_own",
    "checks_confinement",
    "checks_resources",
    budget_is_enough,
    terminal_output,
    "checks_triggers",
    "listening",
    "remote",
)
