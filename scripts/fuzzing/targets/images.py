"""Archives of images: they may be anybody's."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from typing import Final

from nsinit.errors import ImageError
from nsinit.images.archive import TarFile
from nsinit.images.manifest import machine, read_images
from nsinit.images.store import Store
from nsinit.images.streams import Unpacked
from nsinit.images.tar import BLOCK, TarReader
from nsinit.images.tree import Tree
from nsinit.images.unpack import Bounds, Unpacker
from scripts.fuzzing.target import Target, words_of

_SIZE: Final = 1 << 20  # bytes that may come of one input
_ENTRIES: Final = 1000
_END: Final = 1 << 32  # beyond any input


class _Stream(io.BytesIO):
    """The bytes of an archive."""

    def skip(self, size: int) -> None:
        self.seek(min(size, _END), os.SEEK_CUR)


def _summed(data: bytes) -> bytes:
    """With the sums of headers made right, without which nothing of them is looked at."""
    made = bytearray(data)
    for at in range(0, len(made) - BLOCK + 1, BLOCK):
        if made[at + 257 : at + 262] == b"ustar":
            made[at + 148 : at + 156] = b" " * 8
            made[at + 148 : at + 156] = b"%06o\0 " % (sum(made[at : at + BLOCK]) & 0o777777)
    return bytes(made)


def _tar(data: bytes) -> None:
    reader = TarReader(_Stream(_summed(data)))
    for count, entry in enumerate(reader.entries()):
        assert entry.size >= 0
        assert 0 <= entry.mode <= 0o7777
        if entry.size <= _SIZE:
            for piece in reader.data():
                assert piece
        if count > _ENTRIES:
            return


def _packed(data: bytes) -> None:
    """What is packed is unpacked, up to what it may become."""
    stream = Unpacked(io.BytesIO(data), _SIZE)
    while piece := stream.read(1 << 16):
        assert stream.count <= _SIZE + (1 << 20), len(piece)
    stream.finish()


def _layer(data: bytes) -> None:
    """Nothing comes of it outside of its tree."""
    top = tempfile.mkdtemp(prefix="fuzz-layer-")
    opened: list[int] = []
    try:
        for name in ("tree", "trash"):
            os.mkdir(f"{top}/{name}")
            opened.append(os.open(f"{top}/{name}", os.O_RDONLY | os.O_DIRECTORY))
        with open(f"{top}/canary", "wb") as file:
            file.write(b"sings")
        tree = Tree(opened[0], opened[1], privileged=False)
        try:
            summed = _summed(data.replace(b"OUT/", f"{top}/".encode()))
            Unpacker(tree, "single", Bounds(_SIZE, 100)).unpack(Unpacked(io.BytesIO(summed), _SIZE))
        finally:
            tree.close()
            assert sorted(os.listdir(top)) == ["canary", "trash", "tree"]
            with open(f"{top}/canary", "rb") as file:
                assert file.read() == b"sings"
            assert os.stat(f"{top}/canary").st_nlink == 1
    finally:
        for fd in opened:
            os.close(fd)
        shutil.rmtree(top)


def _image(data: bytes) -> None:
    """What is in an archive; digests are made right, as nothing else is looked at without."""
    with tempfile.TemporaryFile() as file:
        file.write(_summed(_signed(data)))
        file.seek(0)
        for image in read_images(TarFile(file, "it"), machine()):
            assert image.layers


def _signed(data: bytes) -> bytes:
    """DIGEST-n stands for that of the n-th block of the archive that is a document."""
    for number in range(3):
        mark = b"DIGEST-%d" % number + b"-" * 56
        if mark in data:
            at = data.find(b"{")
            data = data.replace(mark, hashlib.sha256(data[at:]).hexdigest().encode())
    return data


def _store(data: bytes) -> None:
    """The documents of our own store, once somebody else has written to it."""
    top = tempfile.mkdtemp(prefix="fuzz-store-")
    try:
        os.mkdir(f"{top}/images")
        for name in ("names.json", "images/x.json"):
            with open(f"{top}/{name}", "wb") as file:
                file.write(data)
        store = Store(top)
        store.names()
        store.kept("x")
    finally:
        shutil.rmtree(top)


def _archive(*members: tuple[str, bytes, bytes]) -> bytes:
    """Of names, types and contents or targets."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as made:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname = content.decode()
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            made.addfile(info, io.BytesIO(content) if info.size else None)
    return buffer.getvalue().rstrip(b"\0").ljust(BLOCK * len(members) * 2, b"\0") + bytes(BLOCK)


def _layers() -> list[bytes]:
    """Of each kind, with names that lead elsewhere, and with headers of every extension."""
    file, link, hard = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
    return [
        _archive(("a/b", file, b"content"), ("a/link", link, b"b"), ("hard", hard, b"a/b")),
        _archive(("link", link, b"OUT/canary"), ("link", file, b"x"), ("up", link, b"../canary")),
        _archive(("d", tarfile.DIRTYPE, b""), (".wh.d", file, b""), ("d/.wh..wh..opq", file, b"")),
        _archive(
            ("n" * 120, file, b"x"), ("f", tarfile.FIFOTYPE, b""), ("c", tarfile.CHRTYPE, b"")
        ),
        _archive(("hard", hard, b"../canary"), ("../out", file, b"x"), ("/abs", file, b"y")),
    ]


def _images() -> list[bytes]:
    """As docker save writes them, and as an OCI layout."""
    here = machine()
    layer = hashlib.sha256(b"x").hexdigest()
    config = json.dumps(
        {"architecture": here.architecture, "os": "linux", "config": {"Cmd": ["x"], "Env": ["A=1"]},
         "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}"]}}
    ).encode()  # fmt: skip
    name = hashlib.sha256(config).hexdigest()
    saved = json.dumps([{"Config": f"{name}.json", "Layers": ["l/layer.tar"], "RepoTags": ["a:1"]}])
    manifest = json.dumps(
        {"config": {"digest": f"sha256:{name}", "size": len(config)},
         "layers": [{"digest": f"sha256:{layer}", "size": 1}]}
    ).encode()  # fmt: skip
    blob = hashlib.sha256(manifest).hexdigest()
    index = json.dumps(
        {"manifests": [{"digest": f"sha256:{blob}", "size": len(manifest)}]}
    ).encode()
    file = tarfile.REGTYPE
    return [
        _archive(
            ("manifest.json", file, saved.encode()), (f"{name}.json", file, config),
            ("l/layer.tar", file, b"x"),
        ),
        _archive(
            ("index.json", file, index), (f"blobs/sha256/{blob}", file, manifest),
            (f"blobs/sha256/{name}", file, config),
        ),
    ]  # fmt: skip


_TAR_WORDS: Final = (
    b"ustar\0" + b"00", b"ustar  \0", b"PaxHeader", b"30 mtime=1700000000.123456789\n", b"12 path=a/b\n",
    b"22 GNU.sparse.major=1\n", b"25 GNU.sparse.map=0,1,2,1\n", b"17 size=-1\n", b"\x80" + b"\xff" * 11,
    b"00000000017\0", b"x", b"g", b"L", b"K", b"S", b".wh.", b".wh..wh..opq", b"../", b"OUT/canary",
    b"30 SCHILY.xattr.user.a=b\n", bytes(BLOCK),
)  # fmt: skip

TARGETS: Final = (
    Target(
        "tar", _tar, ("nsinit.images.tar",), answers=(ImageError,), words=_TAR_WORDS,
        seeds=_layers, most=16384,
    ),
    Target(
        "layer", _layer, ("nsinit.images.unpack", "nsinit.images.tree", "nsinit.images.tar"),
        answers=(ImageError,), words=_TAR_WORDS, seeds=_layers, most=16384, bound=3.0,
    ),
    Target(
        "packed", _packed, ("nsinit.images.streams",), answers=(ImageError,),
        words=(b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\0", b"\x04\x22\x4d\x18"),
        seeds=lambda: [
            gzip.compress(b"x" * 1000, mtime=0), gzip.compress(bytes(1 << 18), mtime=0) + b"\0" * 20,
            gzip.compress(b"a", mtime=0) * 3, b"plain",
        ],
    ),
    Target(
        "image", _image, ("nsinit.images.archive", "nsinit.images.manifest", "nsinit.images.tar"),
        answers=(ImageError,),
        words=words_of('"manifests":[ "digest":"sha256: "size":1 "platform":{ "layers":[ null {} [] -1 1e99'),
        seeds=_images, most=16384,
    ),
    Target(
        "image-store", _store, ("nsinit.images.store",), answers=(ImageError,),
        words=words_of('"id":"x" "layers":["a"] null {} []'),
        seeds=lambda: [b'{"shop:1": "abc"}', b'{"id": "x", "layers": ["a"], "config": {}}'],
    ),
)  # fmt: skip
