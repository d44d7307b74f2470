"""What each verb prints, as text and as JSON, is what is kept in golden/.

A verb that is new has to be told how it is called: a line in CALLS (or in CANNED, where its answer
depends on the machine), and then `pytest tests/cli/test_golden.py --update-golden`.
"""

from __future__ import annotations

import contextlib
import pathlib
import re
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any, Final

import pytest

from nsinit import __version__
from nsinit.cli import ctl, show
from nsinit.cli.output import Wishes
from nsinit.control.commands import VERBS
from tests.cli.conftest import SERVICES
from tests.support import golden
from tests.support.live import NSINIT, Live

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN: Final = pathlib.Path(__file__).with_name("golden")
MORE: Final = """
[services.many]
command = "sleep 1000"
replicas = 1
min_uptime = 0
autostart = false
[services.reads]
description = "caf\\u00e9 \\u2713: reads its configuration again when it is told, no more"
command = "sleep 1000"
min_uptime = 0
reload_command = "true"
"""
# What is typed, in this order: what one changes the next ones see. A word behind the verb in the
# key tells several calls of it apart.
CALLS: Final[dict[str, list[str]]] = {
    "status": [],
    "status one": ["web"],
    "status unknown": ["wbe"],
    "list": [],
    "wait": ["web"],
    "health": [],
    "why": ["broken", "manual"],
    "graph": [],
    "tree": ["web"],
    "history": ["broken"],
    "top": ["--interval", "0.01"],
    "start": ["manual"],
    "stop": ["manual"],
    "restart": ["worker"],
    "reload": ["reads"],
    "reload refused": ["web"],
    "pin": ["web"],
    "stop refused": ["web"],
    "unpin": ["web"],
    "signal": ["CONT", "web"],
    "reset": ["broken"],
    "logs": ["migrate"],
    "events": ["migrate"],
    "update": ["--dry-run"],
    "scale": ["many=2"],
    "exec": ["web", "--", "sh", "-c", "echo $NSINIT_SERVICE; exit 3"],
    "enter": ["--", "echo", "entered"],
    "version": [],
}
# Answers that depend on the machine, or end init: as init would give them.
_PAUSED: Final = {"name": "web", "ok": True, "state": "running", "paused": True, "reason": ""}
_REFUSED: Final = {**_PAUSED, "ok": False, "paused": False, "reason": "it has no cgroup of its own"}
_LATE: Final = {"name": "web", "state": "running", "waiting": 0.5, "starting": 70.0, "at": 70.5}
_BASE: Final = {"name": "db", "state": "exited", "waiting": 0.0, "starting": 0.5, "at": 0.5}
_NEVER: Final = {"name": "x", "state": "stopped", "waiting": None, "starting": None, "at": None}
CANNED: Final[dict[str, dict[str, Any]]] = {
    "blame": {"services": [_LATE, _BASE, _NEVER], "chain": [_LATE, _BASE]},
    "pause": {"results": [_PAUSED, _REFUSED]},
    "unpause": {"results": [{**_PAUSED, "paused": False}]},
    "shutdown": {},
    "reexec": {"version": "2", "before": "1", "pid": 1},
}
ELSEWHERE: Final = {
    "attach": "its lines are those of logs; terminals: tests/unit/cli/test_attach.py",
    "metrics": "its text is no table: tests of metrics",
    "record": "what it tells is for scripts/replay, which its tests feed it to",
}


@pytest.fixture(autouse=True)
def no_wishes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The options of one call are none of the next."""
    monkeypatch.setattr(Wishes, "color", "auto")
    monkeypatch.setattr(Wishes, "format", "")


@pytest.fixture(scope="module")
def init() -> Iterator[Live]:
    """An init at rest, which the verbs are tried on in turn."""
    with tempfile.TemporaryDirectory(prefix="nsinit-test-") as directory:
        made = Live(pathlib.Path(directory), SERVICES + MORE, "subreaper")
        try:
            made.start()
            for name, state in (("worker", "running"), ("reads", "running")):
                made.wait_for(name, state)
            made.wait_for("migrate", "exited")
            made.wait_for("broken", "failed")
            yield made
        finally:
            made.close()


def _file(call: str, ending: str) -> pathlib.Path:
    return GOLDEN / f"ctl-{call.replace(' ', '-')}.{ending}"


def test_every_verb_is_called_when_there_is_one() -> None:
    """What is called has its two files, and no file is left of what is not."""
    called = {call.partition(" ")[0] for call in CALLS} | CANNED.keys() | ELSEWHERE.keys()
    missing = VERBS.keys() - called
    assert not missing, f"add to CALLS in {__file__} and run with --update-golden: {missing}"
    assert called <= VERBS.keys()
    files = {_file(call, ending) for call in CALLS for ending in ("txt", "json")}
    files |= {_file(call, "txt") for call in CANNED}
    assert files <= set(GOLDEN.glob("ctl-*")), "run with --update-golden"
    assert set(GOLDEN.glob("ctl-*")) <= files, "no longer made, remove it"


def test_output_is_as_before_when_verbs_are_typed(
    init: Live,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    """Each verb twice, as text and with --json; also where init refuses."""
    monkeypatch.setenv("NSINIT_SOCKET", str(init.socket))
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    places = {str(init.socket): "SOCKET", str(init.directory): "DIR"}
    update = pytestconfig.getoption("update_golden")
    wrong = []
    for call, words in CALLS.items():
        verb = call.partition(" ")[0]
        for ending in ("txt", "json"):
            given = words if ending == "txt" else ["--json", *words]
            code = ctl.main([verb, *given])
            out, err = capfd.readouterr()
            shown = golden.text_of if ending == "txt" else golden.as_lines
            made = shown(out, places) if out else ""
            if err:
                made += f"stderr: {golden.text_of(err, places)}"
            made += f"exit code {code}\n"
            wrong.append(golden.difference(_file(call, ending), made, update=update))
    told = "\n".join(filter(None, wrong))
    assert not told, f"if that is meant: pytest tests/cli/test_golden.py --update-golden\n{told}"


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_table_fits_when_the_terminal_is_narrow(
    init: Live,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
    columns: int,
) -> None:
    """The last column is cut where that helps; names and states never are; no colours."""
    monkeypatch.setenv("NSINIT_SOCKET", str(init.socket))
    monkeypatch.setenv("COLUMNS", str(columns))
    assert ctl.main(["status", "reads", "migrate"]) == 0
    out = capfd.readouterr().out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= max(columns, 56)
    assert ("\u2026" in out) == (columns < 200)
    update = pytestconfig.getoption("update_golden")
    made = re.sub(r" \S*\u2026", " \u2026", golden.text_of(out, {}))  # pids have their width, too
    assert not golden.difference(GOLDEN / f"width-{columns}.txt", made, update=update)


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("iso-8859-1", "caf\u00e9 \\u2713"),
        ("ascii", "caf\\xe9 \\u2713"),
        ("utf-8", "caf\u00e9 \u2713"),
    ],
)
def test_text_is_shown_as_it_can_be_when_the_locale_is_poor(
    init: Live, encoding: str, shown: str
) -> None:
    """In another character set nothing fails, and what it lacks is escaped; help as well."""
    env = init.env | {"PYTHONIOENCODING": encoding, "COLUMNS": "80", "LC_ALL": "C"}
    done = subprocess.run(
        [*NSINIT, "ctl", "status", "reads"], env=env, capture_output=True, check=True
    )
    out = done.stdout.decode(encoding)
    assert shown in out
    assert out.rstrip().endswith("\u2026" if encoding == "utf-8" else "...")
    for words in (["ctl", "stop", "--help"], ["stop", "--help"], ["ns", "--help"], ["--help"],
                  ["help", "run"], ["run", "--help"], ["schema"]):  # fmt: skip
        done = subprocess.run([*NSINIT, *words], env=env, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b""), words


@pytest.mark.parametrize(
    ("words", "made"),
    [
        (
            ["status", "web", "worker", "--format", "name,state,want"],
            "web\trunning\tup\nworker\trunning\tup\n",
        ),
        (["list", "tag:none", "--format", "name"], ""),
        (["version", "--format", "{{{version}}}"], "{VERSION}\n"),
        (
            ["logs", "migrate", "--format", "{service}: {line}"],
            "migrate: tables \u2713\nmigrate: done\n",
        ),
        (["wait", "web", "--format", "{name} {ok}"], "web true\n"),
    ],
)
def test_fields_are_chosen_when_a_format_is_given(
    init: Live, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    words: list[str], made: str,
) -> None:  # fmt: skip
    """With every verb that has JSON, and streams."""
    monkeypatch.setenv("NSINIT_SOCKET", str(init.socket))
    ctl.main(words)
    out = capfd.readouterr().out
    assert out == made.replace("VERSION", __version__)


def test_field_is_refused_when_there_is_none(
    init: Live, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With those that there are."""
    monkeypatch.setenv("NSINIT_SOCKET", str(init.socket))
    assert ctl.main(["status", "--format", "namee"]) == 2
    assert capfd.readouterr().err.endswith('hint: did you mean "name"?\n')
    assert ctl.main(["status", "--format", "zzzzzz"]) == 2
    assert "there are name, state" in capfd.readouterr().err


@pytest.mark.parametrize(("when", "colours"), [("always", True), ("never", False), ("auto", True)])
def test_colours_are_as_asked_when_a_word_says_so(
    init: Live, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    when: str, colours: bool,
) -> None:  # fmt: skip
    """--color goes before the environment."""
    monkeypatch.setenv("NSINIT_SOCKET", str(init.socket))
    monkeypatch.setenv("FORCE_COLOR", "1")
    if when == "always":
        monkeypatch.setenv("NO_COLOR", "1")
    assert ctl.main(["status", "web", "--color", when]) == 0
    assert ("\x1b[" in capfd.readouterr().out) is colours


@pytest.mark.parametrize("call", CANNED)
def test_answer_is_shown_as_before_when_it_comes_from_elsewhere(
    call: str, capsys: pytest.CaptureFixture[str], pytestconfig: pytest.Config
) -> None:
    """What can't be had everywhere."""
    with contextlib.suppress(KeyError):
        show.SHOW[call]({"on_disk": None, **CANNED[call]})
    update = pytestconfig.getoption("update_golden")
    assert not golden.difference(_file(call, "txt"), capsys.readouterr().out, update=update)
