"""What Schemathesis makes up, softened before it is sent: right stays right, and wrong wrong.

Nothing waits for long or is followed for ever, and names are of services more often. Loaded by
Schemathesis itself, in its own virtual environment.
"""

from __future__ import annotations

import re
from typing import Any, Final

import schemathesis

_NAMES: Final = ("first", "second", "many", "*", "tag:none", "nobody")
_SOON: Final = 0.02  # s
_WAITING: Final = ("/v1/start", "/v1/stop", "/v1/restart", "/v1/reload", "/v1/pause")
_DANGEROUS: Final = ("/v1/shutdown", "/v1/reexec", "/v1/exec", "/v1/enter", "/v1/attach")
_MOST: Final = {"timeout": 315_360_000.0, "interval": 60.0}
_SPAN: Final = re.compile(r"[0-9. ]+(d|h|min|m|ms|us|s)[0-9. dhminsu]*")


def _span(name: str, value: Any) -> Any:
    if isinstance(value, str) and _SPAN.fullmatch(value):
        return "20ms"
    if value is None:
        return _SOON
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return value
    if isinstance(value, bool) or not _SOON < seconds <= _MOST[name]:
        return value
    return str(_SOON) if isinstance(value, str) else _SOON


def _name(text: Any) -> Any:
    if not isinstance(text, str) or not text:
        return text
    if re.fullmatch(r".+=[0-9]{1,4}", text):
        return f"many={len(text) % 3}"
    return _NAMES[sum(map(ord, text)) % len(_NAMES)]


def _soften(given: dict[str, Any]) -> None:
    for name, value in list(given.items()):
        if name in _MOST:
            given[name] = _span(name, value)
        elif name == "follow" and value in (True, "true", "1", "yes", ""):
            given[name] = "false"
        elif name == "type" and isinstance(value, str):  # words that only init knows
            given[name] = "exited,state"
        elif name == "names":
            given[name] = [_name(one) for one in value] if isinstance(value, list) else _name(value)


def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Called by Schemathesis for whatever it is about to send."""
    for given in (case.query, case.body):
        if isinstance(given, dict):
            _soften(given)
    if case.operation.path in ("/v1/wait", "/v1/top"):
        name = "timeout" if case.operation.path == "/v1/wait" else "interval"
        case.query = {name: _SOON} | dict(case.query or {})
    elif case.operation.path in _DANGEROUS:  # a body that is right must not do it
        case.query = dict(case.query or {}) | {"undeclared": "1"}
    elif case.operation.path in _WAITING and isinstance(case.body, dict):
        case.body.setdefault("timeout", _SOON)


schemathesis.hook(before_call)
