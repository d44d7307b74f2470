"""Directories of s6 to services: `convert` is what `nsinit.convert.kinds` calls.

Each is a service directory, a scan directory of them, a source directory of s6-rc, or a root (or
its /etc) with s6-overlay; runit's are service directories.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nsinit.convert.reading import entries
from nsinit.convert.s6 import directory, overlay, rc
from nsinit.convert.s6.directory import LONGEST, Place
from nsinit.convert.settling import break_cycles, one_file_each, set_budget
from nsinit.errors import ConvertError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nsinit.convert.document import Document
    from nsinit.convert.kinds import Wishes


def is_s6(path: str) -> bool:
    """Whether a directory is one of these."""
    return bool(_shape(path))


def _shape(path: str) -> str:
    if os.path.isfile(os.path.join(path, "run")) and not os.path.isfile(os.path.join(path, "type")):
        return "service"
    if overlay.homes(path):
        return "overlay"
    try:
        names = [name for name in sorted(os.listdir(path)) if not name.startswith(".")]
    except OSError:
        return ""
    for file, shape in (("type", "rc"), ("run", "scan")):
        if any(os.path.isfile(os.path.join(path, name, file)) for name in names):
            return shape
    return ""


def convert(paths: Sequence[str], document: Document, wishes: Wishes) -> None:
    """Add the services that the directories describe."""
    root = wishes.root
    for path in paths:
        shape = _shape(path)
        if not shape:
            why = "expected a directory with run, with services, of s6-rc or of s6-overlay"
            raise ConvertError(path, 0, why)
        if shape == "overlay":
            homes = overlay.homes(path)
            base = root or _root_of(path, homes[0])
            places = [Place(home, _later(home, base)) for home in homes]
            overlay.convert(places, document)
            continue
        place = Place(path, _later(path, root))
        if shape == "rc":
            rc.Definitions(place, document, LONGEST).convert({})
        elif shape == "service":
            _add(place, os.path.basename(os.path.abspath(path)), document)
        else:
            for name in entries(path):
                if not name.startswith(".") and place.below(name).has("run"):
                    _add(place.below(name), name, document)
    break_cycles(document.services)
    one_file_each(document)
    set_budget(document)


def _add(place: Place, name: str, document: Document) -> None:
    table = document.service(document.free_name(name))
    directory.add_longrun(place, table)


def _later(path: str, root: str) -> str:
    """Where a path is when the services run: below its root."""
    whole = os.path.abspath(path)
    base = os.path.abspath(root) if root else "/"
    if base == "/" or not f"{whole}/".startswith(f"{base}/"):
        return whole
    return whole.removeprefix(base) or "/"


def _root_of(path: str, home: str) -> str:
    """The root that a directory of s6-overlay is in: what stands before its /etc."""
    whole = os.path.abspath(home)
    before, mark, _ = f"{whole}/".rpartition("/etc/")
    return (before or "/") if mark else os.path.abspath(path)
