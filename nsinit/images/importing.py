"""From an archive to the store: each layer unpacked beside it, checked, and kept if all is right.

A layer is known by what is in it (its diff_id): one that is in the store already is not read. The
configuration, which tells the diff_ids, is checked by its own digest.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from nsinit.errors import ImageError
from nsinit.images.kept import Kept
from nsinit.images.manifest import machine, read_images
from nsinit.images.store import TREE, key_of
from nsinit.images.streams import Unpacked
from nsinit.images.tree import TRASH, Tree
from nsinit.images.unpack import Bounds, Unpacker
from nsinit.kernel import seam
from nsinit.model.images import image_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.images.archive import Archive
    from nsinit.images.manifest import Image, Layer
    from nsinit.images.store import Store
    from nsinit.images.unpack import Ids

SIZE: Final = 64 << 30  # bytes that may come of an image
FILES: Final = 2_000_000
_ENDINGS: Final = (".gz", ".tgz", ".tar", ".oci", ".docker")
_TRIES: Final = 100


class Wanted(NamedTuple):
    """What somebody asked for."""

    name: str = ""  # of the image, instead of its own
    only: str = ""  # of several, the one of this name
    size: int = SIZE
    files: int = FILES


class Imported(NamedTuple):
    """An image that is in the store now."""

    names: tuple[str, ...]
    key: str
    layers: int
    unpacked: int  # of these layers; the others were there
    left_out: dict[str, int]
    notes: tuple[str, ...]


class Importer:
    """Brings images into one store."""

    def __init__(
        self,
        store: Store,
        ids: Ids,
        progress: Callable[[str, int, int, int], object] = lambda *_: None,
    ) -> None:
        self._store, self._ids, self._progress = store, ids, progress

    def run(self, archive: Archive, wanted: Wanted) -> list[Imported]:
        """All images of an archive that are wanted; ImageError, and then none half done."""
        chosen = _choose(archive, wanted)
        before = os.umask(0o022)  # of directories that no entry is about
        try:
            self._store.prepare()
            return self._import_all(archive, chosen, wanted)
        except OSError as error:
            message = f"cannot keep images in {self._store.path}: {error.strerror}"
            raise ImageError(message) from None
        finally:
            os.umask(before)

    def _import_all(
        self, archive: Archive, chosen: list[tuple[Image, tuple[str, ...]]], wanted: Wanted
    ) -> list[Imported]:
        made: list[Imported] = []
        path, lock = self._store.begin()
        try:
            for number, (image, names) in enumerate(chosen):
                work = f"{path}/{number}"
                seam.mkdir(work, 0o700)
                made.append(self._import(archive, image, names, work, wanted))
        finally:
            os.close(lock)
            self._store.clean()
        return made

    def _import(
        self, archive: Archive, image: Image, names: tuple[str, ...], work: str, wanted: Wanted
    ) -> Imported:
        bounds = Bounds(wanted.size, wanted.files)
        layers = _once(image.layers)
        keys = {key_of(layer.diff_id, self._ids): layer for layer in layers}
        ready: dict[str, str] = {}
        sizes = self._store.sizes()
        left_out: dict[str, int] = {}
        for _ in range(_TRIES):
            for number, (key, layer) in enumerate(keys.items(), 1):
                if key in ready or self._store.has_layer(key):
                    continue
                at = f"{work}/{number}"

                def hear(more: int, number: int = number) -> None:
                    self._progress(names[0], number, len(keys), more)

                sizes[key] = self._unpack(archive, layer, at, bounds, hear, left_out)
                ready[key] = f"{at}/{TREE}"
            used = self._used(list(keys), ready)
            kept = Kept(
                id=image.id,
                layers=used,
                config=image.config,
                platform=image.platform,
                ids=self._ids,
                sizes=[sizes.get(key, 0) for key in used],
                imported_at=seam.wall(),
                created=image.created,
            )
            wanted_layers = {key: path for key, path in ready.items() if key in used}
            key = key_of(image.id, self._ids)
            if not self._store.publish(key, kept, list(names), wanted_layers):
                notes = _notes(image)
                return Imported(names, key, len(keys), len(ready), left_out, notes)
        raise ImageError("others remove the layers of this image as they are unpacked")

    def _used(self, keys: list[str], ready: dict[str, str]) -> list[str]:
        """The layers from the highest one on that hides all below it: overlays know none such."""
        for number in range(len(keys) - 1, 0, -1):
            path = ready.get(keys[number]) or self._store.layer(keys[number])
            try:
                if os.getxattr(path, "user.overlay.opaque") == b"y":
                    return keys[number:]
            except OSError:
                continue
        return keys

    def _unpack(
        self,
        archive: Archive,
        layer: Layer,
        path: str,
        bounds: Bounds,
        progress: Callable[[int], object],
        left_out: dict[str, int],
    ) -> int:
        """Unpack one layer, and check that it is what was told; its bytes."""
        for name in ("", TREE, TRASH):
            seam.mkdir(f"{path}/{name}".rstrip("/"), 0o755 if name == TREE else 0o700)
        opened = [
            seam.open_fd(f"{path}/{name}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            for name in (TREE, TRASH)
        ]
        tree = Tree(*opened, privileged=self._ids == "kept")
        part = archive.open(layer.name)
        try:
            stream = Unpacked(part, bounds.size, progress)
            unpacker = Unpacker(tree, self._ids, bounds)
            unpacker.unpack(stream)
            packed, plain = stream.finish()
        except ImageError as error:
            message = f"{error.message} (layer {layer.diff_id[:12]} of {archive.title})"
            raise ImageError(message, hint=error.hint) from None
        finally:
            part.close()
            tree.close()
            for fd in opened:
                os.close(fd)
        is_whole = layer.size in (-1, part.size) and packed == (layer.digest or packed)
        if plain != layer.diff_id or not is_whole:
            told = layer.digest if plain == layer.diff_id else layer.diff_id
            raise ImageError(f"a layer of {archive.title} is damaged: it is not sha256:{told}")
        for what, count in unpacker.left_out.items():
            left_out[what] = left_out.get(what, 0) + count
        return stream.count


def _choose(archive: Archive, wanted: Wanted) -> list[tuple[Image, tuple[str, ...]]]:
    """The images to import, with their names."""
    stem = _stem(archive.title)
    found = [(image, _named(image, stem)) for image in read_images(archive, machine())]
    if wanted.only:
        chosen = [(image, names) for image, names in found if image_name(wanted.only) in names]
        if not chosen:
            known = ", ".join(name for _, names in found for name in names)
            raise ImageError(
                f"there is no {wanted.only!r} in {archive.title}", hint=f"it has {known}"
            )
        found = [(image, (image_name(wanted.only),)) for image, _ in chosen[:1]]
    if wanted.name:
        if len(found) > 1:
            known = ", ".join(name for _, names in found for name in names)
            message = f"there are {len(found)} images in {archive.title}, and one name for them"
            raise ImageError(message, hint=f"choose by --only: {known}")
        found = [(found[0][0], (image_name(wanted.name),))]
    if not all(names for _, names in found):
        raise ImageError(f"the image in {archive.title} has no name", hint="give one: --name NAME")
    return found


def _named(image: Image, stem: str) -> tuple[str, ...]:
    """Its own names, as far as they can be names; else one by the file's."""
    made: list[str] = []
    for name in image.names or ((stem,) if stem else ()):
        try:
            made.append(image_name(f"{stem}{name}" if name.startswith(":") else name))
        except ValueError:
            continue
    return tuple(dict.fromkeys(made))


def _stem(title: str) -> str:
    name = os.path.basename(title.rstrip("/")) if title != "stdin" else ""
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower()).strip("-")


def _once(layers: tuple[Layer, ...]) -> list[Layer]:
    """Each layer where it lies highest: what it has hides what it had further down."""
    made = {layer.diff_id: layer for layer in reversed(layers)}
    return list(reversed(made.values()))


def _notes(image: Image) -> tuple[str, ...]:
    here, there = machine(), image.platform
    if there.architecture and (there.os, there.architecture) != (here.os, here.architecture):
        return (f"it is for {there}, and this machine is {here}",)
    return ()
