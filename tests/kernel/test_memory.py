"""Files in memory that nobody can change."""

from __future__ import annotations

import os

import pytest

from nsinit.kernel import memory, seam


def test_bytes_are_there_when_a_file_is_sealed() -> None:
    """From any place, and never moving the position that a child shares."""
    fd = memory.sealed("test", [b"ab", b"", b"cdef" * 100_000])
    try:
        assert memory.is_sealed(fd)
        assert not os.get_inheritable(fd)
        before = os.lseek(fd, 0, os.SEEK_CUR)
        assert memory.read_at(fd, 3, 1) == b"bcd"
        assert memory.read_at(fd, 10, 400_000) == b"ef"
        assert memory.read_at(fd, 10, 500_000) == b""
        assert os.lseek(fd, 0, os.SEEK_CUR) == before
        with pytest.raises(PermissionError):
            os.pwrite(fd, b"x", 0)
        with pytest.raises(PermissionError):
            os.ftruncate(fd, 0)
    finally:
        os.close(fd)


def test_file_is_not_sealed_when_it_is_another() -> None:
    """One that may be written, one of a disk, one that is closed."""
    fd = memory.unsealed("test")
    try:
        os.write(fd, b"x")
        assert not memory.is_sealed(fd)
    finally:
        os.close(fd)
    assert not memory.is_sealed(fd)
    assert not memory.is_sealed(0)


def test_descriptor_is_closed_when_memory_is_short() -> None:
    """Whatever fails on the way."""
    before = len(os.listdir("/proc/self/fd"))
    seam.inject(seam.Plan("write:ENOSPC@2"))
    try:
        with pytest.raises(OSError, match="No space"):
            memory.sealed("test", [b"a", b"b"])
    finally:
        seam.inject(None)
    assert len(os.listdir("/proc/self/fd")) == before
