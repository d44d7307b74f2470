"""The parts of a service of compose that take more than a word: health, files, network. Pure."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final, get_args

from nsinit.convert.compose_service import below, unsupported
from nsinit.convert.compose_values import Reader, plain_seconds
from nsinit.model.publish import Publish
from nsinit.model.syslog import Facility
from nsinit.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.convert.compose_service import Project
    from nsinit.convert.document import Table, Value

_SHELL: Final = ("/bin/sh", "-c")
_TMPFS_OPTIONS: Final = re.compile(
    r"(size|mode|uid|gid|nr_inodes)=[\w%]+|noexec|nosuid|nodev|ro|rw"
)
_ADDRESS: Final = re.compile(r"[0-9a-fA-F.:]+")
_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108  (a mount of its own)
_LOGGER: Final = re.compile(r"(?P<kind>udp|tcp)://(?P<rest>[^/]+)|unix(gram)?://(?P<path>/.+)")
_FORMATS: Final = {"rfc5424": "rfc5424", "rfc5424micro": "rfc5424", "rfc3164": "bsd"}
_HERE: Final = "127.0.0.1"


# --- Health ---------------------------------------------------------------------------------------


def health(reader: Reader, table: Table, *, is_waited_for: set[str]) -> None:
    """The health check; who waits for it waits for the first time that it is good."""
    check = reader.map("healthcheck")
    if check is None or ("disable" in check and check.flag("disable")):
        _without_health(reader, table, is_waited_for)
        return
    words = _test(check)
    if not words:
        if check.raw("test") is None and check.data:
            unsupported(reader, table, "healthcheck", "its test is that of the image")
        _without_health(reader, table, is_waited_for)
        return
    timeout = check.seconds("timeout") or "30s"
    retries = int(check.number("retries") or 3)
    interval = check.seconds("interval") or "30s"
    period = check.seconds("start_period") or "0s"
    first = check.seconds("start_interval") or "5s"
    retries = max(retries, 1)
    made: dict[str, Value] = {"exec": words, "interval": interval, "timeout": timeout}
    made["retries"] = retries
    if period != "0s":
        made["start_period"] = period
    table.set("health", {**made, "action": "none"}, "as docker, nsinit only tells it")
    if "service_healthy" in is_waited_for:
        every = first if period != "0s" else interval
        table.set("ready", {"exec": words, "interval": every, "timeout": timeout})
        longest = parse_duration(period) + retries * (
            parse_duration(interval) + parse_duration(timeout)
        )
        table.set("start_timeout", plain_seconds(min(longest, 86_400.0)))
    for key in check.data:
        if key not in check.asked:
            unsupported(check, table, key, "compose knows no such key")


def _test(check: Reader) -> list[str]:
    """The words of a test; none if there is no test."""
    value = check.raw("test")
    if isinstance(value, str):
        return [*_SHELL, check.text("test") or ""]
    words = check.words("test")
    if not words or words[0] == "NONE":
        return []
    if words[0] == "CMD-SHELL":
        return [*_SHELL, " ".join(words[1:])] if len(words) == 2 else [*_SHELL, *words[1:]]
    if words[0] != "CMD" or len(words) < 2 or not words[1]:
        raise check.wrong("test", 'expected text, or a list that begins with "CMD" or "CMD-SHELL"')
    return words[1:]


def _without_health(reader: Reader, table: Table, is_waited_for: set[str]) -> None:
    if "service_healthy" in is_waited_for:
        table.comment("Others wait for it to be healthy: with `ready` it could say when it is.")
    reader.asked.add("healthcheck")


def hooks(reader: Reader, table: Table) -> None:
    """`post_start` and `pre_stop`, which are lists there."""
    for key in ("post_start", "pre_stop"):
        rows = reader.rows(key)
        if not rows:
            continue
        row = rows[0][1]
        if len(rows) > 1 or row is None:
            unsupported(reader, table, key, "one command is one hook")
            continue
        value = row.raw("command")
        words = row.words("command") if isinstance(value, list) else _split(row)
        hook: dict[str, Value] = {"command": words}
        if user := row.text("user"):
            hook["user"] = user
        for other in row.data:
            if other not in row.asked:
                unsupported(row, table, other, "a hook has the service's")
        if words:
            table.set(key, hook)


def _split(row: Reader) -> list[str]:
    try:
        return shlex.split(row.text("command", now=True) or "")
    except ValueError as error:
        raise row.wrong("command", f"cannot be split into words: {error}") from None


# --- Files ----------------------------------------------------------------------------------------


def files(reader: Reader, table: Table, project: Project) -> None:
    """Binds and memory as mounts that only the service sees; devices are where they are."""
    mounts: list[Value] = []
    for item, row in reader.rows("volumes"):
        found = _long(reader, row, table, project) if row else _short(reader, item, table, project)
        mounts += [found] if found else []
    for item in reader.words("tmpfs", now=True):
        target, _, options = item.partition(":")
        mounts.append(_tmpfs(reader, "tmpfs", table, target, options))
    if (size := reader.size("shm_size")) is not None:
        mounts.append(_tmpfs(reader, "shm_size", table, _SHARED_MEMORY, f"size={size}"))
    if mounts:
        table.set("mounts", mounts)
    for item in reader.words("devices", now=True):
        source, _, rest = item.partition(":")
        if rest.partition(":")[0] not in ("", source):
            unsupported(reader, table, "devices", "devices have the names of the machine", item)


def _short(reader: Reader, item: object, table: Table, project: Project) -> Value | None:
    text = reader.word("volumes", item, now=True)
    parts = text.split(":")
    if len(parts) < 2 or not parts[0].startswith(("/", ".", "~")):
        target = parts[0] if len(parts) < 2 else parts[1]
        unsupported(reader, table, "volumes", f"there are no volumes: {target} is as it is", text)
        return None
    options = []
    for word in ":".join(parts[2:]).split(","):
        if word in ("ro", "rw"):
            options += ["ro"] if word == "ro" else []
        elif word:
            unsupported(reader, table, "volumes", f"nsinit has no {word}", text)
    return _bind(reader, table, _home(parts[0], reader), parts[1], options, project)


def _long(reader: Reader, row: Reader, table: Table, project: Project) -> Value | None:
    kind = row.text("type", now=True) or "volume"
    source, target = row.text("source", now=True) or "", row.text("target", now=True) or ""
    options = ["ro"] if row.flag("read_only") else []
    row.asked.add("consistency")
    if kind == "tmpfs":
        own = row.map("tmpfs")
        size = own.size("size") if own else None
        mode = own.text("mode", now=True) if own else None
        words = [f"size={size}"] * bool(size) + [f"mode={mode}"] * bool(mode)
        return _tmpfs(reader, "volumes", table, target, ",".join([*words, *options]))
    if kind != "bind" or not source:
        unsupported(
            reader, table, "volumes", f"there are no volumes: {target} is as it is", row.data
        )
        return None
    own = row.map("bind")
    for key in own.data if own else ():
        if own and key != "create_host_path":
            unsupported(own, table, key, "nsinit binds with all that is below")
    for key in row.data:
        if key not in row.asked:
            unsupported(row, table, key, "is not for a bind")
    return _bind(reader, table, _home(source, reader), target, options, project)


def _home(path: str, reader: Reader) -> str:
    home = reader.variables.env.get("HOME", "")
    return home + path[1:] if home and (path == "~" or path.startswith("~/")) else path


def _bind(
    reader: Reader, table: Table, source: str, target: str, options: list[str], project: Project
) -> Value | None:
    source = below(project.directory, source)
    if not source.startswith("/") or not target.startswith("/") or ":" in target:
        unsupported(reader, table, "volumes", "expected absolute paths", f"{source}:{target}")
        return None
    if source.rstrip("/") == target.rstrip("/") and not options:
        return None
    made: dict[str, Value] = {"source": source, "target": target}
    return made | ({"options": list(options)} if options else {})


def _tmpfs(reader: Reader, key: str, table: Table, target: str, text: str) -> Value:
    options: list[str] = []
    for word in filter(None, text.split(",")):
        if _TMPFS_OPTIONS.fullmatch(word):
            options.append(word)
        else:
            unsupported(reader, table, key, f"nsinit has no {word}", f"{target}:{text}")
    made: dict[str, Value] = {"type": "tmpfs", "target": target}
    return made | ({"options": list(options)} if options else {})


def secrets(reader: Reader, table: Table, project: Project) -> None:
    """Secrets and configs: files that stay where they are."""
    for key in ("secrets", "configs"):
        for item, row in reader.rows(key):
            name = (row.text("source", now=True) if row else reader.word(key, item, now=True)) or ""
            data = project.secrets[key].get(name)
            if data is None:
                raise reader.wrong(key, f"there is no {name!r} among the {key}")
            source = Reader(data, f"{key}.{name}", reader.variables).text("file", now=True)
            where = f"is the file {below(project.directory, source)}" if source else "is no file"
            hint = f'it {where}: environment = {{ NAME = {{ file = "PATH" }} }} hands one on'
            unsupported(reader, table, key, hint, item)


# --- Network --------------------------------------------------------------------------------------


def network(reader: Reader, table: Table, name: str, project: Project) -> None:
    """Ports and names: a sandbox publishes them; without one they are what they are."""
    box = project.document.boxed() if project.sandbox else None
    net: dict[str, Value] = {}
    if box is not None:
        found = box.keys.setdefault("network", {"mode": "bridge", "nat": True})
        net = found if isinstance(found, dict) else net
    for text, row in _ports(reader):
        _port(reader, table, text, row, net if box is not None else None)
    hosts: dict[str, Value] = {name: _HERE} if name != "localhost" else {}
    extra = reader.pairs("extra_hosts", now=True, marks="=:")
    for host, address in extra.items():
        if box is not None and address and _ADDRESS.fullmatch(address.strip("[]")):
            hosts[host] = address.strip("[]")
        else:
            hint = "[sandbox.network] hosts" if box is None else "nsinit knows no such address"
            unsupported(reader, table, "extra_hosts", hint, f"{host}={address}")
    for alias in _aliases(reader, table):
        hosts[alias] = _HERE
    if box is not None:
        known = net.setdefault("hosts", {})
        if isinstance(known, dict):
            known |= {host: at for host, at in hosts.items() if host not in known}
    _modes(reader, table, in_box=box is not None)


def _ports(reader: Reader) -> Iterator[tuple[str, Reader | None]]:
    for item, row in reader.rows("ports"):
        if row is None:
            yield reader.word("ports", item, now=True), None
            continue
        target, published = row.text("target", now=True), row.text("published", now=True)
        host, protocol = row.text("host_ip", now=True), row.text("protocol", now=True)
        host = f"[{host}]" if host and ":" in host else host
        parts = [part for part in (host, published, target) if part]
        yield ":".join(parts) + (f"/{protocol}" if protocol else ""), row
        for key in row.data:
            row.asked.add(key)  # name, mode, app_protocol say nothing here


def _port(
    reader: Reader, table: Table, text: str, row: Reader | None, net: dict[str, Value] | None
) -> None:
    del row
    try:
        ports = Publish.read(text)
    except ValueError:
        unsupported(reader, table, "ports", "nsinit chooses no port by itself", text)
        return
    if net is None:
        if any(port.host or port.port != port.to for port in ports):
            hint = "without a sandbox it listens where it listens; --sandbox publishes ports"
            unsupported(reader, table, "ports", hint, text)
        return
    publish = net.setdefault("publish", [])
    taken = [str(one) for one in publish] if isinstance(publish, list) else []
    if isinstance(publish, list) and text not in taken:
        publish.append(text)


def _aliases(reader: Reader, table: Table) -> list[str]:
    """The other names that a service has in its networks."""
    value = reader.raw("networks")
    if value is None or isinstance(value, list):
        return []
    networks = reader.map("networks")
    made = []
    for name in networks.data if networks else ():
        row = networks.map(name) if networks else None
        if row is None:
            continue
        made += row.words("aliases", now=True)
        for key in row.data:
            if key != "aliases":
                unsupported(row, table, key, "all services share one network")
    return made


def _modes(reader: Reader, table: Table, *, in_box: bool) -> None:
    """Namespaces that are shared with others, or not."""
    mode = reader.text("network_mode", now=True)
    if mode and not mode.startswith(("service:", "container:")) and (mode != "host" or in_box):
        unsupported(reader, table, "network_mode", "all services share one network")
    for key in ("pid", "ipc", "uts"):
        word = reader.text(key, now=True)
        if word and not word.startswith("service:") and (word != "host" or in_box):
            unsupported(reader, table, key, "all services share these; namespaces = {...} of one")


# --- Output ---------------------------------------------------------------------------------------


def logging(reader: Reader, table: Table) -> None:
    """Where the output goes."""
    part = reader.map("logging")
    if part is None:
        return
    driver = part.text("driver", now=True) or "json-file"
    if driver == "none":
        table.set("log", "null")
    elif driver == "syslog":
        _syslog(part, table)
    elif driver not in ("json-file", "local", "journald") or "options" in part:
        hint = 'goes to the console; log = { file = "PATH", max_size = "10M", keep = 3 } to a file'
        unsupported(reader, table, "logging", hint)
    elif driver == "journald":
        unsupported(reader, table, "logging", "goes to the console")


def _syslog(part: Reader, table: Table) -> None:
    options = part.map("options")
    made: dict[str, Value] = {}
    for key in options.data if options else ():
        assert options is not None  # noqa: S101  (for the type checker)
        value = options.text(key, now=True) or ""
        if key == "syslog-address" and (found := _LOGGER.fullmatch(value)):
            made["address"] = found["path"] or f"{found['kind']}:{found['rest']}"
        elif key == "syslog-facility" and value in get_args(Facility):
            made["facility"] = value
        elif key == "syslog-format" and value in _FORMATS:
            made["format"] = _FORMATS[value]
        elif key == "tag" and "{{" not in value:
            made["app_name"] = value
        else:
            unsupported(options, table, key, "nsinit's syslog has no such thing")
    table.set("log", {"to": "syslog", "syslog": made} if made else "syslog")
