"""From the text of configuration files to a checked `Config` and its `Plan`. Pure.

Only `read_file` opens a file. All problems are found before any is told: syntax, unknown keys,
wrong types, unset variables, then the checks on what could be read.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from nsinit.errors import ConfigError
from nsinit.model import replicas
from nsinit.model.anchor import anchor
from nsinit.model.checks import run_checks
from nsinit.model.confinement import take_in_profiles
from nsinit.model.decode import decode
from nsinit.model.expand import expand
from nsinit.model.plan import Plan, make_plan
from nsinit.model.report import Report, Source
from nsinit.model.sandboxes import Sandbox
from nsinit.model.spec import Config, Init, Service
from nsinit.model.toml import read_toml
from nsinit.model.types import Names
from nsinit.nearest import did_you_mean
from nsinit.problem import Problem
from nsinit.units import kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.bundles.translate import Bundle
    from nsinit.model.lines import KeyPath

else:
    Bundle = object  # few configurations have one, and nobody converts to this

_MAX_BYTES = 16 << 20
_EXCERPT_MAX = 120
_TABLES = ("include", "init", "services", "sandbox")


class Loaded(Struct, frozen=True):
    """A configuration that is right: what was written, what it means, what looks odd."""

    config: Config
    plan: Plan
    warnings: list[Problem]
    sources: list[Source]  # put away
    bundle: Bundle | None = None  # what of a bundle has no key

    @property
    def files(self) -> list[str]:
        """The names of the files that were read, the main one first."""
        return [source.file for source in self.sources]


def read_file(path: str, *, patient: bool = True) -> str:
    """The text of a configuration file; ConfigError says why it can't be read.

    A pipe, as in `nsinit run <(make-config)`, is waited for only by who is `patient`.
    """
    try:
        if not patient and not stat.S_ISREG(os.stat(path).st_mode):
            raise ConfigError([Problem(path, 0, "", "cannot read: it is no regular file")])
        with open(path, "rb", opener=None if patient else _open_at_once) as file:
            data = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "a path can't contain NUL"
        raise ConfigError([Problem(path, 0, "", f"cannot read: {reason}")]) from None
    if len(data) > _MAX_BYTES:
        raise ConfigError([Problem(path, 0, "", f"cannot read: over {_MAX_BYTES >> 20} MiB")])
    data = data.removeprefix(b"\xef\xbb\xbf")  # a mark of some editors; "utf-8-sig" is an import
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(path, line, "", "cannot read: this is not UTF-8")]) from None


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def parse_source(file: str, text: str) -> Source:
    """One file as tables; ConfigError for a syntax error, with its line."""
    try:
        return Source(file, text, read_toml(text))
    except (ValueError, RecursionError) as error:  # also of a number with thousands of digits
        message, _, place = str(error).rpartition(" (at ")
        digits = ["".join(filter(str.isdigit, part)) for part in place.split(",")]
        line = int(digits[0]) if digits[0] else text.count("\n") + 1
        column = int(digits[1]) if len(digits) > 1 and digits[1] else 0
        told = f"not TOML: {_in_words(message or str(error))}"
        problem = Problem(file, line, "", told, "", _excerpt(text, line, column))
        raise ConfigError([problem]) from None


def _in_words(message: str) -> str:
    """What tomllib says, with the path of a table as TOML has it and not as a tuple of Python."""
    before, mark, rest = message.partition("('")
    inner, end, after = rest.partition(")")
    if not mark or not end:
        return message
    names = [name.strip(" '\"") for name in inner.split(",")]
    return f"{before}[{'.'.join(name for name in names if name)}]{after}"


def _excerpt(text: str, line: int, column: int) -> str:
    """The line, with a mark below the column if that is known; nothing where it is of no use."""
    lines = text.split("\n")
    shown = lines[line - 1].rstrip("\r") if 0 < line <= len(lines) else ""
    if not shown.strip() or len(shown) > _EXCERPT_MAX or not shown.isprintable():
        return ""
    return f"    {shown}" + (f"\n    {' ' * (column - 1)}^" if 0 < column <= len(shown) + 1 else "")


def included(source: Source) -> list[str]:
    """The patterns of `include`, relative to the file that holds them."""
    patterns = source.data.get("include", [])
    try:
        names = Names.read(patterns)
        if any("\0" in name for name in names):
            raise ValueError("nothing here can contain NUL")  # noqa: TRY301  (told as all that is wrong)
    except ValueError as error:
        report = Report([source])
        report.error(("include",), str(error))
        raise ConfigError(report.problems) from None
    return names


def load(
    sources: Sequence[Source], env: Mapping[str, str], counts: Mapping[str, int] | None = None
) -> Loaded:
    """Check and combine the files; the first is the main one. ConfigError carries all problems.

    `counts` goes before the numbers of instances that the files give.
    """
    try:
        return _load(sources, env, counts or {})
    except RecursionError:
        problem = Problem(sources[0].file, 0, "", "is nested too deeply to be meant")
        raise ConfigError([problem]) from None


def _load(sources: Sequence[Source], env: Mapping[str, str], counts: Mapping[str, int]) -> Loaded:
    report = Report(sources)
    tables = _merge(sources, report)
    _expand_all(tables, env, report)
    anchor(tables, report)
    bundle = None
    if "bundle" in tables.get("sandbox", ()):
        from nsinit.model.bundled import take_in_bundle  # noqa: PLC0415  (few have one)

        bundle = take_in_bundle(tables, report, lambda path: read_file(path, patient=False))
        if bundle is None:  # there is a service, that is not known: the rest can be looked at
            tables["services"].setdefault("main", {"command": ["?"]})
    take_in_profiles(tables, report, lambda path: read_file(path, patient=False))
    services = {
        name: decode(_first(table), Service, ("services", name), report)
        for name, table in tables["services"].items()
    }
    init = decode(tables["init"], Init, ("init",), report)
    sandbox = None
    if "sandbox" in tables:
        sandbox = decode(tables["sandbox"], Sandbox, ("sandbox",), report)
    config = Config(init=init, services=services, sandbox=sandbox)
    run_checks(config, report)
    report.raise_if_wrong()
    made = replicas.expand(services, tables["services"], counts, sources)
    config = structs.replace(config, services=made)
    kept = [source.put_away() for source in sources]
    return Loaded(config, make_plan(config), report.warnings, kept, bundle)


def _first(table: object) -> object:
    """The table of a service, or that of its first instance if it is to have several."""
    return replicas.fill(table, 1) if isinstance(table, dict) and "replicas" in table else table


def _merge(sources: Sequence[Source], report: Report) -> dict[str, Any]:
    """The tables of all files as one; a service is described in one place only."""
    merged: dict[str, Any] = {"init": {}, "services": {}}
    homes: dict[KeyPath, str] = {}
    for source in sources:
        for key, value in source.data.items():
            if key not in _TABLES:
                report.error((key,), "unknown key", did_you_mean(key, _TABLES), source)
            elif key == "include":
                if source is not sources[0]:
                    report.error((key,), "an included file can't include others", "", source)
            elif not isinstance(value, dict):
                report.error((key,), f"expected a table, got {kind_of(value)}", "", source)
            elif source.is_options:
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "services":
                for name, table in value.items():
                    _adopt(merged[key], (key, name), table, source, homes, report)
            else:
                _adopt(merged, (key,), value, source, homes, report)
    return merged


def _adopt(
    into: dict[str, Any],
    path: KeyPath,
    value: object,
    source: Source,
    homes: dict[KeyPath, str],
    report: Report,
) -> None:
    if path in homes:
        report.error(path, f"is described in {homes[path]} already", "", source)
    else:
        homes[path] = source.file
        into[str(path[-1])] = value


def _expand_all(tables: dict[str, Any], env: Mapping[str, str], report: Report) -> None:
    def walk(value: object, path: KeyPath) -> object:
        if isinstance(value, str):
            try:
                value = expand(value, env)
            except ValueError as error:
                report.error(path, str(error))
            if "\0" in value:
                report.error(path, "nothing here can contain NUL")
            return value
        if isinstance(value, dict):
            return {key: walk(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item, (*path, index)) for index, item in enumerate(value)]
        return value

    for key, value in tables.items():
        tables[key] = walk(value, (key,))
