"""What an image says of how it is run, as a part of the configuration. Pure.

As docker does: words of the command line stand for its Cmd, its Entrypoint goes before them, and
what is written in the configuration counts instead of either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nsinit.errors import ConfigError, UnknownNameError
from nsinit.model.expand import expand
from nsinit.model.report import Report, Source
from nsinit.named import Named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    FindImage = Callable[[str], "ImageDefaults"]

MAIN: Final = "main"
_NAME_MAX: Final = 255
_LOWER: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_TAG: Final = _LOWER | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ_.-")
_TAG_MAX: Final = 128
_HUB: Final = ("docker.io/library/", "docker.io/")


class ImageDefaults(Named):
    """How an image wants to be run."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    working_dir: str = ""
    user: str = ""
    stop_signal: str = ""


def image_name(text: str) -> str:
    """The one spelling of an image's name, with a tag: "shop" is "shop:latest", as for docker.

    ValueError if it can't be one.
    """
    name, mark, tag = text.rpartition(":")
    if not mark or "/" in tag:  # that was the port of a registry
        name, tag = text, "latest"
    for prefix in _HUB:
        name = name.removeprefix(prefix)
    parts = name.split("/")
    parts[0] = parts[0].replace(":", "", 1) if len(parts) > 1 else parts[0]
    right = (
        len(text) <= _NAME_MAX
        and all(_LOWER.issuperset(part.translate(_MARKS)) for part in parts)
        and all(part[:1] in _LOWER and part[-1:] in _LOWER for part in parts if part)
        and all(parts)
        and 0 < len(tag) <= _TAG_MAX
        and _TAG.issuperset(tag)
        and tag[0] not in ".-"
    )
    if not right:
        raise ValueError(f'expected the name of an image such as "shop:1", got {text[:300]!r}')
    return f"{name}:{tag}"


_MARKS: Final = dict.fromkeys(map(ord, "._-"))


def main_service(
    sources: Sequence[Source],
    options: Mapping[str, object],
    env: Mapping[str, str],
    command: Sequence[str],
    find_image: FindImage,
) -> dict[str, Any] | None:
    """The main service that an image asks for; None if it is not what is to run.

    ConfigError: there is no such image, or it has no command.
    """
    name, at = _asked(sources, options, env)
    try:
        image = find_image(image_name(name))
    except ValueError:  # which is told with all the other errors
        return None
    except UnknownNameError as error:
        raise _refused(sources, at, error.message, error.hint) from None
    if not _is_to_run(sources, command):
        return None
    words = (*image.entrypoint, *(command or image.command))
    if not words:
        hint = "give one: nsinit run ... -- COMMAND"
        raise _refused(sources, at, "the image has no command of its own", hint)
    made: dict[str, Any] = {"command": [_as_it_is(word) for word in words], "main": True}
    for key in ("working_dir", "user", "stop_signal"):
        if value := getattr(image, key):
            made[key] = _as_it_is(value)
    return made


def _asked(
    sources: Sequence[Source], options: Mapping[str, object], env: Mapping[str, str]
) -> tuple[str, Source | None]:
    """The image that the command line or a file names, and that file; "" if none does."""
    value = options.get("image")
    if isinstance(value, str):
        return value, None
    for source in sources:
        table = source.data.get("sandbox")
        value = table.get("image") if isinstance(table, dict) else None
        if isinstance(value, str):
            return expand(value, env), source
    return "", None


def _is_to_run(sources: Sequence[Source], command: Sequence[str]) -> bool:
    """Whether the image's own program is meant: with words for it, or where nothing else is.

    A [services.main] without a command says how to run it.
    """
    tables = [source.data.get("services") for source in sources]
    services = {
        name: one for table in tables if isinstance(table, dict) for name, one in table.items()
    }
    main = services.get(MAIN)
    return bool(command) or not services or (isinstance(main, dict) and "command" not in main)


def _as_it_is(word: str) -> str:
    """Nothing in it is to be filled in."""
    return word.replace("$", "$$")


def _refused(sources: Sequence[Source], at: Source | None, message: str, hint: str) -> ConfigError:
    """What is wrong with the image, at its place in the file or on the command line."""
    place = at or Source("the command line", "", {"sandbox": {"image": ""}}, is_options=True)
    report = Report([*sources, place])
    report.error(("sandbox", "image"), message, hint, place)
    return ConfigError(report.problems)
