"""Checks of `[sandbox].users`: maps that the kernel takes, and keys that go together. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.model.idmaps import faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.sandboxes import Users
    from nsinit.model.spec import Config

    Finding = tuple[KeyPath, str, str]  # where, what is wrong, what to do
    Check = Callable[[Config], Iterator[Finding]]

_AT: Final = ("sandbox", "users")


def _users(config: Config) -> Users | None:
    return config.sandbox.users if config.sandbox is not None else None


def maps_are_sound(config: Config) -> Iterator[Finding]:
    """Every id is mapped once at most, and exists (user_namespaces(7))."""
    users = _users(config)
    if users is None:
        return
    for key in ("uid_map", "gid_map"):
        for index, message, hint in faults(getattr(users, key) or ()):
            yield (*_AT, key) if index is None else (*_AT, key, index), message, hint


def users_need_their_namespace(config: Config) -> Iterator[Finding]:
    """Ids are mapped in a user namespace, and only there can more of them be forbidden."""
    users = _users(config)
    if users is None or config.sandbox is None:
        return
    if config.sandbox.namespaces.get("user", "new") != "new":
        yield _AT, "has no effect on a user namespace that is not new", 'use user = "new"'


def ways_of_mapping(config: Config) -> Iterator[Finding]:
    """Rows, or a word for what they are to be."""
    users = _users(config)
    if users is None:
        return
    written = [key for key in ("uid_map", "gid_map") if getattr(users, key) is not None]
    if users.map is not None and written:
        yield (*_AT, "map"), f'and "{written[0]}" are both given', "leave one of them out"
    if users.subordinate is not None and users.map != "auto":
        yield (*_AT, "subordinate"), "says whose ranges are taken", 'add map = "auto"'
    if users.subordinate == "" or (isinstance(users.subordinate, int) and users.subordinate < 0):
        yield (*_AT, "subordinate"), "expected the name or number of a user", ""
    if users.setgroups == "allow" and (users.map == "none" or users.gid_map == ()):
        yield (*_AT, "setgroups"), "without a gid_map the kernel allows it to nobody", ""


def maps_are_complete(config: Config) -> Iterator[Finding]:
    """One map alone leaves the other kind of ids without any; it may be meant."""
    users = _users(config)
    if users is None:
        return
    for key, other in (("uid_map", "gid_map"), ("gid_map", "uid_map")):
        if getattr(users, key) is not None and getattr(users, other) is None:
            message = f"without a {other} every {other[0]}id inside is 65534"
            yield (*_AT, key), message, f"{other} = [] if that is meant"


STRICT: Final[tuple[Check, ...]] = (maps_are_sound, users_need_their_namespace, ways_of_mapping)
ADVICE: Final[tuple[Check, ...]] = (maps_are_complete,)
