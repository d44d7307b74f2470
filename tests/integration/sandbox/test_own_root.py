"""An init whose root has no Python: everything it can do works there, and nothing is loaded."""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from nsinit.control.commands import COMMANDS
from nsinit.errors import ControlError, UnreachableError
from tests.support.live import NSINIT, ROOT, eventually
from tests.support.roots import main_service, make_root, owned, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from nsinit.client import Client
    from tests.support.boxes import Box

    MakeBox = Callable[..., Box]

SERVICES = """
[init]
pre_start = "echo before all"
post_stop = "echo after all"

[services.web]
shell = true
command = "echo web is here; touch /run/web; exec sleep 1000"
ready = {file = "/run/web", interval = "20ms"}
health = {exec = "test -e /run/web", interval = "50ms"}
reload_command = "echo reloaded"
pre_start = "echo first"
post_start = "echo second"
post_stop = "echo last"
depends_on = {once = "completed"}
stop_command = "touch /tmp/stopped"

[services.once]
type = "oneshot"
command = "true"

[services.speaks]
shell = true
command = "echo I am ready now; exec sleep 1000"
ready = {log = "ready now$"}
user = "web"

[services.socket]
command = "sleep 1000"
sockets = ["tcp:127.0.0.1:PORT1", "/run/service.sock"]
ready = {tcp = PORT1, interval = "20ms"}
health = {unix = "/run/service.sock", interval = "50ms"}

[services.inetd]
shell = true
command = "echo served; cat"
sockets = [{listen = "tcp:127.0.0.1:PORT2", accept = true}]

[services.http]
command = "sleep 1000"
health = {http = "http://127.0.0.1:PORT1/", interval = "50ms", timeout = "100ms", action = "none"}

[services.beat]
type = "oneshot"
command = "echo beat"
schedule = {every = "100ms"}

[services.nightly]
type = "oneshot"
command = "echo night"
schedule = {cron = "30 2 * * *", timezone = "Europe/Berlin"}

[services.filed]
shell = true
command = "while true; do echo $(printf %09000d 5); sleep 0.05; done"
log = {file = "/logs/filed.log", max_size = "64KiB", keep = 2}
nice = 1
umask = "077"
limits = {nofile = 100}

[services.crash]
command = "sh -c 'exit 1'"
restart = "on-failure"
restart_delay = "50ms"
restart_limit = 2

[services.missing]
command = "there-is-no-such-program"

[services.pool]
command = "sleep 1000"
replicas = 2

[services.watches]
command = "sleep 1000"
watch = "/tmp/watched"
"""


def free_ports(count: int) -> list[int]:
    """Of a listening nobody."""
    made = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in made]
    for one in made:
        one.close()
    return ports


@pytest.fixture
def running(box: MakeBox, rootfs: pathlib.Path, user: int) -> tuple[Box, list[int]]:
    """A sandbox with a bit of everything, and its ports."""
    owned(rootfs / "logs", user)
    ports = free_ports(2)
    text = SERVICES.replace("PORT1", str(ports[0])).replace("PORT2", str(ports[1]))
    if user != 0:
        text = text.replace('user = "web"', 'user = "root"')
    made = box()
    made.socket = made.directory / "control.sock"
    made.config.write_text(
        text.replace("[init]", f'[init]\ncontrol = "{made.socket}"')
        + f'\n[sandbox]\nrootfs = "{rootfs}"\nhostname = "box"\n'
    )
    return made.start(), ports


def state(client: Client, name: str) -> str:
    """Of one service; "" before anybody answers."""
    try:
        rows = client.status()["services"]
    except UnreachableError:
        return ""
    return str(next(row for row in rows if row["name"] == name)["state"])


def wait_for(client: Client, name: str, wanted: str) -> None:
    """Until a service is in a state."""
    eventually(lambda: state(client, name) == wanted, f"{name} is {wanted}")


def test_nothing_is_loaded_when_everything_is_used(
    running: tuple[Box, list[int]], rootfs: pathlib.Path
) -> None:
    """Services of all sorts live, every verb is answered, and no import was refused."""
    made, ports = running
    made.wait_for_line("web is here")
    client = made.client
    for name in ("web", "speaks", "socket", "http", "pool@1"):
        wait_for(client, name, "running")
    wait_for(client, "crash", "failed")
    wait_for(client, "missing", "failed")
    made.wait_for_line("beat")
    with socket.create_connection(("127.0.0.1", ports[1])) as connection:
        connection.settimeout(10)
        assert connection.recv(100) == b"served\n"
    logs = rootfs / "logs"
    eventually(lambda: list(logs.glob("filed.log.*.gz")), "a rotated file is packed")
    _drive(made, client)
    eventually(lambda: "watches" in str(list(client.events(names=["watches"]))), "it is told")
    assert made.stop() == 0
    said = made.said()
    assert "not loaded" not in said, said
    assert "internal error" not in said, said
    assert "Traceback" not in said, said
    for line in ("before all", "after all", "first", "second", "last", "reloaded"):
        assert line in said, line
    assert "control socket" in said


def _drive(made: Box, client: Client) -> None:
    """Every verb, by the table."""
    some: dict[str, dict[str, object]] = {
        "names": {"names": ["web"]},
        "signal": {"names": ["web"], "signal": "CONT"},
        "update": {"dry_run": True},
        "scale": {"names": ["pool=1"]},
        "top": {"interval": "50ms"},
        "wait": {"names": ["web"], "state": "running", "timeout": "5s"},
        "stop": {"names": ["socket"]},
    }
    refused = {
        "update": "cannot be read again",
        "reexec": "can't be replaced while it runs",
        "readyz": "crash: it is failed",
        "pause": "it has no cgroup of its own",
    }
    skipped = {"exec", "enter", "attach", "screen", "terminal", "shutdown"}
    for command in COMMANDS:
        if command.name in skipped:
            continue
        names = [p.name for p in command.params if p.required]
        params = some.get(command.name, some["names"] if "names" in names else {})
        call = getattr(client, command.name)
        if command.name in refused:
            with pytest.raises(ControlError, match=refused[command.name]):
                call(**params)
        elif command.stream:
            assert list(call(**params))
        else:
            call(**params)
    assert _ctl(made, "exec", "web", "--", "sh", "-c", "exit 3").returncode == 3
    assert _ctl(made, "enter", "--", "sh", "-c", "mkdir /tmp/watched; exit 4").returncode == 4
    assert made.process is not None
    made.process.send_signal(signal.SIGHUP)  # an update
    made.wait_for_line("stop it, and run it anew")
    made.process.send_signal(signal.SIGUSR1)  # reopen the logs
    made.process.send_signal(signal.SIGUSR2)  # dump the state


def _ctl(made: Box, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`nsinit ctl`, without a terminal."""
    return subprocess.run(
        [*NSINIT, "ctl", *arguments],
        env=made.env | {"NSINIT_SOCKET": str(made.socket)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


def test_command_has_a_terminal_when_it_asks_for_one(
    running: tuple[Box, list[int]],
) -> None:
    """It is one of the client's, and the controlling one."""
    made, _ = running
    made.wait_for_line("web is here")
    done = _ctl(made, "exec", "-t", "web", "--", "sh", "-c", ": > /dev/tty && echo $((6 * 7))")
    assert (done.stdout.split(), done.returncode) == (["42"], 0)


def test_service_tells_that_it_is_ready_when_the_socket_is_inside(
    box: MakeBox, rootfs: pathlib.Path
) -> None:
    """NOTIFY_SOCKET is below /run in there; NSINIT_SOCKET would lead nowhere and is not set."""
    script = (
        "import os, socket, time\n"
        "print('notify', os.environ['NOTIFY_SOCKET'], os.getenv('NSINIT_SOCKET'), flush=True)\n"
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        "s.connect(os.environ['NOTIFY_SOCKET'])\n"
        "s.send(b'READY=1')\n"
        "time.sleep(1000)\n"
    )
    made = box(
        f'[sandbox]\nrootfs = "{rootfs}"\nmounts = ["/usr:/usr:ro", "/lib:/lib:ro"]\n'
        "[services.a]\ntype = 'notify'\nstart_timeout = 10\n"
        f"command = ['/usr/bin/python3', '-c', '''{script}''']\n",
        NSINIT_SOCKET="",
    ).start()
    line = made.wait_for_line("notify /")
    assert line.split("notify ")[1].startswith("/run/nsinit/.notify-1/a")
    assert line.endswith(" None")
    wait_for(made.client, "a", "running")
    assert made.stop() == 0


def test_modules_of_the_root_are_not_run_when_it_has_those_of_nsinit(
    box: MakeBox, rootfs: pathlib.Path, user: int
) -> None:
    """Wherever the sandbox's Python and nsinit are, there is something else in that root."""
    import nsinit

    evil = "open('/evil', 'w').close()\n"
    package = pathlib.Path(nsinit.__file__).parent
    stdlib = pathlib.Path(os.__file__).parent
    for path in (*package.rglob("*.py"), stdlib / "csv.py", stdlib / "asyncio/x.py"):
        target = rootfs / str(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(evil)
    made = box(f'[sandbox]\nrootfs = "{rootfs}"\n' + main_service("echo up; sleep 1000")).start()
    made.wait_for_line("up")
    for call in (made.client.why, made.client.health, made.client.tree):
        call(names=["a"])
    with pytest.raises(ControlError, match="can't be replaced"):
        made.client.reexec()
    assert made.stop() == 143
    assert not (rootfs / "evil").exists()


@pytest.mark.parametrize("user", ["rootful"], indirect=True)  # else there is only one id
def test_users_are_those_of_the_root_when_a_service_has_one(
    box: MakeBox, rootfs: pathlib.Path
) -> None:
    """By its passwd file; the directory is taken from its root."""
    (rootfs / "srv").mkdir()
    done = box(
        f'[sandbox]\nrootfs = "{rootfs}"\n'
        + main_service("echo ids $(id -u) $(pwd)")
        + 'user = "web"\nworking_dir = "srv"\n'
    ).run()
    assert words(done, "ids") == ["33", "/srv"]


def test_root_needs_no_shell_when_a_service_is_one_static_program(
    box: MakeBox, tmp_path: pathlib.Path, user: int
) -> None:
    """A root with one file in it."""
    root = make_root(owned(tmp_path / "bare", user), user, ("sleep",))
    for path in ("etc/passwd", "marker"):
        (root / path).unlink()
    (root / "etc").rmdir()
    made = box(f'[sandbox]\nrootfs = "{root}"\n[services.a]\ncommand = "/bin/sleep 1000"\n').start()
    wait_for(made.client, "a", "running")
    assert made.stop() == 0


def test_init_is_asked_from_inside_when_its_socket_is_bound(
    box: MakeBox, rootfs: pathlib.Path
) -> None:
    """Only then: as any other file of the host."""
    script = (
        "import socket\n"
        "s = socket.socket(socket.AF_UNIX)\n"
        "s.connect('/run/nsinit.sock')\n"
        "s.sendall(b'GET /v1/version HTTP/1.0\\\\r\\\\nHost: x\\\\r\\\\n\\\\r\\\\n')\n"
        "print('answer', s.recv(100).split()[1].decode())\n"
    )
    made = box()
    made.config.write_text(
        f'[init]\ncontrol = "{made.socket}"\n[sandbox]\nrootfs = "{rootfs}"\n'
        f'mounts = ["/usr:/usr:ro", "/lib:/lib:ro", "{made.socket}:/run/nsinit.sock"]\n'
        f'[services.a]\nmain = true\ncommand = ["/usr/bin/python3", "-c", """{script}"""]\n'
    )
    assert words(made.run(), "answer") == ["200"]


def test_service_is_refused_when_its_directory_is_one_of_the_host(
    box: MakeBox, rootfs: pathlib.Path
) -> None:
    """By a descriptor that it was given on purpose, and a link of the root to it."""
    given = os.open("/usr", os.O_RDONLY | os.O_DIRECTORY)
    try:
        (rootfs / "out").symlink_to(f"/proc/self/fd/{given}")
        made = box(
            f'[sandbox]\nrootfs = "{rootfs}"\n'
            + main_service("echo in")
            + f'working_dir = "/out"\npass_fds = [{given}]\n'
        )
        done = made.with_descriptors(given).run()
    finally:
        os.close(given)
    assert "| in" not in done.stdout
    assert "cannot find the working directory inside of the root for" in done.stderr
    assert "its working_dir leads out of the sandbox" in done.stderr


def test_services_run_when_a_mount_hides_the_modules_of_nsinit(
    box: MakeBox, tmp_path: pathlib.Path, user: int
) -> None:
    """As where it is installed below /opt, or /srv, and a sandbox wants that for itself."""
    library = tmp_path / "library"
    shutil.copytree(ROOT / "nsinit", library / "nsinit")
    made = box(
        f'[sandbox]\nmounts = [{{type = "tmpfs", target = "{library}"}}]\n'
        f'[services.a]\ncommand = "sleep 1000"\n[services.b]\ncommand = "ls -A {library}"\n',
        PYTHONPATH=str(library),
    ).start()
    wait_for(made.client, "a", "running")
    made.wait_for_line("b ended with code 0")
    assert "internal error" not in made.said()
    assert made.stop() == 0
