"""docs/events.md lists what the program tells."""

from __future__ import annotations

import ast
import re

from nsinit.cli.past import _LINES
from nsinit.control.shapes import _OF_CHANGES
from nsinit.runtime.events import FIELDS, KEPT, TYPES
from tests.support.live import ROOT

TEXT = (ROOT / "docs" / "events.md").read_text()


def test_every_type_is_in_the_documents_when_it_is_in_the_code() -> None:
    """And the keys of its rows; there is a way to show each as text."""
    rows = re.findall(r"^\| `([a-z-]+)` \|.*\| ([^|]*)\|$", TEXT, re.MULTILINE)
    documented = {kind: tuple(re.findall(r"`(\w+)`", keys)) for kind, keys in rows}
    assert documented == FIELDS
    assert _LINES.keys() == set(TYPES)
    assert f"The last\n{KEPT} events" in TEXT


def test_no_event_has_other_keys_when_the_code_is_read() -> None:
    """Each is written down with keys that are documented."""
    seen: set[str] = {"state", "health", "reload", "pause", "exited"}  # from what changes
    for path in (ROOT / "nsinit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            func, args = node.func, node.args
            if getattr(func, "id", "") == "partial" and args:
                func, *args = args
            name = getattr(func, "attr", getattr(func, "id", ""))
            kind = args[0].value if args and isinstance(args[0], ast.Constant) else 0
            if name in ("note", "note_all", "Note", "_count") and isinstance(kind, str):
                seen.add(kind)
                given = {word.arg for word in node.keywords if word.arg} - {"at"}
                assert given <= {*FIELDS[kind], *_OF_CHANGES}, (path, kind)  # type: ignore[index]  # it is one
    missing = set(TYPES) - seen
    assert missing == {"lost", "scale", "update"}, "by an expression"
