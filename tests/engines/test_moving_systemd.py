"""The units that Debian's packages ship: all are converted, some are run as they are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from nsinit.convert.kinds import Wishes, convert
from nsinit.convert.proof import prove, settle
from nsinit.convert.systemd.calendar import to_cron
from nsinit.convert.write import write
from nsinit.model.cron import Calendar, load_zone
from tests.support.live import Live, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("machine")

UNITS: Final = Path("/lib/systemd/system")
KINDS: Final = (".service", ".socket", ".timer", ".path")
# What the kernel gives here is not what the machine gives: places of its own for what is written.
PLACES: Final = """\
set -e
for place in /run /var/log /var/lib/redis; do mount -t tmpfs tmpfs $place; done
install -d /var/log/nginx
install -d -o redis -g redis /var/lib/redis /var/log/redis
ip link set lo up
exec "$@"
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that every user may enter, which those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="nsinit-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture
def live(home: Path) -> Iterator[list[Live]]:
    """Whatever is put into it is ended."""
    made: list[Live] = []
    yield made
    for one in made:
        one.close()


def test_units_of_debian_are_right_when_they_are_converted() -> None:
    """Each by itself, and all of them together; nsinit refuses none of the values."""
    found = [path for path in sorted(UNITS.iterdir()) if path.suffix in KINDS]
    assert len(found) > 50
    for path in [*found, UNITS]:
        document = convert([str(path)], Wishes({}, instance="x"), "systemd")
        before = len(document.findings)
        if document.services:
            text = settle(document, str(path), {})
            prove(text, str(path), {})
        assert len(document.findings) == before, path
    everything = tomllib.loads(text)["services"]
    assert {"cron", "nginx", "redis-server", "systemd-journald"} <= set(everything)
    assert everything["nginx"]["pid_file"] == "/run/nginx.pid"
    assert everything["systemd-tmpfiles-clean"]["schedule"] == {"every": "1d"}


def test_calendars_mean_the_same_when_systemd_reads_them() -> None:
    """The next three times of each, from one instant on."""
    events = [
        "daily", "weekly", "quarterly", "Mon..Fri 03:30", "*:0/20", "*-*-1/10 6,18:00:30", "*-*~1",
        "Sun *-*-1..7 3:00", "Fri *-*~7/1 12:00", "Sat,Thu,Mon..Wed 1:2:3", "*-2,8-29",
        "*-1/5-15 *:59",
    ]  # fmt: skip
    begin = datetime(2027, 1, 31, 23, 10, 5, tzinfo=UTC)
    base = begin.strftime("--base-time=%Y-%m-%d %H:%M:%S UTC")
    for event in events:
        told = subprocess.run(
            ["systemd-analyze", "calendar", "--iterations=3", base, event],
            env={**os.environ, "TZ": "UTC", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        pattern = r"(?:Next elapse|Iter\. #\d): \w+ (\S+ \S+) UTC"
        expected = [f"{one} +0000" for one in re.findall(pattern, told)]
        calendar = Calendar(to_cron(event).cron, load_zone("UTC"))
        at, found = begin.timestamp(), []
        for _ in range(3):
            at = calendar.next(at) or 0
            found.append(datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S %z"))
        assert found == expected, event


def test_services_of_debian_work_when_their_units_are_converted(
    home: Path, live: list[Live]
) -> None:
    """The daemon nginx, redis with all of its confinement, cron: as they are shipped."""
    units = home / "units"
    (units / "redis-server.service.d").mkdir(parents=True)
    for name in ("nginx", "redis-server", "cron"):
        shutil.copy(UNITS / f"{name}.service", units)
    # Here nobody may raise limits, and the test's sockets are below /tmp.
    drop_in = units / "redis-server.service.d/here.conf"
    drop_in.write_text("[Service]\nLimitNOFILE=\nPrivateTmp=no\n")
    text = write(convert([str(units)], Wishes({})))
    (home / "places").write_text(PLACES)
    one = Live(home, text, "pid1")
    unshare = ["unshare", "--mount", "--net", "--propagation", "private", "--"]
    one.prefix = [*unshare, "sh", str(home / "places")]
    live.append(one.start())
    for name in ("cron", "nginx", "redis-server"):
        one.wait_for(name, "running")
    inside = ["nsenter", "-t", str(one.pid), "-m", "-n", "--"]

    def ask(*words: str) -> str:
        done = subprocess.run([*inside, *words], capture_output=True, text=True, check=False)
        return done.stdout

    assert "Welcome to nginx" in ask("curl", "-s", "http://127.0.0.1/")
    assert ask("redis-cli", "set", "a", "b").strip() == "OK"
    assert ask("redis-cli", "save").strip() == "OK"
    assert ask("ls", "/var/lib/redis").split() == ["dump.rdb"]
    pid = one.outer_pid(one.status()["redis-server"]["pid"])
    status = Path(f"/proc/{pid}/status").read_text()
    for line in ("CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"):
        assert line in status
    assert Path(f"/proc/{pid}/environ").read_bytes().find(b"NSINIT_TEST") < 0
    one.ctl("reload", "nginx")
    killed = one.status()["redis-server"]["run"]
    os.kill(pid, 9)
    eventually(lambda: one.status()["redis-server"]["run"] > killed, "another run of redis")
    one.wait_for("redis-server", "running")
    one.ctl("stop", "nginx")
    one.wait_for("nginx", "stopped")
    assert ask("curl", "-s", "http://127.0.0.1/") == ""
    one.ctl("shutdown")
    one.wait()
    assert "redis-server-directories is stopped" in one.said()
