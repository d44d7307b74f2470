"""What the verbs for sandboxes and the families print, as text and as JSON; see test_golden."""

from __future__ import annotations

import os
import pathlib
import tempfile
from typing import TYPE_CHECKING, Final

import pytest

from nsinit.cli.boxes import VERBS as BOXES
from nsinit.cli.image import VERBS as IMAGE
from nsinit.cli.net import VERBS as NET
from nsinit.cli.ns import VERBS as NS
from tests.support import golden
from tests.support.boxes import Box
from tests.support.live import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN: Final = pathlib.Path(__file__).with_name("golden")
CONFIG: Final = """
[sandbox]
name = "shop"
hostname = "shop"
[sandbox.network]
mode = "none"
[services.web]
command = "sleep 1000"
min_uptime = 0
"""
CALLS: Final = ("list", "net show", "image list", "stop unknown", "ns compare unknown")
_MACHINE: Final = "what it tells is the machine's: "
ELSEWHERE: Final = {
    "inspect": _MACHINE + "tests/integration/sandbox/test_living.py",
    "ns list": _MACHINE + "tests/cli/test_ns.py",
    "ns supported": _MACHINE + "tests/cli/test_ns.py",
    "enter": "the command's own output", "kill": "nothing", "pause": "nothing",
    "unpause": "nothing", "ns pin": "nothing", "ns unpin": "nothing",
    "net add": _MACHINE + "tests of networks", "net remove": "nothing",
    "image import": "tests of images", "image inspect": "tests of images",
    "image remove": "tests of images",
}  # fmt: skip


@pytest.fixture(scope="module")
def shop() -> Iterator[Box]:
    """A sandbox that runs."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-") as directory:
        box = Box(pathlib.Path(directory), CONFIG, os.geteuid())
        try:
            box.start()
            eventually(lambda: "healthy" in box.run("list").stdout, "the sandbox runs")
            yield box
        finally:
            box.close()


def test_every_verb_is_called_when_there_is_one() -> None:
    """Or it is said why not; how to add one is said in test_golden."""
    families = {"ns": NS, "net": NET, "image": IMAGE}
    verbs = {*BOXES, *(f"{word} {verb}" for word, table in families.items() for verb in table)}
    called = {call.removesuffix(" unknown") for call in CALLS} | ELSEWHERE.keys()
    assert verbs == called, f"add to CALLS or ELSEWHERE in {__file__}: {verbs ^ called}"


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: an ordinary user has other namespaces")
@pytest.mark.parametrize("call", CALLS)
def test_output_is_as_before_when_verbs_are_typed(
    shop: Box, pytestconfig: pytest.Config, call: str
) -> None:
    """Paths, pids, times and numbers apart."""
    places = {str(shop.directory): "DIR"}
    words = [word if word != "unknown" else "bank" for word in call.split()]
    words += ["shop"] if words[:2] == ["ns", "compare"] else []
    update = pytestconfig.getoption("update_golden")
    for ending, show in (("txt", golden.text_of), ("json", golden.as_lines)):
        if ending == "json" and "unknown" in call:
            continue
        done = shop.run(*words, *(["--json"] if ending == "json" else []))
        made = show(done.stdout, places) if done.stdout else ""
        made += f"stderr: {golden.text_of(done.stderr, places)}" if done.stderr else ""
        made += f"exit code {done.returncode}\n"
        told = golden.difference(GOLDEN / f"{call.replace(' ', '-')}.{ending}", made, update=update)
        assert not told, f"if that is meant: run it with --update-golden\n{told}"
