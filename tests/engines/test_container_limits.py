"""nsinit where something is short: processes, descriptors, places to write to, a reader."""

import json
from typing import TYPE_CHECKING, Final

import pytest

from .container import Containers
from .test_web_container import RUN, SITE, Site

if TYPE_CHECKING:
    from .lines import Event

# Takes every process that may be had, again and again, until USR1 says that it is enough.
HOG: Final = """\
[init]
forward_signals = ["USR1"]

[services.victim]
command = ["sh", "-c", "exit 1"]
restart_delay = "100ms"
restart_max_delay = "100ms"
restart_limit = "unlimited"
depends_on = { hog = "started" }

[services.hog]
main = true
min_uptime = 0
command = ["/usr/bin/python3", "-c", '''
import os, signal, time
enough = []
children = []
signal.signal(signal.SIGUSR1, lambda *_: enough.append(1))
while not enough:
    try:
        child = os.fork()
    except OSError:
        time.sleep(0.001)
        continue
    if child == 0:
        time.sleep(600)
    children.append(child)
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
print("gave back", len(children), flush=True)
time.sleep(600)
''']
"""

FEW_FILES: Final = ("--ulimit", "nofile=64:64")

MANY: Final = "".join(
    f'[services.s{number}]\ncommand = ["sleep", "600"]\nmin_uptime = 0\n' for number in range(40)
)

TALKER: Final = """\
[services.quiet]
command = ["sleep", "600"]
[services.talker]
command = ["/usr/bin/python3", "-c", '''
import time
for number in range(300_000):
    print("line", number, "x" * 60)
print("all said", flush=True)
time.sleep(600)
''']
"""

UNTIL_ALL_SAID: Final = """\
until nsinit ctl logs talker -n 1 2> /dev/null | grep -q 'all said'; do :; done
"""

OUTPUTS: Final = {
    "closed": "exec nsinit run >&- 2>&-",
    "gone": "mkfifo /tmp/out; : < /tmp/out & exec nsinit run > /tmp/out 2>&1",
    "blocked": "mkfifo /tmp/out; sleep 600 < /tmp/out & exec nsinit run > /tmp/out 2>&1",
}

NOTIFIER: Final = """\
[services.plain]
command = ["sleep", "600"]
min_uptime = 0
[services.notifier]
type = "notify"
command = ["/usr/bin/python3", "-c", '''
import os, socket, time
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
time.sleep(600)
''']
restart_limit = 1
restart_delay = 0.1
"""


def test_init_survives_and_says_so_when_no_process_can_be_made(containers: Containers) -> None:
    """A refused fork is told with its cause, tried again, and works when there is room."""
    made = containers.start(HOG, "--pids-limit", "12")
    told = made.await_log(r"victim.* cannot fork for .*(Resource temporarily unavailable)")
    assert "a limit on processes is reached" in told
    made.kill("USR1")
    made.await_log("gave back")
    with made.events() as events:
        events.until(_ended_by_itself)
    assert made.status()["hog"]["state"] == "running"
    assert made.stop() < 5


def _ended_by_itself(line: str) -> bool:
    """Whether an event tells that the victim ran: a failed start has the code 126."""
    event: Event = json.loads(line)
    return event["service"] == "victim" and event["exit_code"] == 1


def test_site_works_when_descriptors_are_few(containers: Containers) -> None:
    """The whole site fits into 64 descriptors per process."""
    started = containers.start_command(*SITE, *FEW_FILES, command=RUN)
    started.await_log("nginx is running")
    site = Site(started.engine, started.name)
    assert (site.visit(), site.visit()) == (1, 2)
    assert site.stop() < 5
    assert site.inspect("{{.State.ExitCode}}") == "0"


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_reason_is_told_when_descriptors_run_out(containers: Containers, loop: str) -> None:
    """Services beyond the limit say what to raise, and the others run."""
    made = containers.start(f'{MANY}[init]\nloop = "{loop}"\n', *FEW_FILES)
    told = made.await_log(r"cannot .*Too many open files")
    assert "raise the limit on open files" in told
    assert made.stop() < 5
    assert made.inspect("{{.State.ExitCode}}") == "0"


def test_control_socket_answers_when_descriptors_run_out(containers: Containers) -> None:
    """An operator can look, and stop something, when the services have taken all there is."""
    made = containers.start(f'{MANY}[init]\nloop = "asyncio"\n', *FEW_FILES)
    # Once more after the first try, so that nothing spare was only left by chance.
    made.await_log(r"(?s)s39[^\n]*Too many open files.*s39[^\n]*Too many open files")
    url = ("--unix-socket", "/run/nsinit/control.sock", "http://nsinit/v1/status")
    answer = made.exec("curl", "-sS", "--max-time", "3", *url, check=False)
    assert answer.returncode == 0, answer.stderr
    states = [one["state"] for one in json.loads(answer.stdout)["services"]]
    assert states.count("running") >= 15
    assert made.ctl("stop", "s1").returncode == 0


@pytest.mark.parametrize("way", OUTPUTS)
def test_init_works_on_when_stdout_takes_nothing(containers: Containers, way: str) -> None:
    """A closed stdout, one whose reader has gone and one that nobody reads cost lines at most."""
    options = ("--entrypoint", "/bin/sh")
    made = containers.start_with(TALKER, *options, command=("-c", OUTPUTS[way]))
    with made.exec_program("sh", "-c", UNTIL_ALL_SAID) as ready:
        assert ready.until_end() == 0
    assert (made.about_init()["log_bytes_dropped"] > 0) == (way != "closed")
    assert made.ctl("restart", "quiet").returncode == 0
    assert made.status()["talker"]["state"] == "running"
    assert made.stop() < 5
    assert made.inspect("{{.State.ExitCode}}") == "0"


@pytest.mark.parametrize("user", ["0:0", "12345:12345"])
def test_socket_is_found_when_only_dev_shm_can_be_written(
    containers: Containers, user: str
) -> None:
    """A read-only root without any tmpfs: init takes /dev/shm, and `nsinit ctl` looks there."""
    made = containers.start(NOTIFIER, "--read-only", "--user", user)
    uid = user.partition(":")[0]
    made.await_log(f"the control socket is /dev/shm/nsinit-{uid}/control.sock")
    with made.events() as events:
        events.until_state("notifier", "running")
    assert made.ctl("status", "notifier", "plain").returncode == 0
    found = made.exec("ls", "-ld", f"/dev/shm/nsinit-{uid}").stdout.split()
    assert found[0] == "drwx--x--x"
    assert made.stop() < 5
    assert made.inspect("{{.State.ExitCode}}") == "0"


def test_services_run_when_nothing_at_all_can_be_written(containers: Containers) -> None:
    """Without a place for sockets init says so and keeps the services that need none."""
    made = containers.start(NOTIFIER, "--read-only", "--ipc", "none")
    told = made.await_log("notifier has failed")
    assert "warning: there is no control socket" in told
    assert "Read-only file system" in told
    assert "plain is running" in told
    answer = made.ctl("status", check=False)
    assert (answer.returncode, "cannot find an init" in answer.stderr) == (4, True)
    assert made.stop() < 5


def test_service_runs_as_another_user_when_root_may_not_chown(containers: Containers) -> None:
    """Changing ids is all that a service with a user needs of root's capabilities."""
    config = '[services.web]\ncommand = ["sleep", "600"]\nuser = "www-data"\n'
    few = ("--cap-drop", "ALL", "--cap-add", "SETUID", "--cap-add", "SETGID")
    made = containers.start(config, *few)
    told = made.await_log(r"web (is running|has failed)")
    assert "web is running" in told
    owner = made.exec("ps", "-o", "user=", "-p", str(made.status()["web"]["pid"]))
    assert owner.stdout.strip() == "www-data"


def test_refusal_is_told_when_root_may_not_change_ids(containers: Containers) -> None:
    """A service that can't become its user is never run as root instead."""
    config = '[services.web]\ncommand = ["sleep", "600"]\nuser = "www-data"\n'
    answer = containers.run(config, "--cap-drop", "ALL")
    assert answer.returncode == 126
    assert "Operation not permitted" in answer.stderr
