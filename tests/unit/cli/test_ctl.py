"""The verbs of `nsinit ctl`: their exit codes, their arguments, and how answers read."""

from __future__ import annotations

import re
from typing import Any

import pytest

from nsinit.cli import ctl, show
from nsinit.cli.past import event_line
from nsinit.control.commands import BY_NAME
from nsinit.errors import UsageError

SERVICE: dict[str, Any] = {
    "name": "web", "state": "running", "want": "up", "pid": 7, "reason": "", "result": "",
    "exit_code": None, "exit_signal": None, "run": 1, "restarts": 0, "seconds": 61.5,
    "since": 1.0, "started": 1.0, "ready": 1.0, "next_retry": None, "type": "simple",
    "main": False, "essential": False, "tags": [], "description": "the shop",
}  # fmt: skip


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No colours, wherever this runs."""
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.parametrize(
    ("services", "code"),
    [
        ([{}], 0),
        ([{"state": "failed"}], 1),
        ([{"state": "stopped"}], 3),
        ([{"state": "backoff"}], 3),
        ([{"state": "exited"}], 3),
        ([{"state": "exited", "type": "oneshot"}], 0),
        ([{"state": "failed", "type": "oneshot"}], 1),
        ([{}, {"state": "failed"}], 1),
        ([], 0),
    ],
)
def test_exit_code_is_that_of_the_worst_when_services_are_named(
    services: list[dict[str, Any]], code: int
) -> None:
    """As systemctl status has it; without names it is enough that init answers."""
    answer = {"services": [SERVICE | changes for changes in services]}
    assert ctl._exit_code(BY_NAME["status"], {"names": ["x"]}, answer) == code
    assert ctl._exit_code(BY_NAME["status"], {}, answer) == 0


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"results": [{"ok": True}, {"ok": True}]}, 0),
        ({"results": [{"ok": True}, {"ok": False}]}, 1),
        ({"results": []}, 0),
        ({}, 0),
    ],
)
def test_exit_code_is_one_when_an_operation_failed(answer: dict[str, Any], code: int) -> None:
    """For any of the services."""
    assert ctl._exit_code(BY_NAME["stop"], {"names": ["x"]}, answer) == code


@pytest.mark.parametrize(
    ("argv", "common"),
    [
        ([], ("", None, [])),
        (["status", "-s", "x"], ("", None, ["status", "-s", "x"])),
        (["-s", "shop", "status"], ("shop", None, ["status"])),
        (["--socket", "/x", "status"], ("", "/x", ["status"])),
        (["--help"], ("", None, ["--help"])),
        (["-s", "shop", "-h"], ("shop", None, ["-h"])),
    ],
)
def test_options_before_the_verb_say_which_init_when_given(
    argv: list[str], common: tuple[str, str | None, list[str]]
) -> None:
    """What follows belongs to the verb."""
    assert ctl._common(argv) == common


@pytest.mark.parametrize("argv", [["-x", "status"], ["-s"], ["--socket"], ["--json", "status"]])
def test_option_is_refused_when_it_does_not_belong_before_the_verb(argv: list[str]) -> None:
    """With where to look."""
    with pytest.raises(UsageError, match="cannot use the option"):
        ctl._common(argv)


def test_arguments_are_parameters_when_a_verb_is_parsed() -> None:
    """Names and signals stand by themselves; spans are read as everywhere."""
    parsed = ctl.parser(BY_NAME["signal"]).read(["HUP", "a", "b"])
    assert parsed == {"signal": "HUP", "names": ["a", "b"], "json": False}
    parsed = ctl.parser(BY_NAME["logs"]).read(["-f", "-n", "5", "--since", "@60"])
    given = {key: value for key, value in parsed.items() if value not in (None, False)}
    assert given == {"names": [], "follow": True, "lines": 5, "since": "@60.000000"}


@pytest.mark.parametrize(
    ("changes", "details"),
    [
        ({}, "the shop"),
        ({"main": True}, "main"),
        ({"health": "unhealthy", "message": "busy", "pinned": True}, 'unhealthy, "busy", pinned'),
        ({"state": "waiting", "reason": "for db to be ready (starting)"}, "for db to be ready"),
        ({"state": "exited", "exit_code": 0}, "exit code 0"),
        ({"state": "failed", "exit_signal": 9, "result": "signal"}, "killed by KILL"),
        ({"state": "failed", "exit_code": 3, "result": "start-limit"}, "exit code 3, start-limit"),
        (
            {"state": "failed", "exit_code": 127, "result": "exec", "reason": "cannot find x"},
            "cannot find x",
        ),
        ({"state": "failed", "run": 0, "result": "dependency", "reason": "db failed"}, "dependen"),
        ({"state": "backoff", "exit_code": 1, "next_retry": 5.0}, "exit code 1, next try in 0.0s"),
    ],
)
def test_details_say_why_when_a_service_is_shown(
    capsys: pytest.CaptureFixture[str], changes: dict[str, Any], details: str
) -> None:
    """The end of its last run, what it waits for, or else what it is."""
    show.SHOW["status"]({"services": [SERVICE | changes]})
    head, row = capsys.readouterr().out.splitlines()
    assert re.split(r" {2,}", head) == ["NAME", "STATE", "PID", "FOR", "RESTARTS", "DETAILS"]
    cells = re.split(r" {2,}", row)
    assert cells[:5] == ["web", (SERVICE | changes)["state"], "7", "1m 1s", "0"]
    assert cells[5].startswith(details)


def test_results_are_shown_when_a_verb_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each service."""
    rows = [
        {"name": "a", "ok": True, "state": "running", "reason": ""},
        {"name": "b", "ok": False, "state": "failed", "reason": "db failed"},
        {"name": "c", "ok": True, "reason": ""},
    ]
    show.SHOW["start"]({"results": rows})
    assert capsys.readouterr().out.splitlines() == [
        "a running",
        "b failed: db failed",
        "c signalled",
    ]


def test_reason_follows_the_name_when_a_result_has_no_state(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As that of a signal that found nobody."""
    show.SHOW["signal"]({"results": [{"name": "d", "ok": False, "reason": "it does not run"}]})
    assert capsys.readouterr().out == "d: it does not run\n"


@pytest.mark.parametrize(
    ("part", "mark"), [(None, "|"), ("first", "|"), ("middle", "+"), ("last", "+")]
)
def test_line_has_its_name_when_it_is_shown(part: str | None, mark: str) -> None:
    """Pieces of a cut line are told from whole ones."""
    row = {"service": "web", "line": "x  y"} | ({"part": part} if part else {})
    assert show.log_line(row) == f"web      {mark} x  y"


def test_change_is_one_line_when_it_is_shown() -> None:
    """When, who, from what to what, and why."""
    row = {"seq": 3, "time": 1.25, "service": "web", "old": "running", "new": "failed",
           "pid": None, "reason": "r"}  # fmt: skip
    assert re.fullmatch(r" {4}3 \d\d:\d\d:01\.250 web running -> failed \(r\)", event_line(row))
    assert event_line(row | {"pid": 7, "reason": ""}).endswith("failed pid 7")
