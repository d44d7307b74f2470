"""The names of other sandboxes in a file that is mounted elsewhere: written in place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nsinit.process.alive import boot_id, own_pids, start_time
from nsinit.sandbox.names import tell_all
from nsinit.sandbox.record import Record

if TYPE_CHECKING:
    import pathlib

_MARK = "# Sandboxes on the same bridge; kept up to date by nsinit.\n"


def enter(
    registry: pathlib.Path, name: str, *links: dict[str, object], ledger: str = "n"
) -> Record:
    """A sandbox that seems to run: its launcher is this process."""
    made = Record(
        name,
        launcher=os.getpid(),
        launcher_started=start_time(os.getpid()),
        cleanup=(("network", f"{registry}/.{ledger}"),),
        network=links,
        boot=boot_id(),
        pids_of=own_pids(),
    )
    (registry / name).mkdir()
    (registry / name / "record.json").write_bytes(made.encode())
    (registry / name / "hosts").write_text(f"own\n{_MARK}")
    return made


def link(bridge: str, *addresses: str) -> dict[str, object]:
    """As a record has it."""
    return {"bridge": bridge, "address": list(addresses)}


def names(registry: pathlib.Path, name: str) -> list[str]:
    """What stands below the mark, which is still there."""
    above, _, below = (registry / name / "hosts").read_text().partition(_MARK)
    assert above == "own\n"
    return below.splitlines()


def test_names_are_told_when_sandboxes_share_a_bridge(tmp_path: pathlib.Path) -> None:
    """To all who are on it, and to no others; the file stays the same one."""
    one = enter(tmp_path, "one", link("br0", "10.0.0.2/24", "fd00::2/64"))
    two = enter(tmp_path, "two", link("br1", "10.1.0.2/24"), link("br0", "10.0.0.3/24"))
    three = enter(tmp_path, "three", link("br1", "10.1.0.3/24"), {"parent": "eth0"})
    enter(tmp_path, "far", link("br0", "10.0.0.2/24"), ledger="other")
    (tmp_path / "no-sandbox").mkdir()
    file = tmp_path / "one" / "hosts"
    before = file.stat().st_ino
    tell_all(str(tmp_path), three)
    assert names(tmp_path, "one") == ["10.0.0.3\ttwo"]
    assert names(tmp_path, "two") == ["10.0.0.2\tone", "fd00::2\tone", "10.1.0.3\tthree"]
    assert names(tmp_path, "three") == ["10.1.0.2\ttwo"]
    assert names(tmp_path, "far") == []
    tell_all(str(tmp_path), two, gone=True)
    assert names(tmp_path, "one") == []
    assert file.stat().st_ino == before
    file.write_text("no mark")
    tell_all(str(tmp_path), one)
    assert file.read_text() == "no mark"
    tell_all(str(tmp_path / "missing"), one)
