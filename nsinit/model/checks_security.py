"""Checks of the keys that say what a service may do: they go together. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.capnames import ALL, NAMES, NUMBERS, format_names
from nsinit.model.security import Security, grant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.spec import Config

    Finding = tuple[KeyPath, str, str]  # where, what is wrong, what to do
    Check = Callable[[Config], Iterator[Finding]]

_EVERYTHING: Final = frozenset(range(len(NAMES)))
_ROOT: Final = (None, 0, "0", "root")


def _tables(config: Config) -> Iterator[tuple[KeyPath, Security]]:
    if config.sandbox is not None:
        yield ("sandbox",), config.sandbox
    for name, spec in config.services.items():
        yield ("services", name), spec


def added_or_dropped(config: Config) -> Iterator[Finding]:
    """One table says one thing of each capability."""
    for path, keys in _tables(config):
        both = [name for name in keys.cap_add if name in keys.cap_drop]
        if both:
            yield (*path, "cap_add"), f"{', '.join(both)} is in cap_drop too", ""


def ambient_is_within(config: Config) -> Iterator[Finding]:
    """What is ambient, or inheritable, is there in the first place."""
    for path, keys in _tables(config):
        sandbox = config.sandbox
        own = keys if keys is not sandbox else Security(ambient=keys.ambient)
        granted = grant(own, sandbox, _EVERYTHING)
        if granted.outside:
            what = format_names(granted.outside)
            hint = f"name it in cap_add too; there are: {format_names(granted.caps)}"
            yield (*path, "ambient"), f"{what} is not among its capabilities", hint
        beyond = {NUMBERS[name] for name in keys.inheritable if name != ALL} - granted.caps
        if beyond:
            what = format_names(beyond)
            hint = f"name it in cap_add too; there are: {format_names(granted.caps)}"
            yield (*path, "inheritable"), f"{what} is not among its capabilities", hint


def user_gets_what_is_added(config: Config) -> Iterator[Finding]:
    """A user that is not root has no capability but what is ambient."""
    inherited = config.sandbox.ambient if config.sandbox is not None else None
    for name, spec in config.services.items():
        ambient = spec.ambient if spec.ambient is not None else inherited
        useless = [cap for cap in spec.cap_add if cap not in (ambient or ())]
        if str(spec.user).partition(":")[0] in map(str, _ROOT) or ALL in (ambient or ()):
            continue
        if useless:
            quoted = ", ".join(f'"{cap}"' for cap in useless)
            message = f"gives a user that is not root no {', '.join(useless)} by itself"
            yield ("services", name, "cap_add"), message, f"ambient = [{quoted}] does"


def directories_are_inside(config: Config) -> Iterator[Finding]:
    """A process's own links in /proc lead to wherever it has something open (CVE-2024-21626)."""
    if config.sandbox is None:
        return
    for name, spec in config.services.items():
        first, second, *_ = [*_parts(spec.working_dir or "/"), "", ""]
        if first == "proc" and (second.isdigit() or second in ("self", "thread-self")):
            yield ("services", name, "working_dir"), "leads out of the sandbox", ""


def _parts(path: str) -> list[str]:
    """The names in an absolute path, without those that are for nothing."""
    made: list[str] = []
    for part in path.split("/"):
        if part == "..":
            made = made[:-1]
        elif part not in ("", "."):
            made.append(part)
    return made


STRICT: Final[tuple[Check, ...]] = (added_or_dropped, ambient_is_within, directories_are_inside)
ADVICE: Final[tuple[Check, ...]] = (user_gets_what_is_added,)
