"""The file is read again by `ctl update` or HUP, and what runs is brought in line with it."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.live import command_line, descendants, eventually, is_alive, live, status_field
from tests.support.traces import hook, note, script, trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.conftest import Start
    from tests.support.live import Live

SLEEPER = 'command = "sleep 1000"\nmin_uptime = 0\nrestart_delay = 0.05\n'
A, B, C = (f"[services.{name}]\n{SLEEPER}" for name in "abc")


def _write(init: Live, config: str) -> None:
    """Another configuration in the same place; what the way of starting needs is kept."""
    text = init.config.read_text()
    if "[sandbox]" in text:
        control = f'control = "{init.socket}"\n'
        named = "[init]\n" in config
        config = (
            config.replace("[init]\n", f"[init]\n{control}")
            if named
            else f"[init]\n{control}{config}"
        )
        config += '\n[sandbox]\nname = "test"\n'
    init.config.write_text(config)


def _runs(init: Live) -> dict[str, Any]:
    return {name: s["run"] for name, s in init.status().items()}


@pytest.mark.parametrize("how", ["ctl", "HUP"])
def test_only_what_changed_restarts_when_updated(start: Start, loop: str, how: str) -> None:
    """One is changed, one is new, one is gone, one has only another limit, one is as it was."""
    head = f'[init]\nloop = "{loop}"\n'
    gone = f"[services.gone]\n{SLEEPER}post_stop = {note('gone')}\n"
    init = start(f"{head}{A}{B}{C}{gone}")
    for name in ("a", "b", "c", "gone"):
        init.wait_for(name, "running")
    before = init.status()
    changed = B.replace("1000", "1001")
    soft = f"{C}restart_limit = 3\nstop_timeout = 2\n"
    _write(init, f"{head}{A}{changed}{soft}[services.new]\n{SLEEPER}")
    if how == "HUP":
        init.signal(signal.SIGHUP)
        eventually(lambda: "HUP received: starts new; stops gone" in init.said(), "it is told")
    else:
        dry = init.ctl("update", "--dry-run").stdout
        assert all(word in dry for word in ("new", "gone", "b", "c"))
        assert init.status().keys() == before.keys()
        init.ctl("update")
    init.wait_for("new", "running")
    after = init.wait_for("b", "running", run=2)
    assert after["pid"] != before["b"]["pid"]
    for name in ("a", "c"):
        assert init.status()[name]["pid"] == before[name]["pid"]
    eventually(lambda: "gone" not in init.status(), "it is gone")
    assert trace(init) == ["gone"]
    assert "nothing" in init.ctl("update").stdout


def test_soft_keys_count_at_once_when_updated(tmp_path: pathlib.Path) -> None:
    """The stop signal and the policy of a run that goes on."""
    deaf = script("trap '' TERM; while :; do sleep 0.05; done")
    config = f"[services.a]\ncommand = {deaf}\nmin_uptime = 0.2\nstop_timeout = 500\n"
    with live(tmp_path, config) as init:
        pid = init.wait_for("a", "running")["pid"]
        _write(init, f'{config}stop_signal = ["TERM", "100ms"]\npost_stop = {note("end")}\n')
        init.ctl("update")
        assert init.status()["a"]["pid"] == pid
        init.ctl("stop", "a", "-t", "20")
        assert init.status()["a"]["exit_signal"] == signal.SIGKILL
        assert trace(init) == ["end"]


def test_health_is_asked_when_update_brings_it(tmp_path: pathlib.Path) -> None:
    """A service that runs without checks gets them, and loses them again."""
    health = f"health = {{ exec = {script('echo >> $HERE/trace')}, interval = 0.05 }}\n"
    with live(tmp_path, A) as init:
        pid = init.wait_for("a", "running")["pid"]
        _write(init, A + health)
        init.ctl("update")
        assert init.wait_for("a", "running", health="healthy")["pid"] == pid
        _write(init, A)
        init.ctl("update")
        assert init.wait_for("a", "running", health=None)["pid"] == pid


def test_removed_services_stop_in_order_when_they_need_each_other(start: Start) -> None:
    """As in a shutdown: dependents first."""
    hooks = {name: f"post_stop = {note(name)}\n" for name in "abc"}
    chain = f'{A}{hooks["a"]}{B}{hooks["b"]}depends_on = ["a"]\n{C}{hooks["c"]}depends_on = ["b"]\n'
    init = start(f"{chain}[services.stays]\n{SLEEPER}")
    init.wait_for("c", "running")
    _write(init, f"[services.stays]\n{SLEEPER}")
    init.ctl("update")
    eventually(lambda: list(init.status()) == ["stays"], "three are gone")
    assert trace(init) == ["c", "b", "a"]


BAD = {
    "syntax": "[services.a\n",
    "key": f"{A}comand = 1\n",
    "reference": f'{A}depends_on = ["nobody"]\n',
    "cycle": f'{A}depends_on = ["b"]\n{B}depends_on = ["a"]\n',
    "empty": "",
    "variable": '[services.a]\ncommand = "${NO_SUCH_VARIABLE}"\n',
    "huge": "#" * (17 << 20),
}


@pytest.mark.parametrize("kind", [*BAD, "binary", "vanished", "directory", "fifo", "unreadable"])
@pytest.mark.parametrize("how", ["ctl", "HUP"])
def test_nothing_changes_when_file_is_bad(tmp_path: pathlib.Path, kind: str, how: str) -> None:
    """It is said what is wrong, and everything goes on; the right file is taken afterwards."""
    with live(tmp_path, A + B) as init:
        init.wait_for("b", "running")
        before = init.wait_for("a", "running")
        init.config.unlink()
        if kind == "directory":
            init.config.mkdir()
        elif kind == "fifo":
            os.mkfifo(init.config)
        elif kind == "unreadable":
            init.config.symlink_to(init.config)
        elif kind == "binary":
            init.config.write_bytes(bytes(range(256)))
        elif kind != "vanished":
            init.config.write_text(BAD[kind])
        if how == "HUP":
            init.signal(signal.SIGHUP)
            eventually(lambda: "HUP received, and nothing is changed" in init.said(), "it is told")
        else:
            done = init.ctl("update", check=False)
            assert done.returncode == 1
            assert "nsinit.toml" in done.stderr
        assert init.status()["a"]["pid"] == before["pid"]
        assert _runs(init) == {"a": 1, "b": 1}
        if init.config.is_dir():
            init.config.rmdir()
        else:
            init.config.unlink(missing_ok=True)
        init.config.write_text(A)
        init.ctl("update")
        eventually(lambda: list(init.status()) == ["a"], "b is gone")


def test_new_file_counts_when_services_restart_meanwhile(start: Start) -> None:
    """One in backoff, one that is being stopped, one that crashes all the time."""
    crash = f"[services.a]\ncommand = {script('exit 1')}\nrestart_delay = 60\n"
    slow = script("trap 'sleep 0.5; exit 0' TERM; while :; do sleep 0.05; done")
    busy = f"[services.c]\ncommand = {script('sleep 0.02; exit 1')}\n"
    busy += "restart_delay = 0\nrestart_limit = 'unlimited'\n"
    stopping = f"[services.b]\ncommand = {slow}\nmin_uptime = 0.2\n"
    init = start(crash + stopping + busy)
    init.wait_for("a", "backoff")
    init.wait_for("b", "running")
    init.ctl("restart", "b", "--no-wait")
    init.wait_for("b", "stopping")
    _write(init, f"{A}{B.replace('1000', '1001')}{C}")
    init.ctl("update")
    for name in "abc":
        pid = init.outer_pid(init.wait_for(name, "running")["pid"])
        words = command_line(pid).split(b"\0")
        assert words[1] == (b"1001" if name == "b" else b"1000")
    assert len(descendants(init.pid)) == 3


def test_service_comes_back_when_removed_and_added_while_it_stops(tmp_path: pathlib.Path) -> None:
    """The last file counts; there are never two of it."""
    slow = script("trap 'sleep 0.5; exit 0' TERM; while :; do sleep 0.05; done")
    config = f"[services.a]\ncommand = {slow}\nmin_uptime = 0.2\n"
    with live(tmp_path, config + B) as init:
        pid = init.wait_for("a", "running")["pid"]
        _write(init, B)
        init.ctl("update")
        init.wait_for("a", "stopping")
        _write(init, A + B)
        init.ctl("update")
        after = eventually(
            lambda: (s := init.status()["a"])["state"] == "running" and s["pid"] != pid and s, "a"
        )
        assert not is_alive(pid)
        assert b"1000" in command_line(after["pid"])


def test_service_stays_away_when_it_is_asked_for_after_its_removal(tmp_path: pathlib.Path) -> None:
    """While it still stops: it is told to be none, and those that are meant by "all" restart."""
    slow = script("trap '' TERM; while :; do sleep 0.05; done")
    config = f"[services.a]\ncommand = {slow}\nmin_uptime = 0.2\nstop_timeout = 1\n"
    with live(tmp_path, config + B) as init:
        init.wait_for("a", "running")
        _write(init, B)
        init.ctl("update")
        init.wait_for("a", "stopping")
        told = init.ctl("start", "a", check=False)
        assert "no service is called 'a'" in told.stderr
        assert init.ctl("restart", "*").stdout.split()[:2] == ["b", "running"]
        eventually(lambda: list(init.status()) == ["b"], "a to be forgotten")


def _load_of(init: Live) -> tuple[int, int, int]:
    """Descriptors, processes and resident memory (KiB) of init."""
    fds = len(list(pathlib.Path(f"/proc/{init.pid}/fd").iterdir()))
    rss = int(status_field(init.pid, "VmRSS").split()[0])
    return fds, len(descendants(init.pid)), rss


def test_init_does_not_grow_when_updated_fifty_times(start: Start) -> None:
    """Neither in descriptors nor in processes; hardly in memory."""
    init = start(A + B)
    init.wait_for("b", "running")

    def update(number: int) -> None:
        extra = f"[services.x{number}]\n{SLEEPER}"
        _write(init, f"{A}{B.replace('1000', str(1000 + number))}{extra}")
        assert init.client.update() is not None

    for number in range(10):
        update(number)
    last: tuple[int, int, int] = (0, 0, 0)
    first = eventually(lambda: (now := _load_of(init))[1] == 3 and now, "three are left")
    for number in range(10, 60):
        update(number)
    eventually(lambda: list(init.status()) == ["a", "b", "x59"], "only the last are left")
    last = eventually(lambda: (now := _load_of(init))[1] == 3 and now, "three are left")
    assert last[0] <= first[0] + 2, (first, last)
    assert last[2] <= first[2] + 3000, (first, last)
    assert init.status()["a"]["run"] == 1
    init.signal(signal.SIGTERM)
    assert init.wait() == 0


@contextlib.contextmanager
def _asked(init: Live) -> Iterator[None]:
    """Somebody asks for the status all the time."""
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            init.client.status()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_last_file_counts_when_updates_come_thick_and_fast(tmp_path: pathlib.Path) -> None:
    """While statuses are asked for and services have not even started."""
    with live(tmp_path, A) as init:
        init.wait_for("a", "running")
        with _asked(init):
            for number in range(30):
                _write(init, A.replace("1000", str(1100 + number)) + (B if number % 2 else ""))
                init.client.update()
        a = eventually(lambda: (s := init.status()["a"])["state"] == "running" and s, "a runs")
        eventually(lambda: len(descendants(init.pid)) == 2, "two are left")
        eventually(
            lambda: (
                b"1129" in pathlib.Path(f"/proc/{init.status()['a']['pid']}/cmdline").read_bytes()
            ),
            "by the last file",
        )
        assert a


def test_update_is_refused_when_init_shuts_down(tmp_path: pathlib.Path) -> None:
    """It is too late; nothing starts any more."""
    deaf = script("trap '' TERM; while :; do sleep 0.05; done")
    with live(tmp_path, f"[services.a]\ncommand = {deaf}\nmin_uptime = 0.3\n") as init:
        init.wait_for("a", "running")
        init.signal(signal.SIGTERM)
        init.wait_for("a", "stopping")
        done = init.ctl("update", check=False)
        assert (done.returncode, "shutting down" in done.stderr) == (1, True)
        init.signal(signal.SIGTERM)
        assert init.wait() == 0


def test_what_needs_another_init_is_told_when_it_changes(tmp_path: pathlib.Path) -> None:
    """It is not silently lost; what of [init] can count does."""
    with live(tmp_path, f"[init]\nloop = 'auto'\n{A}") as init:
        init.wait_for("a", "running")
        _write(init, f"[init]\nloop = 'asyncio'\npost_stop = {note('last')}\n{A}")
        assert "init.loop" in init.ctl("update").stdout
        init.signal(signal.SIGTERM)
        assert init.wait() == 0
        assert trace(init) == ["last"]


def test_included_files_are_read_again_when_updated(tmp_path: pathlib.Path) -> None:
    """Also those that were not there before."""
    (tmp_path / "conf.d").mkdir()
    with live(tmp_path, f'include = ["conf.d/*.toml"]\n{A}') as init:
        init.wait_for("a", "running")
        (tmp_path / "conf.d" / "b.toml").write_text(B)
        init.ctl("update")
        init.wait_for("b", "running")
        (tmp_path / "conf.d" / "b.toml").unlink()
        init.ctl("update")
        eventually(lambda: list(init.status()) == ["a"], "b is gone")


def test_stop_goes_on_when_update_takes_its_hook_away(tmp_path: pathlib.Path) -> None:
    """The stop_command that was to follow pre_stop is no more: the signals follow."""
    slow = hook('until [ -e "$HERE/go" ]; do sleep 0.05; done', timeout="1m")
    config = f"{A}pre_stop = {slow}\n"
    with live(tmp_path, f"{config}stop_command = {note('never')}\n") as init:
        init.wait_for("a", "running")
        init.ctl("stop", "a", "--no-wait")
        init.wait_for("a", "stopping")
        _write(init, config)
        init.ctl("update")
        (tmp_path / "go").touch()
        assert init.wait_for("a", "stopped")["exit_signal"] == signal.SIGTERM
        assert trace(init) == []
