"""What a converter puts into a document is what nsinit reads; any file converts or is refused."""

from __future__ import annotations

import os
import string
import tempfile
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nsinit.convert.document import Document, Template, literal
from nsinit.convert.kinds import Wishes, convert
from nsinit.convert.proof import prove, settle
from nsinit.convert.write import write
from nsinit.errors import ConvertError
from nsinit.model.expand import expand

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.text("ab \\\"'$\n{}#=\t", max_size=40),
)
SCALARS = st.one_of(TEXTS, st.integers(-(10**12), 10**12), st.booleans(), st.floats(0, 1e6))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=8,
)
NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=5)


def _read(value: Any) -> Any:
    """As nsinit has it after it has filled in what is to be filled in."""
    if isinstance(value, str):
        return expand(value, {"X": "<x>"})
    if isinstance(value, list):
        return [_read(item) for item in value]
    if isinstance(value, dict):
        return {key: _read(item) for key, item in value.items()}
    return value


@given(
    services=st.dictionaries(TEXTS, st.dictionaries(TEXTS, VALUES, max_size=5), max_size=3),
    remark=TEXTS,
)
def test_values_come_back_when_written_and_read(services: dict[str, Any], remark: str) -> None:
    """Any text, number and nesting, whatever the remarks and findings beside it are."""
    document = Document()
    document.top.comment(remark)
    for name, keys in services.items():
        table = document.service(name)
        table.comment(remark)
        table.unsupported(remark, 3, remark, remark, remark)
        for key, value in keys.items():
            table.set(key, value, remark)
    assert _read(tomllib.loads(write(document)).get("services", {})) == services


@given(before=TEXTS, after=TEXTS)
def test_template_is_filled_in_when_read(before: str, after: str) -> None:
    """What stands around a variable stays as it is."""
    document = Document()
    document.service("a").set("command", Template(literal(before) + "${X}" + literal(after)))
    read = _read(tomllib.loads(write(document))["services"]["a"]["command"])
    assert read == before + "<x>" + after


@given(wanted=st.lists(TEXTS, max_size=6))
def test_names_are_usable_and_apart_when_asked_for(wanted: list[str]) -> None:
    """Whatever they are called there."""
    from nsinit.model.naming import bad_name

    document = Document()
    for name in wanted:
        document.service(document.free_name(name))
    assert len(document.services) == len(wanted)
    assert not any(map(bad_name, document.services))


# --- Whole files ----------------------------------------------------------------------------------

SUPERVISORD = """\
[supervisord]
nodaemon = true
environment = A="1",B=%(ENV_X)s
umask = 022
user = nobody
[program:web]
command = /bin/x -p %(process_num)02d "a b" %(ENV_Y)s
process_name = %(program_name)s_%(process_num)d
numprocs = 2
numprocs_start = 1
priority = 10
autorestart = unexpected
startsecs = 0
startretries = 0
exitcodes = 0,2
stopsignal = QUIT
stopwaitsecs = 3
stopasgroup = true
stdout_logfile = /var/log/a.log
stdout_logfile_maxbytes = 1KB
stdout_logfile_backups = 5
stderr_logfile = NONE
redirect_stderr = false
environment = C="x,y",D='z'
directory = %(here)s
[fcgi-program:f]
command = f
socket = unix:///run/f.sock
socket_owner = www:www
socket_mode = 0770
numprocs = 1
[group:g]
programs = web,f
priority = 5
[eventlistener:e]
events = TICK_5
[unix_http_server]
chown = a:b
chmod = 0770
"""
COMPOSE = """\
x-a: &a {restart: always}
name: shop
services:
  db:
    <<: *a
    image: postgres:${TAG:-16}
    command: ["a", "b $$c ${X:?must}"]
    healthcheck: {test: [CMD, ok], interval: 1s, retries: 2}
    volumes: [data:/data, ./a:/b:ro, {type: tmpfs, target: /t, tmpfs: {size: 1m}}]
    user: "1000:1000"
    stop_grace_period: 1m
    tmpfs: /run:size=1m
    cap_add: [CHOWN]
    ulimits: {nofile: {soft: 1, hard: 2}}
  web:
    command: x
    depends_on: {db: {condition: service_healthy, required: true}}
    environment: [A=1, B]
    env_file: [{path: x.env, required: false}]
    ports: ["127.0.0.1:80:80", {target: 1, published: 2}]
    deploy: {replicas: 2, resources: {limits: {cpus: "0.5", memory: 1g, pids: 5}}}
    networks: {n: {aliases: [www]}}
    extra_hosts: ["a:10.0.0.1"]
    secrets: [s]
    security_opt: ["seccomp:unconfined"]
    profiles: [p]
secrets: {s: {file: s}}
networks: {n: {driver: x}}
"""
PROCFILE = "web: x $PORT\nrelease: y\n# c\nworker:z\n"
BITS = st.sampled_from([
    "", "\n", " ", ":", "=", "[", "]", "{", "}", "%", "$", "${", "${X", "'", '"', "&a ", "*a", "- ",
    "0", "-1", "99999999999", "true", "no", "/", "..", "unexpected", "\t", "#", ";", "é", "\u2028",
    "1s", "all", "x" * 80, "{{index}}", "!!", "? ", "|", "~", "null", "@", ",",
])  # fmt: skip


@st.composite
def broken(draw: st.DrawFn, text: str) -> str:
    """The text with a few pieces changed, or something else altogether."""
    if draw(st.integers(0, 19)) == 0:
        return draw(TEXTS)
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 1, 1, 3, 8, 40])))
        text = text[:start] + draw(BITS) + text[end:]
    return text


def _convert(kind: str, text: str, *, sandbox: bool) -> None:
    with tempfile.TemporaryDirectory() as where:
        path = os.path.join(where, "file")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        env = {"X": "1", "HOME": "/root"}
        try:
            document = convert([path], Wishes(env, sandbox=sandbox), kind)
        except ConvertError as error:
            told = error.message.startswith(f"cannot convert {where}")
            document = Document()
        else:
            told = True
        assert told
        if document.services:
            prove(settle(document, path, env), "n.toml", env)


@given(text=broken(SUPERVISORD))
def test_supervisord_conf_converts_or_is_refused_whatever_is_in_it(text: str) -> None:
    """With an error that names it; what is converted passes the checks."""
    _convert("supervisord", text, sandbox=False)


@given(text=broken(COMPOSE), sandbox=st.booleans())
def test_compose_file_converts_or_is_refused_whatever_is_in_it(text: str, sandbox: bool) -> None:
    """The same."""
    _convert("compose", text, sandbox=sandbox)


@given(text=broken(PROCFILE))
def test_procfile_converts_or_is_refused_whatever_is_in_it(text: str) -> None:
    """The same."""
    _convert("procfile", text, sandbox=False)
