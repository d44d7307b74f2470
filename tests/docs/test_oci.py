"""The list of what is supported of a bundle is that of the code."""

from __future__ import annotations

import re
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

import msgspec

from nsinit.bundles.read import Findings
from nsinit.bundles.resources import Resources, resources_of
from nsinit.bundles.spec import Config
from tests.support.live import ROOT

PAGE = (ROOT / "docs/oci.md").read_text()
ROWS = dict(re.findall(r"^\| `([\w.]+)` \| (yes|no|told|refused) \|", PAGE, re.MULTILINE))


def _keys(kind: Any, path: str = "") -> list[str]:
    args = [part for part in get_args(kind) if part is not NoneType]
    if get_origin(kind) is list or (args and get_origin(kind) not in (dict, Annotated)):
        return _keys(args[0], path)
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return [path]
    begin = f"{path}." if path else ""
    return [
        key
        for field in msgspec.structs.fields(kind)
        for key in _keys(field.type, f"{begin}{field.encode_name}")
    ]


def test_key_has_a_row_when_the_code_knows_it() -> None:
    """And each row is a key of the code."""
    assert sorted(ROWS) == sorted(_keys(Config))


def test_limit_is_told_when_the_page_says_so() -> None:
    """What has no effect, and nothing else."""
    names = [key.removeprefix("linux.resources.") for key in ROWS if "linux.resources." in key]
    foreign = []
    for name in names:
        value: Any = {"x": 1} if name != "devices" else [{"allow": True}]
        for part in reversed(name.split(".")):
            value = {part: value}
        try:
            resources = msgspec.convert(value, Resources)
        except msgspec.ValidationError:
            continue  # it is one with a type, so of use
        findings = Findings("config.json")
        resources_of(resources, findings, can_make_devices=True)
        foreign += [problem.path.removeprefix("linux.resources.") for problem in findings.warnings]
    assert sorted(foreign) == sorted(
        name for name in names if ROWS[f"linux.resources.{name}"] == "told"
    )
