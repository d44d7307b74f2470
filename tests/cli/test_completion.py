"""`nsinit completion`: what Tab offers, in a real bash, and that the others are written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nsinit.cli.completion import SHELLS
from nsinit.cli.programs import PROGRAMS
from nsinit.control.commands import VERBS
from tests.support.live import have

if TYPE_CHECKING:
    import pathlib

    from tests.cli.conftest import Type
    from tests.support.live import Live

TAB = """
nsinit() {{ {python} -m nsinit "$@"; }}
source <(nsinit completion bash)
COMP_WORDS=({words})
COMP_CWORD={at}
_nsinit
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A directory with a program that is called nsinit."""
    made = tmp_path_factory.mktemp("bin")
    program = made / "nsinit"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m nsinit "$@"\n')
    program.chmod(0o755)
    return made


def _offers(init: Live, directory: pathlib.Path, *words: str) -> list[str]:
    """What bash offers for the last of the words."""
    env = init.env | {"PATH": f"{directory}:{init.env['PATH']}", "NSINIT_RUN_DIR": str(directory)}
    script = TAB.format(
        python=sys.executable, words=" ".join(f"'{w}'" for w in words), at=len(words) - 1
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script], env=env, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.skipif(not have("bash"), reason="needs bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["nsinit", "c"], ["ctl", "check", "compile", "convert", "completion"]),
        (["nsinit", "convert", "--fo"], ["--force", "--formation"]),
        (["nsinit", "completion", ""], list(SHELLS)),
        (["nsinit", "st"], ["stop"]),
        (["nsinit", "run", "--hostn"], ["--hostname"]),
        (["nsinit", "run", "--det"], ["--detach"]),
        (["nsinit", "stop", "-"], ["--timeout", "-t", "--quiet", "-q", "--help"]),
        (["nsinit", "list", "--"], ["--quiet", "--json", "--format", "--color", "--help"]),
        (["nsinit", "openapi", "-"], ["--help"]),
        (["nsinit", "check", "--j"], ["--json"]),
        (["nsinit", "convert", "--from", "sy"], ["systemd"]),
        (["nsinit", "ctl", "events", "--type", "pr"], ["probe"]),
        (["nsinit", "ctl", "logs", "--run", ""], ["current", "previous"]),
        (["nsinit", "ctl", "metrics", "nsinit_service_u"], ["nsinit_service_up"]),
        (["nsinit", "enter", ""], []),
        (["nsinit", "ctl", "re"], ["record", "restart", "reload", "reset", "reexec"]),
        (["nsinit", "ctl", "stop", "w"], ["web", "worker"]),
        (["nsinit", "ctl", "stop", "web", "wo"], ["worker"]),
        (["nsinit", "ctl", "wait", "web", "--fo"], ["--for", "--format"]),
        (["nsinit", "ctl", "wait", "web", "--for", "r"], ["ready", "running"]),
        (["nsinit", "ctl", "signal", "H"], ["HUP"]),
        (["nsinit", "ctl", "signal", "HUP", "m"], ["migrate", "manual"]),
        (
            ["nsinit", "ctl", "exec", "-"],
            ["--terminal", "-t", "--term", "--json", "--format", "--color", "--help"],
        ),
        (["nsinit", "ctl", "version", ""], []),
        (["nsinit", "ns", ""], ["list", "compare", "supported", "pin", "unpin", "--help"]),
        (["nsinit", "ns", "list", "--"], ["--kind", "--json", "--format", "--color", "--help"]),
        (["nsinit", "ns", "list", "--kind", "u"], ["user", "uts"]),
        (["nsinit", "ns", "pin", "7", "m"], ["mount"]),
        (["nsinit", "net", ""], ["add", "remove", "show", "--help"]),
        (["nsinit", "net", "add", "x", "--type", ""], ["bridge", "macvlan", "phys"]),
        (["nsinit", "net", "show", "--"], ["--json", "--format", "--color", "--help"]),
        (["nsinit", "image", ""], ["import", "list", "inspect", "remove", "--help"]),
        (["nsinit", "image", "import", "--m"], ["--max-size", "--max-files"]),
        (["nsinit", "image", "remove", "-"], ["--json", "--format", "--color", "--help"]),
        (["nsinit", "run", "--im"], ["--image"]),
        (["nsinit", "nothing", ""], []),
    ],
)
def test_words_are_offered_when_tab_is_pressed(
    init: Live, directory: pathlib.Path, words: list[str], offered: list[str]
) -> None:
    """Programs, verbs, options, their values; services as the running init has them."""
    assert _offers(init, directory, *words) == offered


@pytest.mark.skipif(not have("bash"), reason="needs bash")
def test_every_verb_is_offered_when_none_is_begun(init: Live, directory: pathlib.Path) -> None:
    """From the one table; also after the options that say which init."""
    offered = _offers(init, directory, "nsinit", "ctl", "--socket", str(init.socket), "")
    assert offered[: len(VERBS)] == list(VERBS)
    words = ["nsinit", "ctl", "--socket", str(init.socket), "stop", "wor"]
    assert _offers(init, directory, *words) == ["worker"]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_verb_is_in_the_text_when_it_is_written(typed: Type, shell: str) -> None:
    """And the shell itself finds no fault in it, where there is one."""
    done = typed("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(verb in done.stdout for verb in (*VERBS, *PROGRAMS))
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=done.stdout, text=True, check=False)
        assert checked.returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "SHELL"), (["--help"], 0, "source <("), (["bsh"], 2, 'did you mean "bash"?'),
        (["tcsh", "x"], 2, "unrecognized arguments: x"),
        (["powershell"], 2, "one of bash, zsh, fish"),
    ],
)  # fmt: skip
def test_usage_is_told_when_no_shell_is_named(
    typed: Type, words: list[str], code: int, said: str
) -> None:
    """With those that there are."""
    done = typed("completion", *words)
    assert done.returncode == code
    assert said in done.stdout + done.stderr
