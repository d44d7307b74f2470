"""How a container with nsinit ends: when it is told to, by itself, or before it began."""

import time
from typing import Final

import pytest

from .container import Container, Containers

DOCKER_KILLS_AFTER: Final = 10.0

STUBBORN: Final = """\
[services.stubborn]
command = ["sh", "-c", "trap '' TERM INT; echo ready; while :; do sleep 1; done"]
"""

# Each would take its 8 s for itself; together they must not.
STUBBORN_CHAIN: Final = """\
[services.first]
command = ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
[services.second]
depends_on = ["first"]
command = ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
[services.third]
depends_on = ["second"]
command = ["sh", "-c", "trap '' TERM; echo all ready; while :; do sleep 1; done"]
"""

WRONG: Final = """\
[services.web]
command = "true"
depend_on = ["db"]

[services.worker]
command = "true"
depends_on = ["databse"]
stop_timeout = "soon"

[services.database]
command = "true"
"""

MAIN: Final = """\
[services.helper]
command = ["sleep", "600"]
min_uptime = 0
[services.main]
command = ["sh", "-c", '%s']
main = true
depends_on = ["helper"]
"""

# A configuration writes $$ for one dollar sign.
ENDS: Final = [
    ("exit 0", 0),
    ("exit 7", 7),
    ("exit 255", 255),
    ("kill -TERM $$$$", 128 + 15),
    ("kill -KILL $$$$", 128 + 9),
]


@pytest.mark.parametrize(("script", "code"), ENDS)
def test_code_is_that_of_main_service_when_it_ends(
    containers: Containers, script: str, code: int
) -> None:
    """The main service's end is the container's, by a signal too, and its helper goes with it."""
    answer = containers.run(MAIN % script)
    assert answer.returncode == code, answer.stderr
    assert "helper is stopped" in answer.stderr


def test_code_is_137_when_main_service_is_killed(containers: Containers) -> None:
    """A KILL from outside the service is told as what it is: 128 + 9."""
    made = containers.start(MAIN % "echo begun; exec sleep 600")
    made.await_log("begun")
    made.ctl("signal", "KILL", "main", check=False)  # the container may be gone before it answers
    assert made.end() == 137


def test_code_is_0_when_oneshots_have_done_their_work(containers: Containers) -> None:
    """A container of nothing but work to be done ends when it is done."""
    config = '[services.work]\ncommand = "true"\ntype = "oneshot"\n'
    assert containers.run(config).returncode == 0


def test_code_is_that_of_first_failure_when_nothing_is_left(containers: Containers) -> None:
    """A oneshot that fails is what the container fails by."""
    config = '[services.work]\ncommand = "sh -c \'exit 9\'"\ntype = "oneshot"\n'
    assert containers.run(config).returncode == 9


def test_status_is_1_when_service_has_failed(containers: Containers) -> None:
    """A health check tells a service that gave up (1) from one that does not run (3)."""
    config = """\
    [init]
    keep_running = true
    [services.broken]
    command = "false"
    restart = "no"
    [services.idle]
    command = ["sleep", "600"]
    autostart = false
    """
    made = containers.start(config)
    made.await_log("broken has failed")
    codes = [made.ctl("status", name, check=False).returncode for name in ("broken", "idle")]
    assert codes == [1, 3]
    assert made.ctl("status", "broken", "idle", check=False).returncode == 1


def test_all_mistakes_are_told_when_configuration_is_wrong(containers: Containers) -> None:
    """Code 78, every mistake with its line in `docker logs`, and nothing was started."""
    made = containers.start(WRONG)
    assert made.end() == 78
    told = made.logs()
    for wanted in (
        "nsinit.toml:3: services.web.depend_on: unknown key",
        "depends_on",
        "nsinit.toml:7: services.worker.depends_on",
        "database",
        "nsinit.toml:8: services.worker.stop_timeout",
    ):
        assert wanted in told
    assert "is running" not in told


def test_reason_is_told_when_there_is_no_configuration(containers: Containers) -> None:
    """A container without a configuration says where one was looked for."""
    answer = containers.run_command(command=("run",))
    assert answer.returncode == 78
    assert "/etc/nsinit/nsinit.toml" in answer.stderr


def test_code_is_137_in_time_when_main_service_ignores_term(containers: Containers) -> None:
    """The KILL comes from init and not from the engine, which gives 10 s."""
    made = containers.start(MAIN % "trap : TERM; echo begun; while :; do sleep 1; done")
    made.await_log("begun")
    assert made.stop() < DOCKER_KILLS_AFTER
    assert _exit_code(made) == 137
    told = [line for line in made.logs().splitlines() if " is stopped" in line]
    assert [line.split()[2] for line in told] == ["main", "helper"]
    assert "killed by KILL" in told[0]


def test_end_comes_in_time_when_whole_chain_ignores_term(containers: Containers) -> None:
    """Three in a row that ignore TERM share the time that the engine gives, and all are told."""
    made = containers.start(STUBBORN_CHAIN)
    made.await_log("all ready")
    assert made.stop() < DOCKER_KILLS_AFTER
    assert _exit_code(made) == 0
    ends = [line.split()[2] for line in made.logs().splitlines() if " is stopped" in line]
    assert ends == ["third", "second", "first"]


@pytest.mark.parametrize("signal", ["TERM", "INT"])
def test_end_comes_at_once_when_told_twice(containers: Containers, signal: str) -> None:
    """The second TERM or INT skips what is left of the grace of a service that ignores both."""
    made = containers.start(STUBBORN)
    made.await_log("ready")
    made.kill(signal)
    made.await_log("stopping everything in order")
    assert made.inspect("{{.State.Running}}") == "true"
    started_at = time.monotonic()
    made.kill(signal)
    assert made.end() == 0
    assert time.monotonic() - started_at < 3
    assert "stopping everything at once" in made.logs()


def test_end_comes_at_once_when_quit_is_sent(containers: Containers) -> None:
    """QUIT gives no grace."""
    made = containers.start(STUBBORN)
    made.await_log("ready")
    started_at = time.monotonic()
    made.kill("QUIT")
    assert made.end() == 0
    assert time.monotonic() - started_at < 3


def test_stop_is_obeyed_when_it_comes_in_the_first_moment(containers: Containers) -> None:
    """A TERM that comes before init has its event loop is not lost, here from a service."""
    config = """\
    [services.other]
    command = ["sleep", "600"]
    [services.eager]
    command = ["sh", "-c", "kill -TERM 1; exec sleep 600"]
    """
    answer = containers.run(config)
    assert answer.returncode == 0
    assert "TERM received: stopping everything in order" in answer.stderr


def test_all_ends_in_order_when_interrupt_is_typed(containers: Containers) -> None:
    """A ^C on the terminal of `docker run -it` is a request to stop, as it is for compose."""
    config = MAIN.replace("main = true\n", "") % "trap : INT; echo begun; exec sleep 600"
    options = (*containers.with_config(config), "--env=NO_COLOR=1")
    with containers.terminal(*options, command=("run",)) as client:
        client.until_text("main   | begun")
        client.type(b"\x03")
        assert client.until_end() == 0
        ends = [line.split()[2] for line in client.lines if " is stopped" in line]
    assert ends == ["main", "helper"]


def _exit_code(container: Container) -> int:
    return int(container.inspect("{{.State.ExitCode}}"))
