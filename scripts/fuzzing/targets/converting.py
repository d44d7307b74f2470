"""Files of other supervisors, which anybody may have written, through to ours."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nsinit.convert import proof
from nsinit.convert.kinds import Wishes, convert, recognize
from nsinit.convert.procfile import read_env
from nsinit.convert.proof import prove, settle
from nsinit.convert.s6.execline import parse as parse_execline
from nsinit.convert.systemd import names, values
from nsinit.convert.systemd.environment import read_env_file
from nsinit.convert.systemd.text import parse as parse_unit
from nsinit.convert.systemd.words import words
from nsinit.convert.yamlfile import read as read_yaml
from nsinit.errors import ConvertError, UsageError
from scripts.fuzzing.target import Target, plain_text, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_ENV: Final = {"X": "1", "HOME": "/root"}
_FILE: Final = "nsinit.toml"
_ANSWERS: Final = (ConvertError, UsageError)


@contextlib.contextmanager
def _remembering() -> Iterator[None]:
    """What `settle` has had checked last need not be checked anew by `prove`: a third of the time."""
    look, known = proof._look, dict[str, Any]()  # noqa: SLF001  (pure: the same is told again)

    def once(text: str, name: str, env: Mapping[str, str]) -> Any:  # noqa: ANN401  (what it is)
        if text not in known:
            known[text] = look(text, name, env)
        return known[text]

    proof._look = once  # noqa: SLF001  (as above)
    try:
        yield
    finally:
        proof._look = look  # noqa: SLF001  (as above)


def _whole(kind: str, files: tuple[str, ...], data: bytes) -> None:
    """Converted and proven right, or refused; the parts of the input are the files."""
    home = Path(tempfile.mkdtemp(prefix="fuzz-convert-"))
    try:
        for name, part in zip(files, data.split(b"\n--\n", len(files) - 1), strict=False):
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(part)
        path = home if len(files) > 1 else home / files[0]
        recognize(str(home / files[0]) if len(files) == 1 else str(home))
        document = convert([str(path)], Wishes(_ENV, sandbox=bool(len(data) & 1)), kind)
        if document.services:
            with _remembering():
                prove(settle(document, _FILE, _ENV), _FILE, _ENV)
    finally:
        shutil.rmtree(home)


def _target(
    name: str,
    files: tuple[str, ...],
    reads: tuple[str, ...],
    words: tuple[bytes, ...],
    *seeds: bytes,
) -> Target:
    kind = name.removeprefix("convert-").replace("runit", "s6")
    run: Callable[[bytes], object] = partial(_whole, kind, files)
    modules = tuple(f"nsinit.convert.{module}" for module in reads)
    return Target(name, run, modules, _ANSWERS, words, seeds=lambda: list(seeds), bound=5.0)


def _words(data: bytes) -> None:
    """Values of units, one by one: each reader takes them or refuses them by a ValueError."""
    text = plain_text(data)
    for read in (
        words, values.span, values.size, values.percent, values.boolean, values.exit_status,
        values.signal_name, names.unescape, parse_execline,
    ):  # fmt: skip
        try:
            read(text)
        except ValueError:
            continue
    parse_unit(text, "a.service")
    read_env_file(text)
    read_env(text)
    found = names.parse(text)
    assert found is None or str(found) == text


def _yaml(data: bytes) -> None:
    read_yaml("compose.yaml", plain_text(data))


_SUPERVISORD: Final = b"""\
[supervisord]
environment = A="1",B=%(ENV_X)s
umask = 022
[program:web]
command = /bin/x -p %(process_num)02d "a b"
process_name = %(program_name)s_%(process_num)d
numprocs = 2
autorestart = unexpected
exitcodes = 0,2
stopsignal = QUIT
stdout_logfile = /var/log/a.log
stdout_logfile_maxbytes = 1KB
environment = C="x,y",D='z'
[fcgi-program:f]
command = f
socket = unix:///run/f.sock
socket_mode = 0770
[group:g]
programs = web,f
[eventlistener:e]
events = TICK_5
command = x
[unix_http_server]
chown = a:b
"""
_COMPOSE: Final = b"""\
x-a: &a {restart: always}
name: shop
services:
  db:
    <<: *a
    image: postgres:${TAG:-16}
    command: ["a", "b $$c ${X:?must}"]
    healthcheck: {test: [CMD, ok], interval: 1s, retries: 2}
    volumes: [data:/data, ./a:/b:ro, {type: tmpfs, target: /t}]
    user: "1000:1000"
    ulimits: {nofile: {soft: 1, hard: 2}}
  web:
    command: x
    depends_on: {db: {condition: service_healthy}}
    environment: [A=1, B]
    ports: ["127.0.0.1:80:80"]
    deploy: {replicas: 2, resources: {limits: {cpus: "0.5", memory: 1g}}}
    logging: {driver: syslog, options: {syslog-address: "udp://1.2.3.4:5"}}
"""
_UNIT: Final = b"""\
[Unit]
Description=A %n
After=network.target b.service
[Service]
Type=notify
ExecStartPre=-/bin/a
ExecStart=/bin/x -p "$A" ${B} 'c d' \\
  e
Environment="A=1" B=2
EnvironmentFile=-/etc/x
Restart=on-failure
RestartSec=100ms
User=web
LimitNOFILE=1024:4096
CapabilityBoundingSet=~CAP_KILL
SystemCallFilter=@system-service
ReadWritePaths=/var
MemoryMax=50%
[Install]
WantedBy=multi-user.target
"""
_TIMER: Final = b"[Timer]\nOnCalendar=Mon *-*-* 02:00:00\nOnUnitActiveSec=5min\nUnit=a.service\n"
_SOCKET: Final = (
    b"[Socket]\nListenStream=/run/a\nListenDatagram=[::1]:80\nSocketMode=0600\nAccept=no\n"
)
_RUN: Final = b"#!/usr/bin/execlineb -P\nwith-contenv\ns6-setuidgid web\nfdmove -c 2 1\ncd /x\n/bin/y { a b } $X\n"
_SYSTEMD: Final = words_of(
    "[Service] [Unit] [Install] ExecStart= Type=oneshot %i %n %% $A ${B} $$ \\x20 - + ! @ ; ~CAP_KILL @system-service"
    " infinity 5min 10% Environment= After= User= OnCalendar= ListenStream= BindPaths= TemporaryFileSystem="
)
_EXECLINE: Final = words_of(
    "#!/bin/sh #!/command/execlineb exec 2>&1 s6-setuidgid s6-softlimit -o foreground { } if importas -D ${X} export cd umask"
    ' \\0x41 " ifelse fdmove with-contenv nice emptyenv s6-envdir chpst -u svlogd s6-log n20 s1000 longrun oneshot bundle 3'
)

TARGETS: Final = (
    _target(
        "convert-supervisord", ("supervisord.conf",),
        ("ini", "supervisord", "supervisord_keys", "supervisord_logs", "supervisord_program"),
        words_of(
            "[program:x] [group:g] [include] command= %(ENV_X)s %(here)s %(process_num)d numprocs= environment="
            " A='1' exitcodes= autorestart= stdout_logfile= AUTO NONE 1MB socket= tcp://a:1 unix:///x files=*"
        ),
        _SUPERVISORD,
    ),
    _target(
        "convert-compose", ("compose.yaml",),
        ("yamlfile", "compose", "compose_service", "compose_parts", "compose_values",
         "compose_limits"),
        (*words_of("services: image: command: &a *a <<: ${X:-y} !!binary ? | > - {} [] ports: volumes: 1m30s 10mb null ~" " deploy: replicas: healthcheck: extends: profiles: include: secrets: tmpfs:"), b"a: &b [*b]", b"[" * 100),
        _COMPOSE,
    ),
    _target(
        "convert-procfile", ("Procfile",), ("procfile",),
        words_of("web: $PORT release: # \" ' \\ && bundle exec"), b"web: x $PORT\nrelease: y\n# c\n",
    ),
    _target(
        "convert-systemd", ("a.service", "a.timer", "b.socket", "a.service.d/x.conf"),
        ("systemd.converter", "systemd.unit", "systemd.text", "systemd.service", "systemd.commands",
         "systemd.triggers", "systemd.values", "systemd.words", "systemd.environment",
         "systemd.limits", "systemd.mounts", "systemd.execution", "systemd.directories",
         "systemd.calendar", "systemd.names"),
        _SYSTEMD,
        _UNIT, b"\n--\n".join((_UNIT, _TIMER, _SOCKET, b"[Service]\nExecStart=\nExecStart=/b\n")),
    ),
    _target(
        "convert-s6", ("a/run", "a/type", "a/finish", "a/notification-fd", "a/dependencies",
                       "a/timeout-up", "b/type", "b/up"),
        ("s6.converter", "s6.rc", "s6.script", "s6.execline", "s6.directory"),
        _EXECLINE, b"\n--\n".join((_RUN, b"longrun", b"#!/bin/sh\nexit 125\n", b"3", b"b", b"500",
                                    b"oneshot", b"foreground { echo a } true\n")),
    ),
    _target(
        "convert-runit", ("a/run", "a/log/run", "a/down-signal", "a/env/X", "a/finish"),
        ("s6.converter", "s6.script", "s6.directory", "s6.logger"),
        _EXECLINE, b"\n--\n".join((_RUN, b"#!/bin/sh\nexec s6-log n20 s1000000 T /var/log/a\n",
                                    b"SIGINT\n", b"1", b"#!/bin/sh\n")),
        b"#!/bin/sh\nexec chpst -u web /bin/x\n\n--\n#!/bin/sh\nexec svlogd -tt /var/log\n",
    ),
    Target(
        "unit-words", _words,
        ("nsinit.convert.systemd.values", "nsinit.convert.systemd.words",
         "nsinit.convert.systemd.names", "nsinit.convert.systemd.text",
         "nsinit.convert.systemd.environment", "nsinit.convert.s6.execline",
         "nsinit.convert.procfile"),
        words=(*_SYSTEMD, *_EXECLINE), most=2048,
        seeds=lambda: [b"a 'b c' \"d\\x20e\" \\\\", b"5min 20s", b"10.5G", b"a-b@c\\x2dd.service", _UNIT, _RUN],
    ),
    Target(
        "yaml", _yaml, ("nsinit.convert.yamlfile",), answers=(ConvertError,),
        words=(*words_of("&a *a <<: !!binary !!python/name:os.system ? | > - {} [] %YAML --- ... 0x1f 1e3 ~ yes 2001-01-01"),
               b"[" * 500, b"{a: " * 200, b"a: &b [*b]"),
        seeds=lambda: [_COMPOSE, b"a: &x [1]\nb: [*x, *x]\n"],
    ),
)  # fmt: skip
