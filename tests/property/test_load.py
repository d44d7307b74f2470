"""Any text is a configuration or a ConfigError, and what is loaded can be written out."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from nsinit.errors import ConfigError
from nsinit.model.load import Loaded, included, load, parse_source
from nsinit.model.plan import Plan
from nsinit.model.spec import Config
from nsinit.model.types import decode_hook, encode_hook
from tests.support import strategies as some

VALID = """\
include = []
[init]
shutdown_timeout = "9s"
control = { path = "/run/x.sock", mode = "0660", read = ["@adm", 1000] }
log = "debug"
forward_signals = ["USR1"]

[services.db]
command = "db --dir '/srv/a b'"   # a comment
user = "db:db"
stop_signal = ["TERM", "5s", "INT"]
limits = { nofile = "1024:unlimited" }
env_file = [".env?", "/etc/db.env"]
ioprio = "best-effort:4"
scheduler = "fifo:10"
cpu_affinity = "0-3,5"

[services.job]
type = "oneshot"
command = ["sh", "-c", "true"]
depends_on = { db = "ready" }
environment = { A = 1, B = "${HOME:-/}", C = { file = "c" } }
nice = -5
oom_score_adj = 500

[services.web]
command = '''web'''
shell = true
depends_on = ["db", "job"]
ready = { notify = true }
startsecs = 3
exitcodes = "0,2"
log = "null"
main = true

[sandbox]
hostname = "box"
namespaces = { user = "new" }
"""
PIECES = [
    *"[]{}='\"#\n,.$ 0x",
    '"""', "'''", "[[", "]]", "${", "}", "-1", "1e9", "nan", "inf", "true", "5s", "\\u0000",
    "services", "web", "command", "type", "depends_on", "user", "2024-01-01", "é", "\r\n",
    "[services.web]\n", "[[services]]\n", "a.b.c = 1\n",
]  # fmt: skip


def outcome(text: str) -> Loaded | ConfigError:
    """What becomes of a text; any other exception fails the test."""
    found = _outcome(text)
    assert isinstance(found, Loaded) or (found.problems and str(found))
    return found


def _outcome(text: str) -> Loaded | ConfigError:
    try:
        source = parse_source("n.toml", text)
        included(source)
        return load([source], {"HOME": "/root"})
    except ConfigError as error:
        return error


def test_configuration_is_right_when_nothing_is_changed() -> None:
    """Or the changes would find nothing."""
    assert isinstance(outcome(VALID), Loaded)


@given(
    st.lists(
        st.tuples(st.integers(0, len(VALID)), st.integers(0, 12), st.sampled_from(PIECES)),
        min_size=1,
        max_size=4,
    )
)
def test_text_is_loaded_or_refused_when_it_was_edited(edits: list[tuple[int, int, str]]) -> None:
    """Pieces cut out, others put in."""
    text = VALID
    for at, size, piece in edits:
        text = text[:at] + piece + text[at + size :]
    outcome(text)


@given(st.text(max_size=40) | st.lists(st.sampled_from(PIECES)).map("".join))
def test_text_is_loaded_or_refused_when_it_is_anything(text: str) -> None:
    """Most of it is not even TOML."""
    outcome(text)


KEYS = [
    "command", "shell", "type", "autostart", "user", "groups", "umask", "environment", "limits",
    "depends_on", "wants", "before", "main", "tags", "ready", "start_timeout", "restart",
    "restart_limit", "success_exit_codes", "stop_signal", "log", "autorestart", "exitcodes",
    "startretries", "nope", "", "env_file", "nice", "ioprio", "scheduler", "cpu_affinity",
    "oom_score_adj", "no_new_privs", "tty", "capabilities", "cap_add",
]  # fmt: skip


@some.DEAR
@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "a b"]),
        st.dictionaries(st.sampled_from(KEYS), some.TOML_VALUES, max_size=6) | some.TOML_SCALARS,
        max_size=3,
    ),
    some.TOML_VALUES,
    some.TOML_VALUES,
)
def test_tables_are_loaded_or_refused_when_their_values_are_anything(
    services: dict[str, Any], init: object, sandbox: object
) -> None:
    """Known keys with values of every type; a right table beside them is still looked at."""
    lines = [_toml({"services": services, "init": init, "sandbox": sandbox})]
    found = outcome("\n".join(lines))
    if isinstance(found, ConfigError):
        assert all(p.file == "n.toml" for p in found.problems)


@some.DEAR
@given(some.configurations())
def test_configuration_is_the_same_when_written_out_and_read_again(data: dict[str, Any]) -> None:
    """The specs and the plan, as bytes."""
    made = outcome(_toml(data))
    assert isinstance(made, Loaded), str(made)
    config = msgspec.msgpack.encode(made.config, enc_hook=encode_hook)
    assert msgspec.msgpack.decode(config, type=Config, dec_hook=decode_hook) == made.config
    plan = msgspec.msgpack.encode(made.plan)
    assert msgspec.msgpack.decode(plan, type=Plan) == made.plan


@given(some.configurations())
def test_starting_order_keeps_every_dependency_when_planned(data: dict[str, Any]) -> None:
    """And dependents mirror what is waited for."""
    made = outcome(_toml(data))
    assert isinstance(made, Loaded), str(made)
    services = made.plan.services
    place = {name: at for at, name in enumerate(services)}
    for name, rules in services.items():
        for other in (*rules.needs, *rules.after):
            assert place[other] < place[name]
            assert name in services[other].dependents


def _toml(tables: dict[str, Any]) -> str:
    """Tables as TOML, the plainest way."""
    text = "".join(f"{_key(key)} = {_value(value)}\n" for key, value in tables.items())
    tomllib.loads(text)
    return text


def _key(key: str) -> str:
    return json.dumps(key, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str):
        return _key(value)
    return str(value).lower() if isinstance(value, bool) else repr(value)
