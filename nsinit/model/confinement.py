"""What can be written to confine a service: its system calls, files and ports. Pure.

The types are as in `nsinit.model.types`: each has a static `read`. What the calls come to is told
by `nsinit.model.callfilter`.
"""

from os.path import dirname, join
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

from nsinit.model.tuning import Files
from nsinit.model.types import show
from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.model.report import Report

DEFAULT: Final = "default"
UNCONFINED: Final = "unconfined"
_PORT_MAX: Final = 65535


class Profile(str):
    """Whose rules hold for system calls: "default", "unconfined", a path, or a profile itself.

    A path is written; what is in the file takes its place when the configuration is read.
    """

    __slots__ = ()

    @staticmethod
    def read(value: object) -> str:
        """From text."""
        if isinstance(value, str):
            if value in (DEFAULT, UNCONFINED) or is_text(value) or is_path(value):
                return value
            hint = did_you_mean(value, (DEFAULT, UNCONFINED))
            more = f" ({hint})" if hint else ""
        else:
            more = ""
        expected = '"default", "unconfined" or the path of a profile in JSON'
        raise ValueError(f"expected {expected}, got {show(value)}{more}")


def is_path(profile: str) -> bool:
    """Whether that is the path of a profile."""
    return not is_text(profile) and ("/" in profile or profile.endswith(".json"))


def is_text(profile: str) -> bool:
    """Whether that is a profile itself, in JSON."""
    return profile.lstrip().startswith("{")


class Calls(tuple[str, ...]):
    """Names of system calls, and groups of them as "@mount"; one may be a plain string."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[str]:
        """From a string or an array of strings."""
        from nsinit import syscalls  # noqa: PLC0415  (few configurations name any)
        from nsinit.model.callgroups import GROUPS  # noqa: PLC0415

        items = [value] if isinstance(value, str) else value
        if not isinstance(items, (list, tuple)):
            raise ValueError(f"expected system calls or groups of them, got {show(value)}")
        known = syscalls.names()
        for item in items:
            if not isinstance(item, str):
                raise ValueError(f"expected the name of a system call, got {show(item)}")
            if item not in known and item not in GROUPS:
                hint = did_you_mean(item, GROUPS if item.startswith("@") else sorted(known))
                more = f" ({hint})" if hint else ""
                kind = "group of system calls" if item.startswith("@") else "system call"
                raise ValueError(f"there is no {kind} {show(item)}{more}")
        return list(dict.fromkeys(items))


class Ports(tuple[int, ...]):
    """TCP ports; one may be a plain number."""

    __slots__ = ()

    @staticmethod
    def read(value: object) -> list[int]:
        """From a number or an array of numbers."""
        items = value if isinstance(value, (list, tuple)) else [value]
        for item in items:
            if isinstance(item, bool) or not isinstance(item, int) or not 0 <= item <= _PORT_MAX:
                raise ValueError(f"expected ports from 0 to {_PORT_MAX}, got {show(value)}")
        return sorted(set(items))


class Seccomp(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which system calls a service may make.

    The rules of a profile, or all but `deny`, or none but `allow`; with a profile, and with both
    lists, a call that is named goes before what else is said of it. `action` is what happens to
    a call that is not allowed.
    """

    profile: Profile | None = None
    default: Literal["allow", "errno"] | None = None
    allow: Calls = Calls()
    deny: Calls = Calls()
    action: Literal["errno", "kill", "log"] = "errno"


class Landlock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a service may reach: each key that is given leaves nothing else of its kind.

    What may be written or executed may also be read. `strict`: better no start than a kernel that
    can't restrict all of it.
    """

    read: Files | None = None
    write: Files | None = None
    execute: Files | None = None
    connect: Ports | None = None
    bind: Ports | None = None
    scope: list[Literal["abstract-unix", "signal"]] | None = None
    strict: bool = False


BY_DEFAULT: Final = Seccomp(profile=Profile(DEFAULT))  # of services in a sandbox
NO_FILTER: Final = Seccomp(profile=Profile(UNCONFINED))
TYPES: Final = (Profile, Calls, Ports)


def take_in_profiles(
    tables: dict[str, Any], report: "Report", read: "Callable[[str], str]"
) -> None:
    """Put what is in the files in the place of their paths, in the tables as they were written.

    `read` raises ConfigError. What is wrong with a profile is told with the place in it.
    """
    for path, table in _with_seccomp(tables):
        value = table["seccomp"]
        written = value.get("profile") if isinstance(value, dict) else value
        if isinstance(written, str) and (is_text(written) or is_path(written)):
            text = _taken_in(path, written, report, read)
            table["seccomp"] = {**value, "profile": text} if isinstance(value, dict) else text


def _taken_in(
    path: tuple[str, ...], written: str, report: "Report", read: "Callable[[str], str]"
) -> str:
    """The text of a profile; an empty one if it can't be had, or isn't right."""
    from nsinit.errors import ConfigError  # noqa: PLC0415  (with a profile only)
    from nsinit.model.dockerprofile import ProfileError, parse_profile  # noqa: PLC0415
    from nsinit.model.report import dotted  # noqa: PLC0415
    from nsinit.problem import Problem  # noqa: PLC0415

    where = dotted((*path, "seccomp"))
    file = where
    text = written
    try:
        if is_path(written):
            file = join(dirname(report.source_of(path).file), written)
            text = read(file)
        parse_profile(text)
    except ConfigError as error:
        hint = f"the profile of {where}"
        for one in error.problems:
            report.problems.append(Problem(one.file, one.line, one.path, one.message, hint))
    except ProfileError as error:
        hint = f"the profile of {where}"
        report.problems.append(Problem(file, 0, error.place, str(error), hint))
    else:
        return text
    return "{}"


def _with_seccomp(tables: dict[str, Any]) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    found: list[tuple[tuple[str, ...], Any]] = [(("sandbox",), tables.get("sandbox"))]
    found += [(("services", name), table) for name, table in tables["services"].items()]
    return [
        (path, table) for path, table in found if isinstance(table, dict) and "seccomp" in table
    ]
