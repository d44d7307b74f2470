"""A service that owns the directories of its files can't lead an init that is root elsewhere."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from nsinit.runtime.directory import make_notify_directory
from tests.support.live import eventually, live, toml

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: others cannot be led anywhere"),
]

THEM = 54421  # a uid that needs no account


@pytest.fixture
def theirs(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A directory of the service; beside it is `ours`, which only root can look into."""
    made, ours = tmp_path / "theirs", tmp_path / "ours"
    made.mkdir()
    ours.mkdir(mode=0o700)
    (ours / "secret").write_text("SECRET=hunter2\n")
    (ours / "secret").chmod(0o600)
    os.chown(made, THEM, THEM)
    yield made
    assert os.listdir(ours) == ["secret"]
    assert (ours / "secret").read_text() == "SECRET=hunter2\n"


def _link(path: pathlib.Path, target: str) -> None:
    path.symlink_to(target)
    os.chown(path, THEM, THEM, follow_symlinks=False)


def test_no_file_of_root_is_read_or_written_when_a_service_has_put_links(
    tmp_path: pathlib.Path, theirs: pathlib.Path
) -> None:
    """As env_file and as a secret, whose text it would get; as a log, which it could fill."""
    _link(theirs / "link", "../ours/secret")
    _link(theirs / "logs", "../ours")
    os.link(tmp_path / "ours" / "secret", theirs / "name")
    rows = {
        "env": f'env_file = "{theirs}/link"',
        "secret": f'environment = {{S = {{file = "{theirs}/link"}}}}',
        "below": f'environment = {{S = {{file = "{theirs}/logs/secret"}}}}',
        "name": f'environment = {{S = {{file = "{theirs}/name"}}}}',
        "log": f'log = {{file = "{theirs}/logs/made"}}',
        "append": f'log = {{file = "{theirs}/name"}}',
        "socket": f'sockets = [{{listen = "{theirs}/logs/x.sock", user = {THEM}}}]',
    }
    services = "".join(
        f'[services.{name}]\ncommand = "env"\nuser = {THEM}\nrestart = "no"\n{row}\n'
        for name, row in rows.items()
    )
    with live(tmp_path, f"[init]\nkeep_running = true\n{services}") as init:
        for name in rows:
            state = "exited" if name in ("log", "append") else "failed"
            init.wait_for(name, state)
        said = init.said()
        assert said.count(f"a link of uid {THEM} leads there") >= 5, said
        assert said.count("it may be a name that others gave it") >= 2, said
        assert "hunter2" not in said


def test_log_stays_in_its_directory_when_the_service_puts_a_link_there(
    tmp_path: pathlib.Path, theirs: pathlib.Path
) -> None:
    """While it is open: a rotation would begin the next file there, as root."""
    (theirs / "logs").mkdir()
    os.chown(theirs / "logs", THEM, THEM)
    script = "mv logs moved; ln -s ../ours logs; seq 1 30000; touch done; exec sleep 1000"
    config = f"""
        [services.a]
        command = {toml(["sh", "-c", script])}
        user = {THEM}
        working_dir = "{theirs}"
        log = {{ file = "{theirs}/logs/made", max_size = "64KiB" }}
        """
    with live(tmp_path, config) as init:
        eventually((theirs / "done").exists, "it has written")
        eventually(lambda: f"a link of uid {THEM} leads there" in init.said(), "a word about it")
        assert init.client.livez() == {"live": True}
    assert os.listdir(theirs / "moved") == ["made"]


@pytest.mark.parametrize("there", [True, False])
def test_notify_sockets_are_elsewhere_when_another_owns_the_place(
    tmp_path: pathlib.Path, *, there: bool
) -> None:
    """Whoever could put a directory of that name there could have init give files away."""
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    theirs.mkdir()
    if there:
        (theirs / f".notify-{os.getpid()}").mkdir()
        os.chown(theirs / f".notify-{os.getpid()}", 1234, 1234)
    os.chown(theirs, 1234, 1234)
    env = {"NSINIT_RUN_DIR": str(ours)}
    made = make_notify_directory(str(theirs / "control.sock"), env)
    assert made == f"{ours}/.notify-{os.getpid()}"
    ours_too = make_notify_directory(str(ours / "control.sock"), {})
    assert ours_too == made
    os.chown(made, 1234, 1234)
    assert make_notify_directory(str(ours / "control.sock"), {}) != made
