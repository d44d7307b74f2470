"""Checks of `[sandbox]`: it can be made, and the host is not changed by it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.model.naming import bad_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.spec import Config

    Finding = tuple[KeyPath, str, str]  # where, what is wrong, what to do
    Check = Callable[[Config], Iterator[Finding]]

HOST_NAME_MAX: Final = 64  # sethostname(2)


def names_fit(config: Config) -> Iterator[Finding]:
    """Host and domain names fit the kernel; the sandbox's own name can stand in a path."""
    if config.sandbox is None:
        return
    if config.sandbox.name is not None and (bad := bad_name(config.sandbox.name)):
        yield ("sandbox", "name"), bad, ""
    for key in ("hostname", "domainname"):
        name = getattr(config.sandbox, key)
        if name is not None and not 0 < len(name.encode("utf-8", "replace")) <= HOST_NAME_MAX:
            yield ("sandbox", key), f"a {key} has 1 to {HOST_NAME_MAX} bytes", ""


def host_is_left_alone(config: Config) -> Iterator[Finding]:
    """Nothing that the sandbox sets would be set for the host."""
    if config.sandbox is None:
        return
    kinds = config.sandbox.namespaces
    path = ("sandbox", "namespaces")
    if kinds.get("uts") == "shared":
        for key in ("hostname", "domainname"):
            if getattr(config.sandbox, key) is not None:
                yield ("sandbox", key), f"with a shared uts namespace the host's {key} changes", ""
    if kinds.get("mount") == "shared" and kinds.get("pid") != "shared":
        yield path, "a new pid namespace needs its own /proc", 'use mount = "new"'
    if all(kinds.get(kind) == "shared" for kind in ("pid", "mount", "uts", "ipc", "user")):
        yield path, "every namespace is shared", "leave [sandbox] out"


STRICT: Final[tuple[Check, ...]] = (names_fit, host_is_left_alone)
ADVICE: Final[tuple[Check, ...]] = ()
