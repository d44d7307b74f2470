"""What Tab offers in a real zsh and a real fish, with services as a running init has them."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from nsinit.cli.completion import WRITERS
from nsinit.control.commands import VERBS
from tests.support.live import Live
from tests.support.terminal import Screen

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """
[init]
keep_running = true
[services.web]
command = "sleep 1000"
[services.worker]
command = "sleep 1000"
"""


@pytest.fixture(scope="module")
def init() -> Iterator[Live]:
    """An init with two services, and a program that is called nsinit."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-") as directory:
        made = Live(pathlib.Path(directory), CONFIG, "subreaper")
        program = made.directory / "nsinit"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m nsinit "$@"\n')
        program.chmod(0o755)
        made.env["PATH"] = f"{directory}:{made.env.get('PATH', os.defpath)}"
        made.env["HOME"] = directory
        for shell, write in WRITERS.items():
            (made.directory / f"completion.{shell}").write_text(write() + "\n")
        try:
            made.start()
            made.wait_for("worker", "running")
            yield made
        finally:
            made.close()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("nsinit ctl st", {"start", "status", "stop"}),
        ("nsinit ctl restart w", {"web", "worker"}),
        ("nsinit ctl wait --for r", {"ready", "running"}),
        ("nsinit ctl stop --q", {"--quiet"}),
        ("nsinit ctl -s x st", {"start", "status", "stop"}),
        ("nsinit ctl --socket ./ctl/control.sock restart w", {"web", "worker"}),
        ("nsinit ctl shutdown --q", {"--quiet"}),
        ("nsinit ctl status --co", {"--color"}),
        ("nsinit ctl events --type pr", {"probe"}),
        ("nsinit ctl logs --run p", {"previous"}),
        ("nsinit ctl metrics nsinit_service_u", {"nsinit_service_up"}),
        ("nsinit ctl signal HU", {"HUP"}),
        ("nsinit stop --q", {"--quiet"}),
        ("nsinit list --fo", {"--format"}),
        ("nsinit check --js", {"--json"}),
        ("nsinit top --del", {"--delay"}),
        ("nsinit openapi --h", {"--help"}),
        ("nsinit convert --from s", {"s6", "supervisord", "systemd"}),
        ("nsinit help sing", {"single"}),
        ("nsinit conv", {"convert"}),
        ("nsinit completion f", {"fish"}),
        ("nsinit ns su", {"supported"}),
        ("nsinit run --hostn", {"--hostname"}),
        ("nsinit init --template s", {"services", "sandbox"}),
        ("nsinit help services.NAME.restart_d", {"services.NAME.restart_delay"}),
        ("nsinit ctl ", set(VERBS)),
    ],
)
def test_words_are_offered_when_tab_is_pressed_in_fish(
    init: Live, line: str, offered: set[str]
) -> None:
    """By fish's own `complete -C`; nothing is said on stderr."""
    script = f'source "{init.directory}/completion.fish"; complete -C "{line}"'
    done = subprocess.run(
        ["fish", "--no-config", "-c", script],
        cwd=init.directory, env=init.env, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert {row.partition("\t")[0] for row in done.stdout.splitlines()} == offered


def test_words_are_completed_when_tab_is_pressed_in_zsh(init: Live) -> None:
    """Typed on a terminal: verbs, services, options, the values of options, programs."""
    env = {name: init.env[name] for name in ("PATH", "HOME", "NSINIT_SOCKET")}
    with Screen(["env", "TERM=xterm", "zsh", "-f", "-i"], init.directory, **env) as screen:
        screen.type("PS1='> '; bindkey '^U' kill-whole-line; unsetopt beep list_beep\n")
        screen.type(
            "autoload -Uz compinit; compinit -u -D; source ./completion.zsh; print rea''dy\n"
        )
        screen.wait_for("ready")
        for typed, whole in (
            ("nsinit conv", "convert "),
            ("nsinit ctl unpi", "unpin "),
            ("nsinit ctl restart wo", "worker "),
            ("nsinit ctl stop --qui", "--quiet "),
            ("nsinit ctl wait --for rea", "ready "),
            ("nsinit ctl status --color nev", "never "),
            ("nsinit ns supp", "supported "),
            ("nsinit completion zs", "zsh "),
            ("nsinit init --template cont", "container "),
            ("nsinit schema --do", "--docs "),
            ("nsinit ctl -s x unpi", "unpin "),
            ("nsinit ctl --socket ./ctl/control.sock restart wo", "worker "),
            ("nsinit ctl events --type rea", "ready "),
            ("nsinit convert --from sup", "supervisord "),
            ("nsinit stop --qui", "--quiet "),
            ("nsinit top --del", "--delay "),
            ("nsinit help services.NAME.restart_d", "services.NAME.restart_delay "),
        ):
            screen.type(typed + "\t")
            begun = typed.rpartition(" ")[2]
            screen.wait_for(whole.removeprefix(begun).rstrip().replace(".", r"\.") + r"\S*\s")
            screen.type("\x15")
