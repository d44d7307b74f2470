"""Finds units, what is dropped into them, and who wants them, in the directories of a system.

As systemd.unit(5), "UNIT FILE LOAD PATH" has it. With a root directory, links lead nowhere else.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.convert.reading import read_text
from nsinit.convert.systemd import names, text

if TYPE_CHECKING:
    from nsinit.convert.systemd.names import UnitName
    from nsinit.convert.systemd.text import Entry

# Where an administrator, the run-time and packages put units; the first that has one counts.
PLACES: Final = (
    "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system", "/lib/systemd/system",
)  # fmt: skip
_LINKS_MAX: Final = 40  # path_resolution(7)
_SECTIONS: Final = ("wants", "requires", "upholds")


class Loaded(NamedTuple):
    """The files of one unit, read."""

    name: UnitName
    path: str
    entries: list[Entry]
    wrong: list[tuple[str, int, str]]  # file, line, what is no assignment
    masked: bool = False  # a link to /dev/null, or empty


class Tree:
    """Some directories of units below a root ("" for that of the system)."""

    def __init__(self, root: str = "") -> None:
        self.root = root.rstrip("/")
        self.directories: list[str] = []
        self._wanted: dict[str, dict[str, None]] | None = None

    def look_in(self, directory: str) -> None:
        """Look for units there too, after where they are looked for already."""
        known = {os.path.realpath(one) for one in self.directories}
        if os.path.isdir(directory) and os.path.realpath(directory) not in known:
            self.directories.append(directory)
            self._wanted = None

    def look_in_places(self) -> None:
        """Look where a system has its units."""
        for place in PLACES:
            self.look_in(self.inside(place))

    # --- Files of the system ----------------------------------------------------------------------

    def inside(self, path: str) -> str:
        """A path of the system as one of ours, with the links in it followed below the root."""
        if not self.root:
            return path
        done, todo, links = "", path.split("/")[::-1], 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                done = done.rpartition("/")[0]
                continue
            here = f"{self.root}{done}/{part}"
            try:
                target = os.readlink(here)
            except (OSError, ValueError):
                done += f"/{part}"
                continue
            links += 1
            if links > _LINKS_MAX:
                return here
            done = "" if target.startswith("/") else done
            todo += target.split("/")[::-1]
        return f"{self.root}{done}" or "/"

    def text_of(self, path: str) -> str | None:
        """What is in a file of the system; None if it can't be read as text."""
        try:
            with open(self.inside(path), "rb") as file:
                return file.read(1 << 20).decode()
        except (OSError, ValueError):
            return None

    def exists(self, path: str) -> bool:
        """Whether there is something in the system."""
        return os.path.exists(self.inside(path))

    def is_file(self, path: str) -> bool:
        """Whether there is something in the system that is no directory."""
        ours = self.inside(path)
        return os.path.exists(ours) and not os.path.isdir(ours)

    def account(self, user: str) -> list[str] | None:
        """The fields of a user in /etc/passwd, by name or id; None without one."""
        for line in (self.text_of("/etc/passwd") or "").splitlines():
            fields = line.split(":")
            if len(fields) >= 7 and user in (fields[0], fields[2]):
                return fields
        return None

    def groups_of(self, user: str) -> list[str]:
        """The groups of /etc/group that list a user."""
        found = []
        for line in (self.text_of("/etc/group") or "").splitlines():
            fields = line.split(":")
            if len(fields) >= 4 and user in fields[3].split(","):
                found.append(fields[0])
        return found

    # --- Units ------------------------------------------------------------------------------------

    def names_in(self, directory: str) -> list[UnitName]:
        """The units of a directory, in the order of their names."""
        found = (names.parse(name) for name in sorted(os.listdir(directory)))
        return [
            name for name in found
            if name is not None and os.path.isfile(os.path.join(directory, str(name)))
        ]  # fmt: skip

    def find(self, name: UnitName) -> Loaded | None:
        """A unit by its name, one of its other names, or its template."""
        for one in dict.fromkeys((str(name), name.template if name.instance else str(name))):
            for directory in self.directories:
                path = os.path.join(directory, one)
                if os.path.lexists(path):
                    return self._load(name, path)
        return None

    def _load(self, name: UnitName, path: str) -> Loaded | None:
        target = self._followed(path)
        if target == os.devnull or _is_empty(target):
            return Loaded(name, path, [], [], masked=True)
        if not os.path.isfile(target):
            return None
        real = names.parse(os.path.basename(target))
        if real is not None and real.suffix == name.suffix:
            if real.is_template and name.instance:
                real = real.with_instance(name.instance)
            name, path = real, os.path.join(os.path.dirname(path), os.path.basename(target))
            path = path if os.path.exists(path) else target
        entries, wrong = text.parse(read_text(target), path)
        told = [(path, line, why) for line, why in wrong]
        for file in self._drop_ins(name):
            target = self._followed(file)
            if target != os.devnull and os.path.isfile(target):
                more, wrong = text.parse(read_text(target), file)
                entries += more
                told += [(file, line, why) for line, why in wrong]
        return Loaded(name, path, entries, told)

    def _followed(self, path: str) -> str:
        """Where a link leads; "/dev/null" is what it is, whatever the root."""
        target = path
        for _ in range(_LINKS_MAX):
            if not os.path.islink(target):
                break
            link = os.readlink(target)
            if link == os.devnull:
                return link
            if link.startswith("/"):
                target = self.inside(link)
            else:
                target = os.path.join(os.path.dirname(target), link)
        return target

    def _drop_ins(self, name: UnitName) -> list[str]:
        """The files that change a unit, in the order in which they count."""
        found: dict[str, str] = {}
        for one in _drop_in_names(name):
            for directory in self.directories:
                place = os.path.join(directory, f"{one}.d")
                for file in _names_in(place):
                    if file.endswith(".conf"):
                        found.setdefault(file, os.path.join(place, file))
        return [found[file] for file in sorted(found)]

    def wanted_by(self, name: str) -> list[str]:
        """The units that have this one in their NAME.wants or NAME.requires directories."""
        if self._wanted is None:
            self._wanted = {}
            for directory in self.directories:
                for entry in _names_in(directory):
                    stem, dot, kind = entry.rpartition(".")
                    if not dot or kind not in _SECTIONS:
                        continue
                    for wanted in _names_in(os.path.join(directory, entry)):
                        self._wanted.setdefault(wanted, {})[stem] = None
        return list(self._wanted.get(name, ()))


def _drop_in_names(name: UnitName) -> list[str]:
    """What the directories of drop-ins are called: the nearest first."""
    made = [str(name)]
    bases = [name]
    if name.instance:
        made.append(name.template)
        bases.append(name._replace(instance=""))
    for base in bases:
        parts = base.prefix.split("-")
        stems = ("-".join(parts[:length]) for length in range(len(parts) - 1, 0, -1))
        made += [str(base._replace(prefix=f"{stem}-")) for stem in stems]
    return [*dict.fromkeys(made), name.suffix]


def _names_in(directory: str) -> list[str]:
    """The names in a directory; none if it is none, or may not be read."""
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def _is_empty(path: str) -> bool:
    try:
        found = os.stat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == 0
