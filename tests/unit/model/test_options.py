"""The keys of `[sandbox]` as options."""

from __future__ import annotations

from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsinit.model.options import Option, combine, sandbox_options
from nsinit.model.resources import Resources
from nsinit.model.sandboxes import Sandbox
from nsinit.model.types import Environment, Names, Seconds


class Mount(msgspec.Struct):
    """An example."""

    target: str
    type: Literal["bind", "tmpfs"] = "bind"
    source: str | None = None
    options: list[str] = []
    mode: int | None = None
    optional: bool = False


KINDS = {
    "text": str | None,
    "count": int,
    "share": float | None,
    "span": Seconds,
    "word": Literal["a", "b"] | None,
    "switch": bool,
    "maybe": bool | None,
    "names": Names,
    "texts": list[str] | None,
    "namespaces": dict[Literal["pid", "net"], int | str],
    "variables": Environment,
    "sysctls": dict[str, str | int],
    "mount": Mount | None,
    "mounts": list[Mount],
    "either": str | Mount,
}


def _read(key: str, *texts: str) -> object:
    return combine(Option(key, KINDS[key]), texts)


def test_every_key_has_an_option_when_the_struct_grows() -> None:
    """With a form of value; none of them is left to somebody's memory."""
    options = sandbox_options()
    own = [key for key, option in options.items() if not option.table]
    assert own == [field.encode_name for field in msgspec.structs.fields(Sandbox)]
    assert {field.encode_name for field in msgspec.structs.fields(Resources)} <= options.keys()
    for option in options.values():
        shape = option.shape
        assert shape.scalars or shape.is_table or shape.items is not None, option.key
        assert option.is_switch or option.metavar
        assert option.flag == option.flag.lower()


@pytest.mark.parametrize(
    ("key", "texts", "value"),
    [
        ("sysctls", ["kernel.shmmax=65536"], {"kernel.shmmax": 65536}),  # names with dots
        ("text", ["a b"], "a b"),
        ("text", ["12"], "12"),
        ("text", ["a", "b"], "b"),
        ("text", ["{x}"], "{x}"),
        ("count", ["12"], 12),
        ("count", ["-3"], -3),
        ("count", ["x"], "x"),  # the checks will tell
        ("share", ["1.5"], 1.5),
        ("share", ["x"], "x"),
        ("span", ["1m"], "1m"),
        ("span", ["5"], 5),
        ("word", ["a"], "a"),
        ("switch", ["true"], True),
        ("switch", ["false"], False),
        ("names", ["a,b"], ["a", "b"]),
        ("names", ["a", "b,c"], ["a", "b", "c"]),
        ("names", ['["a", "b,c"]'], ["a", "b,c"]),
        ("texts", ["/a"], ["/a"]),
        ("namespaces", ["pid,net"], {"pid": "new", "net": "new"}),
        ("namespaces", ["pid=shared,net=/run/x"], {"pid": "shared", "net": "/run/x"}),
        ("namespaces", ["pid", "net=12"], {"pid": "new", "net": 12}),
        ("namespaces", ['{pid = "shared"}'], {"pid": "shared"}),
        ("variables", ["A=1,B=x=y"], {"A": "1", "B": "x=y"}),
        ("mount", ["target=/x,optional"], {"target": "/x", "optional": True}),
        ("mount", ["target=/x,optional=false"], {"target": "/x", "optional": False}),
        ("mount", ["target=/x,mode=12"], {"target": "/x", "mode": 12}),
        ("mounts", ["target=/x,type=tmpfs"], [{"target": "/x", "type": "tmpfs"}]),
        ("mounts", ["src=/a,dst=/b,ro"], [{"source": "/a", "target": "/b", "options": ["ro"]}]),
        (
            "mounts",
            ["target=/b,options=ro,options=nosuid"],
            [{"target": "/b", "options": ["ro", "nosuid"]}],
        ),
        ("mounts", ["target=/b,options=[ro,nosuid]"], ValueError),
        ("mounts", ['target=/b,options=["ro","x"]'], [{"target": "/b", "options": ["ro", "x"]}]),
        ("mounts", ["/a:/b:ro"], ["/a:/b:ro"]),
        ("mounts", ["/a=x:/b"], ["/a=x:/b"]),
        ("mounts", ["target=/a", "/b:/c"], [{"target": "/a"}, "/b:/c"]),
        ("mounts", ['[{target = "/x"}]'], [{"target": "/x"}]),
        ("mounts", ['{target = "/x"}'], [{"target": "/x"}]),
        ("mounts", ["{target"], ValueError),
        ("either", ["default"], "default"),
        ("either", ["target=/x"], {"target": "/x"}),
    ],
)
def test_text_becomes_what_toml_would_have(key: str, texts: list[str], value: object) -> None:
    """By the type of its key; what can't be right is left for the checks to refuse."""
    if value is ValueError:
        with pytest.raises(ValueError, match="not TOML"):
            _read(key, *texts)
    else:
        assert _read(key, *texts) == value


@given(st.sampled_from(sorted(KINDS)), st.lists(st.text(max_size=20), min_size=1, max_size=3))
def test_any_text_is_read_or_refused(key: str, texts: list[str]) -> None:
    """Nothing else comes of it."""
    try:
        _read(key, *texts)
    except ValueError:
        return


def test_forms_are_told_for_the_help() -> None:
    """What a value looks like."""
    forms = {key: Option(key, kind).metavar for key, kind in KINDS.items()}
    assert forms == {
        "text": "TEXT", "count": "N", "share": "N", "span": "TEXT", "word": "a|b", "switch": "",
        "maybe": "", "names": "WORD,...", "texts": "WORD,...", "namespaces": "WORD,...",
        "variables": "KEY=VALUE,...", "mount": "KEY=VALUE,...", "mounts": "KEY=VALUE,...",
        "either": "KEY=VALUE,...", "sysctls": "KEY=VALUE,...",
    }  # fmt: skip
