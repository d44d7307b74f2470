"""The view on the whole screen, typed at in a real terminal (tmux)."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.live import NSINIT, Live, environment, eventually

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("machine")

CONFIG: Final = r"""
[init]
keep_running = true
[services.web]
description = "answers"
command = ["sh", "-c", 'while :; do printf "$LINE"; sleep 0.2; done']
environment = { LINE = '\033[32mgreen\033[0m [b]kept[/b] \033[2J\n' }
min_uptime = 0
[services.db]
command = "sleep 1000"
min_uptime = 0
[services.broken]
type = "oneshot"
command = "sh -c 'echo last words; exit 3'"
"""


class Screen:
    """A terminal of a size, in which a command runs."""

    def __init__(self, directory: pathlib.Path) -> None:
        self._tmux = ["tmux", "-L", f"nsinit-{os.getpid()}", "-f", "/dev/null"]
        self._directory = directory
        self._env = environment(TMUX_TMPDIR=str(directory), TERM="xterm", HOME=str(directory))

    def run(self, *command: str, width: int = 100, height: int = 30, **env: str) -> None:
        """Show a command, and how it ended."""
        words = f"{shlex.join(command)}; echo ended $?; cat"
        variables = [word for name, value in env.items() for word in ("-e", f"{name}={value}")]
        size = ["-x", str(width), "-y", str(height)]
        self._do("new-session", "-d", *size, *variables, "sh", "-c", words)

    def type(self, *keys: str) -> None:
        """Press keys, called as in tmux(1)."""
        self._do("send-keys", *keys)

    def resize(self, width: int, height: int) -> None:
        """Give it another size."""
        self._do("resize-window", "-x", str(width), "-y", str(height))

    def text(self) -> str:
        """What is to be read."""
        return self._do("capture-pane", "-p")

    def shows(self, *words: str) -> str:
        """Wait until all these words are on one line, or fail with what there is; the line."""

        def look() -> str:
            lines = self.text().splitlines()
            return next((line for line in lines if all(word in line for word in words)), "")

        try:
            line: str = eventually(look, f"{words} on the screen")
        except AssertionError:
            pytest.fail(f"{words} are not in:\n{self.text()}")
        return line

    def lacks(self, word: str) -> None:
        """Wait until it is gone."""
        eventually(lambda: word not in self.text(), f"{word!r} is gone from the screen")

    def close(self) -> None:
        """End whatever runs in it."""
        subprocess.run([*self._tmux, "kill-server"], env=self._env, check=False)

    def _do(self, *words: str) -> str:
        done = subprocess.run(
            [*self._tmux, *words], env=self._env, check=True, capture_output=True, timeout=30
        )
        return done.stdout.decode()


@pytest.fixture
def screen(tmp_path: pathlib.Path) -> Iterator[Screen]:
    """A terminal that is gone after the test."""
    (tmp_path / "screen").mkdir()
    made = Screen(tmp_path / "screen")
    yield made
    made.close()


@pytest.fixture
def init(tmp_path: pathlib.Path) -> Iterator[Callable[[], Live]]:
    """Starts an init at a path that stays the same."""
    made: list[Live] = []

    def start() -> Live:
        if not made:
            made.append(Live(tmp_path, CONFIG, "subreaper"))
        made[0].start().wait_for("db", "running")
        return made[0]

    yield start
    for one in made:
        one.close()


def test_services_are_seen_and_steered_when_typed_at(
    screen: Screen, init: Callable[[], Live]
) -> None:
    """States as they change, output with its colours, a question before a stop; q leaves init."""
    live = init()
    screen.run(*NSINIT, "top", "-d", "0.3s", NSINIT_SOCKET=str(live.socket))
    screen.shows("3 services:", "1 failed", "2 running")
    screen.shows("broken", "failed")
    screen.type("l")
    screen.shows("green [b]kept[/b] \\x1b[2J")
    screen.type("Down", "x")
    screen.shows("stop db?")
    screen.type("n")
    screen.lacks("stop db?")
    screen.type("x", "y")
    screen.shows("db", "stopped")
    screen.type("s")
    screen.shows("db", "running")
    live.ctl("stop", "db")
    screen.shows("db", "stopped")
    screen.type("Down", "w")
    screen.shows("exit", "3")
    screen.shows("last words")
    screen.type("e")
    screen.shows("db", "stopping -> stopped")
    screen.type("/")
    screen.shows("only what holds these words")
    screen.type("w", "e", "b", "Enter")
    screen.shows("only 'web'")
    screen.lacks("failed  ")
    screen.type("Escape")
    screen.shows("broken", "failed")
    screen.type("?")
    screen.shows("leave; init goes on")
    screen.type("q", "q")
    screen.shows("ended 0")
    assert live.status()["web"]["state"] == "running"


def test_screen_waits_for_init_when_it_is_gone(screen: Screen, init: Callable[[], Live]) -> None:
    """It says that nobody answers, in a small window too, and goes on with the next init."""
    live = init()
    screen.run(*NSINIT, "top", "-d", "0.3s", NSINIT_SOCKET=str(live.socket), NO_COLOR="1")
    screen.shows("db", "running")
    screen.resize(40, 8)
    screen.shows("db", "running")
    assert live.process is not None
    pid = live.process.pid
    live.close()
    screen.shows("cannot connect to")
    screen.resize(100, 30)
    again = init()
    assert again.process is not None
    assert again.process.pid != pid
    screen.lacks("cannot connect to")
    screen.shows("db", "running")
    screen.type("q")
    screen.shows("ended 0")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--help"], 0, "usage: nsinit top"),
        (["-d", "never"], 2, "argument -d/--delay: expected a duration"),
        (["-d", "1ms"], 2, "cannot measure for 0.001s: from 0.2s to 60s"),
        (["-x"], 2, "unrecognized arguments: -x"),
        (["--socket", "/nowhere"], 4, "cannot connect to /nowhere: No such file or directory"),
    ],
)
def test_reason_is_told_when_there_is_nothing_to_show(
    screen: Screen, words: list[str], code: int, said: str
) -> None:
    """In words, before the screen is taken."""
    screen.run(*NSINIT, "top", *words)
    screen.shows(said)
    screen.shows(f"ended {code}")


def test_other_ways_are_named_when_there_is_no_screen(
    screen: Screen, tmp_path: pathlib.Path
) -> None:
    """Without a terminal, and without the library."""
    done = subprocess.run(
        [*NSINIT, "top"], env=environment(), stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "cannot fill a screen: this is no terminal" in done.stderr
    assert "nsinit ctl top" in done.stderr
    code = "import sys; sys.modules['textual'] = None; from nsinit.cli.top import main; "
    code += "sys.exit(main(['--socket', '/nowhere']))"
    screen.run(sys.executable, "-c", code, PYTHONPATH=environment()["PYTHONPATH"])
    screen.shows("cannot show the screen: textual is not installed")
    screen.shows("pip install 'nsinit[tui]'")
    screen.shows("ended 1")
