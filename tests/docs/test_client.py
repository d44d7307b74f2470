"""docs/client.md: its examples are run; the types of the clients find what is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from nsinit import __version__
from tests.support.live import ROOT, live

if TYPE_CHECKING:
    import pathlib

PAGE = (ROOT / "docs/client.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SHOWN = [
    "web running\nready\nready\n",
    'waited too long for web\ndid you mean "web"?\nno-reload 1\n',
    "web\n0\n",
    f"{__version__}\nTrue\n-15\n",
]
CONFIG = """
[init]
keep_running = true
[services.web]
command = "sh -c 'echo ready; exec sleep 1000'"
ready = { log = "ready" }
min_uptime = 0
"""


def test_example_shows_what_it_should_when_run(tmp_path: pathlib.Path) -> None:
    """All of them, with a real init."""
    assert len(EXAMPLES) == len(SHOWN)
    with live(tmp_path, CONFIG) as init:
        init.wait_for("web", "running")
        for program, shown in zip(EXAMPLES, SHOWN, strict=True):
            done = subprocess.run(
                [sys.executable, "-W", "error", "-c", program],
                env=init.env, capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            assert (done.stderr, done.stdout) == ("", shown)


GOOD = """
import asyncio
from nsinit.aclient import AsyncClient
from nsinit.client import Client

with Client("/x", wait=5) as init:
    for service in init.status("web*")["services"]:
        state: str = service["state"]
        pid: int | None = service["pid"]
    init.restart(["web"], timeout="1m")
    for row in init.logs("web", follow=True, lines=5):
        if "skipped" not in row:
            text: str = row["line"]
    code: int = init.exec("web", ["true"]).wait()

async def ask() -> None:
    async with AsyncClient() as init:
        names: list[str] = [s["name"] for s in (await init.list(state="failed"))["services"]]
        async with init.events(follow=True) as events:
            async for event in events:
                if "skipped" not in event:
                    print(event["new"])
        code: int = await (await init.exec("web", ["true"])).wait()

asyncio.run(ask())
"""
BAD = {
    "has no attribute": 'Client("/x").statsu()',
    "has incompatible type": 'Client("/x").stop(5)',
    "Missing positional argument": 'Client("/x").stop()',
    "Unexpected keyword argument": 'Client("/x").stop("web", timeuot=5)',
    'has no key "title"': 'Client("/x").status()["services"][0]["title"]',
    'Argument "state" to "list"': 'Client("/x").list(state="odd")',
}


def test_types_are_those_of_the_table_when_compared() -> None:
    """scripts/gen-client writes them anew."""
    from scripts.clienttypes import stub

    made = (ROOT / "nsinit/calls.pyi").read_text()
    assert made == stub(), "run scripts/gen-client: a row has changed"


def test_checker_finds_mistakes_when_it_reads_a_program(tmp_path: Any) -> None:
    """And none in a program that is right."""
    (tmp_path / "good.py").write_text(GOOD)
    lines = ["from nsinit.client import Client", *BAD.values()]
    (tmp_path / "bad.py").write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--follow-imports=silent",
         "--cache-dir", str(ROOT / ".mypy_cache/clients"), "good.py", "bad.py"],
        cwd=tmp_path, env={"MYPYPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = done.stdout.splitlines()
    assert not [line for line in told if not line.startswith("bad.py")], done.stdout
    for number, mistake in enumerate(BAD, 2):
        assert any(line.startswith(f"bad.py:{number}:") and mistake in line for line in told), told
