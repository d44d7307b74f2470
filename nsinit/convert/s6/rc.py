"""Source definitions of s6-rc, also those of s6-overlay: longruns, oneshots, bundles.

https://skarnet.org/software/s6-rc/s6-rc-compile.html
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from nsinit.convert.reading import entries, read_text
from nsinit.convert.s6 import directory, logger, script
from nsinit.convert.s6.directory import LONGEST, Place, number, told
from nsinit.units import format_duration

if TYPE_CHECKING:
    from nsinit.convert.document import Document, Table, Value

# Bundles that are started by themselves: those of s6-overlay, and of s6-linux-init.
_STARTED: Final = ("user", "user2")
_DEFAULT: Final = "default"
# What a service can say, and what a hook can.
_OF_UP: Final = {"command", "user", "group", "environment", "umask", "working_dir", "nice"}
_OF_DOWN: Final = {"command", "user"}
# What s6-overlay brings itself.
_OWN: Final = frozenset((
    "base", "top", "user", "user2", "overlay-finish", "fix-attrs", "init-envdir",
    "s6rc-fdholder", "s6rc-oneshot-runner", "legacy-cont-init", "legacy-services",
))  # fmt: skip


class Definitions:
    """The definitions of one directory."""

    def __init__(self, source: Place, document: Document, grace: str) -> None:
        self.document = document
        self.grace = grace
        self.places: dict[str, Place] = {}
        self.kinds: dict[str, str] = {}
        self.names: dict[str, str] = {}  # of services, by the names of definitions
        for name in entries(source.path):
            place = source.below(name)
            if not name.startswith(".") and os.path.isfile(place.file("type")):
                self.places[name] = place
                self.kinds[name] = read_text(place.file("type")).strip()

    def convert(self, before: dict[str, list[str]]) -> None:
        """Add a service for each; `before` has the services for some of s6-overlay's own names."""
        for name, kind in self.kinds.items():
            if kind in ("longrun", "oneshot"):
                self.names[name] = self.document.free_name(name)
                self.document.service(self.names[name])
            elif kind != "bundle":
                place = self.places[name]
                told(place, self.document.top, "type", "expected longrun, oneshot or bundle")
        for name in list(self.names):
            self._add(name)
        for name in list(self.names):
            self._depend(name, before)
        for name in list(self.names):
            if name in self.names:
                self._pipe(name)
        self._bundles()

    def _add(self, name: str) -> None:
        place, table = self.places[name], self.document.service(self.names[name])
        if self.kinds[name] == "longrun":
            if not place.has("run"):
                table.set("command", ["false"])
                told(place, table, "run", "there is no such file")
                return
            directory.add_longrun(place, table, grace=self.grace)
            return
        table.set("type", "oneshot")
        table.set("working_dir", "/")
        self._line(place, table, "up")
        if place.has("down"):
            self._line(place, table, "down")
        limit = number(place, table, "timeout-up")
        if limit:
            table.set("start_timeout", format_duration(limit / 1000))
        directory.leftovers(place, table)

    def _line(self, place: Place, table: Table, name: str) -> None:
        """The command line of a oneshot, which is one of execline, as words if they are plain."""
        text = read_text(place.file(name)).strip() if place.has(name) else ""
        made: dict[str, Value] = {"command": ["true"]}
        here = Place("/", "")
        if text:
            reason = "it does more than run a command"
            try:
                keys = script.translate(text, "/", directory.envdir_reader(here))
                made = keys.made
                plain = set(made) <= (_OF_UP if name == "up" else _OF_DOWN)
                if name == "up" and plain:
                    directory.set_before(keys, table)
                plain = plain and (name == "up" or not keys.before)
            except script.LeftError as error:
                plain, reason = False, str(error)
            if not plain:
                made = {"command": ["execlineb", "-P", "-c", text]}
                table.comment(f"{name} needs execline where it runs: {reason}")
        if name == "up":
            for key, value in made.items():
                table.set(key, value)
        else:
            limit = number(place, table, "timeout-down")
            table.set("stop_command", {**made, "timeout": _ms(limit)})

    # --- Together ---------------------------------------------------------------------------------

    def _depend(self, name: str, before: dict[str, list[str]]) -> None:
        place, table = self.places[name], self.document.service(self.names[name])
        needs: dict[str, Value] = {}
        for other in listed(place, "dependencies"):
            for one in before.get(other, ()):
                needs[one] = "exited"
            for one in self.members(other):
                if one != name:
                    how = "completed" if self.kinds[one] == "oneshot" else "ready"
                    needs[self.names[one]] = how
            if other not in self.kinds and other not in _OWN:
                table.unsupported(place.path, 0, "dependencies", other, "there is no such service")
        if needs and set(needs.values()) <= {"ready", "completed"}:
            table.set("depends_on", list(needs))
        elif needs:
            table.set("depends_on", needs)

    def members(self, name: str, seen: frozenset[str] = frozenset()) -> list[str]:
        """The services that a name means: itself, or all that a bundle has."""
        if name in self.names:
            return [name]
        if name not in self.kinds or name in seen:
            return []
        found: dict[str, None] = {}
        for other in listed(self.places[name], "contents"):
            found |= dict.fromkeys(self.members(other, seen | {name}))
        return list(found)

    def _pipe(self, name: str) -> None:
        """A pipeline ends in a logger, or can't be had."""
        place, table = self.places[name], self.document.service(self.names[name])
        for other in listed(place, "producer-for"):
            consumer = self.places.get(other)
            ok = (
                consumer is not None
                and not consumer.has("producer-for")
                and logger.take(consumer.file("run"), table, consumer.later)
            )
            if ok and other in self.names:
                gone = self.names.pop(other)
                for finding in self.document.services.pop(gone).findings:
                    if finding.key not in ("consumer-for", "pipeline-name"):
                        table.findings.append(finding)
            else:
                told(place, table, "producer-for", "the lines of two programs are not piped")

    def _bundles(self) -> None:
        started = [name for name in _STARTED if self.kinds.get(name) == "bundle"]
        if not started and self.kinds.get(_DEFAULT) == "bundle":
            started = [_DEFAULT]
        wanted = {one for name in started for one in self.members(name)}
        for name, service in self.names.items():
            table = self.document.services[service]
            if started and name not in wanted:
                table.set("autostart", value=False)
            tags = [
                bundle for bundle, kind in self.kinds.items()
                if kind == "bundle" and bundle not in (*_STARTED, _DEFAULT)
                and name in self.members(bundle)
            ]  # fmt: skip
            if tags:
                table.set("tags", tags)
        gone = set(self.document.services)
        for table in self.document.services.values():
            needs = table.keys.get("depends_on")
            if isinstance(needs, list):
                table.set("depends_on", [one for one in needs if one in gone])


def listed(place: Place, name: str) -> list[str]:
    """The names in a file, one a line, and those of the files in a directory NAME.d."""
    made: dict[str, None] = {}
    if os.path.isfile(place.file(name)):
        lines = (line.strip() for line in read_text(place.file(name)).splitlines())
        made |= dict.fromkeys(line for line in lines if line and line[0] != "#")
    if os.path.isdir(place.file(f"{name}.d")):
        made |= dict.fromkeys(entries(place.file(f"{name}.d")))
    return list(made)


def _ms(limit: int | None) -> str:
    return format_duration(limit / 1000) if limit else LONGEST
