"""What `nsinit ctl` loads before it asks: whoever types it waits for that, and so does docker.

A HEALTHCHECK runs it every few seconds in each container; each module costs about 0.2 ms.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.live import ROOT

if TYPE_CHECKING:
    import pathlib

    from tests.support.live import Live

# Runs a verb as the entry point does, and tells what it has loaded in the end.
_SCRIPT: Final = """
import sys
before = set(sys.modules)
import os
def tell(code):
    loaded = sorted(set(sys.modules) - before)
    import json
    print(json.dumps([code, loaded]), file=sys.stderr, flush=True)
    leave(code)
leave, os._exit = os._exit, tell
sys.path.insert(0, sys.argv.pop(1))
from nsinit.__main__ import main
main()
"""
# What comes with `os`, which `site` loads where there is one.
_OS: Final = {"os", "stat", "_stat", "posixpath", "genericpath", "os.path", "_collections_abc"}
_BUILT_IN: Final = {"gc", "time", "_socket", "_json", "__future__"}
_EVERY_VERB: Final = {
    "nsinit",
    "nsinit.__main__",
    "nsinit.cli",
    "nsinit.cli.ctl",
    "nsinit.cli.output",
    "nsinit.cli.parsing",
    "nsinit.cli.show",
    "nsinit.client",
    "nsinit.control",
    "nsinit.control.commands",
    "nsinit.control.row",
    "nsinit.control.verbs",
    "nsinit.errors",
    "nsinit.finder",  # which finds the rest sooner
    "nsinit.locate",
    "nsinit.nearest",
    "nsinit.places",
    "nsinit.wire",
}


def _loaded(socket: pathlib.Path, *words: str) -> tuple[int, set[str]]:
    """The exit code of a verb, and all that it has loaded beyond a bare interpreter."""
    argv = [sys.executable, "-I", "-S", "-c", _SCRIPT, str(ROOT), "ctl", "--socket"]
    done = subprocess.run(
        [*argv, str(socket), *words], capture_output=True, text=True, check=False, timeout=60
    )
    code, loaded = json.loads(done.stderr.splitlines()[-1])
    return code, set(loaded)


@pytest.mark.parametrize(
    ("words", "more"),
    [
        (("status",), ()),
        (("status", "web"), ()),
        (("stop", "manual"), ()),
        (("start", "web", "-t", "5s"), ("nsinit.units",)),
        (("logs", "migrate", "-n", "5"), ("nsinit.cli.logs",)),
        (("list",), ()),
        (("wait", "web"), ()),
        (("health", "web"), ("nsinit.cli.pictures", "nsinit.cli.past")),
    ],
    ids=lambda words: "-".join(words) or "nothing",
)
def test_verb_loads_no_module_more_when_it_asks(
    init: Live, words: tuple[str, ...], more: tuple[str, ...]
) -> None:
    """Neither typing nor what stands on it: enum, re, json, argparse, contextlib, signal, socket.

    A module that is new here has to be worth its time in every container.
    """
    code, loaded = _loaded(init.socket, *words)
    assert code == 0
    assert loaded - _OS - _BUILT_IN - _EVERY_VERB == {name for name in more if name}
    assert len(loaded) <= 32


def test_error_loads_little_when_nobody_answers(init: Live) -> None:
    """A HEALTHCHECK of what is not up yet is as cheap."""
    code, loaded = _loaded(init.socket.with_name("nobody.sock"), "status")
    assert code == 4
    assert loaded <= _OS | _BUILT_IN | _EVERY_VERB
