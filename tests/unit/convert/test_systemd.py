"""Units of systemd: what becomes of them, and of what is dropped into them."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.convert.kinds import Wishes, convert, recognize
from nsinit.convert.proof import prove, settle
from nsinit.convert.systemd.commands import parse as parse_command
from nsinit.convert.systemd.commands import script
from nsinit.convert.systemd.text import Entry, parse
from nsinit.convert.systemd.words import words
from nsinit.convert.write import write
from nsinit.errors import ConvertError, UsageError

if TYPE_CHECKING:
    import pathlib

    from nsinit.convert.document import Document


def read(home: pathlib.Path, *names: str, instance: str = "") -> tuple[dict[str, Any], Document]:
    """The tables of what is in a directory (or of some units there), and the document."""
    paths = [str(home / name) for name in names] or [str(home)]
    document = convert(paths, Wishes({}, instance=instance), "systemd")
    text = settle(document, "nsinit.toml", {})
    prove(text, "nsinit.toml", {})
    return tomllib.loads(text), document


def service(home: pathlib.Path, text: str, name: str = "app") -> dict[str, Any]:
    """The table of one service."""
    (home / f"{name}.service").write_text(text)
    found: dict[str, Any] = read(home, f"{name}.service")[0]["services"][name]
    return found


def told(document: Document) -> list[str]:
    """The keys of what has no equal."""
    return [finding.key for finding in document.findings]


# --- Text, words, commands ------------------------------------------------------------------------


def test_lines_are_joined_when_they_end_in_a_backslash() -> None:
    """A comment in between is none of it; an escaped backslash joins nothing."""
    text = "[Service]\nA=1 \\\n# no\n; no\n  2 \\\n3\n\nB=x\\\\\nC = y \n=z\n[X-Own]\nD=1\nX-E=2\n"
    entries, wrong = parse(text, "f")
    found = [(one.key, one.value, one.line) for one in entries]
    assert found == [("A", "1    2  3", 2), ("B", "x\\\\", 8), ("C", "y", 9)]
    assert [line for line, _ in wrong] == [10]
    assert parse("A=1\n[", "f")[1] == [
        (1, "A= stands outside of a section"),
        (2, "'[' is no section"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a  b\tc", ["a", "b", "c"]),
        ("'a b'\"c d\" e'f'", ["a bc d", "ef"]),
        (r"a\x20b \u00e4 \101 \s|", ["a b", "ä", "A", " |"]),
        (r"\xc3\xa4 \q '\n'", ["ä", r"\q", "\n"]),
        ("''", [""]),
    ],
)
def test_words_are_split_when_there_are_quotes_and_escapes(text: str, expected: list[str]) -> None:
    """As systemd's own parser does it."""
    assert words(text) == expected


@pytest.mark.parametrize("text", ["'a", '"b', r"\xff", r"\x00"])
def test_words_are_refused_when_they_make_no_sense(text: str) -> None:
    """A quote that is open, and what could not be written."""
    with pytest.raises(ValueError, match=r"closed|UTF-8|NUL"):
        words(text)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/bin/a b 'c d'", ["/bin/a", "b", "c d"]),
        ("/bin/a $$HOME a$$b", ["/bin/a", "$HOME", "a$b"]),
        ("/bin/a x$FOO", ["/bin/a", "x$FOO"]),
        (":/bin/a $FOO ${BAR}", ["/bin/a", "$FOO", "${BAR}"]),
        ("/bin/a $FOO", "set -f; exec /bin/a $FOO"),
        ("/bin/a ${FOO}", 'exec /bin/a "${FOO}"'),
        ("/bin/a 'x \"y${FOO}'", 'exec /bin/a "x \\"y${FOO}"'),
        ("/bin/a $1 ${2}", 'set -f; exec /bin/a  ""'),
        ("-/bin/a b", "/bin/a b || :"),
        ("/bin/a ; -/bin/b c ; /bin/d", "/bin/a && { /bin/b c || :; } && exec /bin/d"),
        (r"/bin/a \; b;c", ["/bin/a", ";", "b;c"]),
        ("@/bin/a b c", ["/bin/a", "c"]),
        ("/bin/echo %i %%", ["/bin/echo", "ONE", "%"]),
    ],
)
def test_commands_mean_the_same_when_they_are_lines_of_systemd(line: str, expected: object) -> None:
    """Prefixes, variables, several in a line: systemd.service(5), COMMAND LINES."""
    entry = Entry("Service", "ExecStart", line, "f", 1)
    found = parse_command(entry, lambda text: text.replace("%i", "ONE").replace("%%", "%"))
    assert script(found) == expected


# --- Services -------------------------------------------------------------------------------------


def test_defaults_of_systemd_are_written_when_nsinit_has_others(tmp_path: pathlib.Path) -> None:
    """No restart, 90 s to stop, nothing of init's environment, up as soon as it runs."""
    assert service(tmp_path, "[Service]\nExecStart=/bin/app\n") == {
        "command": ["/bin/app"],
        "working_dir": "/",
        "umask": "022",
        "inherit_env": False,
        "min_uptime": 0,
        "restart": "no",
        "success_exit_codes": [0, "HUP", "INT", "TERM", "PIPE"],
        "stop_timeout": "1m30s",
    }


def test_a_service_is_whole_when_its_unit_says_much(tmp_path: pathlib.Path) -> None:
    """A golden unit."""
    found = service(
        tmp_path,
        """\
[Unit]
Description=An app
StartLimitIntervalSec=1min
StartLimitBurst=4
[Service]
Type=notify
User=nobody
Environment="A=x y" B=$HOME 'C=%n'
ExecStartPre=+/bin/prepare
ExecStart=/bin/app --name %p ${A}
ExecReload=/bin/kill -HUP $MAINPID
ExecStop=/bin/stop $MAINPID
ExecStopPost=-/bin/clean
Restart=on-failure
RestartSec=2s 500ms
RestartPreventExitStatus=2 SIGQUIT NOTCONFIGURED
SuccessExitStatus=TEMPFAIL
TimeoutStartSec=2min
TimeoutStopSec=20
KillSignal=SIGINT
SendSIGHUP=yes
KillMode=mixed
WatchdogSec=30
LimitNOFILE=1024:4096
LimitCORE=infinity
LimitNICE=+5
UMask=0027
WorkingDirectory=/srv
MemoryMax=100M
CPUQuota=150%
TasksMax=20
CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_CHOWN
CapabilityBoundingSet=~CAP_CHOWN
AmbientCapabilities=CAP_NET_BIND_SERVICE
SystemCallFilter=@system-service
SystemCallFilter=~@mount @resources
SystemCallErrorNumber=EPERM
StandardOutput=append:/var/log/app.log
StandardError=null
[Install]
WantedBy=multi-user.target
""",
    )
    assert found == {
        "command": 'exec /bin/app --name app "$${A}"',
        "shell": True,
        "type": "notify",
        "description": "An app",
        "working_dir": "/srv",
        "user": "nobody",
        "umask": "0027",
        "environment": {"A": "x y", "B": "$HOME", "C": "app.service"},
        "inherit_env": False,
        "limits": {"nofile": "1024:4096", "core": "unlimited", "nice": 15},
        "watchdog": "30s",
        "start_timeout": "2m",
        "restart": "on-failure",
        "restart_delay": "2.5s",
        "restart_max_delay": "2.5s",
        "restart_limit": 3,
        "restart_reset": "15s",
        "success_exit_codes": [0, "HUP", "INT", "TERM", "PIPE", 75],
        "restart_prevent_codes": [2, "QUIT", 6],
        "pre_start": {"command": ["/bin/prepare"], "user": 0, "timeout": "2m"},
        "stop_command": {"command": "set -f; exec /bin/stop $MAINPID", "shell": True},
        "post_stop": {"command": "/bin/clean || :", "shell": True, "timeout": "20s"},
        "reload_signal": "HUP",
        "stop_signal": ["INT", "0s", "HUP"],
        "stop_timeout": "20s",
        "kill_mode": "mixed",
        "log": {"file": "/var/log/app.log", "max_size": 0, "stderr": {"to": "null"}},
        "resources": {"memory": 104857600, "cpu": 1.5, "pids": 20},
        "resources_optional": True,
        "capabilities": ["NET_BIND_SERVICE"],
        "ambient": ["NET_BIND_SERVICE"],
        "seccomp": {
            "allow": ["@service", "@keyring", "process_madvise", "setns", "unshare", "userfaultfd"],
            "deny": [
                "@mount", "ioprio_set", "mbind", "migrate_pages", "move_pages", "nice",
                "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler",
                "set_mempolicy", "set_mempolicy_home_node", "setpriority", "setrlimit",
            ],
            "default": "errno",
        },
    }  # fmt: skip


def test_a_oneshot_is_undone_when_it_stays(tmp_path: pathlib.Path) -> None:
    """With RemainAfterExit ExecStop is for the stop, without it comes right after."""
    text = "[Service]\nType=oneshot\nExecStart=/bin/a\nExecStart=-/bin/b\nExecStop=/bin/undo\n"
    found = service(tmp_path, text)
    assert found["command"] == "/bin/a && { /bin/b || :; }"
    assert (found["type"], found["post_stop"]["command"]) == ("oneshot", ["/bin/undo"])
    found = service(tmp_path, text + "RemainAfterExit=yes\n")
    assert found["stop_command"] == {"command": ["/bin/undo"]}


def test_a_dynamic_user_is_an_id_that_comes_with_confinement(tmp_path: pathlib.Path) -> None:
    """Of systemd's range, unless there is such a user; files are read-only, and /tmp its own."""
    found = service(tmp_path, "[Service]\nExecStart=/bin/a\nDynamicUser=yes\n")
    assert 61184 <= found["user"] == found["group"] <= 65519
    assert found["no_new_privs"] is True
    kinds = {one["target"]: one.get("type", "bind") for one in found["mounts"]}
    assert (kinds["/usr"], kinds["/home"], kinds["/tmp"]) == ("bind", "bind", "tmpfs")
    text = "[Service]\nExecStart=/bin/a\nDynamicUser=yes\nUser=nobody\n"
    assert service(tmp_path, text)["user"] == "nobody"


def test_a_failure_is_none_when_a_command_begins_with_a_dash(tmp_path: pathlib.Path) -> None:
    """Of a launcher by a shell, of a service by its codes, unless it comes back anyway."""
    found = service(tmp_path, "[Service]\nType=forking\nExecStart=-/bin/a b\n")
    assert (found["command"], found["resources"]) == ("/bin/a b || :", {})
    found = service(tmp_path, "[Service]\nExecStart=-/bin/a b\n")
    assert set(range(256)) | {"TERM", "KILL"} <= set(found["success_exit_codes"])
    found = service(tmp_path, "[Service]\nExecStart=-/bin/a b\nRestart=always\n")
    assert len(found["success_exit_codes"]) == 5


def test_a_service_fails_when_its_command_makes_no_sense(tmp_path: pathlib.Path) -> None:
    """It does not succeed by doing nothing."""
    assert service(tmp_path, "[Service]\nExecStart='/bin/a\n")["command"] == ["/bin/false"]


def test_a_restart_has_no_limit_when_the_delay_is_long(tmp_path: pathlib.Path) -> None:
    """5 starts in 10 s can't be had with 2 s between them; and the delay counts after any run."""
    base = "[Service]\nExecStart=/bin/a\nRestart=always\n"
    found = service(tmp_path, f"{base}RestartSec=2\n")
    assert (found["restart_limit"], found["restart_reset"]) == ("unlimited", "3650d")
    found = service(tmp_path, f"{base}StartLimitInterval=0\n")
    assert (found["restart_limit"], found["restart_delay"]) == ("unlimited", "0.1s")


def test_directories_are_made_first_when_a_service_wants_them(tmp_path: pathlib.Path) -> None:
    """By a oneshot that is root; what is for the run is removed in the end."""
    text = (
        "[Service]\nExecStart=/bin/a\nUser=www\nGroup=www\nRuntimeDirectory=a a/b\n"
        "StateDirectory=a\nRuntimeDirectoryMode=0700\nProtectSystem=strict\n"
    )
    (tmp_path / "a.service").write_text(text)
    tables = read(tmp_path)[0]["services"]
    assert tables["a"]["depends_on"] == ["a-directories"]
    assert tables["a"]["environment"] == {
        "RUNTIME_DIRECTORY": "/run/a:/run/a/b",
        "STATE_DIRECTORY": "/var/lib/a",
    }
    writable = [one["target"] for one in tables["a"]["mounts"] if "rw" in one["options"]]
    assert writable == ["/run/a", "/run/a/b", "/var/lib/a"]
    made = tables["a-directories"]
    assert made["command"].startswith("install -d -m 0700 -o www -g www /run/a && ")
    assert made["stop_command"] == {"command": ["rm", "-rf", "/run/a", "/run/a/b"]}


def test_the_files_variables_count_when_both_name_one(tmp_path: pathlib.Path) -> None:
    """EnvironmentFile goes before Environment, nsinit has it the other way round."""
    file = tmp_path / "env"
    file.write_text("# x\nA=file\nB='same thing'\nC=a # no comment\n")
    (tmp_path / "a.service").write_text(
        f"[Service]\nExecStart=/bin/a\nEnvironment=A=unit D=4\nEnvironmentFile=-{file}\n"
    )
    tables, document = read(tmp_path)
    assert tables["services"]["a"]["environment"] == {"D": "4"}
    assert tables["services"]["a"]["env_file"] == [f"{file}?"]
    assert "nsinit reads C in this file otherwise" in str(document.findings[0])


# --- Files ----------------------------------------------------------------------------------------


def test_drop_ins_count_when_they_are_beside_a_unit(tmp_path: pathlib.Path) -> None:
    """In the order of their names, the nearest directory first; nothing begins a list anew."""
    (tmp_path / "my-app.service").write_text(
        "[Service]\nExecStart=/bin/old\nEnvironment=A=1\nNice=1\nUMask=011\n"
    )
    for name, text in {
        "my-app.service.d/20.conf": "[Service]\nExecStart=\nExecStart=/bin/new\n",
        "my-app.service.d/10.conf": "[Service]\nEnvironment=B=2\nNice=2\n",
        "my-.service.d/10.conf": "[Service]\nNice=9\n",
        "my-.service.d/30.conf": "[Service]\nNice=3\n",
        "service.d/05.conf": "[Service]\nUMask=\nEnvironment=C=3\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = read(tmp_path)[0]["services"]["my-app"]
    assert found["command"] == ["/bin/new"]
    assert found["environment"] == {"A": "1", "B": "2", "C": "3"}
    assert (found["nice"], found["umask"]) == (3, "022")


def test_a_template_is_an_instance_when_one_is_named(tmp_path: pathlib.Path) -> None:
    """By the name, by --instance (which is escaped), by DefaultInstance; else it is told."""
    template = tmp_path / "pg@.service"
    template.write_text("[Service]\nExecStart=/bin/pg %i %I %f\n")
    found = read(tmp_path, "pg@15-main.service")[0]["services"]
    assert found["pg-15-main"]["command"] == ["/bin/pg", "15-main", "15/main", "/15/main"]
    found = read(tmp_path, "pg@.service", instance="a-b")[0]["services"]
    assert next(iter(found.values()))["command"] == ["/bin/pg", r"a\x2db", "a-b", "/a-b"]
    document = convert([str(template)], Wishes({}), "systemd")
    assert told(document) == ["pg@.service"]
    template.write_text("[Service]\nExecStart=/bin/pg %i\n[Install]\nDefaultInstance=main\n")
    assert read(tmp_path)[0]["services"]["pg-main"]["command"] == ["/bin/pg", "main"]


def test_units_are_found_by_name_when_a_root_has_them(tmp_path: pathlib.Path) -> None:
    """/etc goes before /lib; links lead nowhere out of the root; /dev/null is a mask."""
    lib, etc = tmp_path / "lib/systemd/system", tmp_path / "etc/systemd/system"
    for place in (lib, etc / "app.service.d"):
        place.mkdir(parents=True)
    (lib / "app.service").write_text("[Service]\nExecStart=/bin/a\nUser=me\nWorkingDirectory=~\n")
    (lib / "gone.service").write_text("[Service]\nExecStart=/bin/b\n")
    (etc / "app.service.d/x.conf").write_text("[Service]\nNice=4\n")
    (etc / "other.service").symlink_to("/lib/systemd/system/app.service")
    (etc / "gone.service").symlink_to("/dev/null")
    (tmp_path / "etc/passwd").write_text("me:x:7:7::/home/me:/bin/sh\n")
    wishes = Wishes({}, root=str(tmp_path))
    tables = tomllib.loads(write(convert(["other", "gone.service"], wishes, "systemd")))
    assert list(tables["services"]) == ["app"]
    assert tables["services"]["app"]["working_dir"] == "/home/me"
    assert tables["services"]["app"]["nice"] == 4
    with pytest.raises(ConvertError, match="no such unit"):
        convert(["none.service"], wishes, "systemd")
    with pytest.raises(UsageError, match="is no unit"):
        convert(["what ever"], wishes, "systemd")
    assert recognize(str(lib / "app.service")).name == "systemd"
    assert recognize(str(lib)).name == "systemd"
