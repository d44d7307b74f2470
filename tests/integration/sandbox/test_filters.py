"""What services may ask of the kernel: filters of system calls, Landlock; in a sandbox and not."""

from __future__ import annotations

import os
import pathlib
import shutil
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import landlock
from tests.support.live import (
    DEADLINE,
    ORDINARY,
    ROOT,
    Live,
    Way,
    children,
    command_line,
    eventually,
    live,
    status_field,
    toml,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

PROFILE = pathlib.Path(__file__).parents[2] / "support" / "docker_profile.json"
# Asks for each of these, and tells the errno: 0 if it was granted.
PROBE = """
import ctypes, errno, fcntl, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
number = {"bpf": 321, "keyctl": 250, "userfaultfd": 323, "swapon": 167, "clone3": 435,
          "io_uring_setup": 425, "open_by_handle_at": 304, "perf_event_open": 298, "sysinfo": 99,
          "clock_settime": 227}
if os.uname().machine == "aarch64":
    number |= {"bpf": 280, "keyctl": 219, "userfaultfd": 282, "swapon": 224, "perf_event_open": 241,
               "open_by_handle_at": 265, "sysinfo": 179, "clock_settime": 112}
def answer(name):
    ctypes.set_errno(0)
    try:
        if name == "mount":
            libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)
        elif name == "unshare":
            libc.unshare(0x10000000)
        elif name == "unshare-fs":
            libc.unshare(0x200)
        elif name == "tiocsti":
            fcntl.ioctl(0, 0x5412, b"x")
        elif name == "personality":
            libc.personality(0x40000)
        elif name == "vsock":
            socket.socket(40, socket.SOCK_STREAM)
        elif name == "new":
            libc.syscall(1000)
        else:
            libc.syscall(number[name], 0, 0, 0, 0, 0)
    except OSError as error:
        return error.errno
    return ctypes.get_errno()
for name in sys.argv[1:]:
    print("asked", name, errno.errorcode.get(answer(name), "0"), flush=True)
"""
REFUSED = [
    "mount", "unshare", "tiocsti", "personality", "vsock", "bpf", "keyctl", "userfaultfd",
    "swapon", "io_uring_setup", "open_by_handle_at", "perf_event_open",
]  # fmt: skip
UNKNOWN = ["clone3", "new"]
WORK = """
import os, socket, subprocess, sys, tempfile, threading
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
peer, _ = server.accept()
client.sendall(b"hello")
assert peer.recv(5) == b"hello"
thread = threading.Thread(target=lambda: None)
thread.start()
thread.join()
done = subprocess.run(["sh", "-c", "echo $((1 + 1)) | cat; exit 3"], capture_output=True)
assert (done.stdout, done.returncode) == (b"2\\n", 3)
with tempfile.TemporaryFile() as file:
    file.write(b"x")
    os.fsync(file.fileno())
print("all works", flush=True)
"""


def service(script: str, *words: str, more: str = "") -> str:
    """A service that runs a script and ends init with its code."""
    command = toml([sys.executable, "-c", script.replace("$", "$$"), *words])
    return f"[services.a]\nmain = true\ncommand = {command}\n{more}\n"


def answers(text: str) -> dict[str, str]:
    """What the probe was told, by what it asked for."""
    lines = [line.partition("| ")[2] or line for line in text.splitlines()]
    rows = [line.split() for line in lines if line.startswith("asked")]
    return {name: errno for _, name, errno in rows}


# --- In a sandbox ---------------------------------------------------------------------------------


@pytest.mark.row(63)
def test_dangerous_calls_are_refused_when_a_service_is_in_a_sandbox(
    box: Callable[..., Box],
) -> None:
    """By default, as root of it: what is of no namespace, and what would make new ones."""
    done = box(service(PROBE, *REFUSED, *UNKNOWN, "unshare-fs", "sysinfo") + "[sandbox]").run()
    got = answers(done.stdout)
    assert {name: got[name] for name in REFUSED} == dict.fromkeys(REFUSED, "EPERM")
    assert {name: got[name] for name in UNKNOWN} == dict.fromkeys(UNKNOWN, "ENOSYS")
    assert got["unshare-fs"] == "0"
    assert got["sysinfo"] == "EFAULT"  # the kernel was asked


@pytest.mark.row(63)
@pytest.mark.parametrize(("seccomp", "got"), [("default", "EPERM"), ("unconfined", "EFAULT")])
def test_clock_of_the_host_is_out_of_reach_when_a_service_would_set_it(
    box: Callable[..., Box], seccomp: str, got: str
) -> None:
    """There is no namespace for it: the filter refuses before the kernel looks at anything."""
    done = box(service(PROBE, "clock_settime") + f'[sandbox]\nseccomp = "{seccomp}"\n').run()
    assert answers(done.stdout) == {"clock_settime": got}


@pytest.mark.row(63)
def test_ordinary_work_is_done_when_the_filter_is_on(box: Callable[..., Box]) -> None:
    """Threads, a shell, pipes, sockets, files."""
    done = box(service(WORK) + "[sandbox]").run()
    assert "all works" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


@pytest.mark.row(63)
def test_server_answers_when_the_filter_is_on(box: Callable[..., Box]) -> None:
    """One that accepts, and forks for each."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    script = (
        "import socketserver\n"
        "class Handler(socketserver.StreamRequestHandler):\n"
        "    def handle(self): self.wfile.write(self.rfile.readline())\n"
        f"server = socketserver.ForkingTCPServer(('127.0.0.1', {port}), Handler)\n"
        "print('serving', flush=True)\n"
        "server.serve_forever()\n"
    )
    made = box(service(script) + "[sandbox]").start()
    made.wait_for_line("serving")
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as client:
        client.sendall(b"echo\n")
        assert client.recv(5) == b"echo\n"
    made.stop()


def test_nothing_is_filtered_when_the_service_is_unconfined(box: Callable[..., Box]) -> None:
    """Its own key goes before the sandbox's, and init itself is under no filter."""
    sleeper = '[services.b]\ncommand = "sleep 1000"\n'
    text = 'seccomp = "unconfined"\n[sandbox]\nseccomp = "default"\n'
    made = box(sleeper + service("import time; time.sleep(1000)", more=text)).start()
    eventually(lambda: _filters(made) == ["0", "2"], "one is filtered, the other is not")
    assert status_field(made.pid, "Seccomp:") == "0"
    made.stop()


def _filters(made: Box) -> list[str]:
    named = [pid for pid in children(made.pid) if b"nsinit\0run" not in command_line(pid)]
    return sorted(status_field(pid, "Seccomp:") for pid in named)


def test_capability_opens_its_calls_when_it_was_given(box: Callable[..., Box]) -> None:
    """CAP_SYS_ADMIN is for mounts; in the namespaces of the sandbox that harms nobody."""
    text = 'cap_add = "SYS_ADMIN"\n[sandbox]\n'
    got = answers(box(service(PROBE, "mount", "keyctl", "swapon", more=text)).run().stdout)
    assert got == {"mount": "0", "keyctl": "EPERM", "swapon": "EPERM"}


def test_filter_is_on_when_new_privileges_are_allowed(box: Callable[..., Box]) -> None:
    """Init keeps what it takes to load it, and the service has none of that."""
    text = "[sandbox]\nno_new_privs = false\n"
    done = box(service(PROBE, "mount", "keyctl", "sysinfo") + text).run()
    assert answers(done.stdout) == {"mount": "EPERM", "keyctl": "EPERM", "sysinfo": "EFAULT"}


def test_profile_of_docker_is_in_force_when_it_is_named(
    box: Callable[..., Box], tmp_path: pathlib.Path
) -> None:
    """Read before the sandbox is made; a list of what is allowed as well as of what is not."""
    shutil.copy(PROFILE, tmp_path / "profile.json")
    text = f'seccomp = "{tmp_path}/profile.json"\n[sandbox]\n'
    script = (
        "import os\n"
        "try: os.mkdir('/tmp/nsinit-test-none')\n"
        "except OSError as error: print('mkdir', error.errno)\n"
        "print('pid', os.getpid() > 0)"
    )
    done = box(service(script, more=text)).run()
    assert "mkdir 1" in done.stdout, done.stdout + done.stderr
    assert "pid True" in done.stdout


# --- Without a sandbox ----------------------------------------------------------------------------

WAYS: list[Way] = ["subreaper", "pid1"]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    """As PID 1 of a container, and as somebody's child."""
    if request.param == "pid1" and os.geteuid() != 0:
        pytest.skip("pid1: needs root")
    way: Way = request.param
    return way


def ended(made: Live) -> str:
    """What an init has written when it has come to its end."""
    made.wait()
    return made.said()


@pytest.mark.parametrize(
    ("seccomp", "got"),
    [
        ('{deny = ["@keyring", "sysinfo"]}', {"keyctl": "EPERM", "sysinfo": "EPERM"}),
        ('{deny = "@keyring", action = "log"}', {"keyctl": "EOPNOTSUPP", "sysinfo": "EFAULT"}),
        ('{allow = ["@service"], deny = "sysinfo", default = "errno"}',
         {"keyctl": "EPERM", "sysinfo": "EPERM"}),
        ('"default"', {"keyctl": "EPERM", "sysinfo": "EFAULT"}),
    ],
)  # fmt: skip
def test_calls_are_refused_when_a_plain_service_asks_for_a_filter(
    tmp_path: pathlib.Path, way: Way, seccomp: str, got: dict[str, str]
) -> None:
    """Outside of any sandbox there is none unless asked for."""
    text = service(PROBE, "keyctl", "sysinfo", more=f"seccomp = {seccomp}")
    with live(tmp_path, text, way) as made:
        found = answers(ended(made))
    if got["keyctl"] == "EOPNOTSUPP":  # it was let through, and the kernel answers by itself
        assert found.pop("keyctl") != "EPERM"
        got = {"sysinfo": got["sysinfo"]}
    assert found == got


def test_service_is_killed_when_its_filter_says_so(tmp_path: pathlib.Path, way: Way) -> None:
    """By SIGSYS, which init tells."""
    text = service(PROBE, "keyctl", more='seccomp = {deny = "@keyring", action = "kill"}')
    with live(tmp_path, text, way) as made:
        assert made.wait() == 128 + 31
        assert "SYS" in made.said()


def test_no_filter_is_there_when_nobody_asks(tmp_path: pathlib.Path, way: Way) -> None:
    """Nor no_new_privs."""
    script = "print([l.split() for l in open('/proc/self/status') if 'Sec' in l or 'NoNew' in l])"
    with live(tmp_path, service(script), way) as made:
        assert "[['NoNewPrivs:', '0'], ['Seccomp:', '0']" in ended(made)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it gives up its powers")
@pytest.mark.parametrize("key", ['seccomp = {deny = "bpf"}', "landlock = {bind = []}"])
def test_remedy_is_told_when_nothing_else_was_given_up(tmp_path: pathlib.Path, key: str) -> None:
    """An ordinary user's init and no_new_privs = false: the kernel takes no filter."""
    text = service("pass", more=f"no_new_privs = false\n{key}")
    made = Live(tmp_path, text, "subreaper")
    made.user = ORDINARY
    made.start()
    try:
        assert made.wait() == 126
        assert "leave no_new_privs on" in made.said()
    finally:
        made.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only it can do without no_new_privs")
def test_filter_is_loaded_earlier_when_root_keeps_new_privileges(tmp_path: pathlib.Path) -> None:
    """Before the ids change, while CAP_SYS_ADMIN is there."""
    script = (
        "import os\n"
        "print(os.getuid(), [l.split() for l in open('/proc/self/status') if 'NoNew' in l])\n"
        "try: os.uname()\n"
        "except OSError as error: print('uname', error.errno)"
    )
    more = f'user = {ORDINARY}\nno_new_privs = false\nseccomp = {{deny = "uname"}}'
    with live(tmp_path, service(script, more=more)) as made:
        said = ended(made)
    assert f"{ORDINARY} [['NoNewPrivs:', '0']]" in said
    assert "uname 1" in said


# --- Landlock -------------------------------------------------------------------------------------

FILES = """
import os, socket, sys
def told(name, act):
    try:
        act()
    except OSError as error:
        print(name, error.errno, flush=True)
    else:
        print(name, "ok", flush=True)
here = os.environ["HERE"]
told("read", lambda: open(here + "/in/file").read())
told("write", lambda: open(here + "/out/file", "w").write("x"))
told("write-in", lambda: open(here + "/in/file", "w"))
told("read-other", lambda: open(here + "/other").read())
told("null", lambda: open("/dev/null", "w").write("x"))
told("make", lambda: os.mkdir(here + "/out/new"))
told("execute", lambda: os.posix_spawn("/bin/true", ["true"], {}))
told("bind", lambda: socket.create_server(("127.0.0.1", int(sys.argv[1]))).close())
told("bind-other", lambda: socket.create_server(("127.0.0.1", int(sys.argv[2]))).close())
told("signal", lambda: os.kill(os.getppid(), 0))
"""


@pytest.mark.skipif(landlock.abi() < 6, reason="needs a kernel with Landlock's ABI 6")
@pytest.mark.parametrize("way", ["subreaper", "sandbox", "rootless"])
def test_service_reaches_only_what_landlock_allows(tmp_path: pathlib.Path, way: Way) -> None:
    """Files to read, to write and to execute, ports, and nobody's signals."""
    if os.geteuid() != 0 and way == "sandbox":
        pytest.skip("sandbox: needs root")
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        ports = one.getsockname()[1], two.getsockname()[1]
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o777)
    for path in ("in/file", "out/file", "other"):
        (tmp_path / path).write_text("x")
        (tmp_path / path).chmod(0o666)
    python = [sys.prefix, sys.base_prefix, os.path.realpath(sys.executable)]
    execute = ["/usr", "/lib64?", *python]
    more = (
        f'landlock = {{read = ["/proc", "/etc", "{tmp_path}/in", "{tmp_path}/none?"], '
        f'write = ["{tmp_path}/out"], execute = {toml(execute)}, bind = {ports[0]}, '
        'scope = ["signal"]}'
    )
    text = service(FILES, *map(str, ports), more=more)
    with live(tmp_path, text, way, PYTHONDONTWRITEBYTECODE="1") as made:
        said = ended(made)
    rows = [line.partition("| ")[2] for line in said.splitlines() if line.startswith("a ")]
    assert rows == [
        "read ok", "write ok", "write-in 13", "read-other 13", "null ok", "make ok", "execute ok",
        "bind ok", "bind-other 13", "signal 1",
    ], said  # fmt: skip


@pytest.mark.skipif(landlock.abi() < 1, reason="needs a kernel with Landlock")
def test_start_fails_when_a_path_of_landlock_is_missing(tmp_path: pathlib.Path) -> None:
    """Which one, and what can be done."""
    with live(tmp_path, service("pass", more='landlock = {read = ["/", "/none/such"]}')) as made:
        assert made.wait() == 127
        said = made.said()
    assert "cannot allow /none/such by Landlock for" in said
    assert '"/none/such?" may be missing' in said


@pytest.mark.parametrize("strict", ["false", "true"])
def test_kernel_is_told_of_when_it_has_no_landlock(tmp_path: pathlib.Path, strict: str) -> None:
    """A warning, or no start where that was asked for."""
    more = f'landlock = {{read = ["/"], bind = [], strict = {strict}}}'
    faults = "landlock_create_ruleset:ENOSYS"
    with live(tmp_path, service("print('ran')", more=more), NSINIT_FAULTS=faults) as made:
        code = made.wait()
        said = made.said()
    lacking = "can't restrict files at all, restrict bind"
    if strict == "true":
        assert code == 126
        assert f"kernel's Landlock {lacking.replace(' ', ': ', 1)}" in said
    else:
        assert code == 0
        assert f"Landlock restricts less than was asked for: this kernel {lacking}" in said
        assert "ran" in said


@pytest.mark.skipif(landlock.abi() < 6, reason="needs a kernel with Landlock's ABI 6")
def test_filters_example_works_when_run(tmp_path: pathlib.Path) -> None:
    """config/filters.toml: each service says what was refused."""
    shutil.copytree(ROOT / "config/filters", tmp_path / "filters")
    config = (ROOT / "config/filters.toml").read_text().replace("/tmp", str(tmp_path))
    with live(tmp_path, config, "subreaper") as made:
        assert made.wait() == 0
        said = made.said()
    for line in (
        "no new user namespace",
        "no directory",
        "no network here",
        "a new user namespace, and nothing else",
        "no IPv6: Address family not supported by protocol",
        "only here",
    ):
        assert line in said
    assert not (tmp_path / "nsinit-filters").exists()
