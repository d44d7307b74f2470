"""`nsinit net add|remove|show`: the interfaces of sandboxes that run.

One table of these verbs makes their parsers, their help and their completion.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, Final

from nsinit.cli.boxes import Verb
from nsinit.cli.families import Family
from nsinit.control.row import Param
from nsinit.errors import (
    EXIT_OK,
    ControlError,
    DeniedError,
    NsinitError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.model.network import Interface

TYPES: Final = ("bridge", "macvlan", "phys")
_CODES: Final = """

exit codes: 0 done · 1 failed · 2 usage · 4 no such sandbox · 77 not allowed"""
_JSON: Final = Param("json", "flag", "JSON instead of text")
_ONE: Final = Param("sandbox", "name", "the sandbox, as nsinit list has it")

VERBS: Final[dict[str, Verb]] = {
    verb.name: verb
    for verb in (
        Verb(
            "add",
            "connect one more interface to a sandbox",
            (
                _ONE,
                Param("bridge", "text", "the bridge that it is on; nsinit0 if not said"),
                Param("type", "choice", "what it is; a bridge's if not said", choices=TYPES),
                Param("parent", "text", "of a macvlan; for phys the interface that is moved in"),
                Param("name", "text", "what it is called inside; the next ethN if not said"),
                Param("address", "text", "10.0.0.2/24,fd00::2/64; a free one if not said"),
                Param("gateway", "text", "route all else by it; no route if not said"),
                Param("mac", "text", "its own address"),
                Param("mtu", "integer", "how much it sends at once (bytes)"),
                _JSON,
            ),
            (
                "nsinit net add shop --bridge br0 --address 192.168.10.12/24",
                "nsinit net add shop --type macvlan --parent eth0 --name lan",
            ),
            _CODES,
        ),
        Verb(
            "remove",
            "remove an interface that nsinit has made, or give back one that was moved in",
            (_ONE, Param("interface", "name", "what it is called inside")),
            ("nsinit net remove shop eth1",),
            _CODES,
        ),
        Verb(
            "show",
            "tell which interfaces, addresses and published ports sandboxes have",
            (Param("sandboxes", "names", "only of these"), _JSON),
            ("nsinit net show", "nsinit net show shop --json"),
            _CODES,
        ),
    )
}
FAMILY: Final = Family("net", VERBS)


def main(argv: Sequence[str]) -> int:
    """Run one of the verbs; returns the exit code."""
    return FAMILY.run(argv, globals())


def _add(*, sandbox: str, json: bool, **given: Any) -> int:  # noqa: ANN401  (the keys of one)
    from nsinit.cli.output import as_json, say

    one = _interface(given)
    hotplug, book = _hotplug(), _book(sandbox)
    what = f"cannot connect an interface to {sandbox!r}"
    try:
        made = hotplug.add(book, one)
    except OSError as error:
        raise _told(what, error) from None
    book.tell()
    if json:
        say(as_json(made))
    else:
        say(" ".join([made["name"], *made["address"]]))
    return EXIT_OK


def _remove(*, sandbox: str, interface: str) -> int:
    hotplug, book = _hotplug(), _book(sandbox)
    try:
        hotplug.remove(book, interface)
    except OSError as error:
        told = _told(f"cannot remove {interface} of {sandbox!r}", error)
        told.hint = f"nsinit net show {sandbox}" if error.errno == errno.ENODEV else told.hint
        raise told from None
    book.tell()
    return EXIT_OK


def _show(*, sandboxes: list[str], json: bool) -> int:
    from nsinit.cli.output import as_json, printable, say, table
    from nsinit.sandbox.state import find, running

    found = [find(name) for name in sandboxes] if sandboxes else running()
    rows = [
        {"sandbox": one.record.name, **row}
        for one in found
        for row in _with_ports(
            _interfaces(one.record.pid if one.record.countable() else 0, one.record.network),
            one.record.published,
        )
    ]
    if json:
        say(as_json(rows))
    elif rows:
        cells = [
            [
                row["sandbox"], printable(row["name"]), row.get("type") or "-",
                row.get("bridge") or row.get("parent") or "-",
                ", ".join(row["address"]) or "-", ", ".join(row.get("gateway") or ()) or "-",
                row["mac"] or "-", ", ".join(row.get("published") or ()) or "-",
            ]
            for row in rows
        ]  # fmt: skip
        head = ["SANDBOX", "INTERFACE", "TYPE", "ON", "ADDRESS", "GATEWAY", "MAC", "PUBLISHED"]
        say(table(head, cells))
    return EXIT_OK


def _with_ports(rows: list[dict[str, Any]], ports: Sequence[str]) -> list[dict[str, Any]]:
    """The published ports beside the interface that they lead to."""
    inward = next((row for row in rows if row.get("bridge")), rows[0] if rows else None)
    return [{**row, "published": list(ports)} if row is inward and ports else row for row in rows]


def _interfaces(pid: int, known: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is known of the interfaces of a sandbox, as they are now where that may be asked."""
    made = {str(one.get("name")): one for one in known}
    try:
        if not pid or _shares(pid):
            return list(made.values())
        now = _hotplug().look(pid)
    except (OSError, ControlError):
        return list(made.values())
    return [{"name": name, **made.get(name, {}), **seen} for name, seen in now.items()]


def _shares(pid: int) -> bool:
    here, there = (os.stat(f"/proc/{who}/ns/net").st_ino for who in ("self", pid))
    return here == there


def _interface(given: dict[str, Any]) -> Interface:
    """What the options describe; UsageError if it can't be."""
    from nsinit.model.checks_network import interface_wrong
    from nsinit.model.network import AUTO, Interface
    from nsinit.model.types import Names

    made = {key: value for key, value in given.items() if value is not None}
    made["type"] = made.get("type") or "bridge"
    for key in ("address", "gateway"):
        if key in made:
            made[key] = Names(made[key].split(","))
    if made["type"] == "bridge":
        made.setdefault("address", Names([AUTO]))
    one = Interface(**made)
    for keys, message, hint in interface_wrong(one):
        raise UsageError(f"--{keys[0]}: {message}", hint=hint)
    return one


def _hotplug() -> Any:  # noqa: ANN401  (a module)
    """What makes interfaces: only who changes or looks at some needs it."""
    from nsinit.network import hotplug

    return hotplug


def _book(name: str) -> Any:  # noqa: ANN401  (an nsinit.network.hotplug.Book)
    from nsinit.sandbox.book import Book
    from nsinit.sandbox.state import find

    found = find(name)
    if not found.record.pid or not found.record.countable():
        raise ControlError(f"cannot change the interfaces of {name!r}: it can't be seen from here")
    return Book(found)


def _told(what: str, error: OSError) -> NsinitError:
    from nsinit.sandbox.network import remedy

    number = error.errno or 0
    kind = DeniedError if number in (errno.EPERM, errno.EACCES) else ControlError
    return kind(f"{what}: {error.strerror or error}", hint=remedy(number))
