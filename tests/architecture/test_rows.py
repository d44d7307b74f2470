"""Every row of the acceptance list of sandboxes has a test that is marked with it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from tests.support.live import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS: Final = frozenset(range(1, 66))


def _marked() -> Iterator[int]:
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.row":
                yield from ast.literal_eval(ast.Tuple(node.args, ast.Load()))


def test_row_has_a_test_when_it_is_on_the_list() -> None:
    """None is missing."""
    assert sorted(ROWS - set(_marked())) == []
