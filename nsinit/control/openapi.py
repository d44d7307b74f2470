"""The OpenAPI 3.1 document of the control socket, made from the command table and the shapes.

Pure. Loaded by `nsinit openapi`, and by an init once somebody asks it for /v1/openapi.json.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from nsinit import __version__
from nsinit.control.accepting import CONTENT_TYPES
from nsinit.control.answers.basics import Failure
from nsinit.control.answers.table import SHAPES, Shape
from nsinit.control.commands import COMMANDS, MAX_INTEGER, Command, Param
from nsinit.units import RT_MAX, RT_MIN, SIGNAL_NAMES, SIGNAL_NUMBERS, VALID_SIGNALS

if TYPE_CHECKING:
    from collections.abc import Iterable

    Schema = dict[str, Any]

_REF: Final = "#/components/schemas/{name}"
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_NDJSON: Final = "application/x-ndjson"
_ABOUT: Final = """\
HTTP/1.1 on a unix socket: curl --unix-socket /run/nsinit/control.sock http://nsinit/v1/status

A GET takes its parameters from the query, a POST from a JSON object, a form or the query; of a
parameter that is given twice the last one counts, and names add up. Streams are JSON objects, one a
line. Every status but 2xx comes with an error: a code for programs, a message for people, a hint.
Who may ask for what is decided by the uid and gid of the client: read, operate or admin.
Keys may be added to answers; none is renamed or taken away."""
# Not all that is understood, but all that makes sense, and never more than ten years.
_PART: Final = (
    r"([0-9]{1,6}(\.[0-9]{1,6})?(ms|us|s)|[0-9]{1,3}(\.[0-9]{1,6})?(h|min|m)|[0-9]{1,2}d)"
)
_SPAN: Final = rf"^([0-9]{{1,8}}(\.[0-9]{{1,6}})?|{_PART}( ?{_PART}){{0,5}})$"
_SHORT_SPAN: Final = r"^([0-9]{1,4}ms|[1-5]?[0-9](\.[0-9]+)?s?)$"  # of a minute at most
_NO_NULL: Final = "^[^\\u0000]*$"
_TEN_YEARS: Final = 315_360_000
_STATUSES: Final = {
    400: "the request makes no sense",
    403: "the client may not do that",
    404: "there is no such service",
    409: "it can't be done as things are",
    413: "the body is too large",
    415: "the body is neither JSON nor a form",
    422: "the configuration is wrong, and nothing was changed",
    431: "the head of the request is too large",
    503: "not now",
    504: "waited too long",
}
_BAD: Final = ("bad-parameter", "bad-request", "unknown-parameter")


def document() -> dict[str, Any]:
    """The whole document, as JSON has it."""
    paths: dict[str, dict[str, Any]] = {}
    for row in COMMANDS:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "nsinit",
            "summary": "See and steer a running init",
            "description": _ABOUT,
            "version": __version__,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "http://nsinit", "description": "any name: it is a unix socket"}],
        "paths": paths,
        "components": {"schemas": _schemas()},
    }


@cache
def as_json() -> bytes:
    """The same as text; it takes milliseconds to make, and never changes."""
    return msgspec.json.encode(document())


def _schemas() -> dict[str, Schema]:
    kinds: set[type] = {Failure}
    for shape in SHAPES.values():
        kinds |= {*shape.rows, *shape.failures.values(), shape.answer or Failure} - {dict, str}
    in_order = sorted(kinds, key=lambda kind: kind.__name__)
    return dict(sorted(msgspec.json.schema_components(in_order, ref_template=_REF)[1].items()))


def _ref(kind: type) -> Schema:
    return {"type": "object"} if kind is dict else {"$ref": _REF.format(name=kind.__name__)}


def _operation(row: Command) -> dict[str, Any]:
    shape = SHAPES[row.name]
    made: dict[str, Any] = {
        "operationId": row.name,
        "summary": row.summary[0].upper() + row.summary[1:],
        "description": f"Needs {row.access} access.\n\n"
        + "\n".join(f"    {example}" for example in row.examples),
        "x-access": row.access,
    }
    if row.method == "GET":
        made["parameters"] = [_parameter(param) for param in row.params]
    elif row.params:
        made["requestBody"] = {
            "required": any(param.required for param in row.params),
            "content": {_JSON: {"schema": _body(row)}, _FORM: {"schema": _form(row)}},
        }
    made["responses"] = _responses(row, shape)
    return made


# --- Parameters -----------------------------------------------------------------------------------


def _parameter(param: Param) -> dict[str, Any]:
    return {
        "name": param.name,
        "in": "query",
        "description": param.help,
        "required": param.required,
        "schema": _schema(param),
    }


def _form(row: Command) -> Schema:
    """As a query; one name is an array of one, too."""
    made = {p.name: _one_or_many(_schema(p)) | _about(p) for p in row.params}
    for param in row.params:
        if param.kind == "flag":
            made[param.name]["type"] = ["boolean", "integer", "string"]
            made[param.name]["enum"] = [
                True,
                False,
                "true",
                "false",
                "yes",
                "no",
                "1",
                "0",
                "",
                1,
                0,
            ]
    return _object(row, made)


def _body(row: Command) -> Schema:
    """JSON may have null for what is not given."""
    properties: dict[str, Schema] = {}
    for param in row.params:
        schema = _one_or_many(_schema(param))
        if not param.required:
            kinds = schema["anyOf"] if "anyOf" in schema else [_but_default(schema)]
            schema = {"anyOf": [*kinds, {"type": "null"}]} | _default(schema)
        properties[param.name] = schema | _about(param)
    return _object(row, properties)


def _one_or_many(schema: Schema) -> Schema:
    return {"anyOf": [schema, schema["items"]]} if schema.get("type") == "array" else schema


def _about(param: Param) -> Schema:
    return {"description": param.help}


def _default(schema: Schema) -> Schema:
    return {"default": schema["default"]} if "default" in schema else {}


def _but_default(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "default"}


def _object(row: Command, properties: dict[str, Schema]) -> Schema:
    required = [param.name for param in row.params if param.required]
    made = {"type": "object", "properties": properties, "additionalProperties": False}
    return made | ({"required": required} if required else {})


def _schema(param: Param) -> Schema:
    """What one parameter can be."""
    made = _KINDS[param.kind](param)
    if param.default is not None:
        made["default"] = param.default
    return made


def _words(param: Param) -> Schema:
    text: Schema = {"type": "string"}
    if param.kind == "words":
        text["pattern"] = _NO_NULL
    elif param.pattern:
        text["pattern"] = param.pattern
    return {"type": "array", "items": text} | ({"minItems": 1} if param.required else {})


def _integer(param: Param) -> Schema:
    return {"type": "integer", "minimum": 0, "maximum": param.most or MAX_INTEGER}


def _seconds(param: Param) -> Schema:
    number = {"type": "number", "minimum": 0, "maximum": param.most or _TEN_YEARS}
    text = {"type": "string", "pattern": _SPAN, "examples": ["1m30s", "250ms"]}
    if param.most:
        text = {"type": "string", "pattern": _SHORT_SPAN, "examples": ["5s", "250ms"]}
    return {"anyOf": [number, text]}


def _moment(param: Param) -> Schema:
    instant = {"type": "string", "pattern": "^@[0-9]{1,12}(\\.[0-9]{1,9})?$"}
    return {
        "anyOf": [*_seconds(param)["anyOf"], {"type": "string", "format": "date-time"}, instant]
    }


def _signal(_: Param) -> Schema:
    """Names by which the kernel or Python knows them; case and SIG do not matter."""
    names = sorted({*SIGNAL_NUMBERS, *SIGNAL_NAMES.values(), "RTMIN", "RTMAX"} - {"RTMIN+0"})
    names += [f"RTMIN+{n}" for n in range(1, RT_MAX - RT_MIN + 1)]
    return {
        "anyOf": [
            {"type": "string", "enum": names},
            {"type": "integer", "enum": sorted(VALID_SIGNALS)},
        ]
    }


_KINDS: Final = {
    "names": _words,
    "words": _words,
    "name": lambda _: {"type": "string"},
    "choice": lambda param: {"type": "string", "enum": list(param.choices)},
    "text": lambda param: {"type": "string", "pattern": param.pattern or _NO_NULL},
    "integer": _integer,
    "seconds": _seconds,
    "moment": _moment,
    "flag": lambda _: {"type": "boolean"},
    "signal": _signal,
}

# --- Answers --------------------------------------------------------------------------------------


def _responses(row: Command, shape: Shape) -> dict[str, Any]:
    made = {"200": {"description": "done", "content": _content(row, shape)}}
    for status, codes in sorted(refusals(row).items()):
        made[str(status)] = {
            "description": _STATUSES[status],
            "content": {_JSON: {"schema": _failure(shape.failures.get(status, Failure), codes)}},
        }
    return made


def refusals(row: Command) -> dict[int, tuple[str, ...]]:
    """The codes of errors that a row may answer with, by status."""
    bad = list(_BAD)
    if row.method == "POST":
        bad.append("bad-json")
    if any(param.required for param in row.params):
        bad.append("missing-parameter")
    made: dict[int, tuple[str, ...]] = {
        400: tuple(sorted(bad)),
        403: ("denied",),
        413: ("too-large",),
        431: ("bad-request",),
        503: ("replaced", "too-many-clients"),
    }
    if any(param.kind in ("names", "name") for param in row.params):
        made[404] = ("unknown-name",)
    if row.method == "POST":
        made[415] = ("unsupported-type",)
    for status, codes in SHAPES[row.name].refusals.items():
        made[status] = tuple(sorted({*made.get(status, ()), *codes}))
    return made


def _content(row: Command, shape: Shape) -> dict[str, Any]:
    if row.text:
        text = {"schema": {"type": "string"}}
        return {kind.partition(";")[0]: text for kind in CONTENT_TYPES.values()}
    if shape.answer is not None:
        return {_JSON: {"schema": _ref(shape.answer)}}
    rows = {"anyOf": [_ref(kind) for kind in shape.rows]}
    about = "JSON objects, one a line; x-item-schema is that of a line"
    return {_NDJSON: {"schema": {"type": "string", "description": about}, "x-item-schema": rows}}


def _failure(kind: type, codes: Iterable[str]) -> Schema:
    code = {"properties": {"code": {"enum": list(codes)}}}
    return {"allOf": [_ref(kind), {"properties": {"error": code}}]}
