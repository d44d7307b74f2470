"""What is seen only when all services are there: cycles, budgets, what two of them want. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsinit import units
from nsinit.convert.systemd import values
from nsinit.convert.systemd.ordering import break_cycles, edges_of, remove
from nsinit.model import addresses, graph

if TYPE_CHECKING:
    from nsinit.convert.document import Document, Table
    from nsinit.convert.systemd.ordering import Members

_SHUTDOWN = 9.0  # s, init.shutdown_timeout when nothing is said
_HOOK = 5.0  # s, of a hook that says nothing


def finish(document: Document, members: Members) -> None:
    """Settle it."""
    _schedules(document)
    for name, table in document.services.items():
        _tell_lazy(name, table, document)
    break_cycles(document.services)
    _one_file_each(document)
    _one_address_each(document)
    for draft in members.drafts.values():
        sockets = draft.table.keys.get("sockets")
        accepting = isinstance(sockets, list) and any("accept" in one for one in sockets)
        if draft.from_socket is not None and not accepting:
            draft.cannot(draft.from_socket, "the input of a service is empty")
    _budget(document)


def _schedules(document: Document) -> None:
    """Nobody can wait for the end of what runs again and again."""
    for table in document.services.values():
        needs = table.keys.get("depends_on", ())
        for name in list(needs):  # type: ignore[arg-type]  # a list or a table
            other = document.services.get(str(name))
            if other is not None and "schedule" in other.keys:
                remove(table, "depends_on", str(name))
                table.comment(f"{name} runs by its schedule, and nothing waits for it")


def _tell_lazy(name: str, table: Table, document: Document) -> None:
    """What others need does not wait for a client."""
    sockets = table.keys.get("sockets")
    if not isinstance(sockets, list):
        return
    needed = any(name in one.keys.get("depends_on", ()) for one in document.services.values())  # type: ignore[operator]
    for socket in sockets if needed else ():
        socket.pop("lazy", None)


def _one_file_each(document: Document) -> None:
    """Two services don't write to one log file."""
    seen: dict[str, str] = {}
    for name, table in document.services.items():
        log = table.keys.get("log")
        if not isinstance(log, dict):
            continue
        err = log.get("stderr")
        for where in (log, err if isinstance(err, dict) else {}):
            path = where.get("file")
            if isinstance(path, str) and seen.setdefault(path, name) != name:
                where.pop("file")
                where.pop("max_size", None)
                table.unsupported(path, 0, "log", path, f"{seen[path]} writes to it already")
        if not log or log == {"stderr": {}}:
            del table.keys["log"]


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


def _budget(document: Document) -> None:
    """As much time for the end as the longest chain of services may take."""
    costs = {name: _cost(table) for name, table in document.services.items()}
    edges = edges_of(document.services)
    chains: dict[str, float] = {}
    for name in graph.in_order(edges):
        chains[name] = costs[name] + max((chains.get(one, 0.0) for one in edges[name]), default=0.0)
    longest = max(chains.values(), default=0.0)
    if longest >= _SHUTDOWN:
        spare = max(longest * 0.25, 1.0)  # init keeps a part of it for the KILLs
        text = "for the longest chain of stops; a container engine may give less"
        document.init.set("shutdown_timeout", values.written(longest + spare), remark=text)


def _cost(table: Table) -> float:
    """How long (s) a stop may take."""
    keys = table.keys
    stop = units.parse_duration(keys.get("stop_timeout", 8))
    cost = stop
    for key, default in (("stop_command", stop), ("post_stop", _HOOK)):
        hook = keys.get(key)
        if isinstance(hook, dict):
            cost += units.parse_duration(hook.get("timeout", default))
    return cost
