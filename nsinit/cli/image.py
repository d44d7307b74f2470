"""`nsinit image import|list|inspect|remove`: the images that sandboxes can be made from.

One table of these verbs makes their parsers, their help and their completion.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from nsinit.cli.boxes import Verb
from nsinit.cli.families import Family, tell
from nsinit.control.row import Param
from nsinit.errors import EXIT_FAILED, EXIT_OK, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nsinit.images.archive import Archive
    from nsinit.images.importing import Imported, Wanted
    from nsinit.images.store import Store
    from nsinit.images.unpack import Ids

_JSON: Final = Param("json", "flag", "JSON instead of text")
_CODES: Final = """

exit codes: 0 done · 1 failed · 2 usage · 4 no such image · 77 not allowed"""

VERBS: Final[dict[str, Verb]] = {
    verb.name: verb
    for verb in (
        Verb(
            "import",
            "keep the images of an OCI image layout, or of what docker save wrote",
            (
                Param("source", "name", "a directory, a tar archive, or - for one on stdin"),
                Param("name", "text", "what to call it, such as shop:1, instead of its own name"),
                Param("only", "text", "of several images, the one of this name"),
                Param("max_size", "text", "how large it may be when unpacked (default 64G)"),
                Param("max_files", "integer", "how many files it may have (default 2000000)"),
                _JSON,
            ),
            (
                "nsinit image import shop.tar --name shop:1",
                "docker save shop:1 | nsinit image import -",
                "skopeo copy docker://debian:12 oci:debian:12 && nsinit image import debian",
            ),
            _CODES,
        ),
        Verb(
            "list",
            "list the images, with what their layers have on the disk",
            (Param("quiet", "flag", "only their names", short="q"), _JSON),
            ("nsinit image list", "nsinit image list --json"),
            _CODES,
        ),
        Verb(
            "inspect",
            "tell all that is known of an image, as JSON: layers, command, environment",
            (Param("image", "name", "as nsinit image list has it"),),
            ("nsinit image inspect shop:1",),
            _CODES,
        ),
        Verb(
            "remove",
            "remove images, and the layers that no other needs; refused while a sandbox runs",
            (Param("names", "names", "as nsinit image list has them", required=True), _JSON),
            ("nsinit image remove shop:1",),
            _CODES,
        ),
    )
}
FAMILY: Final = Family("image", VERBS, ("nsinit run --image shop:1",))


def main(argv: Sequence[str]) -> int:
    """Run one of the verbs; returns the exit code."""
    return _told(lambda: FAMILY.run(argv, globals()))


def _told(work: Callable[[], int]) -> int:
    """As the others' errors are told, and those of the store."""
    from nsinit.cli.output import complain

    try:
        return tell(work)
    except OSError as error:
        complain(f"cannot change the store: {error.strerror}")
        return EXIT_FAILED


def _store() -> Store:
    from nsinit.images.store import Store, store_path

    return Store(store_path(os.environ, os.geteuid()))


def _name(text: str) -> str:
    from nsinit.model.images import image_name

    try:
        return image_name(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


# --- Import ---------------------------------------------------------------------------------------


def _import(
    *,
    source: str,
    name: str | None,
    only: str | None,
    max_size: str | None,
    max_files: int | None,
    json: bool,
) -> int:
    from nsinit.images import own_ids
    from nsinit.images.archive import open_archive
    from nsinit.images.importing import FILES, SIZE, Wanted

    size = _size(max_size) if max_size is not None else SIZE
    wanted = Wanted(
        _name(name) if name else "", _name(only) if only else "", size, max_files or FILES
    )
    store = _store()
    archive = open_archive(source, wanted.size)
    try:
        return own_ids.run(
            lambda ids, why: _told(lambda: _import_as(store, archive, wanted, ids, why, json))
        )
    finally:
        archive.close()


def _size(text: str) -> int:
    from nsinit.units import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise UsageError(f"--max-size: {error}") from None


def _import_as(
    store: Store,
    archive: Archive,
    wanted: Wanted,
    ids: Ids,
    why: str,
    json: bool,
) -> int:
    from nsinit.cli.output import as_json, complain, say
    from nsinit.images.importing import Importer

    signal.signal(signal.SIGTERM, _interrupt)  # what was begun is cleared away
    if why:
        complain(f"all files become yours: {why}")
    progress = _Progress()
    try:
        made = Importer(store, ids, progress.hear).run(archive, wanted)
    finally:
        progress.end()
    for one in made:
        for note in _notes(one):
            complain(f"{one.names[0]}: {note}")
    if json:
        say(as_json([
            {"names": one.names, "id": one.key, "layers": one.layers, "unpacked": one.unpacked,
             "left_out": one.left_out}
            for one in made
        ]))  # fmt: skip
        return EXIT_OK
    for one in made:
        say(f"{', '.join(one.names)}: {one.layers} layers, {one.unpacked} of them new")
    return EXIT_OK


def _notes(one: Imported) -> list[str]:
    return [
        *one.notes,
        *(f"could not be kept: {what} ({count})" for what, count in one.left_out.items()),
    ]


def _interrupt(number: int, frame: object) -> NoReturn:
    del number, frame
    raise KeyboardInterrupt


class _Progress:
    """A line on a terminal that tells how far it is."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()
        self._at = ("", 0)
        self._bytes = self._told = 0

    def hear(self, name: str, layer: int, count: int, more: int) -> None:
        """So many bytes more were read of a layer."""
        if (name, layer) != self._at:
            self._at, self._bytes, self._told = (name, layer), 0, -1
        self._bytes += more
        if self._is_shown and self._bytes >> 22 != self._told:
            from nsinit.cli.output import amount

            self._told = self._bytes >> 22
            text = f"{name}: layer {layer} of {count}, {amount(self._bytes)}"
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


# --- Looking --------------------------------------------------------------------------------------


def _list(*, quiet: bool, json: bool) -> int:
    from nsinit.cli.output import amount, as_json, say, span, table

    store = _store()
    with store.locked(shared=True):
        names = store.names()
        found = {name: store.kept(key) for name, key in sorted(names.items())}
    if quiet:
        for name in found:
            say(name)
        return EXIT_OK
    rows = [(name, one) for name, one in found.items() if one is not None]
    if json:
        say(as_json([
            {"name": name, "id": one.id, "layers": len(one.layers), "size": sum(one.sizes),
             "imported_at": one.imported_at, "platform": str(one.platform)}
            for name, one in rows
        ]))  # fmt: skip
        return EXIT_OK
    from nsinit.kernel.seam import wall

    cells = [
        [
            name,
            one.id[:12],
            str(len(one.layers)),
            amount(sum(one.sizes)),
            f"{span(wall() - one.imported_at)} ago",
        ]
        for name, one in rows
    ]
    say(table(["NAME", "ID", "LAYERS", "SIZE", "IMPORTED"], cells))
    return EXIT_OK


def _inspect(*, image: str) -> int:
    import json

    import msgspec

    from nsinit.cli.output import say

    store = _store()
    with store.locked(shared=True):
        _, kept = store.find(_name(image))
        names = [name for name, key in store.names().items() if store.kept(key) == kept]
    told = msgspec.to_builtins(kept) | {
        "names": names,
        "layers": [store.layer(key) for key in kept.layers],
    }
    say(json.dumps(told, indent=2, ensure_ascii=False))
    return EXIT_OK


def _remove(*, names: list[str], json: bool) -> int:
    from nsinit.images import own_ids

    wanted = [_name(name) for name in names]
    store = _store()
    with store.locked(shared=True):
        for name in wanted:
            store.find(name)
    return own_ids.run(lambda _ids, _why: _told(lambda: _remove_as(store, wanted, json)))


def _remove_as(store: Store, names: list[str], json: bool) -> int:
    from nsinit.cli.output import as_json, say

    try:
        for name in names:
            store.remove(name)
            if not json:
                say(f"{name}: removed")
    finally:
        store.clean()
    if json:
        say(as_json({"removed": names}))
    return EXIT_OK
