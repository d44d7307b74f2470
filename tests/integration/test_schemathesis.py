"""What the document promises, tried by a program that looks for where it does not hold.

Schemathesis has a virtual environment of its own: what it needs would change what nsinit imports.
NSINIT_SCHEMATHESIS_EXAMPLES=500 makes it try longer.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.bridge import bridge
from tests.support.live import ROOT, Live, shared

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM: Final = pathlib.Path(
    os.environ.get("NSINIT_SCHEMATHESIS", ROOT / ".venv-schemathesis/bin/st")
)
HOOKS: Final = ROOT / "tests/support/schemathesis_hooks.py"
EXAMPLES: Final = int(os.environ.get("NSINIT_SCHEMATHESIS_EXAMPLES", "4"))
CONFIG: Final = """
[init]
keep_running = true
[services.first]
command = "sh -c 'echo here; exec sleep 1000'"
min_uptime = 0
restart_delay = 0.01
reload_command = "true"
[services.second]
command = "sleep 1000"
depends_on = ["first"]
min_uptime = 0
[services.many]
command = "sleep 1000"
min_uptime = 0
replicas = 2
"""
# These end or replace init, run a command on descriptors that a program over TCP can't send, or go
# on for ever: only what they refuse is tried.
DANGEROUS: Final = ("shutdown", "reexec", "exec", "enter", "attach")
SETTINGS: Final = """
hooks = "{hooks}"
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503, 504]
"""


@pytest.fixture(scope="module")
def init() -> Iterator[Live]:
    """One init for all that is tried."""
    with shared(CONFIG, second="running") as made:
        yield made


def _try(init: Live, document: dict[str, Any], port: int, *words: str) -> str:
    path, settings = init.directory / "openapi.json", init.directory / "schemathesis.toml"
    path.write_text(json.dumps(document))
    settings.write_text(SETTINGS.format(hooks=HOOKS))
    command = [str(PROGRAM), "--no-color", "--config-file", str(settings), "run", str(path)]
    options = f"""
        --url http://127.0.0.1:{port} --checks all --max-examples {EXAMPLES} --continue-on-failure
        --warnings off --generation-deterministic --request-timeout 20
    """
    done = subprocess.run(
        [*command, *options.split(), *words],
        cwd=init.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


HERE: Final = pytest.mark.skipif(
    not PROGRAM.exists(), reason="needs schemathesis: scripts/test installs it"
)


@HERE
def test_document_is_right_when_a_validator_reads_it(init: Live) -> None:
    """By the rules of OpenAPI 3.1 and of JSON Schema."""
    path = init.directory / "openapi.json"
    path.write_text(json.dumps(init.client.openapi()))
    python = PROGRAM.with_name("python")
    done = subprocess.run([python, "-m", "openapi_spec_validator", path], check=False)
    assert done.returncode == 0


@pytest.mark.timeout(120 + 30 * EXAMPLES)
@HERE
def test_schemathesis_finds_nothing_when_it_tries_everything(init: Live) -> None:
    """Statuses, types, shapes and errors are as the document says; init goes on."""
    document = init.client.openapi()
    with bridge(str(init.socket)) as port:
        without = [word for row in DANGEROUS for word in ("--exclude-operation-id", row)]
        said = _try(init, document, port, *without, "--phases", "examples,coverage,fuzzing")
        assert "No issues found" in said
        only = [word for row in DANGEROUS for word in ("--include-operation-id", row)]
        said = _try(init, document, port, *only, "--mode", "negative", "--phases", "coverage")
        assert "No issues found" in said
    assert init.client.livez() == {"live": True}
    assert "internal error" not in init.said()
