"""The examples in config/ are right, and each is run: here, or in the tests of what it shows."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.live import NSINIT, ROOT, Live, environment, eventually, live

if TYPE_CHECKING:
    import pathlib

# Where the examples are that have to be told of a place.
PLACES = {"READY_DIR": "/tmp", "HEALTH_FILE": "/tmp/x", "HEALTH_PORT": "9", "READY_PORT": "9"} | {
    f"READY_PORT_{number}": str(number) for number in range(1, 9)
}
EXAMPLES = sorted(path.name for path in (ROOT / "config").glob("*.toml"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_is_right_when_checked(name: str) -> None:
    """As `nsinit check` says, without a warning; some want to be told of a place."""
    done = subprocess.run(
        [*NSINIT, "check", f"config/{name}"],
        cwd=ROOT, env=environment(**PLACES), capture_output=True, text=True, check=False,
    )  # fmt: skip
    unknown = "here: see nsinit image import --help\n"  # an image that is not on this machine
    told = [line for line in done.stderr.splitlines(keepends=True) if unknown not in line]
    assert (done.returncode, told) == (0, []), done
    assert "warning" not in done.stdout


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_is_run_when_it_is_there(name: str) -> None:
    """Some test names it; one that nobody runs has no place in config/."""
    places = [*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "scripts").rglob("*.py")]
    assert any(name in path.read_text() for path in places), f"no test runs config/{name}"


def said(init: Live, name: str, text: str) -> bool:
    """Whether a service has written a line."""
    return any(row["line"] == text for row in init.client.logs(names=[name]))


def test_schedule_example_works_when_run(tmp_path: pathlib.Path) -> None:
    """With a short beat; each has a time for its next run, and can be run at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    config = (ROOT / "config" / "schedule.toml").read_text()
    with live(tmp_path, config, "subreaper", BEAT="1s", PORT=port) as init:
        init.wait_for("web", "running")
        eventually(lambda: init.status()["beat"]["run"] >= 2, "two beats")
        assert said(init, "beat", "still here")
        for name, text in (("report", "the report of the day"), ("backup", "saved")):
            assert init.status()[name]["next_run"] is not None
            init.ctl("start", name)
            assert said(init, name, text)


def test_watch_example_works_when_run(tmp_path: pathlib.Path) -> None:
    """A change of a source restarts two services, one of its configuration reloads the third."""
    src = tmp_path / "src"
    config = (ROOT / "config" / "watch.toml").read_text()
    with live(tmp_path, config, "subreaper", SRC=str(src), DEBOUNCE="100ms") as init:
        for name in ("worker", "proxy"):
            init.wait_for(name, "running")
        src.mkdir()
        init.wait_for("worker", "running", run=2)
        assert init.status()["app"]["run"] == 2
        (src / "proxy.conf").write_text("x")
        eventually(lambda: said(init, "proxy", "proxy has read it"), "the reload")
        assert init.status()["proxy"]["run"] == 1


def test_hooks_example_works_when_run(tmp_path: pathlib.Path) -> None:
    """It ends by itself, with the code of its main service, and says each step."""
    env = environment(NSINIT_SOCKET=str(tmp_path / "s"), HOOK_USER=str(os.geteuid()))
    done = subprocess.run(
        [*NSINIT, "run", "config/hooks.toml"],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done
    said = [line.partition(" | ")[2] for line in done.stdout.splitlines()]
    order = [
        "before the first service", "made the directory", "laid the table", "preparing", "open",
        "closed", "exit-code: exited 3, or 3 0 shop", "cleared the table",
        "removed the directory", "after the last service",
    ]  # fmt: skip
    assert [line for line in said if line in order] == order
    ended, gave_up, last = (said.index(line) for line in (order[6], "gave up", order[-1]))
    assert ended < gave_up < last  # beside the undoing of the others, which does not wait for it


def test_daemon_example_works_when_run(tmp_path: pathlib.Path) -> None:
    """Both daemons are known, and the one that is killed comes back."""
    config = (ROOT / "config" / "daemon.toml").read_text()
    with live(tmp_path, config, "subreaper", DIR=str(tmp_path)) as init:
        init.wait_for("guessed", "running")
        daemon = init.status()["daemon"]["pid"]
        assert int((tmp_path / "nsinit-example-daemon.pid").read_text()) == daemon
        os.kill(daemon, signal.SIGKILL)
        assert init.wait_for("daemon", "running", run=2)["pid"] != daemon


def test_replicas_example_works_when_run(tmp_path: pathlib.Path) -> None:
    """Scaled and restarted as its first lines say."""
    config = (ROOT / "config" / "replicas.toml").read_text()
    with live(tmp_path, config) as init:
        init.wait_for("front", "running")
        eventually(lambda: said(init, "worker@3", "at port 3"), "its number")
        init.ctl("scale", "worker=5")
        init.wait_for("worker@5", "running")
        init.ctl("restart", "worker")
        init.ctl("restart", "worker@2")
        runs = {name: s["run"] for name, s in init.status().items()}
        workers = {f"worker@{n}": 3 if n == 2 else 2 for n in range(1, 6)}
        assert runs == {**workers, "front": 1}


def test_restart_example_works_when_run(tmp_path: pathlib.Path) -> None:
    """`polite` is not tried again, `busy` is, and `vital` ends it all with its code."""
    config = (ROOT / "config" / "restart.toml").read_text()
    with live(tmp_path, config) as init:
        assert init.wait() == 7
        said = init.said()
    assert "polite has failed with 64" in said
    assert said.count("busy ended with code 1") >= 2


def test_update_example_works_when_changed(tmp_path: pathlib.Path) -> None:
    """A colour restarts web, a limit does not, and a table that is gone stops worker."""
    config = (ROOT / "config" / "update.toml").read_text()
    with live(tmp_path, config, "subreaper", COLOUR="red") as init:
        for name in ("web", "worker"):
            init.wait_for(name, "running")
        init.config.write_text(config.replace("restart_limit = 5", "restart_limit = 6"))
        assert "adjust   web (restart_limit)" in init.ctl("update").stdout
        assert init.status()["web"]["run"] == 1
        head, _, tail = config.partition("[services.worker]")
        head = head.replace("${COLOUR:-red}", "blue").replace(
            "restart_limit = 5", "restart_limit = 6"
        )
        init.config.write_text(head + tail[tail.index("[init]") :])
        planned = "stop     worker\nrestart  web (environment)\n"
        assert init.ctl("update", "--dry-run").stdout == planned
        init.ctl("update")
        init.wait_for("web", "running", run=2)
        eventually(lambda: list(init.status()) == ["web"], "worker is gone")


def test_terminal_example_works_when_typed_at(tmp_path: pathlib.Path) -> None:
    """From a pipe: the shell is there again after its end, and nothing private is written."""
    config = (ROOT / "config" / "terminal.toml").read_text()
    with live(tmp_path, config, "subreaper") as init:
        for name in ("console", "calculator"):
            init.wait_for(name, "running")
        done = _typed(init, "console", "echo $TERM-$((6 * 7)); exit 5\n")
        assert (done.returncode, "vt100-42\n" in done.stdout.replace("\r", "")) == (5, True)
        init.wait_for("console", "running", run=2)
        assert said(init, "console", "vt100-42")
        _typed(init, "calculator", "12\n\x04")
        assert said(init, "calculator", "= 144")
        init.ctl("start", "private")
        done = _typed(init, "private", "echo sec''ret; exit\n")
        assert "secret" in done.stdout
        assert "secret" not in init.out.read_text()
        assert list(init.client.logs(names=["private"])) == []


def _typed(init: Live, name: str, keys: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*NSINIT, "ctl", "attach", name],
        env=init.env, input=keys, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
