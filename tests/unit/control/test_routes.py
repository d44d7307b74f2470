"""Requests as rows of the command table, with checked parameters."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nsinit.control import routes
from nsinit.control.commands import BY_NAME
from nsinit.control.routes import Call, Refusal, parse_call
from nsinit.moments import Moment


def refused(method: str, target: str, body: bytes = b"") -> Refusal:
    """The refusal of a request."""
    with pytest.raises(Refusal) as caught:
        parse_call(method, target, body)
    return caught.value


def params(method: str, target: str, body: object = None) -> dict[str, Any]:
    """The parameters of a request that is right."""
    data = b"" if body is None else json.dumps(body).encode()
    return parse_call(method, target, data).params


def test_every_parameter_is_there_when_none_is_given() -> None:
    """With its default, or None; names are a list."""
    call = parse_call("GET", "/v1/logs", b"")
    assert isinstance(call, Call)
    assert call.command.name == "logs"
    assert call.params == {p.name: [] if p.name == "names" else None for p in call.command.params}
    assert params("POST", "/v1/start?names=a") == {
        "names": ["a"], "no_wait": False, "timeout": 60.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("names=a&names=b", {"names": ["a", "b"]}),
        ("names=a%20b%26&names=", {"names": ["a b&", ""]}),
        ("names=a+b", {"names": ["a b"]}),
        ("follow", {"follow": True}),
        ("follow=", {"follow": True}),
        ("follow=1&lines=20", {"follow": True, "lines": 20}),
        ("follow=no", {"follow": False}),
        ("since=5m", {"since": Moment(300.0, ago=True)}),
        ("until=%401.5", {"until": Moment(1.5)}),
        ("lines=1&lines=2", {"lines": 2}),
        ("", {}),
    ],
)
def test_query_is_read_when_there_is_one(query: str, found: dict[str, Any]) -> None:
    """Names add up; of anything else the last counts."""
    rest: dict[str, Any] = dict.fromkeys(param.name for param in BY_NAME["logs"].params)
    rest["names"] = []
    assert params("GET", f"/v1/logs?{query}") == rest | found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"names": ["a", "b"]}, {"names": ["a", "b"]}),
        ({"names": "a"}, {"names": ["a"]}),
        ({"names": "a", "no_wait": True}, {"names": ["a"], "no_wait": True}),
        ({"names": "a", "timeout": 5}, {"names": ["a"], "timeout": 5.0}),
        ({"names": "a", "timeout": "1m"}, {"names": ["a"], "timeout": 60.0}),
        ({"names": "a", "timeout": None}, {"names": ["a"], "timeout": 60.0}),
    ],
)
def test_body_is_read_when_there_is_one(body: object, found: dict[str, Any]) -> None:
    """A JSON object; null is as good as nothing."""
    assert params("POST", "/v1/stop", body) == {"no_wait": False, "timeout": 60.0} | found


def test_body_counts_when_the_query_says_otherwise() -> None:
    """Curl users mix them."""
    assert params("POST", "/v1/stop?names=a&no_wait=1", {"names": ["b"]})["names"] == ["b"]
    assert parse_call("POST", "/v1/stop?names=a", b" \r\n").params["names"] == ["a"]


@pytest.mark.parametrize(
    ("target", "code", "hint"),
    [
        ("/", "unknown-route", ""),
        ("", "unknown-route", ""),
        ("status", "unknown-route", 'did you mean "/v1/status"?'),
        ("/v1/statsu", "unknown-route", 'did you mean "/v1/status"?'),
        ("/v1/", "unknown-route", ""),
        ("/v1/status/", "unknown-route", 'did you mean "/v1/status"?'),
        ("/v2/status", "unknown-route", 'did you mean "/v1/status"?'),
        ("/v1/STATUS", "unknown-route", ""),
        ("*", "unknown-route", ""),
    ],
)
def test_route_is_refused_when_there_is_none(target: str, code: str, hint: str) -> None:
    """With the nearest that there is."""
    refusal = refused("GET", target)
    assert (refusal.status, refusal.code) == (404, code)
    assert hint in refusal.hint


def test_route_is_found_when_its_path_is_written_in_per_cents() -> None:
    """RFC 3986, 6.2.2.2: it is the same path."""
    assert parse_call("GET", "/v1/%73tatus", b"").command.name == "status"
    assert refused("GET", "/v1/%ff%00").message == "there is no '/v1/\\udcff\\x00'"


def test_absolute_target_is_read_when_a_proxy_sends_one() -> None:
    """RFC 9112, 3.2.2: a server must take it."""
    assert parse_call("GET", "http://localhost/v1/health?names=a", b"").params == {"names": ["a"]}


@pytest.mark.parametrize("target", ["//[", "http://[", "//[x]/v1/status", "http://[::1/v1/list"])
def test_route_is_refused_when_its_host_is_no_address(target: str) -> None:
    """Bad input of any kind gets a JSON error."""
    assert refused("GET", target).status in (400, 404)


@pytest.mark.parametrize(
    ("method", "target", "takes"),
    [("POST", "/v1/status", "GET"), ("GET", "/v1/stop", "POST"), ("get", "/v1/status", "GET")],
)
def test_method_is_refused_when_the_row_has_another(method: str, target: str, takes: str) -> None:
    """With the one that it takes."""
    refusal = refused(method, target)
    assert (refusal.status, refusal.code) == (405, "wrong-method")
    assert refusal.message == f"{target} takes {takes}, not {method}"


@pytest.mark.parametrize(
    ("target", "body", "message", "hint"),
    [
        ("/v1/stop?name=a", b"", "stop has no parameter 'name'", 'did you mean "names"?'),
        ("/v1/stop", b'{"names": ["a"], "xyz": 1}', "stop has no parameter 'xyz'", ""),
    ],
)
def test_parameter_is_refused_when_the_row_has_none_such(
    target: str, body: bytes, message: str, hint: str
) -> None:
    """A mistyped one must not be passed over."""
    refusal = refused("POST", target, body)
    assert (refusal.status, refusal.code) == (400, "unknown-parameter")
    assert (refusal.message, refusal.hint) == (message, hint)


@pytest.mark.parametrize(
    ("target", "body", "message"),
    [
        ("/v1/stop", b"", "the parameter 'names' is missing"),
        ("/v1/stop", b"{}", "the parameter 'names' is missing"),
        ("/v1/stop", b'{"names": null}', "the parameter 'names' is missing"),
        ("/v1/stop", b'{"names": []}', "the parameter 'names' is empty"),
        ("/v1/signal?names=a", b"", "the parameter 'signal' is missing"),
    ],
)
def test_parameter_is_missed_when_it_is_required(target: str, body: bytes, message: str) -> None:
    """Stopping nothing is no way of stopping everything."""
    refusal = refused("POST", target, body)
    assert (refusal.status, refusal.code, refusal.message) == (400, "missing-parameter", message)


@pytest.mark.parametrize(
    ("target", "body", "message"),
    [
        ("/v1/stop", {"names": 5}, "names: expected an array of names"),
        ("/v1/stop", {"names": ["a", 5]}, "names: expected an array of names"),
        ("/v1/stop", {"names": {}}, "names: expected an array of names"),
        ("/v1/stop", {"names": "a", "no_wait": 1}, "no_wait: expected true or false"),
        ("/v1/stop", {"names": "a", "no_wait": []}, "no_wait: expected true or false"),
        ("/v1/stop?names=a&no_wait=maybe", None, "no_wait: expected true or false"),
        ("/v1/stop", {"names": "a", "timeout": -1}, "timeout: expected a duration"),
        ("/v1/stop", {"names": "a", "timeout": True}, "timeout: expected a duration"),
        ("/v1/stop?names=a&timeout=soon", None, "timeout: expected a duration"),
        ("/v1/shutdown?exit_code=-1", None, "exit_code: expected a whole number from 0"),
        ("/v1/shutdown?exit_code=%D9%A3", None, "exit_code: expected a whole number from 0"),
        (f"/v1/shutdown?exit_code={'9' * 5000}", None, "exit_code: expected a whole number"),
        ("/v1/shutdown", {"exit_code": 1.5}, "exit_code: expected a whole number from 0"),
        ("/v1/shutdown", {"exit_code": True}, "exit_code: expected a whole number from 0"),
        ("/v1/shutdown", {"exit_code": 10**18}, "exit_code: expected a whole number from 0"),
        ("/v1/signal", {"names": "a", "signal": "FOO"}, "signal: expected a signal"),
        ("/v1/signal", {"names": "a", "signal": 99}, "signal: expected a signal"),
        ("/v1/shutdown", {"exit_code": "3"}, "exit_code: expected a number, not a string"),
        ("/v1/stop", {"names": "a", "no_wait": "1"}, "no_wait: expected true or false, not a str"),
        ("/v1/stop?names=a&timeout=1e999", None, "timeout: expected a duration"),
        ("/v1/shutdown", {"exit_code": 256}, "exit_code: expected at most 255"),
        ("/v1/scale", {"names": ["a=2", "b"]}, "names: expected NAME=COUNT, got 'b'"),
    ],
)
def test_parameter_is_refused_when_its_value_is_wrong(
    target: str, body: object, message: str
) -> None:
    """By its name, with what was expected."""
    refusal = refused("POST", target, b"" if body is None else json.dumps(body).encode())
    assert (refusal.status, refusal.code) == (400, "bad-parameter")
    assert refusal.message.startswith(message)


def test_parameter_is_refused_when_it_is_a_huge_number() -> None:
    """JSON sets no bound to numbers."""
    body = b'{"names": ["a"], "timeout": ' + b"9" * 400 + b"}"
    assert refused("POST", "/v1/stop", body).code == "bad-parameter"


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"5", b'"x"', b"null", b"\xff", b"{}x", b"[" * 60_000, b'{"a": NaN}', b"a=1"],
)
def test_body_is_refused_when_it_is_no_json_object(body: bytes) -> None:
    """However deep it is nested."""
    refusal = refused("POST", "/v1/stop", body)
    assert (refusal.status, refusal.code) == (400, "bad-json")


def test_query_is_refused_when_it_has_too_many_fields() -> None:
    """A thousand names are enough."""
    assert refused("GET", "/v1/status?" + "names=a&" * 1001).code == "bad-request"
    assert len(params("GET", "/v1/status?" + "&".join(["names=a"] * 1000))["names"]) == 1000


def test_refusal_is_json_when_it_is_answered() -> None:
    """The hint is left out when there is none."""
    assert Refusal(404, "c", "m").body() == {"error": {"code": "c", "message": "m"}}
    assert Refusal(404, "c", "m", "h").body() == {
        "error": {"code": "c", "message": "m", "hint": "h"}
    }


@pytest.mark.parametrize(
    ("body", "data"),
    [
        ({"a": [1, None, True]}, b'{"a":[1,null,true]}'),
        ({"a": "é"}, b'{"a":"\xc3\xa9"}'),
        ({"a": "x\udcff"}, b'{"a": "x\\udcff"}'),
    ],
)
def test_answer_is_json_when_it_holds_any_text(body: object, data: bytes) -> None:
    """Bytes that are not Unicode are escaped as Python does (PEP 383)."""
    assert routes.encode(body) == data
    assert json.loads(data) == body
