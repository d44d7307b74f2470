"""`[Unit]` and `[Install]`: what a service needs, what it comes after, whether it starts. Pure.

Targets are no services: who comes after one comes after all that is part of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.convert.settling import names_in
from nsinit.convert.systemd import names
from nsinit.convert.systemd.known import CONDITION, NOT_AT_BOOT, REACHED
from nsinit.convert.systemd.unit import cannot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nsinit.convert.document import Table, Value
    from nsinit.convert.systemd.text import Entry
    from nsinit.convert.systemd.tree import Tree
    from nsinit.convert.systemd.unit import Draft, Unit

_ENDS: Final = ("shutdown.target", "umount.target", "final.target", "systemd-soft-reboot.service")


class Members:
    """All that is converted: which services a name of a unit stands for."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.drafts: dict[str, Draft] = {}  # by the name of the unit
        self.aliases: dict[str, str] = {}
        self.targets: dict[str, Unit] = {}
        self.triggers: dict[str, str] = {}  # the service that a socket, timer or path starts
        self.asked: set[str] = set()  # units that were named by the user
        self.before: dict[str, list[Draft]] = {}  # target: the services that come before it
        self.wanting: dict[str, dict[str, None]] = {}  # unit: those that want it

    def draft(self, name: str) -> Draft | None:
        """The service that a unit is."""
        return self.drafts.get(self.aliases.get(name, name))

    def wanted(self, unit: str, by: Iterable[str]) -> None:
        """Note that others want a unit."""
        self.wanting.setdefault(unit, {}).update(dict.fromkeys(by))

    def parts(self, name: str, seen: frozenset[str] = frozenset()) -> list[Draft]:
        """The services that a name stands for: one, or all that are part of a target."""
        draft = self.draft(name)
        if draft is not None:
            return [draft]
        if name in seen or name not in self.targets:
            return []
        found: dict[str, Draft] = {}
        for unit, by in self.wanting.items():
            if name in by:
                one = self.triggers.get(unit, unit)
                found |= {part.name: part for part in self.parts(one, seen | {name})}
        return list(found.values())

    def starts(self, name: str, seen: frozenset[str] = frozenset()) -> bool:
        """Whether a unit is started when the system is."""
        if name in self.asked:
            return True
        for by in self.wanting.get(name, ()):
            if by in seen or by in NOT_AT_BOOT:
                continue
            target = by.endswith(".target")
            if target and (
                by in REACHED or by not in self.targets or self.starts(by, seen | {name})
            ):
                return True
        return False

    def tags(self, name: str) -> list[str]:
        """The targets of their own that a service is part of."""
        return [
            by.removesuffix(".target") for by in self.wanting.get(name, ())
            if by in self.targets and by not in REACHED and by not in NOT_AT_BOOT
        ]  # fmt: skip


def note_before(draft: Draft, members: Members) -> None:
    """Note the targets that a service comes before: so it does before what comes after them."""
    for entry in draft.unit.peek("Unit", "Before"):
        for word in entry.value.split():
            if word in members.targets:
                members.before.setdefault(word, []).append(draft)


def ordering(draft: Draft, members: Members) -> None:
    """The dependencies of one service."""
    needs: dict[str, str] = {}
    if draft.directories:
        needs[draft.directories] = ""
    after = _others(draft, members, "After", is_order=True)
    for key in ("Requires", "BindsTo", "Requisite"):
        for other, entry in _others(draft, members, key, is_needed=True).items():
            if key == "BindsTo":
                cannot(draft.table, entry, f"{other} may end by itself, and this goes on")
            if key == "Requisite":
                cannot(draft.table, entry, f"{other} is started for it")
            needs[other] = "" if other in after else "started"
    wants = _others(draft, members, "Wants")
    for key, found in (("depends_on", needs), ("wants", wants), ("after", after)):
        kept = [other for other in found if key == "depends_on" or other not in needs]
        if key == "depends_on" and any(needs.values()):
            made: Value = {
                other: how or _reached(other, members, draft.directories)
                for other, how in needs.items()
            }
        else:
            made = kept
        if kept:
            draft.table.set(key, made)
    before = _others(draft, members, "Before")
    if before:
        draft.table.set("before", list(before))
    for key in ("PartOf", "Conflicts"):
        for other, entry in _others(draft, members, key).items():
            why = "does not stop with it" if key == "PartOf" else "is not stopped for it"
            cannot(draft.table, entry, f"{draft.name if key == 'PartOf' else other} {why}")
    _on_failure(draft, members)


def _reached(other: str, members: Members, oneshot: str) -> str:
    if other == oneshot:
        return "completed"
    kinds = {draft.name: draft.kind for draft in members.drafts.values()}
    return "completed" if kinds.get(other) == "oneshot" else "ready"


def _others(
    draft: Draft,
    members: Members,
    key: str,
    *,
    is_needed: bool = False,
    is_order: bool = False,
) -> dict[str, Entry]:
    """The services that a list of units means; what is not converted is told.

    `is_order`: to come after a target is to come after its parts, and what is before it.
    """
    made: dict[str, Entry] = {}
    for word, entry in draft.words(key, "Unit"):
        target = word in members.targets
        expanded = not target or is_order or (key in ("Wants", "Requires") and word not in REACHED)
        found = members.parts(word) if expanded else []
        found = [*found, *(members.before.get(word, ()) if is_order else ())]
        made |= {one.name: entry for one in found if one.name != draft.name}
        if found or word in members.triggers or (target and key != "Conflicts"):
            continue
        if word in _ENDS or (target and word in NOT_AT_BOOT):
            draft.table.comment(f"{key}={word}: nothing of nsinit is up then")
        elif word in REACHED:
            draft.table.comment(f"{key}={word}: is reached before nsinit starts")
        elif is_needed or (key == "Wants" and _is_there(members, word)):
            cannot(draft.table, entry, f"{word} is not converted")
        else:
            draft.table.comment(f"{key}={word}: is not converted")
    return made


def _is_there(members: Members, name: str) -> bool:
    parsed = names.parse(name)
    return parsed is not None and members.tree.find(parsed) is not None


def _on_failure(draft: Draft, members: Members) -> None:
    started: list[str] = []
    for word, entry in draft.words("OnFailure", "Unit"):
        found = members.parts(word)
        started += [one.name for one in found]
        if not found:
            cannot(draft.table, entry, f"{word} is not converted")
    if started:
        hook: dict[str, Value] = {"command": ["nsinit", "ctl", "start", *started]}
        draft.table.set("on_fail", hook | ({"user": 0} if draft.user else {}))


def conditions(draft: Draft) -> None:
    """A service is not left out by a condition."""
    for key in draft.unit.keys("Unit"):
        if key.startswith(("Condition", "Assert")):
            for entry in draft.unit.take("Unit", key):
                draft.cannot(entry, CONDITION)


def install(draft: Draft, members: Members) -> None:
    """Whether it is started, and what it is part of."""
    name = str(draft.unit.name)
    if not members.starts(name) and "schedule" not in draft.table.keys:
        draft.table.set("autostart", value=False)
    if tags := members.tags(name):
        draft.table.set("tags", tags)
    for other in members.wanting.get(name, ()):
        by = members.draft(other)
        if by is not None and by is not draft:
            _append(by.table, "wants", draft.name)


def _append(table: Table, key: str, name: str) -> None:
    known = names_in(table, key)
    if name not in known and name not in names_in(table, "depends_on"):
        table.set(key, [*known, name])
