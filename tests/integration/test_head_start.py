"""Services that run before the rest of init does, by a plan of `nsinit compile`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.live import NSINIT, ROOT, Live, children, environment, eventually, is_alive

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

    from tests.support.live import Way

# What a service can see of how it was born; $$ and pids differ from run to run.
_LOOK = r"""
env | grep -v -e ^_= -e ^NSINIT_SOCKET= | sort; pwd; umask; ulimit -n; ulimit -c
grep -e ^Sig[^Q] -e ^Shd -e ^Groups -e ^NoNew -e ^Seccomp: /proc/self/status
ls -l /proc/self/fd | sed -e 's/.*[0-9] -> /-> /' -e 's,/proc/[0-9]*/fd,/proc/N/fd,' -e 's/\[.*//'
cut -d' ' -f 7 /proc/self/stat
"""
_CONFIG = f"""
[init]
[init.environment]
SHARED = "yes"
[services.look]
command = ['sh', '-c', '''{_LOOK}''']
type = "oneshot"
working_dir = "/usr"
umask = "0027"
environment = {{ OWN = "a b" }}
[services.first]
command = "sleep 1000"
[services.second]
command = "sleep 1000"
depends_on = {{ first = "started" }}
inherit_env = false
log = {{ to = ["null"] }}
[services.told]
command = "true"
type = "oneshot"
nice = 1
depends_on = {{ look = "completed" }}
"""


@pytest.fixture
def way() -> Way:
    """As PID 1 where that is possible: a sandbox has no plan."""
    return "pid1" if os.geteuid() == 0 else "subreaper"


@pytest.fixture
def init(tmp_path: pathlib.Path, way: Way) -> Iterator[Live]:
    """Not started yet."""
    made = Live(tmp_path, _CONFIG, way)
    yield made
    made.close()


def compiled(init: Live, *, code: int = 0) -> str:
    """Make its plan; what was said."""
    command = [*NSINIT, "compile", str(init.config)]
    done = subprocess.run(command, env=init.env, capture_output=True, text=True, check=False)
    assert done.returncode == code, done
    return done.stdout + done.stderr


def seen_by(init: Live) -> str:
    """What the first service saw."""
    init.wait_for("look", "exited")
    return init.ctl("logs", "look").stdout


def test_services_are_born_the_same_when_there_is_a_plan(
    init: Live, tmp_path: pathlib.Path
) -> None:
    """Environment, directory, masks, limits, signals, descriptors: nothing tells how it was."""
    (tmp_path / "other").mkdir()
    other = Live(tmp_path / "other", _CONFIG, init.way)
    said = compiled(init)
    assert "3 services start before" in said
    try:
        for one in (init, other):
            one.limits = {"nofile": (512, 1024)}
            one.env["HERE"] = "same"
            one.start()
        assert seen_by(init) == seen_by(other)
    finally:
        other.close()
    init.wait_for("told", "exited")
    assert "does not count" not in init.said()
    assert "not have" not in init.said()


def test_each_service_runs_once_when_there_is_a_plan(init: Live) -> None:
    """The core takes on what runs, in its order, and restarts it when it is killed."""
    compiled(init)
    init.start()
    first, second = init.wait_for("first", "running"), init.wait_for("second", "running")
    assert (first["restarts"], second["restarts"]) == (0, 0)
    init.wait_for("told", "exited")
    assert len(children(init.pid)) == 2
    os.kill(init.outer_pid(first["pid"]), signal.SIGKILL)
    again = init.wait_for("first", "running", restarts=1)
    assert again["pid"] != first["pid"]
    init.signal(signal.SIGTERM)
    assert init.wait() == 0


def test_first_service_does_not_wait_for_imports(init: Live) -> None:
    """Of what a boot loads only a handful of modules come before the services of a plan."""
    compiled(init)
    code = (
        "import os, sys\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from nsinit.cli import run\n"
        "begun = run._head_start(sys.argv[2], dict(os.environ))\n"
        "print(*sorted(sys.modules))\n"
        "print(*sorted(begun.services), flush=True)\n"
        "begun.abandon()\n"
    )
    command = [sys.executable, "-I", "-S", "-c", code, str(ROOT), str(init.config)]
    done = subprocess.run(command, env=init.env, capture_output=True, text=True, check=True)
    modules, services = map(str.split, done.stdout.splitlines())
    assert services == ["first", "look", "second"]
    late = {"typing", "enum", "re", "collections", "functools", "contextlib", "msgspec", "tomllib"}
    assert not late & set(modules)
    assert len([name for name in modules if name.startswith("nsinit")]) <= 24
    assert not init.socket.exists()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        ("config", "nsinit.toml is another one by now"),
        ("variable", "$HERE is another one here"),
        ("mode", "others than root and you can write to it"),
        ("version", "it was made by another nsinit or Python"),
        ("cut", "it is damaged"),
        ("kind", "cannot"),
    ],
)
def test_plan_does_not_count_when_something_changed(init: Live, spoil: str, why: str) -> None:
    """Everything goes on as without it, and it is told why."""
    text = init.config.read_text()
    init.config.write_text(text.replace('SHARED = "yes"', 'SHARED = "${HERE}"'))
    compiled(init)
    plan = init.config.with_name("nsinit.toml.plan")
    data = plan.read_bytes()
    match spoil:
        case "config":
            init.config.write_text(text.replace("0027", "0077"))
        case "variable":
            init.env["HERE"] = "elsewhere"
        case "mode":
            plan.chmod(0o666)
        case "version":
            plan.write_bytes(data.replace(b"nsinit plan", b"nsinit plam", 1))
        case "cut":
            plan.write_bytes(data[:-40])
        case _:
            plan.unlink()
            plan.mkdir()
            why = "no regular file"
    init.start()
    seen = seen_by(init)
    assert ("0077" in seen) == (spoil == "config")
    assert ("SHARED=elsewhere" in seen) == (spoil == "variable")
    assert "does not count: " in init.said()
    assert why in init.said()


def test_included_files_count_too_when_there_is_a_plan(init: Live, tmp_path: pathlib.Path) -> None:
    """A file more, or another one, and the plan is of another configuration."""
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "a.toml").write_text('[services.a]\ncommand = "sleep 1000"\n')
    init.config.write_text(f'include = ["parts/*.toml"]\n{_CONFIG}')
    assert "4 services start" in compiled(init)
    (parts / "b.toml").write_text('[services.b]\ncommand = "sleep 1000"\n')
    init.start()
    init.wait_for("b", "running")
    assert "there are other files in" in init.said()


def test_rest_is_left_to_the_core_when_a_program_is_missing(init: Live) -> None:
    """What can't be started early fails as ever, and holds up nobody else."""
    text = init.config.read_text()
    init.config.write_text(f'{text}\n[services.gone]\ncommand = "/no/such"\nrestart = "no"\n')
    init.config.write_text(init.config.read_text() + '[services.zlast]\ncommand = "sleep 1000"\n')
    assert "5 services start" in compiled(init)
    init.start()
    init.wait_for("gone", "failed")
    for name in ("first", "second", "zlast"):
        assert init.wait_for(name, "running")["restarts"] == 0
    assert "cannot execute /no/such" in init.said()


def test_what_began_ends_when_init_can_not(init: Live) -> None:
    """An init that fails before it looks after its services leaves none behind."""
    init.way = "subreaper"
    compiled(init)
    code = (
        "import os, sys\n"
        "sys.argv = ['nsinit', 'run', sys.argv[1]]\n"
        "import nsinit.cli.run as run\n"
        "def broken(argv, env, begun):\n"
        "    print(*(one.pid for one in begun.services.values()), flush=True)\n"
        "    raise RuntimeError('broken')\n"
        "run._run_words = broken\n"
        "from nsinit.__main__ import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", code, str(init.config)]
    done = subprocess.run(command, env=init.env, capture_output=True, text=True, check=False)
    assert done.returncode == 70, done
    pids = [int(word) for word in done.stdout.split()]
    assert len(pids) == 3
    eventually(lambda: not any(map(is_alive, pids)), "all have ended")
    assert not init.socket.exists()


def test_compile_says_why_when_nothing_can_start_sooner(init: Live) -> None:
    """A sandbox is made first; sockets are bound first; the reason is told with the file."""
    init.config.write_text('[sandbox]\n[services.a]\ncommand = "true"\n')
    assert "cannot compile: a sandbox has to be made before" in compiled(init, code=78)
    init.config.write_text('[services.a]\ncommand = "true"\nsockets = ["tcp:127.0.0.1:1"]\n')
    assert "cannot compile: sockets of a have to be there" in compiled(init, code=78)
    assert not init.config.with_name("nsinit.toml.plan").exists()


def test_compile_names_services_when_they_are_left_out(init: Live) -> None:
    """Whoever wonders why a service does not start sooner reads which key it is."""
    init.config.write_text('[services.a]\ncommand = "true"\nuser = "root"\n')
    assert "not a, because of user" in compiled(init)


def test_init_runs_when_python_comes_without_extras(init: Live) -> None:
    """`python3 -I -S .../nsinit/start.py` is the same nsinit, without site-packages."""
    words = [sys.executable, "-I", "-S", str(ROOT / "nsinit/start.py"), "--version"]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.startswith("nsinit ")


def test_plan_counts_when_other_files_come_into_the_directory(init: Live) -> None:
    """Of a directory that is searched only names count that a pattern could mean."""
    more = init.config.with_name("more.toml.part")
    init.config.with_name("a.conf").write_text('[services.a]\ncommand = "sleep 1000"\n')
    init.config.write_text(f'include = ["*.conf"]\n{_CONFIG}')
    compiled(init)
    more.write_text("")
    init.start()
    init.wait_for("a", "running")
    assert "does not count" not in init.said()


@pytest.mark.parametrize("rows", [[(1, 2)], [3], "x"])
def test_everything_starts_when_the_rows_of_a_plan_are_odd(init: Live, rows: object) -> None:
    """It is only a plan: nothing in it can keep init from its work, or leave limits changed."""
    from nsinit.runtime.headstart import planfile

    compiled(init)
    plan = planfile.read(str(init.config), init.env)
    plan.starts = rows  # type: ignore[assignment]  # as a file may have it
    init.config.with_name("nsinit.toml.plan").write_bytes(plan.to_bytes())
    init.limits = {"nofile": (512, 1024)}
    init.start()
    assert "\n512\n" in seen_by(init)
    assert "does not count" in init.said()


def test_compile_refuses_a_name_when_run_would_not_know_it(init: Live) -> None:
    """`nsinit run x.conf` means a command, so a plan beside it would be no use."""
    command = [*NSINIT, "compile", "x.conf"]
    done = subprocess.run(command, env=init.env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "its name does not end in .toml" in done.stderr
