"""Tables as structs: what is wrong in one is told key by key, all at once."""

from __future__ import annotations

import datetime as dt
import tomllib
from typing import Any

import pytest

from nsinit.model.decode import decode
from nsinit.model.report import Report, Source
from nsinit.model.sandboxes import Sandbox
from nsinit.model.spec import Init, Service
from nsinit.model.types import Codes


def service(text: str) -> tuple[Service, list[str]]:
    """A service from TOML, and what was told about it as "key path: message (hint)"."""
    written = f"[services.a]\n{text}"
    report = Report([Source("n.toml", written, tomllib.loads(written))])
    made = decode(report.sources[0].data["services"]["a"], Service, ("services", "a"), report)
    return made, [str(p).partition(": ")[2].removeprefix("services.a.") for p in report.problems]


def problems(text: str) -> list[str]:
    """What is told about a service that has a command."""
    return service(f"command = 'x'\n{text}")[1]


def test_service_has_its_defaults_when_only_a_command_is_given() -> None:
    """The smallest table there is."""
    made, told = service("command = 'x y'")
    assert told == []
    assert made == Service(command=made.command)
    assert made.command == ("x", "y")
    assert float(made.stop_timeout) == 8
    assert int(made.restart_limit) == 10
    assert (float(made.restart_delay), float(made.restart_max_delay)) == (0.5, 30)
    assert list(made.stop_signal) == [(15, None)]
    assert made.kill_mode == "group"
    assert (int(made.log.ring), made.log.to, made.log.file) == (256 << 10, None, None)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("restrat = 'no'", 'restrat: unknown key (did you mean "restart"?)'),
        ("stopwaitsec = 3", 'stopwaitsec: unknown key (did you mean "stopwaitsecs"?)'),
        ("zzzzz = 3", "zzzzz: unknown key"),
        ("log = {too = 'null'}", 'log.too: unknown key (did you mean "to"?)'),
        ("ready = {fds = 3}", 'ready.fds: unknown key (did you mean "fd"?)'),
        ("autostart = 1", "autostart: expected true or false, got an integer"),
        ("description = 5", "description: expected a string, got an integer"),
        ("description = 2024-01-01", "description: expected a string, got date"),
        ("working_dir = []", "working_dir: expected a string, got an array"),
        ("groups = 'www'", "groups: expected an array, got a string"),
        ("groups = ['www', 1.5]", "groups[1]: expected a string or an integer, got 1.5"),
        ("user = []", "user: expected a string or an integer, got []"),
        ("limits = 5", "limits: expected a table, got an integer"),
        ("limits = {nofile = 'x', core = 1}", ("limits.nofile: expected a size such as 4096, "
            "\"64KiB\", \"10M\" or \"1.5GiB\", got 'x'")),
        ("ready = true", "ready: expected a table, got a boolean"),
        ("ready = {notify = 'yes'}", "ready.notify: expected true or false, got a string"),
        ("type = 'onshot'", ('type: expected one of "simple", "oneshot", "notify", '
            '"notify-reload", "forking", got '
            "'onshot'"
            ' (did you mean "oneshot"?)')),
        ("type = 5", ('type: expected one of "simple", "oneshot", "notify", "notify-reload", '
            '"forking", got 5')),
        ("type = ['simple']", ('type: expected one of "simple", "oneshot", "notify", '
            '"notify-reload", "forking", '
            "got ['simple']")),
        ("restart = 'sometimes'", ('restart: expected one of "no", "on-failure", "always", '
            "\"on-success\", got 'sometimes'")),
        ("umask = 'rwx'", "umask: expected octal digits such as \"022\" or 0o022, got 'rwx'"),
        ("stop_timeout = -1", ('stop_timeout: expected a duration such as 5, "1.5s", "250ms" or '
            '"1h30m" between 0 and 10 years, got -1')),
        ("stop_signal = ['5s']", "stop_signal: '5s': a wait must follow a signal"),
        ("depends_on = {db = 'up'}", ('depends_on: db: expected one of "started", "ready", '
            "\"completed\", \"exited\", got 'up'")),
        ("environment = {A = [1]}", "environment: A: expected a string without NUL, got [1]"),
        ("tags = [1]", "tags: expected an array of names, got [1]"),
        ("restart_limit = -2", 'restart_limit: expected a number from 0 or "unlimited", got -2'),
        ("kill_mode = 'cgrop'", ('kill_mode: expected one of "group", "cgroup", "process", '
            "\"mixed\", got 'cgrop' (did you mean \"cgroup\"?)")),
        ("log = 'nul'", ('log.to: expected one of "console", "file", "syslog", "null", "inherit", '
            "got 'nul' (did you mean \"null\"?)")),
        ("log = 5", ('log.to: expected one of "console", "file", "syslog", "null", "inherit", '
            "got 5")),
        ("log = {ring = 'big'}", ('log.ring: expected a size such as 4096, "64KiB", "10M" or '
            "\"1.5GiB\", got 'big'")),
    ],
)  # fmt: skip
def test_key_is_told_with_what_was_expected_when_it_is_wrong(key: str, told: str) -> None:
    """Exactly one problem, at the key."""
    assert problems(key) == [told]


def test_missing_command_is_told_when_there_is_none() -> None:
    """At the table, which is where it belongs."""
    assert service("shell = true")[1] == ['services.a: the key "command" is missing']


def test_all_problems_are_told_at_once_when_many_keys_are_wrong() -> None:
    """The right keys of a wrong table are kept, for the checks across tables."""
    made, told = service("type = 5\nuser = true\nnope = 1\ndepends_on = ['db']\nmain = true\n")
    assert sorted(row.partition(":")[0] for row in told) == ["nope", "services.a", "type", "user"]
    assert (made.type, made.user) == ("simple", None)
    assert (made.depends_on, made.main) == ({"db": ""}, True)
    assert made.command == ("?",)


@pytest.mark.parametrize("table", [5, "x", [], True])
def test_table_is_expected_when_something_else_is_given(table: object) -> None:
    """What is told is the kind of what was found."""
    report = Report([Source("n.toml", "", {})])
    made = decode(table, Service, ("services", "a"), report)
    assert made.command == ("?",)
    (problem,) = report.problems
    assert problem.message.startswith("expected a table, got a")


@pytest.mark.parametrize(
    ("alias", "key", "value"),
    [
        ("autorestart = true", "restart", "always"),
        ("autorestart = false", "restart", "no"),
        ("autorestart = 'unexpected'", "restart", "on-failure"),
        ("autorestart = 'on-success'", "restart", "on-success"),
        ("directory = '/srv'", "working_dir", "/srv"),
        ("exitcodes = '0, 2'", "success_exit_codes", Codes([0, 2])),
        ("exitcodes = [0, 2]", "success_exit_codes", Codes([0, 2])),
        ("exitcodes = 3", "success_exit_codes", Codes([3])),
        ("startretries = 3", "restart_limit", 3),
        ("startsecs = 5", "min_uptime", 5.0),
        ("stopsignal = 'INT'", "stop_signal", ((2, None),)),
        ("stopwaitsecs = 3", "stop_timeout", 3.0),
    ],
)
def test_supervisord_spelling_means_ours_when_it_is_used(alias: str, key: str, value: Any) -> None:
    """With its values, too."""
    made, told = service(f"command = 'x'\n{alias}")
    assert told == []
    assert getattr(made, key) == value


@pytest.mark.parametrize(
    ("alias", "ours"),
    [
        ("autorestart = true", "restart = 'no'"),
        ("directory = '/'", "working_dir = '/'"),
        ("exitcodes = 0", "success_exit_codes = 0"),
        ("startretries = 3", "restart_limit = 3"),
        ("startsecs = 1", "min_uptime = 1"),
        ("stopsignal = 'INT'", "stop_signal = 'INT'"),
        ("stopwaitsecs = 3", "stop_timeout = 3"),
    ],
)
def test_both_spellings_are_refused_when_both_are_given(alias: str, ours: str) -> None:
    """Even when they agree: one of them is a slip."""
    name, key = alias.split(" ", maxsplit=1)[0], ours.split(" ", maxsplit=1)[0]
    assert problems(f"{ours}\n{alias}") == [
        f'{name}: is another name of "{key}", and both are given'
    ]


def test_alias_is_named_when_its_value_is_wrong() -> None:
    """Nobody finds a key on a line where another one stands."""
    written = "[services.a]\ncommand = 'x'\n\nstartsecs = 'x'\n"
    report = Report([Source("n.toml", written, tomllib.loads(written))])
    decode(report.sources[0].data["services"]["a"], Service, ("services", "a"), report)
    assert [(p.line, p.path) for p in report.problems] == [(4, "services.a.startsecs")]


def test_command_runs_in_a_shell_when_that_is_asked_for() -> None:
    """The string is left as it is."""
    made, told = service("command = \"echo 'a b' | cat $HOME\"\nshell = true")
    assert told == []
    assert made.command == ("/bin/sh", "-c", "echo 'a b' | cat $HOME")


@pytest.mark.parametrize(
    "text", ["command = 'x'\nshell = 'yes'", "command = 5\nshell = true", "command = 'a \"'"]
)
def test_command_is_told_when_it_or_its_shell_is_wrong(text: str) -> None:
    """One problem each, none of them an exception."""
    assert len(service(text)[1]) == 1


def test_control_may_be_one_path_when_nothing_else_is_set() -> None:
    """Control = "/path" is control = {path = "/path"}; log = "null" likewise."""
    report = Report([Source("n.toml", "", {})])
    init = decode({"control": "/run/x.sock"}, Init, ("init",), report)
    assert init.control.path == "/run/x.sock"
    assert service("command = 'x'\nlog = 'null'")[0].log.to == ("null",)
    assert service("command = 'x'\nlog = '/var/log/x'")[0].log.file == "/var/log/x"
    assert report.problems == []


@pytest.mark.parametrize(
    ("kind", "table", "told"),
    [
        (Init, {"control": 5}, "init.control.path: expected a string, got an integer"),
        (Init, {"control": {"mode": "rw"}}, "init.control.mode: expected octal digits"),
        (Init, {"control": {"read": [1.5]}}, "init.control.read[0]: expected a string or an"),
        (Init, {"control": {"reed": []}}, 'init.control.reed: unknown key (did you mean "read"?)'),
        (Init, {"log": "loud"}, 'init.log.level: expected one of "debug", "info"'),
        (Init, {"forward_signals": ["FOO"]}, "init.forward_signals[0]: expected a signal"),
        (Init, {"forward_signals": "USR1"}, "init.forward_signals: expected an array, got a str"),
        (Init, {"shutdown_timeout": dt.time(1)}, "init.shutdown_timeout: expected a dur"),
        (Init, {"loop": "trio"}, 'init.loop: expected one of "auto", "uvloop", "asyncio"'),
        (Sandbox, {"namespaces": {"pid": 1.5}}, "sandbox.namespaces.pid: expected an integer or"),
        (Sandbox, {"time_offsets": {"real": 1}}, "sandbox.time_offsets.real: unknown key"),
        (Sandbox, {"namespaces": {"pids": "new"}}, "sandbox.namespaces.pids: expected one of"),
        (Sandbox, {"hostname": 5}, "sandbox.hostname: expected a string, got an integer"),
        (Sandbox, {"hostnam": "x"}, "sandbox.hostnam: unknown key (did you mean"),
    ],
)
def test_other_tables_are_diagnosed_when_they_are_wrong(
    kind: type[Init | Sandbox], table: dict[str, Any], told: str
) -> None:
    """By the same walk over their types."""
    report = Report([Source("n.toml", "", {})])
    made = decode(table, kind, (kind.__name__.lower(),), report)
    assert made == kind()
    (problem,) = report.problems
    assert str(problem).removeprefix("n.toml: ").startswith(told)
