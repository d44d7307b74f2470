"""supervisord.conf: what becomes of each key, and what is refused as supervisord refuses it."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.convert.kinds import Wishes, convert, recognize
from nsinit.convert.proof import prove
from nsinit.convert.write import write
from nsinit.errors import ConvertError

if TYPE_CHECKING:
    import pathlib

    from nsinit.convert.document import Document

MAIN = "[supervisord]\n"
USUAL = {
    "restart": "on-failure", "restart_limit": 3, "restart_delay": "1s", "restart_reset": "100ms",
    "stop_timeout": "10s", "kill_mode": "process",
}  # fmt: skip
# Every key of the manual (Configuration File), but those of programs.
KEYS = {
    "unix_http_server": "file chmod chown username password",
    "inet_http_server": "port username password",
    "supervisord": (
        "logfile logfile_maxbytes logfile_backups loglevel pidfile umask nodaemon silent minfds"
        " minprocs nocleanup childlogdir user directory strip_ansi environment identifier"
    ),
    "supervisorctl": "serverurl username password prompt history_file",
    "include": "files",
    "group:g": "programs priority",
    "eventlistener:e": "buffer_size events result_handler command",
    "rpcinterface:r": "supervisor.rpcinterface_factory retries",
    "program:p": (
        "command process_name numprocs numprocs_start priority autostart startsecs startretries"
        " autorestart exitcodes stopsignal stopwaitsecs stopasgroup killasgroup user"
        " redirect_stderr stdout_logfile stdout_logfile_maxbytes stdout_logfile_backups"
        " stdout_capture_maxbytes stdout_events_enabled stdout_syslog stderr_logfile"
        " stderr_logfile_maxbytes stderr_logfile_backups stderr_capture_maxbytes"
        " stderr_events_enabled stderr_syslog environment directory umask serverurl"
    ),
    "fcgi-program:f": "socket socket_backlog socket_owner socket_mode command",
}
# For each, a value that asks for something, and what it makes of the text that is written.
ASKING = {
    "chmod": "0770", "chown": "root:adm", "port": "9001", "logfile_maxbytes": "1MB",
    "logfile_backups": "3", "loglevel": "debug", "umask": "027", "nodaemon": "false",
    "silent": "true", "minfds": "4096", "minprocs": "300", "nocleanup": "true",
    "user": "nobody", "directory": "/srv", "strip_ansi": "true", "environment": "A=1",
    "serverurl": "http://x:1", "files": "none/*.conf", "programs": "p", "priority": "5",
    "buffer_size": "5", "events": "TICK_5", "command": "/bin/x", "numprocs": "2",
    "process_name": "%(program_name)s_%(process_num)d", "numprocs_start": "1",
    "autostart": "false", "startsecs": "5", "startretries": "9", "autorestart": "true",
    "exitcodes": "0,2", "stopsignal": "INT", "stopwaitsecs": "3", "stopasgroup": "true",
    "killasgroup": "true", "redirect_stderr": "true", "socket": "unix:///run/f.sock",
    "socket_backlog": "12", "socket_owner": "www-data:adm", "socket_mode": "0660",
    "stdout_logfile": "/var/log/o", "stderr_logfile": "/var/log/e",
    "stdout_logfile_maxbytes": "1MB", "stderr_logfile_maxbytes": "2MB",
    "stdout_logfile_backups": "3", "stderr_logfile_backups": "4",
    "stdout_capture_maxbytes": "1MB", "stderr_capture_maxbytes": "1MB",
    "stdout_events_enabled": "true", "stderr_events_enabled": "true", "stdout_syslog": "true",
    "stderr_syslog": "true",
}  # fmt: skip
# What stands beside a key for it to mean something.
BESIDE = {
    "numprocs": {"process_name": "p%(process_num)d"},
    "numprocs_start": {"process_name": "p%(process_num)d"},
    "chown": {"chmod": "0770"},
    "stdout_logfile_maxbytes": {"stdout_logfile": "/var/log/o"},
    "stdout_logfile_backups": {"stdout_logfile": "/var/log/o"},
    "stderr_logfile_maxbytes": {"stderr_logfile": "/var/log/e"},
    "stderr_logfile_backups": {"stderr_logfile": "/var/log/e"},
    "redirect_stderr": {"stdout_logfile": "/var/log/o"},
    "socket_mode": {"socket": "unix:///run/f.sock"},
    "socket_owner": {"socket": "unix:///run/f.sock"},
    "socket_backlog": {"socket": "unix:///run/f.sock"},
}
# Said where it makes no difference: that there is none is the point.
SILENT = {
    ("supervisord", "nocleanup"), ("group:g", "programs"), ("group:g", "priority"),
    ("include", "files"), ("program:p", "process_name"),
    ("program:p", "priority"), ("unix_http_server", "file"),
    *(("supervisorctl", key) for key in KEYS["supervisorctl"].split()),
}  # fmt: skip


def document(path: pathlib.Path, text: str, env: dict[str, str] | None = None) -> Document:
    """What a file means."""
    file = path / "s.conf"
    file.write_text(text)
    return convert([str(file)], Wishes(env or {}), "supervisord")


def written(path: pathlib.Path, text: str, env: dict[str, str] | None = None) -> str:
    """The same as TOML that passes the checks; its findings begin with their line."""
    made = write(document(path, text, env))
    prove(made, "n.toml", env or {})
    return made.replace(f"{path}/s.conf:", "")


def services(path: pathlib.Path, text: str, env: dict[str, str] | None = None) -> Any:
    """The tables of the services."""
    return tomllib.loads(written(path, text, env))["services"]


def one(path: pathlib.Path, keys: str, env: dict[str, str] | None = None) -> Any:
    """The table of a program of which only this is said, without what is the same for all."""
    made = services(path, f"{MAIN}[program:p]\ncommand=/bin/x\n{keys}", env)["p"]
    return {key: value for key, value in made.items() if USUAL.get(key) != value}


@pytest.mark.parametrize(
    ("section", "key"), [(s, key) for s, keys in KEYS.items() for key in keys.split()]
)
def test_no_key_is_dropped_when_it_asks_for_something(
    tmp_path: pathlib.Path, section: str, key: str
) -> None:
    """It changes the services, or there is a line that names it."""
    beside = dict(BESIDE.get(key, {}))
    sections: dict[str, dict[str, str]] = {"supervisord": {}, "program:p": {"command": "/bin/p"}}
    sections.setdefault(section, {}).update(beside)
    if section.startswith("fcgi"):
        sections[section] = {"command": "/bin/f", "socket": "tcp://127.0.0.1:9"} | beside
    if section.startswith("group"):
        sections[section] = {"programs": "p"} | beside
    plain = written(tmp_path, _text(sections))
    sections[section][key] = ASKING.get(key, "something")
    made = written(tmp_path, _text(sections))
    told = (
        f"{section}.{key} = " in made or f"[{section}] = {', '.join(sections[section])} (" in made
    )
    assert told or (section, key) in SILENT or made != plain or key == "command"
    assert not (told and "knows no such" in made) or key == "retries"


def _text(sections: dict[str, dict[str, str]]) -> str:
    return "".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        for name, keys in sections.items()
    )


@pytest.mark.parametrize(
    ("keys", "made"),
    [
        ("", {}),
        ("autorestart=true", {"restart": "always"}),
        ("autorestart=unexpected\nexitcodes=0,2", {"success_exit_codes": [0, 2]}),
        ("startsecs=0", {"min_uptime": "0s", "restart_limit": "unlimited"}),
        ("startsecs=5\nstartretries=0", {"min_uptime": "5s", "restart_limit": 1}),
        ("stopsignal=SIGQUIT\nstopwaitsecs=3", {"stop_signal": "QUIT", "stop_timeout": "3s"}),
        ("killasgroup=true", {"kill_mode": "mixed"}),
        ("stdout_logfile=NONE", {"log": {"to": "null", "stderr": "console"}}),
        ("stdout_logfile=none\nstderr_logfile=off", {"log": "null"}),
        ("stdout_syslog=true\nstderr_logfile=syslog", {"log": {
            "to": ["console", "syslog"], "stderr": "syslog", "syslog": {"facility": "user"}}}),
        (("stdout_logfile=/l/a\nstdout_logfile_maxbytes=0\nstdout_syslog=true\n"
         "redirect_stderr=true"), {"log": {
            "to": ["file", "syslog"], "file": "/l/a", "max_size": 0, "compress": False,
            "mode": "0644", "syslog": {"facility": "user"}}}),
        ("stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\nredirect_stderr=true", {}),
        ("stdout_logfile=/l/a\nredirect_stderr=yes\nstdout_logfile_backups=0", {"log": {
            "file": "/l/a", "max_size": "50MiB", "keep": 0, "compress": False, "mode": "0644"}}),
        ("stdout_logfile=/l/a\nstderr_logfile=/l/a", {"log": {
            "file": "/l/a", "max_size": "50MiB", "keep": 10, "compress": False, "mode": "0644"}}),
        ("stderr_logfile=/l/syslog.log\nstderr_logfile_maxbytes=0", {"log": {
            "to": "console", "stderr": {
                "file": "/l/syslog.log", "max_size": 0, "compress": False, "mode": "0644"}}}),
        ("stdout_logfile=/l/a\nstdout_logfile_maxbytes=0", {"log": {
            "file": "/l/a", "max_size": 0, "compress": False, "mode": "0644",
            "stderr": "console"}}),
        ("environment=A='1,2',B=\"it's\",C=/x:/y", {"environment": {
            "A": "1,2", "B": "it's", "C": "/x:/y"}}),
        ("environment=A='x',\n  B=2 ; two", {"environment": {"A": "x", "B": "2"}}),
        ("directory=/srv ; here\numask=022\nuser=www-data\nautostart=no", {
            "working_dir": "/srv", "umask": "022", "user": "www-data", "autostart": False}),
        ("numprocs=2\nprocess_name=%(program_name)s_%(process_num)02d", {"replicas": 2}),
    ],
)  # fmt: skip
def test_program_behaves_the_same_when_converted(
    tmp_path: pathlib.Path, keys: str, made: dict[str, Any]
) -> None:
    """What differs from a program of which nothing is said."""
    assert one(tmp_path, keys) == {"command": "/bin/x", **made}


def test_processes_are_services_when_their_number_matters(tmp_path: pathlib.Path) -> None:
    """Else instances of one."""
    numbered = "numprocs=2\nprocess_name=%(program_name)s-%(process_num)02d\n"
    made = services(
        tmp_path, f"{MAIN}[program:p]\ncommand=/bin/x --port 80%(process_num)02d\n{numbered}"
    )
    assert {name: table["command"] for name, table in made.items()} == {
        "p-00": "/bin/x --port 8000", "p-01": "/bin/x --port 8001",
    }  # fmt: skip
    assert made["p-01"]["tags"] == ["p"]
    again = services(
        tmp_path,
        f"{MAIN}[program:p]\ncommand=/bin/x %(process_num)d\nnumprocs_start=1\n{numbered}",
    )
    assert (again["p"]["command"], again["p"]["replicas"]) == ("/bin/x {{index}}", 2)


def test_numbers_are_told_when_they_cannot_be_kept(tmp_path: pathlib.Path) -> None:
    """A service without any process; a number that comes from a variable."""
    text = f"{MAIN}[program:a]\ncommand=x\n[program:p]\ncommand=/bin/x %(process_num)02d\n"
    made = written(tmp_path, f"{text}numprocs=0\n")
    assert "# unsupported: 6: program:p.numprocs = 0 (" in made
    made = written(tmp_path, f"{text}numprocs=%(ENV_MANY)s\n")
    assert "# unsupported: 6: program:p.numprocs = %(ENV_MANY)s ($MANY is not set" in made
    again = services(tmp_path, f"{MAIN}[program:p]\ncommand=x {{{{index}}}}\nnumprocs=2\n"
                     "process_name=p%(process_num)d\n")  # fmt: skip
    assert list(again) == ["p0", "p1"]


def test_groups_and_priorities_are_kept_when_converted(tmp_path: pathlib.Path) -> None:
    """The lesser number starts first; groups are tags, and their priority goes before."""
    text = MAIN + "".join(
        f"[program:{name}]\ncommand=/bin/{name}\npriority={priority}\n"
        for name, priority in (("a", 20), ("b", 10), ("c", 1), ("d", 999))
    )
    made = services(tmp_path, text + "[group:g]\nprograms=c,d\npriority=15\n")
    assert {name: table.get("after") for name, table in made.items()} == {
        "b": None, "c": ["b"], "d": ["c"], "a": ["d"],
    }  # fmt: skip
    assert made["d"]["tags"] == ["g", "d"][:1]
    loaded = tomllib.loads(written(tmp_path, text))
    assert loaded["init"] == {"keep_running": True, "shutdown_timeout": "40s"}


def test_names_are_filled_in_when_they_are_used(tmp_path: pathlib.Path) -> None:
    """Variables stay variables, but for numbers and in what [supervisord] has set itself."""
    text = (
        '[supervisord]\nenvironment=SET="$x"\n[program:p]\n'
        'command=%(here)s/x %(ENV_PORT)s 50%% %(ENV_SET)s %(ENV_OWN)s $y "${z}" %(group_name)s\n'
        "environment=OWN=%(program_name)s\nautostart=%(ENV_START)s\nstartsecs=%(ENV_SECONDS)s\n"
        "stdout_logfile=%(ENV_LOGS)s/p.log\n"
    )
    made = written(tmp_path, text, {"START": "false"})
    table = tomllib.loads(made)["services"]["p"]
    assert table["command"] == f'{tmp_path}/x ${{PORT}} 50% $$x p $$y "$${{z}}" p'
    assert (table["autostart"], table["log"]["file"]) == (False, "${LOGS}/p.log")
    assert "7: program:p.startsecs = %(ENV_SECONDS)s ($SECONDS is not set here" in made


def test_included_files_are_read_when_they_match(tmp_path: pathlib.Path) -> None:
    """With their own %(here)s, and the places of what they hold."""
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "a.conf").write_text("[program:a]\ncommand=%(here)s/a\nodd=1\n")
    (tmp_path / "conf.d" / "b.ini").write_text("[program:b]\ncommand=b\n")
    made = written(tmp_path, MAIN + "[include]\nfiles = conf.d/*.conf\n    none/*.x\n")
    assert list(tomllib.loads(made)["services"]) == ["a"]
    assert f'command = "{tmp_path}/conf.d/a"' in made
    assert f"# unsupported: {tmp_path}/conf.d/a.conf:3: program:a.odd = 1 (" in made
    assert "# [include] files: there is nothing at none/*.x" in made


def test_fastcgi_program_has_its_socket_as_stdin_when_started(tmp_path: pathlib.Path) -> None:
    """A shell moves it there."""
    made = services(
        tmp_path,
        MAIN + "[fcgi-program:f]\ncommand=/bin/f 'a b'\nsocket=unix:///run/f.sock\n"
        "socket_owner=www-data:adm\nsocket_mode=0660\nsocket_backlog=5\n",
    )["f"]
    assert made["command"][-2:] == ["/bin/f", "a b"]
    assert made["sockets"] == [
        {"listen": "/run/f.sock", "mode": "0660", "user": "www-data", "group": "adm", "backlog": 5}
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("command=x\n", "s.conf:1: a [section] has to come first"),
        ("[program:a]\ncommand\n", "s.conf:2: expected KEY = VALUE"),
        ("[program:a]\n", 's.conf:1: [program:a]: the key "command" is missing'),
        ("[program:a]\ncommand=\n", "s.conf:2: [program:a] command: is empty"),
        ("[program:a]\ncommand='x\n", "s.conf:2: [program:a] command: cannot be split"),
        ("[program:a]\ncommand=x\nstartsecs=soon\n", "s.conf:3: [program:a] startsecs: expected a"),
        ("[program:a]\ncommand=x\numask=9\n", "s.conf:3: [program:a] umask: expected octal"),
        ("[program:a]\ncommand=x 5%\n", "s.conf:2: [program:a] command: a % has no meaning"),
        ("[program:a]\ncommand=%(no)s\n", "s.conf:2: [program:a] command: there is no %(no)s"),
        ("[program:a]\ncommand=x\nautostart=ja\n", "s.conf:3: [program:a] autostart: expected tr"),
        ("[program:a]\ncommand=x\nnumprocs=2\n", "s.conf:3: [program:a] numprocs: with several"),
        ("[program:a]\ncommand=x\nenvironment=A\n", "s.conf:3: [program:a] environment: expected"),
        ("[program:a]\ncommand=x\nstopsignal=9X\n", "s.conf:3: [program:a] stopsignal: expected a"),
        ("[program:a]\ncommand=x\nexitcodes=256\n", "s.conf:3: [program:a] exitcodes: expected"),
        ("[group:g]\nprograms=a\n", "s.conf:2: [group:g] programs: there is no program 'a'"),
        ("[fcgi-program:f]\ncommand=x\n", 's.conf:1: [fcgi-program:f]: the key "socket" is'),
        ("[x]\na=1\n", "s.conf: there are neither programs nor a [supervisord] in it"),
    ],
)
def test_reason_is_told_when_supervisord_would_refuse_it_too(
    tmp_path: pathlib.Path, text: str, told: str
) -> None:
    """With the line."""
    with pytest.raises(ConvertError) as caught:
        document(tmp_path, text)
    assert told in caught.value.message


def test_file_is_recognized_when_it_has_sections(tmp_path: pathlib.Path) -> None:
    """Whatever it is called."""
    (tmp_path / "x").write_text("; comment\n[program:a]\ncommand=x\n")
    assert recognize(str(tmp_path / "x")).name == "supervisord"
