"""The JSON Schema takes what `nsinit check` takes, and refuses what no file can mean."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nsinit.model import confinement, decode, resources, security, supervisord, tuning, types
from nsinit.model.idmaps import IdMap
from nsinit.model.publish import Publish
from nsinit.reference.kinds import KINDS
from nsinit.reference.schema import TEXTS, example_of, schema
from tests.support.live import ROOT

SCHEMA = schema()
CHECK = Draft202012Validator(SCHEMA)
EXAMPLES = sorted((ROOT / "config").glob("*.toml"))
RIGHT = """
[services.a]
command = "x"
restart = "${POLICY:-always}"
stop_timeout = "${T}"
start_timeout = "1h 30m"
log = "/var/log/a"
sockets = "tcp:80"
pre_start = "true"
ready.http = "http://x/"
health = {http = {url = "http://x/"}}
user = 0
environment = ["A=1"]
[services.b]
command = ["x"]
log = {stderr = "/x"}
sockets = [{listen = "@a"}, "udp:53"]
mounts = ["/a", {target = "/b", type = "tmpfs"}]
autorestart = "unexpected"
exitcodes = "0,2"
startsecs = 5
stdout_logfile_maxbytes = "50MB"
redirect_stderr = true
[services.main]
after = "a"
[sandbox]
users = "auto"
network = "sandbox:bank"
seccomp = {profile = "default", deny = "@mount"}
"""
WRONG = [
    "[services.a]\ncommand = 'x'\nrestrat = 'no'",
    "[services.a]\ncommand = 'x'\nrestart = 'allways'",
    "[services.a]\nrestart = 'no'",
    "[services.a]\ncommand = []",
    "[services.a]\ncommand = 'x'\nmain = 'yes'",
    "[services.a]\ncommand = 'x'\nstop_timeout = '5 parsecs'",
    "[services.a]\ncommand = 'x'\nstop_timeout = -1",
    "[services.a]\ncommand = 'x'\nstop_signal = 'TURM'",
    "[services.a]\ncommand = 'x'\nlog.max_size = '10 furlongs'",
    "[services.a]\ncommand = 'x'\nlimits = {nofiles = 5}",
    "[services.a]\ncommand = 'x'\nnice = 20",
    "[services.a]\ncommand = 'x'\ncap_add = 'NET_ADMINS'",
    "[services.a]\ncommand = 'x'\ndepends_on = {b = 'redy'}",
    "[services.a]\ncommand = 'x'\nsockets = [{lazy = true}]",
    "[services.'a b']\ncommand = 'x'",
    "[init]\nloop = 'twisted'",
    "[sandbox]\nnetwork = 'brigde'",
    "[sandbox]\nnamespaces = {nett = 'new'}",
    "[sandbox.resources]\ncpu = '20 %%'",
    "[service.a]\ncommand = 'x'",
    "include = 5",
]


def _faults(text: str) -> list[str]:
    return [f"{e.json_path}: {e.message}" for e in CHECK.iter_errors(tomllib.loads(text))]


def test_schema_is_one_when_it_is_checked() -> None:
    """Of the dialect that it names; what each key means is said, with an example that fits."""
    Draft202012Validator.check_schema(SCHEMA)
    for struct, groups in TEXTS.items():
        for keys in groups.values():
            for name, key in keys.items():
                table = SCHEMA if struct == "Config" else SCHEMA["$defs"][struct]
                part = table["properties"][name]
                assert part["description"]
                fits = Draft202012Validator({**part, "$defs": SCHEMA["$defs"]})
                assert not list(fits.iter_errors(example_of(key))), f"{struct}.{name}"
                if "default" in part:
                    assert fits.is_valid(part["default"]), f"{struct}.{name}"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.name))
def test_example_is_valid_when_an_editor_looks(path: Any) -> None:
    """Each file of config/."""
    assert not _faults(path.read_text())


def test_short_forms_are_valid_when_they_are_used() -> None:
    """One value for a table, other names, variables in texts that have a pattern."""
    assert not _faults(RIGHT)
    tables = SCHEMA["$defs"]["Service"]["properties"]
    assert {*decode.ALIASES, *supervisord.NAMES} <= tables.keys()


@pytest.mark.parametrize("text", WRONG)
def test_file_is_refused_when_no_reading_makes_sense_of_it(text: str) -> None:
    """Unknown keys and words, wrong types, what must be given and is not."""
    assert _faults(text)


def test_golden_errors_are_seen_when_they_are_of_types() -> None:
    """The files of which `nsinit check` tells that keys are unknown, or of a wrong type."""
    golden = ROOT / "tests/unit/model/golden"
    for name in ("unknown-keys", "wrong-types"):
        assert _faults((golden / f"{name}.toml").read_text())


def test_every_kind_of_value_has_a_schema_when_the_model_reads_it() -> None:
    """All types with a `read`; the message of the schema says where to add one."""
    read = (
        *types._TYPES, *tuning.TYPES, *confinement.TYPES, *resources.TYPES, security.CapNames,
        security.CapWords, IdMap, Publish,
    )  # fmt: skip
    assert set(read) <= set(KINDS)


def test_schema_is_small_when_it_is_written() -> None:
    """A language server reads it at each start."""
    assert len(json.dumps(SCHEMA)) < 200_000
