"""The reader of archives: what tar and Python write, and what nobody should."""

from __future__ import annotations

import io
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from nsinit.errors import ImageError
from nsinit.images.streams import Unpacked
from nsinit.images.tar import BLOCK, Entry, TarReader
from tests.support.images import layer, member

if TYPE_CHECKING:
    import pathlib


def entries(data: bytes) -> list[tuple[Entry, bytes]]:
    """All of an archive, with the data that are stored of each."""
    reader = TarReader(Unpacked(io.BytesIO(data), 1 << 30))
    return [(entry, b"".join(reader.data())) for entry in reader.entries()]


def trouble(data: bytes) -> str:
    """What is told of an archive that makes no sense."""
    with pytest.raises(ImageError) as caught:
        entries(data)
    return caught.value.message


def header(**fields: bytes) -> bytearray:
    """A header with some of its fields (by their offset: `at124`) as they are given."""
    made = bytearray(layer(member("name", "content"))[:BLOCK])
    for key, value in fields.items():
        at = int(key.removeprefix("at"))
        made[at : at + len(value)] = value
    made[148:156] = b" " * 8
    made[148:156] = b"%06o\0 " % sum(made)
    return made


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_entries_are_read_when_python_wrote_them(form: int) -> None:
    """Names longer than a header, large ids, times, kinds."""
    long = "d" * 90 + "/" + "f" * (90 if form == tarfile.USTAR_FORMAT else 300)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for info, data in (
            member(long, "text", uid=70000, gid=5, mode=0o4755, mtime=1_700_000_000),
            member("dir/"),
            member("sym", type=tarfile.SYMTYPE, linkname="x" * 99),
            member("hard", type=tarfile.LNKTYPE, linkname=long),
            member("dev", type=tarfile.CHRTYPE, devmajor=5, devminor=1),
            member("fifo", type=tarfile.FIFOTYPE),
            member("b\udcffy", ""),
        ):
            if form == tarfile.USTAR_FORMAT and len(info.linkname) > 100:
                continue
            archive.addfile(info, io.BytesIO(data))
    found = entries(buffer.getvalue())
    first, text = found[0]
    assert (first.name, first.kind, text) == (long, "file", b"text")
    assert (first.uid, first.gid, first.mode) == (70000, 5, 0o4755)
    assert first.mtime == 1_700_000_000 * 10**9
    by_name = {entry.name.rstrip("/"): entry for entry, _ in found}
    assert by_name["dir"].kind == "directory"
    assert by_name["sym"].link == "x" * 99
    assert by_name["dev"].device == (5, 1)
    assert by_name["fifo"].kind == "fifo"
    assert "b\udcffy" in by_name
    if form != tarfile.USTAR_FORMAT:
        assert by_name["hard"].link == long


def test_attributes_and_fractions_are_read_when_a_pax_header_has_them() -> None:
    """With bytes that are no text, and NULs, in a value."""
    keys = {"SCHILY.xattr.user.x": "a\0b=\udcff", "mtime": "1.25", "uid": "4000000000"}
    (entry, _), *_ = entries(layer(member("f", "x", pax_headers=keys)))
    assert entry.xattrs == {"user.x": b"a\0b=\xff"}
    assert entry.mtime == 1_250_000_000
    assert entry.uid == 4_000_000_000


@pytest.mark.parametrize(
    "form", ["oldgnu", "posix0.0", "posix0.1", "posix1.0"], ids=lambda form: form
)
def test_holes_are_known_when_a_file_is_sparse(form: str, tmp_path: pathlib.Path) -> None:
    """As GNU tar writes them, with more pieces than a header holds."""
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        for number in range(30):
            file.seek(number << 16)
            file.write(b"%03d" % number * 2000)
        file.truncate(4 << 20)
    kind, _, version = form.partition("posix")
    words = ["--format=posix", f"--sparse-version={version}"] if version else [f"--format={kind}"]
    (tmp_path / "plain").write_text("after it")
    done = subprocess.run(
        ["tar", "--create", "--sparse", "--hole-detection=raw", *words, "sparse", "plain"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    (entry, data), (after, text) = entries(done.stdout)
    assert (entry.name, entry.size) == ("sparse", 4 << 20)
    assert entry.pieces is not None
    assert len(entry.pieces) >= 30
    made, at = bytearray(entry.size), 0
    for offset, length in entry.pieces:
        made[offset : offset + length] = data[at : at + length]
        at += length
    assert made == path.read_bytes()
    assert (after.name, text) == ("plain", b"after it")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"x" * 600, "this is no tar archive, or it is damaged"),
        (b"x" * 100, "the archive ends in the middle of a header"),
        (bytes(header()), "the archive ends in the middle of an entry"),
        (bytes(header(at124=b"\xff" * 12)), "'name' has a size of -1 bytes in the archive"),
        (bytes(header(at124=b"9" * 11)), "b'99999999999' is no number in a tar archive"),
        (bytes(header(at156=b"M")), "cannot use 'name': an entry of the type b'M'"),
        (
            bytes(header(at156=b"x", at124=b"77777777777\0")),
            "an extended header of 8589934591 bytes is in the archive",
        ),
        (
            bytes(header(at156=b"x", at124=b"00000000007\0")) + b"7 a=bc\n".ljust(BLOCK, b"\0"),
            "the archive ends behind an extended header",
        ),
        (
            bytes(header(at156=b"x", at124=b"00000000007\0")) + b"9 a=bc\n".ljust(BLOCK, b"\0"),
            "a pax header of the archive is damaged",
        ),
        (
            bytes(header(at156=b"S", at386=b"00000000004\0" + b"00000000007\0")) + bytes(BLOCK),
            "the pieces of a sparse file do not fit in the archive",
        ),
    ],
)
def test_archive_is_refused_when_it_makes_no_sense(data: bytes, told: str) -> None:
    """With what is wrong; nothing is guessed, and nothing large is read."""
    assert trouble(data) == told


def test_archive_is_refused_when_headers_of_an_entry_pile_up() -> None:
    """Each is kept until the entry comes: together they are as large as one may be."""
    one = header(at156=b"x", at124=b"%011o" % 0o777776)
    record = b"262142 comment=".ljust(262141, b"x") + b"\n"
    headers = 5 * (bytes(one) + record + bytes(-len(record) % BLOCK))
    assert "an extended header of 262142 bytes" in trouble(headers + layer(member("f", "x")))


def test_archive_is_refused_when_a_name_is_longer_than_any_path() -> None:
    """Or it would be memory that is filled by thousands of them."""
    assert trouble(layer(member("n" * 5000, "x"))) == "a name of 5000 characters is in the archive"


def test_archive_is_refused_when_the_name_of_an_attribute_has_a_nul() -> None:
    """No system call takes one."""
    keys = {"SCHILY.xattr.user.a\0b": "1"}
    assert "of an entry of the archive has a NUL" in trouble(
        layer(member("f", "x", pax_headers=keys))
    )


def test_layer_is_refused_when_it_becomes_too_large() -> None:
    """Megabytes of zeros are a few bytes when they are packed."""
    import gzip

    stream = Unpacked(io.BytesIO(gzip.compress(bytes(8 << 20))), 1 << 20)
    with pytest.raises(ImageError, match="larger than it may be"):
        stream.skip(8 << 20)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x1f\x8b\x08\0\0\0\0\0", "it ends in the middle"),
        (b"\x1f\x8brubbish, and more", "a layer is damaged: Error -3"),
        (b"\xfd7zXZ\0 and more", "cannot unpack xz"),
        (b"\x28\xb5\x2f\xfd and more", "cannot unpack zstd with this Python|a layer is damaged"),
    ],
)
def test_layer_is_refused_when_it_can_not_be_unpacked(data: bytes, told: str) -> None:
    """Damaged, cut off, or of another kind."""
    with pytest.raises(ImageError, match=told):
        Unpacked(io.BytesIO(data), 1 << 20).finish()


def test_layer_is_one_when_it_has_several_packed_parts() -> None:
    """And NULs behind them; other things are refused."""
    import gzip
    import hashlib

    data = gzip.compress(b"one, ") + gzip.compress(b"two") + bytes(100)
    stream = Unpacked(io.BytesIO(data), 1 << 20)
    assert stream.read(100) == b"one, two"
    sums = [hashlib.sha256(one).hexdigest() for one in (data, b"one, two")]
    assert list(stream.finish()) == sums
    with pytest.raises(ImageError, match="something follows"):
        Unpacked(io.BytesIO(data + b"rubbish"), 1 << 20).finish()
