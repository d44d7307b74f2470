"""Checks of `seccomp` and `landlock`, of services and of the sandbox. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.model.confinement import DEFAULT, UNCONFINED, Landlock, Seccomp
from nsinit.model.tuning import OPTIONAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.security import Security
    from nsinit.model.spec import Config

    Finding = tuple[KeyPath, str, str]  # where, what is wrong, what to do
    Check = Callable[[Config], Iterator[Finding]]

_NO_LANDLOCK: Final = Landlock()
_PATHS: Final = ("read", "write", "execute")


def _layers(config: Config) -> Iterator[tuple[KeyPath, Security]]:
    if config.sandbox is not None:
        yield ("sandbox",), config.sandbox
    for name, spec in config.services.items():
        yield ("services", name), spec


def filters_make_sense(config: Config) -> Iterator[Finding]:
    """The keys of a filter do not contradict each other, and a program can be executed under it."""
    for path, keys in _layers(config):
        asked = keys.seccomp
        at = (*path, "seccomp")
        if asked is None:
            continue
        if asked.profile is not None and asked.default is not None:
            yield (*at, "default"), "the profile says what holds for the rest", "use one of them"
        if asked.profile == UNCONFINED and asked != Seccomp(profile=asked.profile):
            yield at, '"unconfined" leaves nothing to allow or deny', f'start from "{DEFAULT}"'
        if asked.profile is None and asked.default is None and asked.allow and asked.deny:
            yield at, "both allow and deny: what holds for the rest?", 'say default = "allow"'
        if asked.default == "errno" and asked.deny and not asked.allow:
            yield (*at, "deny"), 'with default = "errno" all is denied already', "use allow"
        if "execve" in asked.deny and "execve" not in asked.allow:
            yield (*at, "deny"), "without execve the service itself can't be started", ""


def paths_are_absolute(config: Config) -> Iterator[Finding]:
    """Landlock's paths are those of the service, wherever nsinit was started."""
    for path, keys in _layers(config):
        for key in _PATHS if keys.landlock is not None else ():
            for index, one in enumerate(getattr(keys.landlock, key) or ()):
                if not one.startswith("/"):
                    at = (*path, "landlock", key, index)
                    shown = one.removesuffix(OPTIONAL)
                    yield at, f"expected an absolute path, got {shown!r}", ""


def filters_do_something(config: Config) -> Iterator[Finding]:
    """A table without keys restricts nothing."""
    for path, keys in _layers(config):
        if keys.seccomp == Seccomp():
            yield (*path, "seccomp"), "has no effect: nothing is denied", f'write "{DEFAULT}"'
        if keys.landlock in (_NO_LANDLOCK, Landlock(strict=True)):
            yield (*path, "landlock"), "has no effect: no key is given", ""


STRICT: Final[tuple[Check, ...]] = (filters_make_sense, paths_are_absolute)
ADVICE: Final[tuple[Check, ...]] = (filters_do_something,)
