"""Every row of the table, asked of a real init: the answer has the shape that is declared."""

from __future__ import annotations

import base64
import http.client
import json
import pathlib
import socket
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from nsinit.control.answers.basics import Failure
from nsinit.control.answers.table import SHAPES
from nsinit.control.commands import BY_NAME, COMMANDS, Command
from nsinit.control.openapi import as_json, refusals
from nsinit.wire import request
from tests.support.live import DEADLINE, Live, shared

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG: Final = """
[init]
keep_running = true
[services.a]
command = ["sh", "-c", "printf 'caf\\\\351\\n'; echo well; exec sleep 1000"]
min_uptime = 0
reload_command = "true"
resources = {}
[services.b]
command = "sleep 1000"
depends_on = ["a"]
replicas = 1
[services.c]
type = "oneshot"
command = "sh -c 'exit 3'"
[services.d]
command = "true"
depends_on = { c = "completed" }
[services.shell]
command = "sh"
tty = true
min_uptime = 0
"""
# What has to be said to rows that do not take the names of services, or are to answer soon.
SAID: Final[dict[str, dict[str, Any]]] = {
    "wait": {"names": ["a"]},
    "top": {"interval": 0.05},
    "signal": {"names": ["a"], "signal": "CONT"},
    "scale": {"names": ["b=2"]},
    "exec": {"name": "a", "command": ["true"]},
    "enter": {"command": ["true"]},
    "screen": {"name": "shell"},
    "terminal": {"name": "shell"},
    "logs": {"lines": 20},
    "unpause": {"names": ["a"]},
}
# And what is refused, with its code.
REFUSED: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "wait": ({"names": ["a"], "timeout": 0, "state": "exited"}, "timed-out"),
    "stop": ({"names": ["a"], "timeout": 0}, "timed-out"),
    "start": ({"names": ["shell"]}, "pinned"),
    "restart": ({"names": ["nobody"]}, "unknown-name"),
    "reload": ({"names": ["b"]}, "no-reload"),
    "pause": ({"names": ["c"]}, "not-running"),
    "screen": ({"name": "a"}, "no-terminal"),
    "terminal": ({"name": "*"}, "not-one"),
    "scale": ({"names": ["a=2"]}, "bad-configuration"),
    "top": ({"interval": 61}, "bad-parameter"),
    "list": ({"state": "odd"}, "bad-parameter"),
    "why": ({}, "missing-parameter"),
    "readyz": ({}, "not-ready"),
}
LAST: Final = ("stop", "reexec", "shutdown")  # others would find nobody


@pytest.fixture(scope="module")
def init() -> Iterator[Live]:
    """One init for all rows."""
    with shared(CONFIG, shell="running", c="failed") as made:
        yield made


def _params(row: Command) -> dict[str, Any]:
    if row.name in SAID:
        return SAID[row.name]
    needed: dict[str, Any] = {"names": ["a"], "name": "a"}
    return {p.name: needed[p.kind] for p in row.params if p.required}


def _ask(init: Live, row: Command, params: dict[str, Any]) -> tuple[int, list[Any]]:
    """The status, and the answer or the rows of a stream up to its end or our patience."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(DEADLINE)
        connection.connect(str(init.socket))
        connection.sendall(request(row, params))
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        if row.text and answer.status == 200:
            assert answer.headers["content-type"].startswith("application/openmetrics-text")
            return answer.status, [answer.read().decode()]
        if not row.stream or answer.status != 200:
            assert answer.headers["content-type"] == "application/json"
            return answer.status, [json.loads(answer.read())]
        assert answer.headers["content-type"] == "application/x-ndjson"
        first: list[Any] = []
        if row.name in ("exec", "enter"):  # it takes descriptors only once it has asked for them
            first = [json.loads(answer.readline())]
            with pathlib.Path("/dev/null").open("rb+", 0) as null:
                socket.send_fds(connection, [b"\0"], [null.fileno()] * 3)
        if row.name == "terminal":
            text = base64.b64encode(b"exit 5\n").decode()
            connection.sendall(json.dumps({"input": text}).encode() + b"\n")
        if row.name in ("attach", "screen"):  # they go on for ever
            return answer.status, [json.loads(answer.readline())]
        return answer.status, first + [json.loads(line) for line in answer]


def _fits(value: Any, kinds: tuple[type, ...]) -> bool:
    """Whether it is of one of these types, and no key of it is undeclared."""
    for kind in kinds:
        try:
            if msgspec.convert(value, kind) == value:
                return True
        except msgspec.ValidationError:
            continue
    return False


def _check(row: Command, status: int, said: list[Any]) -> None:
    shape = SHAPES[row.name]
    if status == 200:
        kinds = shape.rows or (shape.answer or Failure,)
    else:
        kinds = (shape.failures.get(status, Failure),)
        assert said[0]["error"]["code"] in refusals(row)[status]
    assert said or row.name == "events"
    for one in said:
        assert _fits(one, kinds), (row.name, status, one, kinds)


def test_every_row_has_a_shape_when_it_is_in_the_table() -> None:
    """A new row is declared in nsinit/control/answers/table.py."""
    assert SHAPES.keys() == BY_NAME.keys()
    for row in COMMANDS:
        assert bool(SHAPES[row.name].rows) == row.stream
        assert (SHAPES[row.name].answer is None) == row.stream


def test_every_answer_has_its_shape_when_a_real_init_gives_it(init: Live) -> None:
    """Refusals first, then everything that is done; the last ends init."""
    init.client.pin(names=["shell"])
    for name, (params, code) in REFUSED.items():
        status, said = _ask(init, BY_NAME[name], params)
        assert (said[0]["error"]["code"], status != 200) == (code, True), said
        _check(BY_NAME[name], status, said)
    init.client.unpin(names=["shell"])
    init.client.start(names=["a", "b"])
    init.wait_for("b@1", "running")
    in_order = sorted(COMMANDS, key=lambda row: LAST.index(row.name) if row.name in LAST else -1)
    for row in in_order:
        if row.name == "readyz":
            continue  # it has refused, and is the same when it does not
        status, said = _ask(init, row, _params(row))
        no_groups = row.name == "pause" and status == 409  # where the tests may not make any
        assert status == 200 or no_groups, (row.name, said)
        _check(row, status, said)
        if row.name == "openapi":
            assert said == [json.loads(as_json())]
    assert init.wait() == 0
