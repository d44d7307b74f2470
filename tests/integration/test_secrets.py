"""What is in an environment, a file of secrets or a token is told to nobody but its service."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import socket
import subprocess
from typing import Any, Final

import pytest

from nsinit.control.commands import COMMANDS
from nsinit.wire import request
from tests.support.live import NSINIT, Live, descendants, eventually, live

# Each is of another way by which a service, or init itself, comes by a secret.
SECRETS: Final = {
    "written": "sesame-literal",
    "changed": "sesame-changed",  # by an update
    "shared": "sesame-shared",
    "file": "sesame-in-file",
    "envfile": "sesame-in-env-file",
    "given": "sesame-inherited",
    "broken": "sesame-in-a-broken-line",
    "unclosed": "sesame-in-a-brace",
    "token": "sesame-of-the-port-0123456789",
}
CONFIG: Final = """
[init]
keep_running = true
listen = {{ address = "127.0.0.1:{port}", token_file = "{here}/token", actions = true }}
environment = {{ SHARED = "{shared}" }}
[services.a]
command = "sleep 1000"
min_uptime = 0
environment = {{ A = "{written}", B = {{ file = "{here}/secret" }} }}
env_file = "{here}/env"
[services.dies]
command = "false"
restart = "no"
environment = {{ A = "{written}" }}
[services.broken]
command = "true"
env_file = "{here}/broken"
[services.unclosed]
command = "true"
env_file = "{here}/unclosed"
[services.missing]
command = "no-such-program"
restart = "no"
environment = {{ A = "{written}" }}
"""
# What needs a terminal, ends init, or would tell of itself by what it runs.
NOT_ASKED: Final = {
    "exec", "enter", "terminal", "attach", "screen", "shutdown", "reexec", "wait", "top", "pause",
    "scale", "signal",
}  # fmt: skip


def _config(here: pathlib.Path, **more: str) -> str:
    port = here / "port"
    if not port.exists():
        with socket.create_server(("127.0.0.1", 0)) as free:
            port.write_text(str(free.getsockname()[1]))
    return CONFIG.format(here=here, port=port.read_text(), **SECRETS | more)


def _ask_all(init: Live) -> str:
    """All that init answers, to what can be asked by the socket."""
    values: dict[str, Any] = {"names": ["a"], "name": "a"}
    told = ""
    for row in COMMANDS:
        if row.name in NOT_ASKED:
            continue
        params = {p.name: values[p.kind] for p in row.params if p.required}
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(init.socket))
            client.sendall(request(row, params).replace(b"HTTP/1.1", b"HTTP/1.0"))
            client.shutdown(socket.SHUT_WR)
            while piece := client.recv(1 << 16):
                told += piece.decode()
    return told


def _refuse(text: str, what: str) -> None:
    for name, secret in SECRETS.items():
        assert secret not in text, (what, name, text[max(0, text.index(secret) - 200) :][:400])


def test_secrets_are_told_to_nobody_when_everything_is_asked(tmp_path: pathlib.Path) -> None:
    """Answers, events, history, the record of a flight, init's own words, and command lines."""
    (tmp_path / "token").write_text(SECRETS["token"])
    (tmp_path / "secret").write_text(SECRETS["file"])
    (tmp_path / "env").write_text(f"X={SECRETS['envfile']}\n")
    (tmp_path / "broken").write_text(f"X=1\n{SECRETS['broken']} 'no end\n")
    (tmp_path / "unclosed").write_text(f"X=1${{{SECRETS['unclosed']}\n")
    with live(tmp_path, _config(tmp_path), GIVEN=SECRETS["given"]) as init:
        init.wait_for("a", "running")
        init.wait_for("dies", "failed")
        init.wait_for("broken", "failed")
        init.wait_for("unclosed", "failed")
        init.wait_for("missing", "failed")
        environ = f"/proc/{init.status()['a']['pid']}/environ"
        has = eventually(pathlib.Path(environ).read_text, "it has an environment")
        for name in ("written", "shared", "file", "envfile", "given"):
            assert SECRETS[name] in has, name
        init.config.write_text(_config(tmp_path, written=SECRETS["changed"]))
        dry = init.ctl("update", "--dry-run")
        _refuse(dry.stdout + dry.stderr, "update --dry-run")
        done = init.ctl("update")
        _refuse(done.stdout + done.stderr, "update")
        init.wait_for("a", "running")
        _refuse(_ask_all(init), "an answer")
        for pid in [init.pid, *descendants(init.pid)]:
            _refuse(pathlib.Path(f"/proc/{pid}/cmdline").read_text(), "a command line")
        init.signal(signal.SIGUSR2)
        record = init.socket.parent / "flight.ndjson"
        eventually(record.exists, "a record")
        assert record.stat().st_mode & 0o077 == 0
        for row in record.read_text().splitlines():
            assert json.loads(row)
        _refuse(record.read_text(), "the record of a flight")
        init.ctl("shutdown")
        assert init.wait() == 0
        _refuse(init.said(), "what init says")


@pytest.mark.parametrize(("mode", "open_to"), [(0o600, 0o600), (0o640, 0o640), (0o664, 0o644)])
def test_plan_is_as_secret_as_its_configuration_when_compiled(
    tmp_path: pathlib.Path, mode: int, open_to: int
) -> None:
    """It has the text of all files in it."""
    config = tmp_path / "nsinit.toml"
    config.write_text('include = "more.toml"\n')
    (tmp_path / "more.toml").write_text('[services.a]\ncommand = "x"\nenvironment = {S = "s"}\n')
    (tmp_path / "more.toml").chmod(mode)
    done = subprocess.run(
        [*NSINIT, "compile", str(config)], capture_output=True, text=True, check=False, timeout=60,
        umask=0, env={**os.environ},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (plan,) = [path for path in tmp_path.iterdir() if path.name.startswith("nsinit.toml.")]
    assert plan.stat().st_mode & 0o777 == open_to
