"""The list of sandboxes: entered, refused, found, and tidied up after those that died."""

from __future__ import annotations

import os
import pathlib
import socket
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from nsinit.errors import SandboxError, UnknownNameError
from nsinit.kernel import seam
from nsinit.sandbox import record as records
from nsinit.sandbox import state
from nsinit.sandbox.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

ME = os.getpid()


@pytest.fixture
def env(tmp_path: pathlib.Path) -> dict[str, str]:
    """A place of the test's own."""
    return {"NSINIT_RUN_DIR": str(tmp_path / "run")}


@pytest.fixture
def root(env: dict[str, str]) -> pathlib.Path:
    """That place."""
    return pathlib.Path(env["NSINIT_RUN_DIR"])


@pytest.fixture(autouse=True)
def no_faults() -> Iterator[None]:
    """Every test begins with a kernel that works."""
    yield
    seam.inject(None)


def _enter(name: str, env: dict[str, str]) -> state.Registration:
    made = state.register(Record(name), env)
    made.update(pid=ME, started=records.start_time(ME))
    return made


def _die(name: str, env: dict[str, str], **fields: object) -> None:
    """Leave the entry of a sandbox whose processes are gone: another process enters it and ends."""
    script = (
        "import os, sys; from nsinit.sandbox import state; from nsinit.sandbox.record import Record"
        f"; state.register(Record({name!r}), {env!r}).update(**{fields!r}); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_sandbox_is_found_while_its_entry_is_there(env: dict[str, str], root: pathlib.Path) -> None:
    """By its name, and in the list; afterwards nothing is left of it."""
    made = _enter("shop", env)
    assert state.find("shop", env).record.pid == ME
    assert [one.record.name for one in state.running(env)] == ["shop"]
    made.close()
    assert state.running(env) == []
    assert not root.exists()


def test_second_of_a_name_is_refused_while_the_first_runs(env: dict[str, str]) -> None:
    """With its name, and what to do; another name is free."""
    with ExitStack() as stack:
        stack.callback(_enter("shop", env).close)
        with pytest.raises(state.NameTakenError, match=r"'shop': one of that name runs"):
            state.register(Record("shop"), env)
        stack.callback(state.register(Record("shop2"), env).close)
    state.register(Record("shop"), env).close()


def test_name_gets_a_number_when_nobody_chose_it(env: dict[str, str]) -> None:
    """So that one file can be run twice at once."""
    with ExitStack() as stack:
        names = []
        for _ in range(3):
            made = state.register_somehow(Record("shop"), env)
            made.update(pid=ME, started=records.start_time(ME))
            stack.callback(made.close)
            names.append(made.record.name)
    assert names == ["shop", "shop-2", "shop-3"]


def test_one_of_many_gets_the_name_when_all_ask_at_once(env: dict[str, str]) -> None:
    """The others are told; it is never had twice."""
    script = (
        "import sys; from nsinit.sandbox import state; from nsinit.sandbox.record import Record\n"
        "sys.stdin.read(1)\n"
        "try:\n"
        f"    state.register(Record('shop'), {env!r})\n"
        "except state.NameTakenError:\n"
        "    print('taken', flush=True)\n"
        "else:\n"
        "    print('mine', flush=True)\n"
        "sys.stdin.read()\n"
    )
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(5)
    ]
    for one in crowd:
        assert one.stdin is not None
        one.stdin.write("x")
        one.stdin.flush()
    said = [one.stdout.readline().strip() for one in crowd if one.stdout is not None]
    for one in crowd:
        one.communicate()
    assert sorted(said) == ["mine", *["taken"] * 4]


@pytest.mark.row(62)
def test_dead_sandbox_is_removed_when_somebody_looks(
    env: dict[str, str], root: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """Its directory, its socket elsewhere and the files that it named; nothing else."""
    elsewhere = tmp_path / "control.sock"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(elsewhere))
    listening.listen()
    files = {name: tmp_path / name for name in ("gone.pid", "other.pid", "scratch", "stranger")}
    files["gone.pid"].write_text("99999999\n")
    files["other.pid"].write_text("1\n")
    files["scratch"].write_text("")
    files["stranger"].write_text("")
    cleanup = (
        ("pid-file", str(files["gone.pid"])),
        ("pid-file", str(files["other.pid"])),
        ("file", str(files["scratch"])),
        ("directory", str(tmp_path)),  # not empty
        ("file", str(tmp_path / "never")),
    )
    _die("shop", env, pid=99999999, started=1, control=str(elsewhere), cleanup=cleanup)
    (root / "shop" / "deep").mkdir()
    (root / "shop" / "deep" / "link").symlink_to(files["stranger"])
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (root / "shop" / "deep" / "way").symlink_to(tmp_path / "kept")
    assert state.running(env) == []
    assert list(root.iterdir()) == []
    assert {name for name, path in files.items() if path.exists()} == {"other.pid", "stranger"}
    assert (tmp_path / "kept" / "file").exists()
    assert elsewhere.exists()  # somebody listens there
    listening.close()
    _die("shop", env, pid=99999999, started=1, control=str(elsewhere))
    assert state.running(env) == []
    assert not elsewhere.exists()


def test_name_is_free_again_when_its_sandbox_died(env: dict[str, str], root: pathlib.Path) -> None:
    """Without anybody having looked in between."""
    _die("shop", env, pid=99999999, started=1)
    (root / "shop" / "log").write_text("old")
    made = _enter("shop", env)
    assert sorted(os.listdir(root / "shop")) == ["lock", "record.json"]
    made.close()


@pytest.mark.row(62)
@pytest.mark.parametrize("rubbish", [b"", b"{", b'{"name": "other", "version": 1}', b"\0" * 9])
def test_list_goes_on_when_there_is_rubbish_in_it(
    env: dict[str, str], root: pathlib.Path, rubbish: bytes
) -> None:
    """A bad record of a live sandbox is shown by name; a dead one's directory goes; files stay."""
    made = _enter("shop", env)
    (root / "shop" / "record.json").write_bytes(rubbish)
    _die("dead", env, pid=99999999, started=1)
    (root / "dead" / "record.json").write_bytes(rubbish)
    (root / "file").write_bytes(rubbish)
    (root / "foreign").mkdir()  # such as that of an init without a sandbox
    (root / "link").symlink_to("/")
    assert [(one.record.name, one.record.pid) for one in state.running(env)] == [("shop", 0)]
    assert sorted(os.listdir(root)) == ["file", "foreign", "link", "shop"]
    made.close()


@pytest.mark.parametrize(
    "fault", ["mkdir:EROFS", "open:EACCES", "flock:ENOLCK", "mkdir:ENOSPC", "open:EMFILE"]
)
def test_sandbox_has_no_entry_when_none_can_be_made(env: dict[str, str], fault: str) -> None:
    """That is said, and is no error."""
    seam.inject(seam.Plan(fault))
    made = state.register(Record("shop"), env)
    seam.inject(None)
    assert "the sandbox is in no list" in made.notes[0]
    assert made.control is None
    assert made.update(pid=5) == ""
    made.close()
    assert state.running(env) == []


@pytest.mark.parametrize("fault", ["write:ENOSPC", "rename:EIO", "fchmod:EPERM"])
def test_sandbox_is_known_by_name_when_its_record_can_not_be_written(
    env: dict[str, str], root: pathlib.Path, fault: str
) -> None:
    """It is said what is the matter; the lock still counts."""
    seam.inject(seam.Plan(fault))
    made = state.register(Record("shop"), env)
    seam.inject(None)
    assert "cannot write the record" in made.notes[0]
    assert [one.record.name for one in state.running(env)] == ["shop"]
    assert os.listdir(root / "shop") == ["lock"]
    made.close()


def test_place_is_refused_when_others_can_write_there(
    env: dict[str, str], root: pathlib.Path
) -> None:
    """Nobody else may put a record or a socket into ours."""
    root.mkdir()
    root.chmod(0o777)
    made = state.register(Record("shop"), env)
    assert "it is not ours alone" in made.notes[0]


def test_unknown_name_is_told_with_the_nearest(env: dict[str, str]) -> None:
    """Or with where to look."""
    with pytest.raises(UnknownNameError, match="no sandbox 'shop'") as caught:
        state.find("shop", env)
    assert "no sandbox runs" in caught.value.hint
    made = _enter("shop", env)
    with pytest.raises(UnknownNameError) as caught:
        state.find("shpo", env)
    assert "shop" in caught.value.hint
    made.close()


def test_pid_is_given_for_joining_when_the_sandbox_runs(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is still being made, or is in no list, can't be joined."""
    monkeypatch.setenv("NSINIT_RUN_DIR", env["NSINIT_RUN_DIR"])
    made = state.register(Record("shop"), env)
    with pytest.raises(SandboxError, match="is still being made"):
        state.find_sandbox_pid("shop")
    made.update(pid=ME, started=records.start_time(ME))
    assert state.find_sandbox_pid("shop") == ME
    made.close()
    with pytest.raises(SandboxError, match="no sandbox"):
        state.find_sandbox_pid("shop")
