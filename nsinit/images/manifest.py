"""What an image is made of: its index, its manifests and its configuration, checked by digests.

Sources: the OCI image specification (image-layout.md, image-index.md, manifest.md, config.md) and
Docker's image specification v1.2, whose manifest.json `docker save` writes.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from msgspec import Struct, field

from nsinit.errors import ImageError
from nsinit.images.archive import read_document
from nsinit.images.kept import Platform, RunConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.images.archive import Archive

_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})")
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_INDEXES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_DEPTH_MAX: Final = 4  # of indexes in indexes
_MANIFESTS_MAX: Final = 1000
_LAYERS_MAX: Final = 500  # of an overlay: OVL_MAX_STACK in the kernel's fs/overlayfs/params.h
# What uname(2) says, and Go.
_MACHINES: Final = {
    "x86_64": "amd64", "aarch64": "arm64", "armv8l": "arm", "armv7l": "arm", "armv6l": "arm",
    "i686": "386", "i586": "386", "riscv64": "riscv64", "ppc64le": "ppc64le", "s390x": "s390x",
    "loongarch64": "loong64",
}  # fmt: skip
_NAME: Final = "org.opencontainers.image.ref.name"
_FULL_NAME: Final = "io.containerd.image.name"
_REFERENCE: Final = "vnd.docker.reference.type"


class Descriptor(Struct):
    """A blob, by its digest."""

    digest: str
    size: int
    mediaType: str = ""  # noqa: N815  (as it is written)
    annotations: dict[str, str] | None = None
    platform: Platform | None = None


class _Index(Struct):
    manifests: list[Descriptor]


class _Manifest(Struct):
    config: Descriptor
    layers: list[Descriptor]


class _Saved(Struct):
    """A row of docker's manifest.json."""

    Config: str
    Layers: list[str]
    RepoTags: list[str] | None = None


class _RootFs(Struct):
    diff_ids: list[str] = field(default_factory=list)


class _Config(Struct):
    rootfs: _RootFs
    architecture: str = ""
    os: str = ""
    variant: str = ""
    created: str | None = None
    config: RunConfig | None = None


class Layer(NamedTuple):
    """One layer of an image: its file in the archive, and what that must be."""

    name: str
    diff_id: str  # the SHA-256 of what is in it, in hex
    digest: str = ""  # of the file as it is; "" if that is not told
    size: int = -1  # bytes; -1 if that is not told


class Image(NamedTuple):
    """One image of an archive, the lowest layer first."""

    id: str  # the SHA-256 of its configuration, in hex
    names: tuple[str, ...]
    layers: tuple[Layer, ...]
    config: RunConfig
    platform: Platform
    created: str = ""


def machine() -> Platform:
    """This machine, in the words of images."""
    name = os.uname().machine
    return Platform(_MACHINES.get(name, name), "linux")


def read_images(archive: Archive, here: Platform) -> list[Image]:
    """All images of an archive that are for this machine, or for no other; ImageError if none."""
    if archive.has("index.json"):
        images = list(_of_layout(archive, here))
    elif archive.has("manifest.json"):
        images = [_saved(archive, row) for row in _rows(archive)]
    else:
        hint = "expected an OCI image layout, or what docker save wrote"
        if archive.has("etc/passwd") or archive.has("bin/sh"):
            hint = 'this is a root file system: unpack it, and use rootfs = "DIR"'
        message = f"cannot find an image in {archive.title}: there is no index.json"
        raise ImageError(message, hint=hint)
    if not images:
        raise ImageError(f"there is no image in {archive.title}")
    return images


# --- OCI ------------------------------------------------------------------------------------------


def _of_layout(archive: Archive, here: Platform) -> Iterator[Image]:
    index = _decode(read_document(archive, "index.json"), _Index, "index.json")
    tags = {}
    if archive.has("manifest.json"):  # docker save writes both, and the names only there
        tags = {_hex_of(row.Config): row.RepoTags or [] for row in _rows(archive)}
    made: dict[str, Image] = {}
    for names, descriptor in _for_this_machine(archive, index, here):
        image = _image(archive, descriptor)
        found = tags.get(image.id) or names
        if image.id in made:
            found = [*made[image.id].names, *found]
        made[image.id] = image._replace(names=tuple(dict.fromkeys(found)))
    yield from made.values()


def _for_this_machine(
    archive: Archive, index: _Index, here: Platform, depth: int = 0
) -> list[tuple[list[str], Descriptor]]:
    """The manifests to use, with their names. Those of other machines are left out."""
    if depth > _DEPTH_MAX or len(index.manifests) > _MANIFESTS_MAX:
        raise ImageError(f"the indexes of {archive.title} are nested too deeply, or too long")
    images = [one for one in index.manifests if not _is_note(one)]
    fitting = [one for one in images if one.platform is None or _fits(one.platform, here)]
    if images and not fitting:
        known = ", ".join(sorted({str(one.platform) for one in images}))
        raise ImageError(f"there is no image for {here} in {archive.title}: it has {known}")
    made: list[tuple[list[str], Descriptor]] = []
    for one in fitting:
        names = _names(one)
        if one.mediaType in _INDEXES:
            inner = _decode(_blob(archive, one), _Index, one.digest)
            made += [
                (found or names, below)
                for found, below in _for_this_machine(archive, inner, here, depth + 1)[:1]
            ]
        else:
            made.append((names, one))
    return made


def _is_note(one: Descriptor) -> bool:
    """Whether it is about an image, and none: buildkit's attestations."""
    platform = one.platform
    unknown = platform is not None and platform.os == platform.architecture == "unknown"
    return unknown or _REFERENCE in (one.annotations or {})


def _fits(platform: Platform, here: Platform) -> bool:
    return (platform.os, platform.architecture) == (here.os, here.architecture)


def _names(one: Descriptor) -> list[str]:
    notes = one.annotations or {}
    if found := notes.get(_FULL_NAME):
        return [found]
    if found := notes.get(_NAME):  # often the tag alone
        return [found if ":" in found or "/" in found else f":{found}"]
    return []


def _image(archive: Archive, descriptor: Descriptor) -> Image:
    manifest = _decode(_blob(archive, descriptor), _Manifest, descriptor.digest)
    raw = _blob(archive, manifest.config)
    files = [(_blob_name(layer), _hex(layer.digest), layer.size) for layer in manifest.layers]
    return _made(archive, raw, _hex(manifest.config.digest), files)


def _blob_name(descriptor: Descriptor) -> str:
    return f"blobs/sha256/{_hex(descriptor.digest)}"


def _blob(archive: Archive, descriptor: Descriptor) -> bytes:
    """A small blob, which is what its digest says."""
    data = read_document(archive, _blob_name(descriptor))
    if len(data) != descriptor.size or hashlib.sha256(data).hexdigest() != _hex(descriptor.digest):
        raise ImageError(f"{descriptor.digest} is damaged in {archive.title}")
    return data


def _hex(digest: str) -> str:
    found = _DIGEST.fullmatch(digest)
    if found is None:
        raise ImageError(f"cannot check {digest[:80]!r}: only sha256 digests are known")
    return found[1]


# --- docker save ----------------------------------------------------------------------------------


def _rows(archive: Archive) -> list[_Saved]:
    data = read_document(archive, "manifest.json")
    rows: list[_Saved] = _decode(data, list[_Saved], "manifest.json")
    if len(rows) > _MANIFESTS_MAX:
        raise ImageError(f"there are too many images in {archive.title}")
    return rows


def _saved(archive: Archive, row: _Saved) -> Image:
    raw = read_document(archive, row.Config)
    found = hashlib.sha256(raw).hexdigest()
    if _HEX.fullmatch(told := _hex_of(row.Config)) and told != found:
        raise ImageError(f"{row.Config} is damaged in {archive.title}")
    files = [(name, _hex_of(name) if "blobs/" in name else "", -1) for name in row.Layers]
    image = _made(archive, raw, found, files)
    return image._replace(names=tuple(row.RepoTags or ()))


def _hex_of(name: str) -> str:
    """The digest that a file is called by: "HEX.json", "blobs/sha256/HEX"."""
    return name.rpartition("/")[2].removesuffix(".json")


# --- Both -----------------------------------------------------------------------------------------


def _made(archive: Archive, raw: bytes, found: str, files: list[tuple[str, str, int]]) -> Image:
    config = _decode(raw, _Config, "the configuration of the image")
    ids = [_hex(one) for one in config.rootfs.diff_ids]
    if len(ids) != len(files):
        message = f"the image in {archive.title} has {len(files)} layers, and tells of {len(ids)}"
        raise ImageError(message)
    if not ids or len(set(ids)) > _LAYERS_MAX:
        message = f"cannot use the image in {archive.title}: it has {len(ids)} layers"
        hint = f"an overlay has 1 to {_LAYERS_MAX}: join some by docker export and docker import"
        raise ImageError(message, hint=hint)
    layers = [
        Layer(name, diff_id, digest, size)
        for (name, digest, size), diff_id in zip(files, ids, strict=True)
    ]
    platform = Platform(config.architecture, config.os, config.variant)
    run = config.config or RunConfig()
    return Image(found, (), tuple(layers), run, platform, config.created or "")


def _decode(data: bytes, kind: Any, name: str) -> Any:  # noqa: ANN401  (the type that was asked for)
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ImageError(f"cannot understand {name}: {error}") from None
