"""Every example of the README is run."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nsinit.model.load import load, parse_source
from tests.support.live import NSINIT, ROOT, Live, environment, have

if TYPE_CHECKING:
    import pathlib

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
TOML = [text for kind, text in BLOCKS if kind == "toml"]
CONSOLE = [text for kind, text in BLOCKS if kind == "console"]

# What the example of a wrong file looks like; the README shows what is told of it.
BROKEN = """\
[services.web]
restart = "allways"
depends_on = ["bd"]
command = "true"
[services.db]
comand = "true"
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_readme_is_short_when_read() -> None:
    """250 lines at most, and there are examples to run."""
    assert README.count("\n") <= 250
    assert len(TOML) == 2
    assert len(CONSOLE) == 2


def test_toml_examples_are_right_when_loaded() -> None:
    """The services alone, and with the sandbox."""
    services, sandbox = TOML
    loaded = load([parse_source("nsinit.toml", services)], {})
    assert list(loaded.plan.services) == ["migrate", "web"]
    assert loaded.warnings == []
    both = load([parse_source("nsinit.toml", services + sandbox)], {})
    assert both.config.sandbox is not None


def test_quick_start_works_when_typed(tmp_path: pathlib.Path) -> None:
    """The commands, in that order, say what the README says."""
    init = Live(tmp_path, TOML[0], "subreaper", PORT=str(_free_port()))
    lines = CONSOLE[0].splitlines()
    commands = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    try:
        for command in commands:
            words = shlex.split(command)[1:]
            if words == ["run"]:
                init.start()
                init.wait_for("web", "running")
                continue
            done = subprocess.run(
                [*NSINIT, *words],
                cwd=tmp_path,
                env=init.env,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, (command, done.stderr)
            if words == ["check"]:
                assert done.stdout.strip() == lines[1]
        assert init.wait() == 0
    finally:
        init.close()


def test_wrong_file_is_told_as_shown_when_checked(tmp_path: pathlib.Path) -> None:
    """The text in the README is what the program says."""
    (tmp_path / "broken.toml").write_text(BROKEN)
    command, _, told = CONSOLE[1].partition("\n")
    done = subprocess.run(
        [*NSINIT, *shlex.split(command)[2:]],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 78
    assert done.stderr == told


def test_python_and_curl_examples_work_when_init_runs(tmp_path: pathlib.Path) -> None:
    """The client's example prints services, curl gets JSON."""
    with_init = Live(
        tmp_path, '[services.a]\ncommand = "sleep 1000"\nmin_uptime = 0\n', "subreaper"
    )
    try:
        with_init.start()
        with_init.wait_for("a", "running")
        (example,) = [text for kind, text in BLOCKS if kind == "python"]
        done = subprocess.run(
            [sys.executable, "-c", example],
            env=with_init.env,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "a running\n"
        if not have("curl"):
            pytest.skip("needs curl")
        (line,) = re.findall(r"^    (curl .*)$", README, re.MULTILINE)
        words = shlex.split(line.replace("/run/nsinit/control.sock", str(with_init.socket)))
        answer = subprocess.run([*words, "-s"], capture_output=True, text=True, check=True)
        assert '"name":"a"' in answer.stdout
    finally:
        with_init.close()


def test_tour_works_when_typed(tmp_path: pathlib.Path) -> None:
    """`scripts/run`, the README's first command, ends with init's code."""
    env = environment(HOME="/root", NSINIT_RUN_DIR=str(tmp_path))
    done = subprocess.run(
        ["scripts/run"], cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=110
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "init has ended with code 0" in done.stdout
    for name in ("migrate", "web", "worker"):
        assert name in done.stdout
