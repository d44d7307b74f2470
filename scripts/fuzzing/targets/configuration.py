"""Configurations: as bytes, as tables with the keys of the reference, and over several files."""

from __future__ import annotations

import tempfile
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

from nsinit.errors import ConfigError
from nsinit.model.find import load_config
from nsinit.model.load import load, parse_source
from nsinit.model.options import combine, sandbox_options
from nsinit.model.report import Source
from nsinit.reference.entries import foreign, tables
from nsinit.runtime.handover import pack
from scripts.fuzzing.choices import Choices
from scripts.fuzzing.target import ROOT, Target, plain_text, words_of

_ENV: Final = {"HOME": "/root", "X": "1"}
_ODD: Final[tuple[Any, ...]] = (
    "", 0, -1, 1, True, False, [], {}, "x", "a", 1.5, float("inf"), float("nan"), 10**30, -(2**63),
    "\0", "${X}", "${", "${NO}", "$$", "{{index}}", [""], ["a", "a"], [[]], [{}], {"": ""},
    {"a": {"a": {"a": []}}}, "x" * 300, "\u2028", "\ud7ff\U0001f600", "/", "../..", "a b 'c", "9" * 5000,
    "5s", "1h", "10MiB", "TERM", ["TERM", "5s", "INT"], "no", "always", "0:1:2", "tcp:127.0.0.1:80",
    "http://[::1]/", "(a+)+$", "* * * * *", "root:root", "*", "tag:x", "@1", {"every": "5m"},
    {"exec": "true"}, {"http": "http://x/"}, {"file": "/x"}, {"notify": True}, 65536, "0x1f",
)  # fmt: skip
_NAMES: Final = ("a", "b", "main", "a@1", "", "x y", "web-1", "é", "*")


def _said(error: ConfigError) -> None:
    """Every problem is one line that says something."""
    assert error.problems
    for problem in error.problems:
        assert problem.message, problem
        assert str(problem)


def _toml(data: bytes) -> None:
    try:
        loaded = load([parse_source("nsinit.toml", plain_text(data))], _ENV)
    except ConfigError as error:
        _said(error)
        raise
    pack(loaded)


@cache
def _keys() -> list[tuple[str, str, Any]]:
    """Every place of a table, with a key of it and a value that it may have."""
    made = [
        (path, entry.name, tomllib.loads(f"value = {entry.example}")["value"])
        for table in tables()
        for path in table.paths
        for _, entries in table.groups
        for entry in entries
    ]
    return [*made, *(("services.NAME", name, 1) for name, _ in foreign())]


@cache
def _service_keys() -> list[tuple[str, str, Any]]:
    """Those of services alone, which are most of what there is."""
    return [row for row in _keys() if row[0].startswith("services.NAME")]


def tables_of(choices: Choices) -> dict[str, Any]:
    """Some keys at their places, with a value that they may have, or another's, or an odd one."""
    made: dict[str, Any] = {}
    for _ in range(1 + choices.number(2)):
        made.setdefault("services", {}).setdefault(choices.pick(_NAMES), {"command": "true"})
    if choices.number(5) == 1:
        made["sandbox"] = {}
    for _ in range(choices.number(5)):
        keys = _service_keys() if choices.number(2) else _keys()
        path, name, value = keys[choices.number(len(keys) - 1)]
        match choices.number(7):
            case 0:
                value = choices.pick(_ODD)
            case 1:
                value = keys[choices.number(len(keys) - 1)][2]
            case 2:
                value = choices.text(20).replace("\udc80", "")
        _put(made, path, name, value, choices)
    return made


def _put(made: dict[str, Any], path: str, name: str, value: Any, choices: Choices) -> None:  # noqa: ANN401  (TOML)
    part: Any = made
    for word in path.split("."):
        key = word.removesuffix("[]")
        if not key:
            continue
        key = choices.pick(_NAMES) if key == "NAME" else key
        inner = part.get(key)
        if word.endswith("[]"):
            if not isinstance(inner, list) or not inner or not isinstance(inner[-1], dict):
                inner = part[key] = [{}]
            part = inner[-1]
            continue
        if not isinstance(inner, dict):
            inner = part[key] = {}
        part = inner
    part[name] = value


def _tables(data: bytes) -> None:
    made = tables_of(Choices(data))
    try:
        pack(load([Source("nsinit.toml", "", made)], _ENV))
    except ConfigError as error:
        _said(error)
        raise


def _table_seeds() -> list[bytes]:
    """One key each, here and there, with a value that it may have; what has no key is right."""
    made = [b"\0\0\0\1\1" + bytes((n >> 8, n & 255)) + b"\7" for n in range(0, 400, 7)]
    return [bytes(8), bytes(range(64)), *made]


_HOMES: Final[list[tempfile.TemporaryDirectory[str]]] = []  # until this process ends


@cache
def _home() -> Path:
    _HOMES.append(tempfile.TemporaryDirectory(prefix="fuzz-include-"))
    return Path(_HOMES[0].name)


def _includes(data: bytes) -> None:
    """Two files; the first may name the second, itself, what is not there, or what it likes."""
    home = _home()
    (home / "conf.d").mkdir(exist_ok=True)
    main, _, other = data.partition(b"\n--\n")
    (home / "nsinit.toml").write_bytes(main)
    (home / "conf.d/a.toml").write_bytes(other)
    try:
        load_config(str(home / "nsinit.toml"), _ENV)
    except ConfigError as error:
        _said(error)
        raise


def _options(data: bytes) -> None:
    """What is written behind an option of `nsinit run`."""
    choices = Choices(data)
    options = list(sandbox_options().values())
    option = choices.pick(options)
    combine(option, plain_text(choices.rest()).split("\n"))


def _examples() -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "config").glob("*.toml"))]


_WORDS: Final = (
    *words_of(
        '[services.a] [init] [sandbox] command="x" = "" [[ ]] """ \'\'\' 1979-05-27T07:32:00Z inf nan 0x0 1_0'
        " true include=[] restart= depends_on=[] {a=1} log= schedule= sockets= environment= ready= ${X} \\u0000"
    ),
    b"\\\n",
    b"[" * 200,
    b"{a=" * 200,
    b"a." * 200,
)

TARGETS: Final = (
    Target(
        "toml", _toml,
        ("nsinit.model.load", "nsinit.model.toml", "nsinit.model.naming", "nsinit.model.decode", "nsinit.model.lines", "nsinit.model.report", "nsinit.model.checks_root"),
        answers=(ConfigError,), words=_WORDS, seeds=_examples, most=8192,
    ),
    Target(
        "tables",
        _tables,
        (
            "nsinit.model.load",
            "nsinit.model.checks",
            "nsinit.model.types",
            "nsinit.model.security",
            "nsinit.model.confinement",
            "nsinit.model.syslog",
            "nsinit.runtime.handover",
        ),
        answers=(ConfigError,), seeds=_table_seeds, most=256,
    ),
    Target(
        "includes", _includes, ("nsinit.model.find", "nsinit.model.load"), answers=(ConfigError,),
        words=(*words_of('include=["conf.d/*.toml"] ["**"] ["../../x"] ["nsinit.toml"] ["["] ["/dev/null"]'), *_WORDS),
        seeds=lambda: [
            b'include = ["conf.d/*.toml"]\n[services.a]\ncommand = "x"\n--\n[services.b]\ncommand = "y"\n',
            b'include = ["nsinit.toml", "conf.d/a.toml"]\n\n--\n[services.a]\n',
        ],
        most=1024,
    ),
    Target(
        "options", _options, ("nsinit.model.options",), answers=(ValueError,),
        words=words_of("pid=new,net=host 0:1000:1 8080:80 type=bind,source=/a,target=/b [1,2] {a=1} true 5s [::1]:80"),
        seeds=lambda: [bytes((n,)) + b"a=b,c=d" for n in range(0, 100, 9)], most=256,
    ),
)  # fmt: skip
