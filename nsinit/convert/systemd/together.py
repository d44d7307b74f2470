"""What is seen only when all services are there: cycles, budgets, what two of them want. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit.convert.settling import break_cycles, names_in, one_file_each, remove, set_budget
from nsinit.model import addresses

if TYPE_CHECKING:
    from nsinit.convert.document import Document, Table
    from nsinit.convert.systemd.ordering import Members


def finish(document: Document, members: Members) -> None:
    """Settle it."""
    _schedules(document)
    for name, table in document.services.items():
        _tell_lazy(name, table, document)
    break_cycles(document.services)
    one_file_each(document)
    _one_address_each(document)
    for draft in members.drafts.values():
        sockets = draft.table.keys.get("sockets")
        accepting = isinstance(sockets, list) and any("accept" in one for one in sockets)
        if draft.from_socket is not None and not accepting:
            draft.cannot(draft.from_socket, "the input of a service is empty")
    set_budget(document)


def _schedules(document: Document) -> None:
    """Nobody can wait for the end of what runs again and again."""
    for table in document.services.values():
        for name in names_in(table, "depends_on"):
            other = document.services.get(name)
            if other is not None and "schedule" in other.keys:
                remove(table, "depends_on", name)
                table.comment(f"{name} runs by its schedule, and nothing waits for it")


def _tell_lazy(name: str, table: Table, document: Document) -> None:
    """What others need does not wait for a client."""
    sockets = table.keys.get("sockets")
    if not isinstance(sockets, list):
        return
    needed = any(name in names_in(one, "depends_on") for one in document.services.values())
    for socket in sockets if needed else ():
        socket.pop("lazy", None)


def _one_address_each(document: Document) -> None:
    """Two sockets don't listen at one address."""
    taken: list[tuple[addresses.Endpoint, dict[str, object], str]] = []
    for name, table in document.services.items():
        sockets = table.keys.get("sockets")
        if not isinstance(sockets, list):
            continue
        kept = []
        for socket in sockets:
            at = addresses.parse(socket["listen"])
            only = bool(socket.get("ipv6_only"))
            other = next(
                (
                    owner for one, theirs, owner in taken
                    if addresses.overlap(at, one, ipv6_only=(only, bool(theirs.get("ipv6_only"))))
                    and not (socket.get("reuse_port") and theirs.get("reuse_port"))
                ),
                None,
            )  # fmt: skip
            if other is None:
                taken.append((at, socket, name))
                kept.append(socket)
            else:
                table.unsupported(name, 0, "sockets", str(at), f"{other} listens there already")
        if kept:
            table.set("sockets", kept)
        else:
            del table.keys["sockets"]
