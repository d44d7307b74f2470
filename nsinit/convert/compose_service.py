"""One service of a compose file as a service of nsinit. Pure.

What another module has to say more about (health, files, limits) is in `compose_parts`.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.capnames import parse_name
from nsinit.convert.compose_values import Reader, Variables, shown
from nsinit.convert.document import Template
from nsinit.model.security import CapNames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.convert.document import Document, Table, Value
    from nsinit.convert.yamlfile import Map

CONDITIONS: Final = {
    "service_started": "started", "service_healthy": "ready",
    "service_completed_successfully": "completed",
}  # fmt: skip
_IN_PLACE: Final = "the service runs in the files that are there"
_ONE_NETWORK: Final = "all services share one network, and each other's ports"
_PLATFORM: Final = "the machine that it runs on is what it is"
_OTHERS: Final = "is for other programs"
# For which there is nothing, whatever they say.
NOTHING: Final = {
    "build": "nothing is built: " + _IN_PLACE,
    "annotations": _OTHERS, "labels": _OTHERS, "label_file": _OTHERS, "develop": _OTHERS,
    "container_name": "a service is called by its own name",
    "blkio_config": "resources.io is for devices", "cpu_count": _PLATFORM, "cpu_percent": _PLATFORM,
    "cpu_rt_period": "scheduler = ...", "cpu_rt_runtime": "scheduler = ...",
    "cgroup": "nsinit makes its own groups", "cgroup_parent": "[sandbox] cgroup_parent",
    "credential_spec": _PLATFORM, "isolation": _PLATFORM, "platform": _PLATFORM,
    "runtime": _PLATFORM, "gpus": "devices are those of the machine",
    "device_cgroup_rules": "resources.device_access", "dns_opt": "[sandbox.network] dns",
    "dns": "[sandbox.network] dns", "dns_search": "[sandbox.network] dns_search",
    "domainname": "[sandbox] domainname", "hostname": "[sandbox] hostname",
    "driver_opts": _ONE_NETWORK, "mac_address": _ONE_NETWORK, "external_links": _ONE_NETWORK,
    "mem_reservation": "resources.memory_high slows a service down, and nothing is reserved",
    "mem_swappiness": "nsinit does not set it", "oom_kill_disable": "oom_score_adj = -1000",
    "privileged": "nsinit gives no more than it has", "pull_policy": "nothing is fetched",
    "read_only": "the root is that of all; a service with a rootfs has its own",
    "storage_opt": _IN_PLACE, "sysctls": "[sandbox] sysctls",
    "userns_mode": "[sandbox] users", "volumes_from": "services share their files anyway",
    "configs": "", "secrets": "", "models": _OTHERS, "provider": _OTHERS, "use_api_socket": _OTHERS,
    "stdin_open": "there is no input; `tty = true` and `nsinit ctl attach` have one",
}  # fmt: skip
# Keys of nsinit that come from one of another name.
_THEIRS: Final = {
    "groups": "group_add", "stop_timeout": "stop_grace_period", "limits": "ulimits",
    "health": "healthcheck", "ready": "healthcheck", "mounts": "volumes", "resources": "deploy",
    "no_new_privs": "security_opt", "tags": "profiles", "replicas": "deploy",
}  # fmt: skip
# Asked for by name only; they say what is so here anyway.
_SO_ANYWAY: Final = ("init", "expose", "links")
_NO_VARIABLES: Final = Variables({}, {})


class Project(NamedTuple):
    """What concerns all services of a compose file."""

    document: Document
    names: Mapping[str, str]  # of services here, by those there
    data: Mapping[str, Map]  # the services as they were written
    directory: str  # what relative paths are relative to
    profiles: Sequence[str]
    secrets: Mapping[str, Mapping[str, Map]]  # "secrets" and "configs", by name
    sandbox: bool


def fill(reader: Reader, name: str, project: Project) -> None:
    """Set the keys of one service."""
    from nsinit.convert import compose_limits as bounds  # noqa: PLC0415  (these need Project)
    from nsinit.convert import compose_parts as parts  # noqa: PLC0415  (likewise)

    table = project.document.services[project.names[name]]
    image = reader.text("image")
    has_command = _command(reader, table, image)
    if image is not None and has_command:
        unsupported(reader, table, "image", f'{_IN_PLACE}; rootfs = "DIR" gives it others')
    _identity(reader, table, project)
    _dependencies(reader, table, project)
    _restart(reader, table, name, project, has_command=has_command)
    _security(reader, table)
    _profiles(reader, table, project)
    parts.health(reader, table, is_waited_for=_is_waited_for(name, project))
    parts.hooks(reader, table)
    parts.files(reader, table, project)
    parts.secrets(reader, table, project)
    parts.network(reader, table, name, project)
    bounds.limits(reader, table)
    bounds.deploy(reader, table)
    parts.logging(reader, table)
    if "attach" in reader and not reader.flag("attach"):
        unsupported(reader, table, "attach", "all output goes to the console; log = ...")
    for key, reason in NOTHING.items():
        if key == "stdin_open" and "tty" in table.keys:
            continue
        if reader.raw(key) not in (None, False, [], {}) and reason:
            unsupported(reader, table, key, reason)
    for key in table.keys:
        there = _THEIRS.get(key, key)
        if there in reader.data:
            table.origins[key] = (*reader.place(there), reader.name(there))
    for key in reader.data:
        if key not in reader.asked and not key.startswith("x-") and key not in _SO_ANYWAY:
            unsupported(reader, table, key, "compose knows no such key")


def unsupported(reader: Reader, table: Table, key: str, reason: str, value: object = None) -> None:
    """Note that a key has no equal."""
    file, line = reader.place(key)
    text = shown(reader.raw(key) if value is None else value)
    table.unsupported(file, line, reader.name(key), text, reason)


def _command(reader: Reader, table: Table, image: str | None) -> bool:
    """The entry point with its command; False if both are those of the image."""
    entry, command = _split(reader, "entrypoint"), _split(reader, "command")
    words = [*(entry or []), *(command or [])]
    if words and words[0]:
        single = reader.raw("command")
        if entry is None and isinstance(single, str) and "\n" not in single:
            table.set("command", reader.text("command") or "")
        else:
            table.set("command", words)
        return True
    told = f"the command of the image {image or 'that is built'} is not in the file"
    table.set("command", ["/bin/sh", "-c", f"echo {shlex.quote(told)} >&2; exit 64"])
    table.comment("Its command is that of the image: write it here.")
    key = next((key for key in ("image", "build") if key in reader), "")
    if key:
        unsupported(reader, table, key, "its command is not in this file: write it in place of sh")
    return False


def _split(reader: Reader, key: str) -> list[str] | None:
    """The words of a command, which may be written as one text; None without the key."""
    value = reader.raw(key)
    if value is None:
        return None
    if isinstance(value, list):
        return reader.words(key)
    text = reader.text(key) or ""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise reader.wrong(key, f"cannot be split into words: {error}") from None
    return [Template(word) for word in words] if isinstance(text, Template) else words


def _identity(reader: Reader, table: Table, project: Project) -> None:
    variables = {
        key: value for key, value in reader.pairs("environment").items() if value is not None
    }  # what has no value is handed on, as all is
    if variables:
        table.set("environment", variables)
    paths = _env_files(reader, table, project)
    if paths:
        table.set("env_file", paths)
    for key, ours in (("working_dir", "working_dir"), ("user", "user")):
        if value := reader.text(key):
            table.set(ours, value)
    groups: list[Value] = [int(g) if g.isdigit() else g for g in reader.words("group_add")]
    if groups:
        table.set("groups", groups)
    if reader.flag("tty"):
        table.set("tty", value=True)
        reader.asked.add("stdin_open")
    if (score := reader.number("oom_score_adj")) is not None:
        table.set("oom_score_adj", int(score))
    if signal := reader.text("stop_signal", now=True):
        table.set("stop_signal", signal)
    if timeout := reader.seconds("stop_grace_period"):
        table.set("stop_timeout", timeout)
    for key in _SO_ANYWAY:
        reader.asked.add(key)


def _env_files(reader: Reader, table: Table, project: Project) -> list[str]:
    written = reader.raw("env_file")
    if written is None:
        return []
    if not isinstance(written, list):
        return [below(project.directory, reader.text("env_file") or "")]
    paths = []
    for item, row in reader.rows("env_file"):
        path = row.text("path") if row else reader.word("env_file", item)
        optional = row is not None and "required" in row and not row.flag("required")
        paths.append(below(project.directory, path or "") + "?" * optional)
        if row is not None and "format" in row:
            unsupported(row, table, "format", "it is read as one without a format")
    return paths


def below(directory: str, path: str) -> str:
    """A path of the file as one that is right wherever the result is."""
    if path.startswith(("/", "${", "~")):
        return path
    made = os.path.join(directory.replace("$", "$$"), path) if isinstance(path, Template) else (
        os.path.normpath(os.path.join(directory, path))
    )  # fmt: skip
    return Template(made) if isinstance(path, Template) else made


def needs(reader: Reader) -> dict[str, tuple[str, bool]]:
    """The services that one depends on: compose's condition, and whether it must be there."""
    value = reader.raw("depends_on")
    if value is None:
        return {}
    if isinstance(value, list):
        return {reader.word("depends_on", one): ("service_started", True) for one in value}
    below_it = reader.map("depends_on")
    assert below_it is not None  # noqa: S101  (for the type checker)
    made = {}
    for name in below_it.data:
        row = below_it.map(name)
        word = (row.text("condition", now=True) if row else None) or "service_started"
        if word not in CONDITIONS:
            raise below_it.wrong(name, f"expected one of {', '.join(CONDITIONS)}, got {word!r}")
        made[name] = (word, row is None or "required" not in row or row.flag("required"))
    return made


def _dependencies(reader: Reader, table: Table, project: Project) -> None:
    depends: dict[str, Value] = {}
    wants = []
    for name, (word, required) in needs(reader).items():
        if name not in project.names:
            if required:
                raise reader.wrong("depends_on", f"there is no service {name!r}")
            unsupported(reader, table, "depends_on", f"there is no service {name}")
        elif required:
            depends[project.names[name]] = CONDITIONS[word]
        else:
            wants.append(project.names[name])
    written = reader.raw("depends_on")
    for row in written.values() if isinstance(written, dict) else ():
        if isinstance(row, dict) and row.get("restart"):
            hint = 'the other can have on_failure = "restart-dependents"'
            unsupported(reader, table, "depends_on", hint)
    if depends:
        table.set("depends_on", depends)
    if wants:
        table.set("wants", wants)


def _is_waited_for(name: str, project: Project) -> set[str]:
    """The conditions under which others wait for a service."""
    found = set()
    for other, data in project.data.items():
        reader = Reader(data, f"services.{other}", _NO_VARIABLES)
        found |= {word for one, (word, _) in needs(reader).items() if one == name}
    return found


def _restart(
    reader: Reader, table: Table, name: str, project: Project, *, has_command: bool
) -> None:
    once = "service_completed_successfully" in _is_waited_for(name, project)
    if once:
        table.set("type", "oneshot")
    word, colon, digits = (reader.text("restart", now=True) or "no").partition(":")
    known = ("no", "always", "on-failure", "unless-stopped", "false")
    if word not in known or (colon and not (digits.isascii() and digits.isdigit())):
        raise reader.wrong("restart", f"expected one of {', '.join(known)}, got {word!r}")
    policy = {"false": "no", "unless-stopped": "always"}.get(word, word)
    if not has_command:
        policy = "no"
    if once and policy == "always":
        unsupported(reader, table, "restart", "others wait for its end: it runs until it succeeds")
        policy = "on-failure"
    set_restart(table, policy, int(digits[:9]) if colon else None)


def set_restart(table: Table, policy: str, limit: int | None) -> None:
    """The policy, with docker's delays: from 100 ms to a minute, anew after 10 s."""
    table.set("restart", policy)
    if policy == "no":
        return
    table.set("restart_delay", "100ms")
    table.set("restart_max_delay", "1m")
    table.set("restart_reset", "10s")
    table.set("restart_limit", "unlimited" if limit is None else min(limit, 1_000_000))


def _security(reader: Reader, table: Table) -> None:
    for key in ("cap_add", "cap_drop"):
        names = []
        for word in reader.words(key, now=True):
            try:
                names += CapNames.read([parse_name(word)])
            except ValueError as error:
                unsupported(reader, table, key, str(error), word)
        if names:
            table.set(key, names)
    for word in reader.words("security_opt", now=True):
        name, _, value = word.replace("=", ":", 1).partition(":")
        if name == "no-new-privileges" and value in ("", "true", "false"):
            table.set("no_new_privs", value != "false")
        elif name == "seccomp" and value == "unconfined":
            table.set("seccomp", value)
        else:
            unsupported(reader, table, "security_opt", "nsinit has seccomp and landlock", word)


def _profiles(reader: Reader, table: Table, project: Project) -> None:
    profiles = reader.words("profiles", now=True)
    if not profiles:
        return
    table.set("tags", list(dict.fromkeys(profiles)))
    if not {*profiles, "*"} & set(project.profiles) and "*" not in project.profiles:
        table.set("autostart", value=False, remark="by its profile: nsinit ctl start tag:NAME")
