"""The walls between layers, and what each stage may load."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import TYPE_CHECKING, get_args

import pytest

from tests.support.live import ROOT, environment

if TYPE_CHECKING:
    import pathlib

PACKAGE = ROOT / "nsinit"
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"asyncio", "uvloop", "structlog", "h11", "pyroute2", "rich"}


def _loaded(statement: str, *options: str) -> set[str]:
    """The modules that are loaded after a statement, in a fresh interpreter with these options."""
    script = f"import sys\nsys.path.append({str(ROOT)!r})\n{statement}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, *options, "-c", script],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "package", ["bundles", "model", "core", "kernel", "process", "isolation", "sandbox"]
)
def test_lower_layers_load_no_loop_when_imported(package: str) -> None:
    """What init needs before its first service knows no asyncio."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (PACKAGE / package).rglob("*.py")
    ]
    loaded = _loaded(f"import {', '.join(names)}")
    assert not loaded & HEAVY


def test_core_is_pure_when_imported() -> None:
    """The core imports no clock, no randomness, no I/O, directly or through its own modules."""
    forbidden = {
        "os",
        "time",
        "random",
        "asyncio",
        "logging",
        "socket",
        "ctypes",
        "select",
        "signal",
    }
    for path in [*(PACKAGE / "core").rglob("*.py")]:
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not {name.split(".")[0] for name in names} & forbidden, path


def test_ctl_loads_little_when_it_asks_for_status() -> None:
    """An operator waits for this: neither asyncio nor msgspec nor h11."""
    loaded = _loaded("import nsinit.cli.ctl as c; c.parser(c.VERBS['status'])")
    assert not loaded & (HEAVY | {"msgspec", "tomllib", "logging", "socket", "dataclasses"})


def test_single_command_loads_little_when_it_starts() -> None:
    """This is paid by every start of a container."""
    loaded = _loaded("import nsinit.__main__, nsinit.cli.single")
    heavy = HEAVY | {"msgspec", "tomllib", "ctypes", "argparse", "socket", "json", "dataclasses"}
    heavy |= {"select", "fcntl", "termios", "nsinit.units", "nsinit.nearest", "nsinit.kernel.proc"}
    heavy |= {"typing", "re", "nsinit.errors", "nsinit.process.terminal"}
    assert not loaded & heavy
    # What those load that the interpreter itself does not; `python -S` has none of it.
    heavy = {"signal", "enum", "functools", "collections", "contextlib", "operator", "reprlib"}
    loaded = _loaded("import nsinit.__main__, nsinit.cli.single", "-I", "-S")
    assert not loaded & heavy


def test_codes_are_the_same_when_written_twice() -> None:
    """The single command does not load the module of errors for two numbers."""
    from nsinit import errors
    from nsinit.process import birth

    assert errors.EXIT_NOT_FOUND == birth.EXIT_NOT_FOUND
    assert errors.EXIT_NOT_EXECUTABLE == birth.EXIT_NOT_EXECUTABLE


def test_init_loads_no_loop_when_it_spawns_its_first_wave() -> None:
    """Asyncio and what stands on it come after the first services run."""
    loaded = _loaded("import nsinit.cli.run, nsinit.model.find, nsinit.runtime.boot")
    heavy = HEAVY | {
        "argparse",
        "json",
        "socket",
        "logging",
        "dataclasses",
        "hashlib",
        "ssl",
        "glob",
        "nsinit.runtime.logfile",
        "nsinit.runtime.logfiles",
        "nsinit.runtime.rotation",
    }
    assert not loaded & heavy, loaded & heavy


def test_init_loads_nothing_of_identity_when_no_service_asks_for_any() -> None:
    """Files of variables, priorities and terminals are paid by those who use them."""
    spec = "nsinit.model.spec.Service(command=('true',))"
    around = "nsinit.process.program.Surroundings('/', {})"
    loaded = _loaded(
        "import nsinit.cli.run, nsinit.model.find, nsinit.runtime.boot, nsinit.process.program\n"
        f"nsinit.process.program.prepare({spec}, {around}, {{}})"
    )
    unused = {
        "nsinit.model.envfile",
        "nsinit.process.smallfile",
        "nsinit.process.stages",
        "nsinit.kernel.scheduling",
        "nsinit.kernel.creds",
        "nsinit.isolation",
        "nsinit.cli.words",
    }
    assert not loaded & unused, loaded & unused


def test_init_loads_no_probes_when_no_service_has_them() -> None:
    """What a configuration does not use is not imported."""
    loaded = _loaded("import nsinit.cli.run, nsinit.model.find, nsinit.runtime.boot")
    unused = {f"nsinit.runtime.{name}" for name in ("answer", "probes", "readiness")}
    assert not loaded & unused


def test_init_loads_no_calendar_when_nothing_has_a_schedule() -> None:
    """Zones, cron lines, timers and watches are for those who ask for them."""
    loaded = _loaded(
        "from nsinit.model.load import load, parse_source\n"
        "load([parse_source('n.toml', '[services.a]\\ncommand = \"x\"')], {})\n"
        "import nsinit.cli.run, nsinit.model.find, nsinit.runtime.boot"
    )
    heavy = {"zoneinfo", "cronsim", "calendar", "fnmatch", "nsinit.model.cron"}
    heavy |= {f"nsinit.runtime.{name}" for name in ("schedule", "timetable", "watch", "trees")}
    heavy |= {"nsinit.bundles", "nsinit.model.bundled", "nsinit.sandbox.hooks"}
    assert not loaded & heavy


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_file_is_readable_when_it_is_one_of_ours(path: pathlib.Path) -> None:
    """A file has at most 400 lines and a function 60."""
    text = path.read_text()
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 60, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_pid_1_has_no_thread_when_code_is_read(path: pathlib.Path) -> None:
    """No threads, no subprocess API of the loop, no wall clock outside the seam."""
    text = path.read_text()
    for word in ("threading", "create_subprocess", "run_in_executor", "ThreadPool"):
        assert word not in text
    if "cli" not in path.parts and path.name != "seam.py":
        assert "time.time(" not in text


def test_every_row_has_all_its_parts_when_the_table_grows() -> None:
    """A handler, a way to show it, and a method of the client for each command."""
    from nsinit.cli.show import SHOW, STREAM
    from nsinit.client import Client
    from nsinit.control.commands import COMMANDS
    from nsinit.control.handlers import Handlers

    names = {command.name for command in COMMANDS}
    handled = {name.removeprefix("do_") for name in dir(Handlers) if name.startswith("do_")}
    assert handled == names
    assert {c.name for c in COMMANDS if c.stream} == STREAM.keys()
    assert {c.name for c in COMMANDS if not c.stream} == SHOW.keys()
    client = Client("/nowhere")
    assert all(callable(getattr(client, name)) for name in names)
    assert all(command.examples for command in COMMANDS)


def test_little_of_images_is_loaded_when_one_is_run() -> None:
    """What reads and unpacks archives is for `nsinit image import`; without an image, nothing."""
    loaded = _loaded("import nsinit.cli.run, nsinit.model.find, nsinit.runtime.boot")
    assert not {name for name in loaded if name.startswith("nsinit.images")}
    loaded = _loaded("import nsinit.images.use")
    assert not loaded & (HEAVY | {"hashlib", "tempfile", "zlib"})
    assert "nsinit.images.archive" not in loaded


def test_sinks_are_not_loaded_when_nobody_has_one() -> None:
    """A service that logs to the console in text costs no more than that."""
    loaded = _loaded("import nsinit.runtime.boot")
    lazy = ("jsonlines", "logfiles", "rfc5424", "shaping", "syslog", "syslogs")
    assert not loaded & {f"nsinit.runtime.{name}" for name in lazy}
    assert not loaded & {"nsinit.kernel.calling", "nsinit.kernel.stopwatch"}


def test_no_annotation_is_compiled_when_a_table_is_read() -> None:
    """A type of a key that was written as a string would be, in the first 10 ms of each start."""
    from msgspec import Struct, structs

    from nsinit.model.spec import Config

    todo: list[object] = [Config]
    seen: set[object] = set()
    while todo:
        kind = todo.pop()
        if kind in seen:
            continue
        seen.add(kind)
        todo += get_args(kind)
        if isinstance(kind, type) and issubclass(kind, Struct):
            todo += [field.type for field in structs.fields(kind)]
            for base in kind.__mro__:
                written = vars(base).get("__annotations__", {})
                assert not [key for key, value in written.items() if isinstance(value, str)], base
    assert len([kind for kind in seen if isinstance(kind, type) and issubclass(kind, Struct)]) > 20


def test_checks_are_not_loaded_when_they_would_find_nothing() -> None:
    """What a configuration does not have needs no check."""
    loaded = _loaded(
        "import nsinit.model.find as f\n"
        "from nsinit.model.load import load, parse_source\n"
        "load([parse_source('n.toml', '[services.a]\\ncommand = \"x\"')], {})"
    )
    assert not {name for name in loaded if name.startswith("nsinit.model.checks_")}
    assert not loaded & {"nsinit.model.listening", "nsinit.model.remote", "nsinit.model.intake"}


# How many modules an init with one plain service has at each stage: the most of Python 3.11 to 3.13
# and a few to spare. Each takes 0.1 ms and more of every start; who needs one more says so here.
_READ = (
    "import nsinit.cli.run\n"
    "from nsinit import slim\n"
    "slim.load_msgspec(); slim.load_tomllib()\n"
    "from nsinit.model.find import load\n"
    "from nsinit.model.load import parse_source\n"
    "load([parse_source('n.toml', '[services.a]\\ncommand = [\"x\"]')], {})\n"
)
_SPAWN = f"{_READ}import nsinit.runtime.boot\n"
_RUN = (
    f"{_SPAWN}slim.load_uvloop(); slim.load_h11()\n"
    "import nsinit.control.server, nsinit.control.handlers, nsinit.runtime.loop\n"
    "import nsinit.runtime.reexec\n"
)
_NEVER = {
    "ssl", "_ssl", "decimal", "_decimal", "uuid", "platform", "inspect", "ast", "dis", "pickle",
    "structlog", "rich", "pyroute2", "argparse", "subprocess", "locale", "zlib", "hashlib",
    "email", "http", "unittest", "typing_extensions", "logging", "string", "dataclasses", "json",
    "base64", "textwrap", "asyncio.sslproto",
}  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "most"), [(_READ, 130), (_SPAWN, 216), (_RUN, 333)], ids=["read", "spawn", "run"]
)
def test_init_has_no_more_modules_than_planned_when_it_is_so_far(stage: str, most: int) -> None:
    """The configuration is read; the first service is spawned; init runs."""
    loaded = _loaded(stage)
    assert not loaded & _NEVER, sorted(loaded & _NEVER)
    assert len(loaded) <= most, (len(loaded), sorted(loaded))
