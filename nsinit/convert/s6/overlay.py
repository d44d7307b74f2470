"""The layout of s6-overlay: scripts before and after, services of version 2, s6-rc.d. See `rc`.

https://github.com/just-containers/s6-overlay#readme
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Final

from nsinit.convert.reading import entries, read_text
from nsinit.convert.s6 import directory, rc, script

if TYPE_CHECKING:
    from nsinit.convert.document import Document
    from nsinit.convert.s6.directory import Place

# S6_SERVICES_GRACETIME and S6_KILL_GRACETIME: 3 s until TERM, 3 s more until KILL.
_GRACE: Final = "6s"
_FINISH: Final = "5s"  # S6_KILL_FINISH_MAXTIME, of each script
_PARTS: Final = ("cont-init.d", "services.d", "cont-finish.d", "fix-attrs.d")
_HOMES: Final = ("etc/s6-overlay", "etc")
_NOTE: Final = """\
Of s6-overlay: the image's CMD is the main service of `nsinit run FILE -- CMD`. The variables S6_*
are of no meaning: timeouts are written below, and services see the environment of nsinit."""


def homes(path: str) -> list[str]:
    """The directories of s6-overlay in a root or in its etc; none if it is not there."""
    found = [os.path.join(path, home) for home in _HOMES]
    if os.path.basename(os.path.abspath(path)) in ("s6-overlay", "etc"):
        found.append(path)
    return [home for home in found if _is_home(home)]


def _is_home(path: str) -> bool:
    return any(os.path.isdir(os.path.join(path, name)) for name in (*_PARTS, "s6-rc.d"))


def convert(places: list[Place], document: Document) -> None:
    """Add what the directories of one root say."""
    document.top.comment(_NOTE)
    inits: list[str] = []
    for place in places:
        for file in _files(place, "cont-init.d"):
            inits.append(_init(file, document, inits))
    services: list[str] = []
    for place in places:
        services += _services(place, document, inits)
    before = {"legacy-cont-init": inits, "legacy-services": services}
    for place in places:
        if os.path.isdir(place.file("s6-rc.d")):
            rc.Definitions(place.below("s6-rc.d"), document, _GRACE).convert(before)
    finishes = [file for place in places for file in _files(place, "cont-finish.d")]
    if finishes:
        lines = [shlex.join(_command(file, document)) for file in finishes]
        document.init.set(
            "post_stop",
            {"shell": True, "command": "; ".join(lines), "timeout": f"{5 * len(lines)}s"},
            remark=f"cont-finish.d, {_FINISH} each",
        )
    for place in places:
        for file in _files(place, "fix-attrs.d"):
            why = "owners and modes are set when the image is built"
            document.top.unsupported(file.path, 0, "fix-attrs.d", read_text(file.path).strip(), why)


def _files(place: Place, name: str) -> list[Place]:
    directory_ = place.below(name)
    if not os.path.isdir(directory_.path):
        return []
    found = [directory_.below(file) for file in entries(directory_.path)]
    return [file for file in found if os.path.isfile(file.path)]


def _init(file: Place, document: Document, before: list[str]) -> str:
    """A script of cont-init.d: each runs after the one before it, whatever came of that."""
    name = document.free_name(f"cont-init-{os.path.basename(file.path)}")
    table = document.service(name)
    table.set("type", "oneshot")
    table.set("command", _command(file, document))
    if before:
        table.set("depends_on", {before[-1]: "exited"})
    return name


def _command(file: Place, document: Document) -> list[str]:
    """How a script is run: by itself, or by what stands behind with-contenv."""
    words = script.interpreter(read_text(file.path))
    behind = script.without_contenv(words)
    if behind is None:
        return [file.later]
    document.top.comment("with-contenv is not there: the environment is the one of nsinit")
    return [*behind, file.later]


def _services(place: Place, document: Document, inits: list[str]) -> list[str]:
    """The services of services.d, which start when cont-init.d is through."""
    made = []
    home = place.below("services.d")
    for name in entries(home.path) if os.path.isdir(home.path) else ():
        one = home.below(name)
        if not one.has("run"):
            continue
        made.append(document.free_name(name))
        table = document.service(made[-1])
        directory.add_longrun(one, table, grace=_GRACE)
        if inits:
            table.set("depends_on", {inits[-1]: "exited"})
    return made
