"""What a converter puts into a document is what nsinit reads; any file converts or is refused."""

from __future__ import annotations

import string
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nsinit.convert.document import Document, Template, literal
from nsinit.convert.write import write
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
