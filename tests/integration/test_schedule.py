"""Services that run by a schedule, on real processes; the clock is another where that matters."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.live import Live, eventually, live

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

    from tests.integration.conftest import Start

    Begin = Callable[..., Live]

# Noon of some day, in UTC.
NOON = 1_764_158_400
# Writes down the wall time of each run as init sees it; `date` would ask the machine's clock.
NOTE = 'echo ran; echo x >> "$HERE/runs"'


@pytest.fixture
def begin(tmp_path: pathlib.Path, loop: str) -> Iterator[Begin]:
    """Starts an init as a subreaper; a wall clock of its own begins as told."""
    made: list[Any] = []

    def begin(config: str, **env: str) -> Live:
        made.append(live(tmp_path, f'[init]\nloop = "{loop}"\n{config}', "subreaper", **env))
        one: Live = made[-1].__enter__()
        eventually(one.status, "init answers")
        return one

    yield begin
    for one in made:
        one.__exit__(None, None, None)


def runs(init: Live, name: str = "job") -> list[float]:
    """When a service was started, by init's clock, in seconds from noon on."""
    rows = [e for e in init.events() if e["service"] == name and e["new"] == "starting"]
    return [row["time"] - NOON for row in rows]


def wait_for_runs(init: Live, count: int) -> list[float]:
    """Wait until there are as many."""
    return list(eventually(lambda: (made := runs(init)) and len(made) >= count and made, "runs"))


def test_cron_inside_works_when_a_container_has_no_cron(start: Start, loop: str) -> None:
    """Complaint: cron inside. Jobs run by a line as in crontab, beside services, and log with them.

    No daemon, no mail, no lost environment; a job that fails tells so, and runs the next time.
    """
    init = start(
        f"""
        [init]
        loop = "{loop}"
        [services.web]
        command = "sleep 1000"
        min_uptime = 0
        [services.job]
        type = "oneshot"
        command = "sh -c 'echo run $NUMBER of the job; exit 3'"
        environment = {{NUMBER = "one"}}
        depends_on = ["web"]
        schedule = "* * * * * *"
        """
    )
    init.wait_for("job", "waiting", result="exit-code", exit_code=3)
    eventually(lambda: init.status()["job"]["run"] >= 2, "another run")
    s = init.status()["job"]
    assert s["want"] == "up"
    assert abs(s["next_run"] - time.time()) < 2
    assert s["next_run"] == int(s["next_run"])
    said = init.said()
    assert "job    | run one of the job" in said
    assert "job ended with code 3; it waits for the next time" in said
    assert init.status()["web"]["run"] == 1
    assert init.client.shutdown()
    assert init.wait() == 0


def test_interval_runs_again_and_again_when_it_is_short(begin: Begin) -> None:
    """At its beat, from the start on; shown as the time of the next run."""
    init = begin(
        """
        [services.job]
        type = "oneshot"
        command = "true"
        schedule = {every = "0.3s"}
        [services.late]
        command = "true"
        schedule = {every = "1h"}
        """
    )
    made = wait_for_runs(init, 4)
    gaps = [later - earlier for earlier, later in itertools.pairwise(made)]
    assert sum(gaps) / len(gaps) == pytest.approx(0.3, abs=0.15)
    late = init.status()["late"]
    assert (late["state"], late["reason"], late["run"]) == ("waiting", "for its schedule", 0)
    assert 3500 < late["next_run"] - time.time() <= 3600
    assert "next run in 59m" in init.ctl("status", "late", check=False).stdout


def test_calendar_is_followed_when_the_clock_is_put_forward(begin: Begin) -> None:
    """An hour is jumped over with two due times in it: one run makes up for them."""
    init = begin(
        """
        [services.job]
        type = "oneshot"
        command = "true"
        schedule = {cron = "15,45 12 * * *", timezone = "UTC"}
        [services.exact]
        type = "oneshot"
        command = "true"
        schedule = {cron = "15,45 12 * * *", timezone = "UTC", missed = "skip"}
        """,
        NSINIT_CLOCK=f"{NOON},+3000@1.5",
    )
    first = init.wait_for("job", "waiting", run=0)
    assert first["next_run"] == NOON + 15 * 60
    assert wait_for_runs(init, 1)[0] == pytest.approx(3002, abs=4)
    missed = "exact: its time has been missed, and this run is left out"
    eventually(lambda: missed in init.said(), missed)
    s = init.status()
    assert (s["job"]["run"], s["exact"]["run"]) == (1, 0)
    tomorrow = NOON + 86_400 + 15 * 60
    assert s["job"]["next_run"] == s["exact"]["next_run"] == tomorrow


def test_calendar_is_followed_when_the_clock_is_put_back(begin: Begin) -> None:
    """The time that has been run does not run again when the clock shows it once more."""
    init = begin(
        """
        [services.job]
        type = "oneshot"
        command = "true"
        schedule = {cron = "0 12 * * *", timezone = "UTC"}
        [services.often]
        type = "oneshot"
        command = "true"
        schedule = "* * * * * *"
        """,
        NSINIT_CLOCK=f"{NOON - 1},-2@2",
    )
    wait_for_runs(init, 1)
    init.wait_for("job", "waiting", run=1)
    assert init.status()["job"]["next_run"] == NOON + 86_400
    # After the step it is noon again.
    eventually(lambda: [at for at in runs(init, "often") if at >= 1], "the clock is past noon")
    assert len(runs(init)) == 1
    assert init.status()["job"]["next_run"] == NOON + 86_400


def test_local_time_is_meant_when_a_zone_is_named(begin: Begin) -> None:
    """The night on which the clocks go forward: half past two is three o'clock."""
    change = int(datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp())
    init = begin(
        """
        [services.job]
        type = "oneshot"
        command = "true"
        schedule = {cron = "30 2 * * *", timezone = "Europe/Berlin"}
        """,
        NSINIT_CLOCK=f"{change - 1}",
    )
    wait_for_runs(init, 1)
    next_run = init.wait_for("job", "waiting", run=1)["next_run"]
    assert next_run == change + 23.5 * 3600


@pytest.mark.parametrize("overlap", ["skip", "queue", "kill"])
def test_overlap_is_as_told_when_a_run_is_not_over(begin: Begin, overlap: str) -> None:
    """Left out; later, at once after it; or instead of it."""
    init = begin(
        f"""
        [services.job]
        type = "oneshot"
        command = ["sh", "-c", "echo begin; while [ ! -e $HERE/go ]; do sleep 0.05; done; echo end"]
        schedule = {{every = "1s", overlap = "{overlap}"}}
        """
    )
    if overlap == "kill":
        s = init.wait_for("job", "running", run=3)
        assert s["exit_signal"] == 15
        assert "end" not in init.said()
        return
    init.wait_for("job", "running", run=1)
    eventually(lambda: init.status()["job"]["seconds"] > 2.1, "two of its times have come")
    assert init.said().count("| begin") == 1
    (init.directory / "go").touch()
    eventually(lambda: init.status()["job"]["run"] >= 2, "the next run")
    ends = [e["time"] for e in init.events() if (e["old"], e["new"]) == ("stopping", "waiting")]
    first, second = runs(init)[:2]
    if overlap == "queue":
        assert second + NOON - ends[0] < 0.3
    else:
        assert (second - first) % 1 == pytest.approx(0, abs=0.3) or (second - first) % 1 > 0.7


def test_service_runs_now_when_it_is_started_by_hand(begin: Begin) -> None:
    """`ctl start` waits for the end of that run, and tells whether it was good."""
    init = begin(
        """
        [services.good]
        type = "oneshot"
        command = "sleep 0.2"
        schedule = "@yearly"
        [services.bad]
        type = "oneshot"
        command = "false"
        schedule = "@yearly"
        [services.idle]
        type = "oneshot"
        command = "true"
        schedule = "@yearly"
        autostart = false
        """
    )
    init.wait_for("good", "waiting")
    assert init.ctl("start", "good").stdout == "good waiting\n"
    assert init.status()["good"]["exit_code"] == 0
    assert init.ctl("restart", "good").returncode == 0
    assert init.status()["good"]["run"] == 2
    assert init.ctl("start", "bad", check=False).returncode == 1
    assert init.status()["bad"]["state"] == "waiting"
    assert init.ctl("start", "idle").returncode == 0  # it waits for its schedule now
    assert init.status()["idle"]["run"] == 0


def test_schedule_begins_when_init_has_done_its_own_hook(begin: Begin) -> None:
    """What is due before that is not lost."""
    init = begin(
        f"""
        pre_start = "sleep 1.5"
        [services.job]
        type = "oneshot"
        command = ["sh", "-c", '{NOTE}']
        schedule = {{cron = "0 12 * * *", timezone = "UTC"}}
        """,
        NSINIT_CLOCK=f"{NOON - 1}",
    )
    eventually((init.directory / "runs").exists, "the run")
    assert runs(init)[0] >= 0.4


def test_schedule_is_another_when_the_file_is_updated(begin: Begin) -> None:
    """Without a restart of what runs; a schedule that has not changed goes on in its beat."""
    init = begin(
        """
        [services.job]
        type = "oneshot"
        command = "true"
        schedule = "@yearly"
        [services.beat]
        type = "oneshot"
        command = "true"
        schedule = {every = "1h"}
        """
    )
    before = init.wait_for("beat", "waiting")["next_run"]
    text = init.config.read_text()
    init.config.write_text(text.replace('"@yearly"', '{every = "0.2s"}'))
    init.ctl("update")
    eventually(lambda: init.status()["job"]["run"] >= 2, "it runs by its new schedule")
    assert init.status()["beat"]["next_run"] == pytest.approx(before, abs=0.5)
    init.config.write_text(text.replace('schedule = "@yearly"', ""))
    init.ctl("update")
    init.wait_for("job", "exited")


def test_schedules_are_late_and_told_so_once_when_the_kernel_has_no_timers(begin: Begin) -> None:
    """A feature less, never an init that does not boot; it tries again, and says no more."""
    init = begin(
        """
        [services.web]
        command = "sleep 1000"
        min_uptime = 0
        [services.job]
        type = "oneshot"
        command = "true"
        schedule = {every = "0.1s"}
        """,
        NSINIT_FAULTS="timerfd_create:ENOSYS",
    )
    init.wait_for("web", "running")
    told = "schedules are late, for want of a timer: Function not implemented"
    eventually(lambda: told in init.said(), told)
    assert init.ctl("start", "job").returncode == 0
    assert init.said().count(told) == 1
