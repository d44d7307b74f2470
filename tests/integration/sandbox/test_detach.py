"""Sandboxes in the background: when the command returns, what it says, what is left of it."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.support.live import ROOT, eventually, is_alive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.boxes import Box

SLOW = """
[sandbox]
name = "shop"
[services.a]
command = ["sh", "-c", "read x < gate; echo ready; exec sleep 1000"]
working_dir = "{here}"
ready = {{ log = "ready" }}
start_timeout = 20
[services.b]
command = "true"
type = "oneshot"
depends_on = ["a"]
"""


@pytest.fixture
def shop(box: Callable[..., Box]) -> Iterator[Box]:
    """A place for a sandbox that is called shop; it is ended after the test."""
    made = box("")
    yield made
    made.run("kill", "shop")


@pytest.mark.row(62, 64)
def test_command_returns_when_every_service_is_ready(shop: Box) -> None:
    """Not before; it says the name, and all share the life of the sandbox."""
    os.mkfifo(shop.directory / "gate")
    shop.config.write_text(SLOW.format(here=shop.directory))
    (shop.directory / "gate").chmod(0o666)
    out = shop.directory / "name"
    process = shop.beside("run", "-d", str(shop.config), out=out)
    shop.wait_for_file("run/shop/log", "a is starting|control socket")
    assert process.poll() is None
    assert out.read_text() == ""
    (shop.directory / "gate").write_text("go\n")
    assert process.wait(20) == 0
    assert out.read_text() == "shop\n"
    (row,) = json.loads(shop.run("list", "--json").stdout)
    assert row["services"] == {"a": "running", "b": "exited"}
    assert os.getsid(row["launcher"]) == row["launcher"]
    assert shop.run("ctl", "-s", "shop", "logs", "a").stdout.endswith("ready\n")
    assert shop.run("stop", "shop").returncode == 0
    assert not is_alive(row["launcher"])
    assert os.listdir(shop.directory / "run") == []


@pytest.mark.row(61)
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["sh", "-c", "echo oh no; exit 3"], 3, "oh no"),
        (["no-such-command"], 127, "no-such-command"),
        (["sh", "-c", "kill -9 $$"], 137, "ended with code 137"),
    ],
)
def test_error_reaches_the_caller_when_nothing_stays(
    shop: Box, words: list[str], code: int, said: str
) -> None:
    """With the last output and init's code."""
    done = shop.run("run", "-d", "--name", "shop", "--", *words)
    assert done.returncode == code, done
    assert said in done.stderr
    assert os.listdir(shop.directory / "run") == []


def test_command_fails_when_a_service_does(shop: Box) -> None:
    """The sandbox goes on with the others, and it is said how to go on from there."""
    shop.config.write_text(
        '[sandbox]\nname = "shop"\n[services.a]\ncommand = "sleep 1000"\n'
        '[services.b]\ncommand = "false"\nrestart = "no"\n'
    )
    done = shop.run("run", "--detach", str(shop.config))
    assert done.returncode == 1, done
    assert "in the sandbox 'shop' b has failed" in done.stderr
    assert "nsinit stop shop" in done.stderr
    assert shop.run("list", "-q").stdout == "shop\n"


@pytest.mark.row(61)
def test_error_reaches_the_caller_when_there_is_no_sandbox(shop: Box) -> None:
    """What the launcher says is said here: a name that is taken, a step that fails."""
    assert shop.run("run", "-d", "--name", "shop", "--", "sleep", "1000").returncode == 0
    done = shop.run("run", "-d", "--name", "shop", "--", "sleep", "1000")
    assert done.returncode == 125
    assert "one of that name runs" in done.stderr
    failing = shop.with_faults("clone3:ENOSPC").run("run", "-d", "--name", "b", "--", "true")
    assert failing.returncode == 125
    assert "cannot make namespaces" in failing.stderr


def test_name_is_told_when_all_is_done_already(shop: Box) -> None:
    """A command that ends well at once has been ready."""
    done = shop.run("run", "-d", "--name", "shop", "--", "true")
    assert (done.returncode, done.stdout) == (0, "shop\n")


def test_sandbox_ends_when_its_start_is_interrupted(shop: Box) -> None:
    """Whoever types ^C does not want it in the background."""
    os.mkfifo(shop.directory / "gate")
    shop.config.write_text(SLOW.format(here=shop.directory))
    process = shop.beside("run", "-d", str(shop.config))
    shop.wait_for_file("run/shop/log", "control socket")
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    eventually(lambda: not os.listdir(shop.directory / "run"), "the sandbox is gone")


def test_output_is_bounded_when_a_service_writes_much(shop: Box) -> None:
    """The log of the sandbox has its last part; the service is never held."""
    script = "head -c 4000000 /dev/zero | tr '\\0' x | fold -w 99; echo; touch done; sleep 1000"
    shop.config.write_text(
        f'[sandbox]\nname = "shop"\n[services.a]\ncommand = ["sh", "-c", "{script}"]\n'.replace(
            "\\0", "\\\\0"
        )
        + f'working_dir = "{shop.directory}"\nlog = "inherit"\n'
    )
    assert shop.run("run", "-d", str(shop.config)).returncode == 0
    eventually((shop.directory / "done").exists, "all is written")
    sizes = [(shop.directory / "run" / "shop" / name).stat().st_size for name in ("log", "log.1")]
    assert max(sizes) < 3 << 20
    assert shop.run("stop", "shop").returncode == 0


@pytest.mark.row(62, 64)
def test_example_is_lived_with_when_it_is_in_the_background(shop: Box) -> None:
    """config/sandbox-life.toml, as its first lines say."""
    config = (ROOT / "config" / "sandbox-life.toml").read_text()
    shop.config.write_text(config.replace('"life"', '"shop"'))
    done = shop.run("run", "--detach", str(shop.config))
    assert (done.returncode, done.stdout) == (0, "shop\n"), done
    (row,) = json.loads(shop.run("list", "--json").stdout)
    assert row["services"] == {"web": "running", "clock": "running"}
    assert shop.run("enter", "shop", "--", "hostname").stdout == "shop\n"
    assert "NSINIT_SERVICE=web" in shop.run("enter", "shop", "--service", "web", "--", "env").stdout
    assert shop.run("stop", "shop").returncode == 0
