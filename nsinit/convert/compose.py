"""docker compose files: what is read and merged, the project as a whole.

docs/moving.md says what becomes of each key. Several files are one project, the later ones over
the earlier, as with `docker compose -f A -f B`; a directory is what compose finds in it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from nsinit.convert import yamlfile
from nsinit.convert.compose_service import Project, fill, needs, unsupported
from nsinit.convert.compose_values import Reader, Variables, shown
from nsinit.convert.reading import entries, read_text
from nsinit.convert.yamlfile import Map
from nsinit.errors import ConvertError
from nsinit.model import envfile, graph
from nsinit.units import parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.convert.document import Document
    from nsinit.convert.kinds import Wishes

_NAMES: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_DEEPEST: Final = 20  # of files that extend or include others
_STOP: Final = "8s"  # nsinit's own
_BUDGET: Final = 9.0
# Lists that are put together by what stands before the mark, and those that are replaced whole.
_KEYED: Final = ("environment", "labels", "annotations", "extra_hosts", "sysctls")
_REPLACED: Final = ("command", "entrypoint", "test")
_TOP: Final = (
    "version",
    "name",
    "services",
    "include",
    "secrets",
    "configs",
    "networks",
    "volumes",
)


def convert(paths: Sequence[str], document: Document, wishes: Wishes) -> None:
    """Add what the files say, as one project."""
    files = [file for path in paths for file in _files(path)]
    directory = os.path.dirname(os.path.abspath(files[0]))
    variables = Variables(wishes.env, _dotenv(directory, wishes))
    data = Map()
    for file in files:
        _merge(data, _load(file, variables, 0), ())
    services = _mappings(data, "services", variables)
    if not services:
        raise ConvertError(files[0], 0, "there are no services in it")
    services = {
        name: _extended(one, name, services, variables, 0) for name, one in services.items()
    }
    names: dict[str, str] = {}
    for name in services:
        names[name] = document.free_name(name)
        document.service(names[name])
    others = {key: _mappings(data, key, variables) for key in ("secrets", "configs")}
    project = Project(
        document, names, services, directory, tuple(wishes.profiles), others, wishes.sandbox
    )
    _check_cycles(services, names, variables, files[0])
    for name, one in services.items():
        fill(Reader(one, f"services.{name}", variables), name, project)
    _whole(Reader(data, "", variables), project)
    _budget(project)


def _files(path: str) -> list[str]:
    if not os.path.isdir(path):
        return [path]
    found = entries(path)
    for name in _NAMES:
        if name in found:
            stem, dot, end = name.rpartition(".")
            override = next(
                (o for o in (f"{stem}.override{dot}{end}", f"{stem}.override.yml") if o in found),
                "",
            )
            return [os.path.join(path, one) for one in (name, override) if one]
    raise ConvertError(path, 0, f"there is no {', '.join(_NAMES)} in it")


def _dotenv(directory: str, wishes: Wishes) -> dict[str, str]:
    paths = wishes.env_files or [os.path.join(directory, ".env")]
    made: dict[str, str] = {}
    for path in paths:
        if not wishes.env_files and not os.path.exists(path):
            continue
        try:
            made |= envfile.parse(read_text(path), wishes.env)
        except envfile.BadLineError as error:
            raise ConvertError(path, error.line, str(error)) from None
    return made


# --- Reading --------------------------------------------------------------------------------------


def _load(file: str, variables: Variables, depth: int) -> Map:
    """One file, with those that it includes below it."""
    if depth > _DEEPEST:
        raise ConvertError(file, 0, "files include each other")
    data = yamlfile.read(file, read_text(file))
    made = Map()
    reader = Reader(data, "", variables)
    included = reader.raw("include")
    for item in included if isinstance(included, list) else [included] if included else []:
        row = Reader(item, "include", variables) if isinstance(item, Map) else None
        paths = row.words("path", now=True) if row else [reader.word("include", item, now=True)]
        for path in paths:
            other = os.path.join(os.path.dirname(file), path)
            _merge(made, _absolute(_load(other, variables, depth + 1), other, variables), ())
    data.pop("include", None)
    _merge(made, data, ())
    return made


def _absolute(data: Map, file: str, variables: Variables) -> Map:
    """The services of another file, with paths that are relative to it."""
    here = os.path.dirname(os.path.abspath(file))
    for one in _mappings(data, "services", variables).values():
        _anchor(one, here)
    return data


def _anchor(service: Map, here: str) -> None:
    files = service.get("env_file")
    if isinstance(files, str):
        service["env_file"] = os.path.join(here, files)
    elif isinstance(files, list):
        service["env_file"] = [
            _put(one, "path", here) if isinstance(one, Map) else os.path.join(here, str(one))
            for one in files
        ]
    volumes = service.get("volumes")
    if isinstance(volumes, list):
        service["volumes"] = [_anchored(one, here) for one in volumes]


def _anchored(volume: object, here: str) -> object:
    if isinstance(volume, Map):
        relative = str(volume.get("source", "")).startswith(".")
        return _put(volume, "source", here) if relative else volume
    if isinstance(volume, str) and volume.startswith(".") and ":" in volume:
        source, _, rest = volume.partition(":")
        return f"{os.path.normpath(os.path.join(here, source))}:{rest}"
    return volume


def _put(one: Map, key: str, here: str) -> Map:
    """The same, with the directory before one of its paths."""
    made = one.copy()
    if isinstance(made.get(key), str):
        made[key] = os.path.normpath(os.path.join(here, made[key]))
    return made


def _mappings(data: Map, key: str, variables: Variables) -> dict[str, Map]:
    """The mappings below a key, by name; an empty one for what says nothing."""
    part = Reader(data, "", variables).map(key) if data.get(key) is not None else None
    made = {}
    for name, value in part.data.items() if part else ():
        if value is not None and not isinstance(value, Map):
            assert part is not None  # noqa: S101  (for the type checker)
            raise part.wrong(name, f"expected a mapping, got {shown(value)}")
        made[name] = value if isinstance(value, Map) else Map()
    return made


def _merge(into: Map, data: Map, path: tuple[str, ...]) -> None:
    """Put one file over another: mappings by key, lists one after the other."""
    for key, value in data.items():
        before = into.get(key)
        if isinstance(before, Map) and isinstance(value, Map):
            both = before.copy()
            _merge(both, value, (*path, key))
            into.put(key, both, data.places[key])
        elif key in _KEYED and before is not None and value is not None:
            both = _keyed(before, data.places[key])
            _merge(both, _keyed(value, data.places[key]), (*path, key))
            into.put(key, both, data.places[key])
        elif isinstance(before, list) and isinstance(value, list) and key not in _REPLACED:
            into.put(key, [*before, *(v for v in value if v not in before)], data.places[key])
        else:
            into.put(key, value, data.places[key])


def _keyed(value: object, place: yamlfile.Place) -> Map:
    """A list of "NAME=value" as a mapping."""
    if isinstance(value, Map):
        return value
    made = Map()
    for item in value if isinstance(value, list) else [value]:
        name, mark, rest = str(item).partition("=")
        made.put(name, rest if mark else None, place)
    return made


def _extended(
    one: Map, name: str, services: Mapping[str, Map], variables: Variables, depth: int
) -> Map:
    """A service with that which it extends below it."""
    if one.get("extends") is None:
        return one
    reader = Reader(one, f"services.{name}", variables)
    if depth > _DEEPEST:
        raise reader.wrong("extends", "services extend each other")
    if isinstance(one["extends"], Map):
        row = reader.map("extends")
        assert row is not None  # noqa: S101  (for the type checker)
        other, file = row.text("service", now=True) or "", row.text("file", now=True)
    else:
        other, file = reader.text("extends", now=True) or "", None
    known = services
    if file:
        path = os.path.join(os.path.dirname(one.places["extends"][0]), file)
        data = _absolute(_load(path, variables, depth + 1), path, variables)
        known = _mappings(data, "services", variables)
    if other not in known:
        raise reader.wrong("extends", f"there is no service {other!r}")
    made = _extended(known[other], other, known, variables, depth + 1).copy()
    own = one.copy()
    own.pop("extends")
    _merge(made, own, ())
    return made


# --- The whole ------------------------------------------------------------------------------------


def _check_cycles(
    services: Mapping[str, Map], names: Mapping[str, str], variables: Variables, file: str
) -> None:
    edges = {
        name: dict.fromkeys(
            other for other in needs(Reader(one, f"services.{name}", variables)) if other in names
        )
        for name, one in services.items()
    }
    for name, others in edges.items():
        if name in others:
            raise ConvertError(*services[name].places["depends_on"], f"{name} depends on itself")
    if cycle := graph.find_cycle(edges):
        raise ConvertError(file, 0, f"these wait for each other: {' -> '.join(cycle)}")


def _whole(reader: Reader, project: Project) -> None:
    """What stands beside the services."""
    document = project.document
    name = reader.text("name", now=True) if "name" in reader else None
    if name and document.sandbox is not None:
        document.sandbox.set("name", name)
    for key in ("networks", "volumes"):
        part = reader.map(key) if reader.raw(key) is not None else None
        for one in part.data if part else ():
            if part and part.data[one]:
                reason = "all services share one network" if key == "networks" else "no volumes"
                unsupported(part, document.top, one, reason)
    for key in reader.data:
        if key not in _TOP and not key.startswith("x-"):
            unsupported(reader, document.top, key, "compose knows no such key")
    if len(project.names) > 1 and not project.sandbox:
        document.top.comment(
            "All services are in one network: they find each other at 127.0.0.1. Their names\n"
            "are known with a [sandbox], which `nsinit convert --sandbox` adds, or by lines in\n"
            "/etc/hosts."
        )


def _budget(project: Project) -> None:
    """As much time for a shutdown as the services may take one after the other."""
    tables = {name: project.document.services[name] for name in project.names.values()}
    edges: dict[str, dict[str, None]] = {}
    for name, table in tables.items():
        depends, wants = table.keys.get("depends_on"), table.keys.get("wants")
        edges[name] = dict.fromkeys(depends if isinstance(depends, dict) else ())
        edges[name] |= dict.fromkeys(map(str, wants if isinstance(wants, list) else ()))
    chains: dict[str, float] = {}
    for name in graph.in_order(edges):
        own = parse_duration(tables[name].keys.get("stop_timeout", _STOP))
        chains[name] = own + max((chains[other] for other in edges[name]), default=0.0)
    longest = max(chains.values())
    if longest > _BUDGET and any("stop_timeout" in table.keys for table in tables.values()):
        from nsinit.convert.compose_values import plain_seconds  # noqa: PLC0415  (few need it)

        remark = "as long as all may take; docker stop gives 10 s unless told"
        project.document.init.set("shutdown_timeout", plain_seconds(longest), remark)
