"""A unit whose assignments are taken one by one, and the service that is made of them. Pure.

What nobody has taken in the end is told: so nothing that a unit says is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from nsinit.convert.systemd import commands, names, values
from nsinit.convert.systemd.words import words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nsinit.convert.document import Document, Table
    from nsinit.convert.systemd.commands import Command
    from nsinit.convert.systemd.text import Entry
    from nsinit.convert.systemd.tree import Loaded, Tree

T = TypeVar("T")

# Earlier spellings, and sections that keys have moved from.
_RENAMED: Final = {
    ("Unit", "BindTo"): ("Unit", "BindsTo"),
    ("Unit", "OnFailureIsolate"): ("Unit", "OnFailureJobMode"),
    ("Unit", "PropagateReloadTo"): ("Unit", "PropagatesReloadTo"),
    ("Unit", "PropagateReloadFrom"): ("Unit", "ReloadPropagatedFrom"),
    ("Unit", "RequiresOverridable"): ("Unit", "Requires"),
    ("Unit", "RequisiteOverridable"): ("Unit", "Requisite"),
    ("Unit", "StartLimitInterval"): ("Unit", "StartLimitIntervalSec"),
    ("Service", "StartLimitInterval"): ("Unit", "StartLimitIntervalSec"),
    ("Service", "StartLimitIntervalSec"): ("Unit", "StartLimitIntervalSec"),
    ("Service", "StartLimitBurst"): ("Unit", "StartLimitBurst"),
    ("Service", "StartLimitAction"): ("Unit", "StartLimitAction"),
    ("Service", "FailureAction"): ("Unit", "FailureAction"),
    ("Service", "SuccessAction"): ("Unit", "SuccessAction"),
    ("Service", "RebootArgument"): ("Unit", "RebootArgument"),
    ("Service", "ReadWriteDirectories"): ("Service", "ReadWritePaths"),
    ("Service", "ReadOnlyDirectories"): ("Service", "ReadOnlyPaths"),
    ("Service", "InaccessibleDirectories"): ("Service", "InaccessiblePaths"),
}  # fmt: skip


class Unit:
    """The assignments of a unit by their keys."""

    def __init__(self, loaded: Loaded) -> None:
        self.name = loaded.name
        self.path = loaded.path
        self.wrong = loaded.wrong
        self._entries: dict[tuple[str, str], list[Entry]] = {}
        for entry in loaded.entries:
            key = (entry.section, entry.key)
            self._entries.setdefault(_RENAMED.get(key, key), []).append(entry)

    def has(self, section: str, key: str) -> bool:
        """Whether something is said by that key."""
        return bool(self.peek(section, key))

    def peek(self, section: str, key: str) -> list[Entry]:
        """What a key has been given since it was last given nothing, and nobody has taken."""
        found: list[Entry] = []
        for entry in self._entries.get((section, key), ()):
            found = [*found, entry] if entry.value else []
        return found

    def take_all(self, section: str, key: str) -> list[Entry]:
        """All that a key was given, also nothing, where that is more than to begin anew."""
        return self._entries.pop((section, key), [])

    def take(self, section: str, key: str) -> list[Entry]:
        """What `peek` sees, which then is dealt with."""
        found = self.peek(section, key)
        self._entries.pop((section, key), None)
        return found

    def keys(self, section: str) -> list[str]:
        """The keys of a section that nobody has taken."""
        return [key for one, key in self._entries if one == section]

    def rest(self) -> Iterator[tuple[str, str, Entry]]:
        """What nobody has taken: sections and keys by today's names, and the assignments."""
        for section, key in list(self._entries):
            for entry in self.take(section, key):
                yield section, key, entry

    def fill(self, text: str) -> str:
        """Text with its specifiers; ValueError."""
        return names.fill(text, self.name, self.path)


class Draft:
    """A service in the making."""

    def __init__(self, unit: Unit, name: str, document: Document, tree: Tree) -> None:
        self.unit = unit
        self.name = name  # of the service
        self.table: Table = document.service(name)
        self.document = document
        self.tree = tree
        self.kind = "simple"
        self.stays = False  # a oneshot, up after its end
        self.is_privileged = False  # it is not to be confined, and nobody else
        self.is_dynamic = False  # DynamicUser=, which brings a confinement with it
        self.user = ""  # "": root
        self.directories = ""  # the service that makes some for it
        self.from_socket: Entry | None = None  # where its input is said to be a connection

    def cannot(self, entry: Entry, reason: str) -> None:
        """Tell that something has no equal."""
        cannot(self.table, entry, reason)

    def remark(self, entry: Entry, text: str) -> None:
        """Say above the table why something needs no key."""
        self.table.comment(f"{entry.key}={entry.value}: {text}")

    # --- Values -----------------------------------------------------------------------------------

    def last(self, key: str, section: str = "Service") -> Entry | None:
        """What a key was given last; None if nothing."""
        found = self.unit.take(section, key)
        return found[-1] if found else None

    def read(
        self, key: str, read: Callable[[str], T], section: str = "Service"
    ) -> tuple[T, Entry] | None:
        """The last value of a key, read, and where it stands; None without one that makes sense."""
        entry = self.last(key, section)
        if entry is None:
            return None
        try:
            return read(self.unit.fill(entry.value)), entry
        except ValueError as error:
            self.cannot(entry, str(error))
            return None

    def set(
        self, ours: str, key: str, read: Callable[[str], T], section: str = "Service"
    ) -> T | None:
        """Give a key of nsinit what a key of the unit says, if it does."""
        found = self.read(key, read, section)
        if found is None:
            return None
        value, entry = found
        origin = (entry.file, entry.line, entry.key)
        self.table.set(ours, value, origin=origin)  # type: ignore[arg-type]  # it can be written
        return found[0]

    def text(self, key: str, section: str = "Service") -> str:
        """A value as text; "" without one."""
        found = self.read(key, str, section)
        return found[0] if found is not None else ""

    def flag(self, key: str, *, default: bool = False, section: str = "Service") -> bool:
        """Yes or no."""
        found = self.read(key, values.boolean, section)
        return default if found is None else found[0]

    def span(self, key: str, section: str = "Service") -> float | None:
        """A span of time (s)."""
        found = self.read(key, values.span, section)
        return None if found is None else found[0]

    def words(self, key: str, section: str = "Service") -> list[tuple[str, Entry]]:
        """The words of all that a key was given, with their specifiers."""
        made = []
        for entry in self.unit.take(section, key):
            try:
                made += [(self.unit.fill(word), entry) for word in words(entry.value)]
            except ValueError as error:
                self.cannot(entry, str(error))
        return made

    def commands(self, key: str) -> list[Command]:
        """The command lines of a key."""
        made: list[Command] = []
        for entry in self.unit.take("Service", key):
            try:
                found = commands.parse(entry, self.unit.fill)
            except ValueError as error:
                self.cannot(entry, str(error))
                continue
            for command in found:
                same = command.called in ("", command.argv[0], command.argv[0].split("/")[-1])
                if not same:
                    self.cannot(entry, "a program is called by its own name")
                if "|" in command.prefixes:
                    self.cannot(entry, "it is not run by the user's shell")
            made += found
        return made


def cannot(table: Table, entry: Entry, reason: str) -> None:
    """Tell in a table that something has no equal."""
    table.unsupported(entry.file, entry.line, entry.key, entry.value, reason)
