"""An init in namespaces of its own: made, private, and gone with its launcher."""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile

import pytest

from tests.support.live import (
    NSINIT,
    ORDINARY,
    Live,
    Way,
    descendants,
    environment,
    eventually,
    is_alive,
    live,
    status_field,
)

CONFIG = """
[services.a]
command = ["sh", "-c", "hostname; id -u; echo $(ls -d /proc/[0-9]*); exec sleep 1000"]
min_uptime = 0
"""
KINDS = ["pid", "mnt", "uts", "ipc"]


@pytest.fixture(params=["sandbox", "rootless"])
def way(request: pytest.FixtureRequest) -> Way:
    """As root, and as an ordinary user."""
    way: Way = request.param
    if os.geteuid() != 0 and way == "sandbox":
        pytest.skip("sandbox: needs root")
    return way


@pytest.fixture
def directory(tmp_path: pathlib.Path) -> pathlib.Path:
    """A directory that the ordinary user can reach."""
    made = tmp_path / "box"
    made.mkdir()
    return made


def _namespace(pid: int, kind: str) -> str:
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def test_init_is_pid_1_when_sandboxed(directory: pathlib.Path, way: Way) -> None:
    """New pid, mount, uts and ipc namespaces; a user namespace only for the ordinary user."""
    with live(directory, CONFIG, way) as init:
        service = init.wait_for("a", "running")
        inner, outer = init.pid, os.getpid()
        assert status_field(inner, "NSpid").split()[-1] == "1"
        for kind in KINDS:
            assert _namespace(inner, kind) != _namespace(outer, kind), kind
        assert (_namespace(inner, "user") != _namespace(outer, "user")) == (way == "rootless")
        assert _namespace(inner, "net") == _namespace(outer, "net")
        assert service["pid"] == 2
        assert init.client.version()["pid"] == 1


def test_proc_shows_only_the_sandbox_when_mounted_anew(directory: pathlib.Path, way: Way) -> None:
    """Ps inside sees init and its services, and the host's /proc is untouched."""
    before = pathlib.Path("/proc/self/mountinfo").read_text()
    with live(directory, CONFIG, way) as init:
        init.wait_for("a", "running")
        lines = eventually(lambda: [r["line"] for r in init.client.logs()][2:], "ls has answered")
        listed = {int(path.rsplit("/", 1)[1]) for path in lines[0].split()}
        assert {1, 2} <= listed
        assert max(listed) < 50
        assert pathlib.Path("/proc/self/mountinfo").read_text() == before
    assert pathlib.Path("/proc/self/mountinfo").read_text() == before
    assert pathlib.Path(f"/proc/{os.getpid()}/stat").exists()


def test_user_is_root_inside_when_rootless(directory: pathlib.Path) -> None:
    """The ordinary user is uid 0 inside, and stays who they are outside."""
    with live(directory, CONFIG, "rootless") as init:
        init.wait_for("a", "running")
        assert eventually(lambda: [r["line"] for r in init.client.logs()][1:2], "id") == ["0"]
        owner = ORDINARY if os.geteuid() == 0 else os.geteuid()
        assert status_field(init.pid, "Uid").split()[0] == str(owner)


def test_host_keeps_its_name_when_sandbox_has_another(directory: pathlib.Path, way: Way) -> None:
    """Also a name with an underscore, which hostname(1) refuses."""
    before = socket.gethostname()
    config = CONFIG + '\n[sandbox]\nname = "named"\nhostname = "con_tainer"\n'
    control = directory / "s"
    made = Live(directory, CONFIG, way)
    made.config.write_text(f'[init]\ncontrol = "{control}"\n{config}')
    made.socket = control
    try:
        made.start()
        made.wait_for("a", "running")
        assert eventually(lambda: [r["line"] for r in made.client.logs()][:1], "name") == [
            "con_tainer"
        ]
        assert socket.gethostname() == before
    finally:
        made.close()


@pytest.mark.row(62, 64)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_services_are_stopped_when_launcher_is_signalled(
    directory: pathlib.Path, way: Way, number: int
) -> None:
    """The launcher passes signals on, and ends with init's code."""
    with live(directory, CONFIG, way) as init:
        init.wait_for("a", "running")
        assert init.process is not None
        init.process.send_signal(number)
        assert init.wait() == 0
        assert "a is stopped" in init.said()


@pytest.mark.parametrize("code", [0, 3, 255])
def test_launcher_gives_code_of_init_when_it_ends(
    directory: pathlib.Path, way: Way, code: int
) -> None:
    """The exit code goes from main to init to the launcher."""
    config = f"[services.a]\nmain = true\ncommand = \"sh -c 'exit {code}'\"\n"
    with live(directory, config, way) as init:
        assert init.wait() == code


@pytest.mark.row(64)
def test_init_dies_when_launcher_is_killed(directory: pathlib.Path, way: Way) -> None:
    """Kill -9 of the launcher takes the whole sandbox with it."""
    with live(directory, CONFIG, way) as init:
        init.wait_for("a", "running")
        assert init.process is not None
        below = descendants(init.process.pid)
        assert len(below) == 2
        init.process.kill()
        eventually(lambda: not any(is_alive(pid) for pid in below), "all are gone")


def test_launcher_ends_when_init_is_killed(directory: pathlib.Path, way: Way) -> None:
    """Kill -9 of init: the kernel kills the services, the launcher says 137."""
    with live(directory, CONFIG, way) as init:
        init.wait_for("a", "running")
        below = descendants(init.pid)
        os.kill(init.pid, signal.SIGKILL)
        assert init.wait() == 137
        eventually(lambda: not any(is_alive(pid) for pid in below), "all are gone")


def test_nothing_is_left_when_sandbox_has_ended(directory: pathlib.Path, way: Way) -> None:
    """No socket, no directory of notify sockets."""
    with live(directory, CONFIG.replace('["sh"', '["sh"') + 'type = "notify"\n', way) as init:
        init.wait_for("a", "starting")
        assert init.socket.exists()
        assert init.process is not None
        init.process.terminate()
        init.wait()
        assert list(init.socket.parent.iterdir()) == []


def test_control_socket_is_named_after_the_sandbox_when_none_is_given(
    directory: pathlib.Path,
) -> None:
    """`nsinit ctl -s NAME` and `nsinit ctl` alone find it."""
    alone = ORDINARY + 9  # a user without any other init
    config = directory / "x.toml"
    config.write_text(CONFIG + '\n[sandbox]\nname = "box-of-tests"\n')
    runtime = pathlib.Path(tempfile.mkdtemp(prefix="ns-"))  # short: it ends in a socket's address
    os.chown(runtime, alone, alone)
    env = environment(XDG_RUNTIME_DIR=str(runtime))
    process = subprocess.Popen(
        [*NSINIT, "run", str(config)],
        env=env,
        user=alone,
        group=alone,
        extra_groups=[],
        stdout=subprocess.DEVNULL,
    )
    try:
        path = runtime / "nsinit" / "box-of-tests" / "control.sock"
        eventually(path.exists, "the socket is there")
        for which in (["-s", "box-of-tests"], []):
            done = subprocess.run(
                [*NSINIT, "ctl", *which, "version"],
                env=env,
                user=alone,
                group=alone,
                extra_groups=[],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
    finally:
        process.terminate()
        assert process.wait(20) == 0
    assert list(runtime.iterdir()) == []
    runtime.rmdir()


@pytest.fixture
def no_user_namespaces() -> list[str]:
    """A command prefix under which no user namespace can be made: a nested one with a limit of 0.

    The limit is that of the namespace of this test's own, not the machine's.
    """
    if os.geteuid() != 0:
        pytest.skip("no_user_namespaces: needs root")
    script = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    return ["unshare", "--user", "--map-root-user", "--", "sh", "-c", script, "sh"]


@pytest.mark.row(24)
def test_sysctl_is_named_when_user_namespaces_are_forbidden(
    directory: pathlib.Path, no_user_namespaces: list[str]
) -> None:
    """Exit 125, and the message says which sysctl."""
    config = directory / "x.toml"
    config.write_text(CONFIG + '\n[sandbox]\nnamespaces = {user = "new"}\n')
    done = subprocess.run(
        [*no_user_namespaces, *NSINIT, "run", str(config)],
        env=environment(XDG_RUNTIME_DIR=str(directory)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 125, done
    assert "user.max_user_namespaces is 0" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: drops a capability")
def test_capability_is_named_when_it_is_missing(directory: pathlib.Path) -> None:
    """Root without CAP_SYS_ADMIN, with the user namespace shared on purpose."""
    config = directory / "x.toml"
    config.write_text(CONFIG + '\n[sandbox]\nnamespaces = {user = "shared"}\n')
    done = subprocess.run(
        ["setpriv", "--bounding-set", "-sys_admin", "--", *NSINIT, "run", str(config)],
        env=environment(XDG_RUNTIME_DIR=str(directory)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 125, done
    assert "CAP_SYS_ADMIN is missing" in done.stderr


def test_python_needs_no_more_modules_than_it_has_when_asked() -> None:
    """The launcher does not load what only init needs."""
    script = "import nsinit.sandbox.launch, nsinit.sandbox.plan, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"asyncio", "uvloop", "structlog", "h11", "pyroute2"}
