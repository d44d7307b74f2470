"""Which configuration file is meant, and the files that it includes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from nsinit.errors import ConfigError
from nsinit.model.load import Loaded, included, load, parse_source, read_file
from nsinit.model.report import Report, Source
from nsinit.places import CONFIGS, look_for
from nsinit.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nsinit.model.images import FindImage

_MAIN: Final = "main"
COMMAND_LINE: Final = "the command line"


def find_config(asked: str | None, env: Mapping[str, str]) -> str:
    """The file: the argument, $NSINIT_CONFIG, or the first of CONFIGS that exists."""
    found = look_for(asked, env)
    if found is not None:
        return found
    looked = ", ".join(CONFIGS)
    raise ConfigError(
        [Problem("nsinit.toml", 0, "", f"no configuration file: looked for {looked}",
                 "name one: nsinit run FILE")]
    )  # fmt: skip


def load_asked(
    asked: str | None,
    env: Mapping[str, str],
    command: Sequence[str],
    *,
    options: Mapping[str, object] | None = None,
    find_image: FindImage | None = None,
    main: Mapping[str, object] | None = None,
    patient: bool = True,
) -> Loaded:
    """Read what `nsinit run [OPTIONS] [FILE] -- COMMAND` means; a command needs no file at all.

    Nor does a bundle, beside which only a file counts that somebody has named, or an image, which
    may have a command too. The options are keys of `[sandbox]`, `main` are more of the main
    service. Unless it is `patient`, nothing is read that could make the reader wait.
    """
    options = options or {}
    bundled = "bundle" in options
    if not command and not bundled and "image" not in options:
        sources = read_sources(find_config(asked, env), patient=patient)
    else:
        found = look_for(asked, env, () if bundled else CONFIGS)
        sources = [] if found is None else read_sources(found, patient=patient)
    theirs: Mapping[str, Any] | None = None
    if find_image is not None and _names_image(sources, options):
        from nsinit.model.images import main_service  # noqa: PLC0415  (few have an image)

        theirs = main_service(sources, options, env, command, find_image)
    if theirs is not None:
        sources = with_main(sources, theirs)
    elif command:
        sources = with_command(sources, command)
    if main:
        if (
            not bundled
            and not _has(sources, "services", _MAIN)
            and not _has(sources, "sandbox", "bundle")
        ):
            message = f'there is no service "{_MAIN}" to pass descriptors on to'
            hint = 'another has them by "pass_fds" in its table'
            raise ConfigError([Problem(COMMAND_LINE, 0, "", message, hint)])
        sources = with_main(sources, main)
    return load(with_options(sources, options), env)


def _names_image(sources: Sequence[Source], options: Mapping[str, object]) -> bool:
    return "image" in options or _has(sources, "sandbox", "image")


def _has(sources: Sequence[Source], table: str, key: str) -> bool:
    """Whether there is such a key in any of the files."""
    tables = [source.data.get(table) for source in sources]
    return any(isinstance(one, dict) and key in one for one in tables)


def load_config(path: str, env: Mapping[str, str]) -> Loaded:
    """Read a file and what it includes; ConfigError tells everything that is wrong."""
    return load(read_sources(path), env)


def read_sources(path: str, *, patient: bool = True) -> list[Source]:
    """A file and what it includes, in that order."""
    main = parse_source(path, read_file(path, patient=patient))
    sources = [main]
    patterns = included(main)
    if patterns:
        import glob  # noqa: PLC0415  (re and more, which most configurations do without)
    seen = {os.path.realpath(path)}
    for pattern in patterns:
        here = os.path.dirname(path)
        found = sorted(glob.glob(os.path.join(glob.escape(here), pattern)))
        if not found and not glob.has_magic(pattern):
            found = [os.path.join(here, pattern)]  # a plain name must exist, a pattern need not
        for file in found:
            if os.path.realpath(file) not in seen:
                seen.add(os.path.realpath(file))
                sources.append(parse_source(file, read_file(file, patient=patient)))
    return sources


def with_command(sources: Sequence[Source], command: Sequence[str]) -> list[Source]:
    """The files, with the words of the command line as the main service."""
    words = [word.replace("$", "$$") for word in command]  # nothing in them is to be filled in
    return with_main(sources, {"command": words, "main": True})


def with_main(sources: Sequence[Source], given: Mapping[str, Any]) -> list[Source]:
    """The files, with the command of the command line, or of an image, as the main service.

    It is called "main"; a [services.main] without a command says how to run it.
    """
    made: list[Source] = []
    for source in sources:
        data = source.data
        services = data.get("services")
        table = services.get(_MAIN) if isinstance(services, dict) else None
        if given and isinstance(services, dict) and isinstance(table, dict):
            if "command" in table and "command" in given:
                report = Report([source])
                report.error(("services", _MAIN, "command"), "the command line gives one too")
                raise ConfigError(report.problems)
            data = {**data, "services": {**services, _MAIN: _both(given, table)}}
            told = source.is_command or "command" in given
            made.append(Source(source.file, source.text, data, is_command=told))
            given = {}
        else:
            made.append(source)
    if given:
        data = {"services": {_MAIN: given}}
        made.append(Source(COMMAND_LINE, "", data, is_command="command" in given))
    return made


def _both(given: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """What the file says counts, but descriptors are passed on from either."""
    made = {**given, **table}
    more, own = given.get("pass_fds"), table.get("pass_fds")
    if isinstance(more, list) and isinstance(own, list):
        made["pass_fds"] = [*own, *(fd for fd in more if fd not in own)]
    return made


def with_options(sources: Sequence[Source], options: Mapping[str, object]) -> list[Source]:
    """The files, with keys of `[sandbox]` from the command line instead of their own."""
    if not options:
        return list(sources)
    from nsinit.model.options import within  # noqa: PLC0415  (most have none)

    plain = {key: _as_it_is(value) for key, value in options.items()}
    given = within(plain, [source.data.get("sandbox") for source in sources])
    made: list[Source] = []
    for source in sources:
        table = source.data.get("sandbox")
        data = source.data
        if isinstance(table, dict):
            limits, own = table.get("resources"), given.get("resources")
            if isinstance(limits, dict) and isinstance(own, dict):  # one limit is not all of them
                given["resources"] = {**limits, **own}
            rest = {key: value for key, value in table.items() if key not in given}
            data = {**data, "sandbox": rest}
        made.append(Source(source.file, source.text, data, is_command=source.is_command))
    source = Source(COMMAND_LINE, "", {"sandbox": given}, is_options=True, given=frozenset(options))
    return [*made, source]


def _as_it_is(value: object) -> object:
    """Nothing in it is to be filled in: the shell has done that."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: _as_it_is(item) for key, item in value.items()}
    return [_as_it_is(item) for item in value] if isinstance(value, list) else value
