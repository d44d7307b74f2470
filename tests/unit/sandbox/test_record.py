"""The file that says what a sandbox is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsinit.sandbox import record as records
from nsinit.sandbox.record import Record, decode

if TYPE_CHECKING:
    import pathlib

FULL = Record(
    "shop",
    pid=17,
    started=5,
    launcher=16,
    launcher_started=4,
    uid=1000,
    config="/etc/shop.toml",
    command=("sh", "-c", "exit 3"),
    created_at=1764000000.5,
    control="/run/nsinit/shop/control.sock",
    namespaces={"pid": 4026532283},
    cleanup=(("mount", "/run/pin"), ("pid-file", "/run/shop.pid")),
    boot="b",
    pids_of=4026531836,
)


def test_record_is_the_same_when_it_is_read_again() -> None:
    """Also one of which little is known yet."""
    for one in (FULL, Record("young")):
        assert decode(one.encode()) == one


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b"{}",
        b'{"name": "a", "version": 2}',
        b'{"name": 1, "version": 1}',
        b'{"name": "a", "pid": "1", "version": 1}',
        b'{"name": "a", "pid": -1, "version": 1}',
        b'{"name": "a", "pid": true, "version": 1}',
        b'{"name": "a", "strange": 1, "version": 1}',
        b'{"name": "a", "namespaces": {"pid": "x"}, "version": 1}',
        b'{"name": "a", "command": [1], "version": 1}',
        b'{"name": "a", "command": 1, "version": 1}',
        b'{"name": "a", "cleanup": [["file", "relative"]], "version": 1}',
        b'{"name": "a", "cleanup": [["everything", "/"]], "version": 1}',
        b'{"name": "a", "cleanup": [["file"]], "version": 1}',
        b'{"name": "a", "control": "relative", "version": 1}',
    ],
)
def test_rubbish_is_no_record(data: bytes) -> None:
    """Whoever reads it goes on without."""
    assert decode(data) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_read(data: bytes) -> None:
    """Nothing raises."""
    assert decode(data) is None


@pytest.mark.row(62)
def test_record_is_alive_while_its_process_is() -> None:
    """The same pid in another boot, or of a process started at another time, is not it."""
    pid = os.getpid()
    alive = Record(
        "a",
        pid=pid,
        started=records.start_time(pid),
        boot=records.boot_id(),
        pids_of=records.own_pids(),
    )
    assert alive.is_alive()
    assert alive._replace(pid=0, started=0, launcher=pid, launcher_started=alive.started).is_alive()
    for changes in ({"started": alive.started + 1}, {"boot": "other"}, {"pids_of": 1}, {"pid": 0}):
        assert not alive._replace(**changes).is_alive()


def test_file_is_whole_or_not_there_when_it_is_written(tmp_path: pathlib.Path) -> None:
    """It replaces another, and leaves no draft when it can't."""
    path = tmp_path / "record.json"
    records.write(str(path), b"one")
    records.write(str(path), b"two")
    assert path.read_bytes() == b"two"
    with pytest.raises(FileNotFoundError):
        records.write(str(tmp_path / "none" / "x"), b"")
    assert os.listdir(tmp_path) == ["record.json"]


@pytest.mark.row(62)
def test_file_of_others_is_no_record(tmp_path: pathlib.Path) -> None:
    """Nor is a link, a pipe or a file that is too large."""
    path = tmp_path / "record.json"
    assert records.read(str(path)) is None
    path.write_bytes(FULL.encode())
    assert records.read(str(path)) == FULL
    (tmp_path / "link").symlink_to(path)
    os.mkfifo(tmp_path / "pipe")
    assert records.read(str(tmp_path / "link")) is None
    assert records.read(str(tmp_path / "pipe")) is None
    with path.open("ab") as file:
        file.truncate(2 << 20)
    assert records.read(str(path)) is None
    if os.geteuid() == 0:
        path.write_bytes(FULL.encode())
        os.chown(path, 54321, 54321)
        assert records.read(str(path)) is None
