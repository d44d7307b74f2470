"""Units of systemd to services: `convert` is what `nsinit.convert.kinds` calls.

Sockets, timers and paths become keys of the services that they start; a target is only who is part
of it; all else (mounts, slices ...) is told.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from nsinit.convert.document import Table
from nsinit.convert.systemd import (
    directories,
    environment,
    execution,
    limits,
    mounts,
    names,
    ordering,
    security,
    service,
    streams,
    triggers,
)
from nsinit.convert.systemd.known import REACHED
from nsinit.convert.systemd.leftovers import settle
from nsinit.convert.systemd.ordering import Members
from nsinit.convert.systemd.together import finish
from nsinit.convert.systemd.tree import PLACES, Tree
from nsinit.convert.systemd.unit import Draft, Unit
from nsinit.errors import ConvertError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.convert.document import Document
    from nsinit.convert.kinds import Wishes
    from nsinit.convert.systemd.directories import Made
    from nsinit.convert.systemd.names import UnitName

_TRIGGERS: Final = ("socket", "timer", "path")
_NOTE: Final = """\
What holds for every unit of systemd, and has no key here: services get the default disposition of
SIGPIPE (systemd ignores it, unless IgnoreSIGPIPE=no), and the signals of a stop go to the process
group first, then to all that is left (KillMode=control-group: kill_mode = "cgroup" is the same)."""


def convert(paths: Sequence[str], document: Document, wishes: Wishes) -> None:
    """Add the services that the units at these paths, or of these names, describe."""
    tree = Tree(wishes.root)
    _Converter(tree, document, wishes.instance).convert(paths)


class _Converter:
    def __init__(self, tree: Tree, document: Document, instance: str) -> None:
        self.tree = tree
        self.document = document
        self.instance = instance
        self.members = Members(tree)
        self.units: dict[str, Unit] = {}

    def convert(self, paths: Sequence[str]) -> None:
        wanted: list[tuple[UnitName, str]] = []  # with the directory that was given, if one was
        for path in paths:
            wanted += self._named(path)
        for name, directory in wanted:
            self._load(name, asked=not directory)
        self._load_started()
        for unit in self.units.values():
            self._note_wanted(unit)
        self._make_services()
        if self.document.services:
            self.document.top.comment(_NOTE)

    # --- Which units ------------------------------------------------------------------------------

    def _named(self, path: str) -> list[tuple[UnitName, str]]:
        """The units that a path or a name means."""
        if os.path.isdir(path):
            self.tree.look_in(path)
            try:
                return [(name, path) for name in self.tree.names_in(path)]
            except OSError as error:
                raise ConvertError(path, 0, error.strerror or str(error)) from None
        base = os.path.basename(path)
        name = names.parse(base) or names.parse(f"{base}.service")
        if name is None:
            hint = "such as nginx.service, ./app.service or a directory of them"
            raise UsageError(f"{path!r} is no unit of systemd", hint=hint)
        if "/" in path or os.path.lexists(path):
            if not os.path.lexists(path) and not (name.instance and self._has_template(path, name)):
                raise ConvertError(path, 0, "there is no such file")
            directory = os.path.dirname(path) or "."
            self.tree.look_in(directory)
            if os.path.realpath(directory) in [
                os.path.realpath(self.tree.inside(place)) for place in PLACES
            ]:
                self.tree.look_in_places()
        else:
            self.tree.look_in_places()
            if self.tree.find(name) is None:
                places = ", ".join(self.tree.directories) or "any place"
                raise ConvertError(str(name), 0, f"there is no such unit in {places}")
        return [(name, "")]

    def _has_template(self, path: str, name: UnitName) -> bool:
        return os.path.lexists(os.path.join(os.path.dirname(path), name.template))

    def _load(self, name: UnitName, *, asked: bool) -> Unit | None:
        """Read a unit, once."""
        if name.is_template and name.suffix in ("service", *_TRIGGERS):
            found = self._instance_of(name, asked=asked)
            if found is None:
                return None
            name = found
        alias = str(name)
        loaded = self.tree.find(name)
        if loaded is None:
            return None
        real = str(loaded.name)
        if alias != real:
            self.members.aliases[alias] = real
        if real not in self.units:
            if loaded.masked:
                self.document.top.comment(f"{loaded.path}: is masked")
                return None
            self.units[real] = Unit(loaded)
        if asked:
            self.members.asked.add(real)
        self.members.wanted(real, self.tree.wanted_by(real))
        if alias != real:
            self.members.wanted(real, self.tree.wanted_by(alias))
        return self.units[real]

    def _instance_of(self, name: UnitName, *, asked: bool) -> UnitName | None:
        """A template as the instance that was asked for, or that it has by default."""
        loaded = self.tree.find(name)
        instance = names.escape(self.instance) if self.instance and asked else ""
        if loaded is not None and not instance:
            given = Unit(loaded).peek("Install", "DefaultInstance")
            instance = given[-1].value if given else ""
        if instance and names.parse(str(name.with_instance(instance))) is not None:
            return name.with_instance(instance)
        path = loaded.path if loaded is not None else str(name)
        why = "a template is converted with --instance NAME, or as NAME@INSTANCE.service"
        self.document.top.unsupported(path, 0, str(name), "", why)
        return None

    def _load_started(self) -> None:
        """The services that sockets, timers and paths start, and what comes Also with a unit."""
        todo = list(self.units.values())
        for unit in todo:
            others = []
            if unit.name.suffix in _TRIGGERS:
                others.append(triggers.target_of(unit))
            for entry in unit.peek("Install", "Also"):
                others += entry.value.split()
            for other in others:
                name = names.parse(other)
                if name is None or self.members.aliases.get(other, other) in self.units:
                    continue
                if name.suffix in ("service", *_TRIGGERS) and not name.is_template:
                    loaded = self._load(name, asked=False)
                    if loaded is not None:
                        todo.append(loaded)

    def _note_wanted(self, unit: Unit) -> None:
        """Who wants a unit by its own word, and whom a target wants."""
        name = str(unit.name)
        for key in ("WantedBy", "RequiredBy"):
            for entry in unit.peek("Install", key):
                self.members.wanted(name, entry.value.split())
        for entry in unit.peek("Install", "Alias"):
            for alias in entry.value.split():
                self.members.aliases.setdefault(alias, name)
        if unit.name.suffix == "target":
            self.members.targets[name] = unit
            for key in ("Wants", "Requires", "BindsTo"):
                for entry in unit.peek("Unit", key):
                    for other in entry.value.split():
                        self.members.wanted(other, [name])
        elif unit.name.suffix in _TRIGGERS:
            target = triggers.target_of(unit)
            target = self.members.aliases.get(target, target)
            self.members.triggers[name] = target
            enabled = self.units.get(target)
            if enabled is not None and not enabled.has("Install", "WantedBy"):
                self.members.asked.discard(target)

    # --- The services -----------------------------------------------------------------------------

    def _make_services(self) -> None:
        for name, unit in self.units.items():
            if unit.name.suffix == "service":
                wanted = self._service_name(unit)
                self.members.drafts[name] = Draft(
                    unit, self.document.free_name(wanted), self.document, self.tree
                )
        for draft in self.members.drafts.values():
            make(draft)
            ordering.note_before(draft, self.members)
        for draft in list(self.members.drafts.values()):
            ordering.conditions(draft)
            ordering.ordering(draft, self.members)
        for draft in self.members.drafts.values():
            ordering.install(draft, self.members)
        for name, unit in self.units.items():
            if unit.name.suffix in _TRIGGERS:
                self._trigger(name, unit)
        for draft in self.members.drafts.values():
            settle(draft)
        self._others()
        finish(self.document, self.members)
        for draft in self.members.drafts.values():
            for key in draft.table.keys:
                draft.table.origins.setdefault(key, (draft.unit.path, 0, key))

    def _service_name(self, unit: Unit) -> str:
        name = unit.name
        if name.instance == "connection":
            return name.prefix
        return f"{name.prefix}-{name.instance}" if name.instance else name.prefix

    def _trigger(self, name: str, unit: Unit) -> None:
        target = self.members.triggers[name]
        draft = self.members.draft(target)
        table = self.document.top if draft is None else draft.table
        _tell_wrong(unit, table)
        if draft is None:
            table.unsupported(unit.path, 0, name, "", f"{target} is not there to be started by it")
            return
        starts = self.members.starts(name)
        triggers.add(unit, draft, starts=starts, is_up=self.members.starts(target))

    def _others(self) -> None:
        """Units that are neither services nor start any."""
        for name, unit in self.units.items():
            kind = unit.name.suffix
            if kind == "target":
                if name not in REACHED:
                    parts = [draft.name for draft in self.members.parts(name)]
                    shown = ", ".join(parts) or "nothing that is converted"
                    self.document.top.comment(f"{unit.path}: a target; part of it: {shown}")
            elif kind not in ("service", *_TRIGGERS):
                why = "what is mounted is said in [sandbox]" if "mount" in kind else "not a service"
                self.document.top.unsupported(unit.path, 0, name, "", why)


def make(draft: Draft) -> None:
    """All keys of a service that its unit alone tells."""
    unit, table = draft.unit, draft.table
    _tell_wrong(unit, table)
    draft.set("description", "Description", str, "Unit")
    for entry in unit.take("Unit", "Documentation"):
        table.comment(entry.value)
    service.program(draft)
    execution.identity(draft)
    environment.environment(draft)
    streams.place(draft)
    streams.streams(draft)
    service.hooks(draft)
    service.restarts(draft)
    service.stopping(draft)
    limits.resources(draft)
    made = directories.wanted(draft)
    _confine(draft, made)
    if made:
        directories.made_before(draft, made)


def _confine(draft: Draft, made: list[Made]) -> None:
    table = draft.table
    if draft.is_privileged:
        draft.table = Table()
    security.security(draft)
    mounts.mounts(draft, made)
    if draft.is_privileged and draft.table.keys:
        table.comment("The command is run with full privileges ('+'): its unit does not confine it")
    draft.table = table


def _tell_wrong(unit: Unit, table: Table) -> None:
    for file, line, why in unit.wrong:
        table.unsupported(file, line, "", "", why)
