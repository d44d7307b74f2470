"""nsinit ctl: texts, JSON and exit codes of every verb."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from nsinit.control.commands import VERBS
from tests.support.live import NSINIT, ORDINARY, environment

if TYPE_CHECKING:
    import pathlib

    from tests.cli.conftest import Type
    from tests.support.live import Live

STATUS = """\
NAME     STATE    PID  FOR  RESTARTS  DETAILS
web      running  N    Ns   0         answers
worker   running  N    Ns   0
migrate  exited   -    Ns   0         exit code 0
broken   failed   -    Ns   0         exit code 3
manual   stopped  -    -    0
"""


def _masked(text: str) -> str:
    """Pids and spans differ from run to run; columns keep their place."""
    text = re.sub(r"\b\d+(?=  +\S+s? )", "N", text)
    text = re.sub(r"\b\d+s\b", "Ns", text)
    return re.sub(r" +", " ", text)


def test_status_is_a_table_when_typed(fresh: Live) -> None:
    """One line per service, in starting order, with the reason of what does not run."""
    shown = fresh.ctl("status").stdout
    assert _masked(shown) == _masked(STATUS)
    assert "\x1b[" not in shown


def test_status_has_colours_when_forced(init: Live) -> None:
    """FORCE_COLOR beats the missing terminal, NO_COLOR beats it."""
    env = init.env | {"FORCE_COLOR": "1"}
    command = [*NSINIT, "ctl", "status"]
    shown = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    assert "\x1b[32mrunning" in shown
    env |= {"NO_COLOR": "1"}
    shown = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    assert "\x1b[" not in shown


def test_status_is_json_when_asked(init: Live) -> None:
    """The keys are a contract."""
    answer = json.loads(init.ctl("status", "web", "--json").stdout)
    assert list(answer) == ["init", "services"]
    (service,) = answer["services"]
    assert list(service) == [
        "name", "state", "want", "pid", "reason", "result", "exit_code", "exit_signal", "run",
        "restarts", "seconds", "since", "started", "ready", "next_retry", "next_run",
        "health", "message", "pinned", "reloading", "paused", "type", "main",
        "essential", "tags", "description", "usage", "logs",
    ]  # fmt: skip
    assert service["state"] == "running"
    assert isinstance(service["pid"], int)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["status"], 0),
        (["status", "web"], 0),
        (["status", "migrate"], 0),
        (["status", "manual"], 3),
        (["status", "broken"], 1),
        (["status", "web", "manual"], 3),
        (["status", "nothing"], 4),
        (["list", "tag:nothing"], 4),
        (["start", "nothing"], 4),
        (["signal", "USR1", "manual"], 1),
        (["signal", "NONSENSE", "web"], 1),
        (["nothing"], 2),
        (["status", "--nothing"], 2),
        (["start"], 2),
        (["logs", "-n", "x"], 2),
        ([], 2),
        (["--help"], 0),
        (["-x", "status"], 2),
        (["start", "broken"], 1),
        (["shutdown", "--exit-code", "999"], 1),
    ],
)
def test_exit_code_is_the_documented_one_when_typed(
    init: Live, words: list[str], code: int
) -> None:
    """0 done, 1 failed, 2 usage, 3 not running, 4 unknown."""
    done = init.ctl(*words, check=False)
    assert done.returncode == code, (done.stdout, done.stderr)
    if code == 2:
        assert done.stderr
    if code == 4:
        assert "nothing" in done.stderr


def test_error_is_one_line_with_a_hint_when_name_is_mistyped(init: Live) -> None:
    """No help page on an error."""
    done = init.ctl("status", "wbe", check=False)
    assert done.stderr == "nsinit: no service is called 'wbe'\n  hint: did you mean \"web\"?\n"
    done = init.ctl("stauts", check=False)
    assert done.stderr == "nsinit: there is no verb 'stauts'\n  hint: did you mean \"status\"?\n"


def test_names_are_chosen_by_pattern_and_tag_when_listed(init: Live) -> None:
    """Globs, tags, replicas; in starting order."""
    assert init.ctl("list").stdout.split() == ["web", "worker", "migrate", "broken", "manual"]
    assert init.ctl("list", "w*").stdout.split() == ["web", "worker"]
    assert init.ctl("list", "tag:back", "web@1").stdout.split() == ["web", "worker"]


def test_stop_and_start_are_idempotent_when_repeated(init: Live) -> None:
    """Start of running and stop of stopped succeed."""
    for verb, state in (("start", "running"), ("stop", "stopped")):
        for _ in range(2):
            assert init.ctl(verb, "manual").stdout == f"manual {state}\n"


def test_start_waits_no_longer_than_told_when_it_takes_time(init: Live) -> None:
    """--timeout ends with 124, --no-wait answers at once."""
    init.ctl("start", "manual", "--no-wait")
    init.ctl("stop", "manual")
    done = init.ctl("restart", "web", "-t", "0", check=False)
    assert done.returncode == 124
    assert "waited too long for web" in done.stderr
    init.wait_for("web", "running")


def test_logs_are_told_when_asked(init: Live) -> None:
    """With the name of the service before each line where there may be several; -n counts lines."""
    assert init.ctl("logs", "migrate").stdout == "tables \u2713\ndone\n"
    assert init.ctl("logs", "mig*").stdout == "migrate | tables \u2713\nmigrate | done\n"
    assert init.ctl("logs", "migrate", "-n", "1").stdout == "done\n"
    row = json.loads(init.ctl("logs", "migrate", "-n", "1", "--json").stdout)
    assert row["line"] == "done"
    assert row["stream"] == "stdout"
    assert init.ctl("logs", "--since", "0s").stdout == ""


def test_logs_are_escaped_when_the_locale_is_not_utf8(init: Live) -> None:
    """No error, no mojibake."""
    env = init.env | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [*NSINIT, "ctl", "logs", "migrate"], env=env, capture_output=True, check=True
    )
    assert done.stdout == b"tables \\u2713\ndone\n"


def test_events_are_numbered_when_told(init: Live) -> None:
    """Each change of each service, without a gap."""
    rows = [json.loads(line) for line in init.ctl("events", "--json").stdout.splitlines()]
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    last = rows[-1]["seq"]
    assert init.ctl("events", "--since-seq", str(last)).stdout == ""
    text = init.ctl("events", "migrate").stdout.splitlines()
    assert re.match(r" +\d+ \d\d:\d\d:\d\d\.\d{3} migrate stopped -> waiting$", text[0])


def test_signal_reaches_main_process_when_sent(init: Live) -> None:
    """By name or number."""
    before = init.status()["worker"]["run"]
    assert init.ctl("signal", "SIGKILL", "worker").stdout == "worker signalled\n"
    init.wait_for("worker", "running", run=before + 1)


def test_version_is_that_of_the_running_init_when_asked(init: Live) -> None:
    """With its pid."""
    from nsinit import __version__

    assert init.ctl("version").stdout == f"nsinit {__version__} (pid {init.pid})\n"


def test_code_is_4_when_no_init_answers(typed: Type, tmp_path: pathlib.Path) -> None:
    """Whatever the verb; the path is told."""
    for command in VERBS.values():
        words = [command.name, *(["x"] * sum(p.required for p in command.params))]
        if command.name == "signal":
            words = ["signal", "TERM", "x"]
        if command.name == "exec":
            words = ["exec", "x", "--", "true"]
        done = typed("ctl", "--socket", str(tmp_path / "no.sock"), *words)
        assert done.returncode == 4, done
        assert "no.sock" in done.stderr


@pytest.mark.parametrize("command", VERBS.values(), ids=lambda c: c.name)
def test_help_has_examples_when_asked_of_a_verb(typed: Type, command: object) -> None:
    """A summary, the parameters and examples."""
    from nsinit.control.commands import Command

    assert isinstance(command, Command)
    done = typed("ctl", command.name, "--help")
    assert done.returncode == 0
    assert command.examples[0] in done.stdout
    for param in (*command.params, *command.options):
        assert param.help.split()[0] in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: asks as another user")
def test_code_is_77_when_user_may_not(init: Live) -> None:
    """The socket is 0600: another user can't even connect."""
    os.chmod(init.directory, 0o755)
    done = subprocess.run(
        [*NSINIT, "ctl", "--socket", str(init.socket), "status"],
        env=environment(),
        user=ORDINARY,
        group=ORDINARY,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 77, done
    assert "permission denied" in done.stderr


def test_nothing_is_complained_of_when_reader_goes_away(init: Live) -> None:
    """`nsinit ctl events | head -1`: one line, no traceback."""
    command = f"{' '.join(NSINIT)} ctl events | head -n 1"
    done = subprocess.run(
        ["sh", "-c", command], env=init.env, capture_output=True, text=True, check=True
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
