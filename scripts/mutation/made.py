"""Mistakes made by rule: every place of a module where one of the rules can change something.

A mutant is one node of the syntax tree that is another one. Left out is what no run can tell
(annotations, docstrings, what only a type checker reads) and what only names things (decorators,
slots). The rules are in `rules`.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from .rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import CodeType

_UNSEEN: Final = ("annotation", "returns", "decorator_list", "format_spec", "type_params", "bases")
_NAMING: Final = ("__slots__", "__all__", "TYPE_CHECKING")
_WIDE: Final = 60  # characters of a change as it is told


class Place(NamedTuple):
    """Where a node stands: in a field of another one, in a function (its qualified name)."""

    parent: ast.AST
    field: str
    item: int | None
    node: ast.AST
    inside: str
    function: ast.AST | None

    def put(self, node: ast.AST | None) -> None:
        """Let another node stand there; None takes an item of a list away."""
        if self.item is None:
            setattr(self.parent, self.field, node)
        elif node is None:
            del getattr(self.parent, self.field)[self.item]
        else:
            getattr(self.parent, self.field)[self.item] = node

    def restore(self, *, gone: bool) -> None:
        """Let it be as it was."""
        if self.item is not None and gone:
            getattr(self.parent, self.field).insert(self.item, self.node)
        else:
            self.put(self.node)


class Made(NamedTuple):
    """One mutant. `name` stays the same while the lines around it change."""

    file: str  # below nsinit
    line: int
    last: int  # line of what is changed
    inside: str  # the function, "" for the module itself
    rule: str
    change: str
    nth: int  # of the same in the same function
    place: Place
    new: ast.AST | None

    @property
    def name(self) -> str:
        """What it is known by."""
        again = f" #{self.nth}" if self.nth else ""
        return f"{self.file} {self.inside or '-'}: {self.rule}: {self.change}{again}"


class Module:
    """A file of nsinit and all mutants of it."""

    def __init__(self, root: Path, file: str) -> None:
        self.file = file
        self.path = root / "nsinit" / file
        self.tree = ast.parse(self.path.read_bytes(), str(self.path))
        self.code = self._compile()
        self.mutants = list(self._make())

    def changed(self, mutant: Made) -> CodeType:
        """The code of the module with the mistake in it."""
        mutant.place.put(mutant.new)
        try:
            return self._compile()
        finally:
            mutant.place.restore(gone=mutant.new is None)

    def _compile(self) -> CodeType:
        code: CodeType = compile(self.tree, str(self.path), "exec", dont_inherit=True)
        return code

    def _make(self) -> Iterator[Made]:
        seen: dict[str, int] = {}
        for place in places(self.tree):
            for rule, work in RULES.items():
                for new in work(place):
                    if new is not None and not hasattr(new, "lineno"):  # not part of the tree
                        ast.copy_location(new, place.node)
                        ast.fix_missing_locations(new)
                    made = self._one(place, rule, new)
                    if self._is_code(made):
                        count = seen.get(made.name, 0)
                        seen[made.name] = count + 1
                        yield made._replace(nth=count)

    def _one(self, place: Place, rule: str, new: ast.AST | None) -> Made:
        change = f"{_words(place.node)} -> {_words(new)}"
        line, last = _lines(place.node)
        return Made(self.file, line, last, place.inside, rule, change, 0, place, new)

    def _is_code(self, made: Made) -> bool:
        """Whether it can be compiled, and is not the same to the compiler."""
        try:
            return self.changed(made) != self.code
        except (SyntaxError, ValueError):
            return False


def places(node: ast.AST, inside: str = "", function: ast.AST | None = None) -> Iterator[Place]:
    """Every node below one that a run can tell from another."""
    for field, value in ast.iter_fields(node):
        if field in _UNSEEN:
            continue
        items = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
        for index, item in items:
            if not isinstance(item, ast.AST) or _is_unseen(node, item, index):
                continue
            yield Place(node, field, index, item, inside, function)
            if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{inside}.{item.name}" if inside else item.name
                yield from places(item, name, function if isinstance(item, ast.ClassDef) else item)
            else:
                yield from places(item, inside, function)


def _is_unseen(parent: ast.AST, node: ast.AST, index: int | None) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()):
            return index == 0 and isinstance(
                parent, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
            )
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in _NAMING or _is_type(node.value)
        case ast.AnnAssign(annotation=ast.Name(id="TypeAlias")):
            return True
        # What may be done with an object, not what is done: mypy looks after that. And a subclass
        # of what is frozen is frozen whatever it says.
        case ast.keyword(arg="frozen" | "kw_only"):
            return isinstance(parent, ast.ClassDef)
    # dict[str, None]() makes an empty dict, of whatever type
    return isinstance(parent, ast.Subscript) and node is parent.slice and _is_type(parent)


def _is_type(value: ast.expr) -> bool:
    """Whether that which is assigned looks like the name of a type."""
    match value:
        case ast.Subscript(value=ast.Name(id=name)):
            return name in ("Literal", "Callable", "Annotated", "TypeVar", "dict", "tuple", "list")
        case ast.Call(func=ast.Name(id="TypeVar")):
            return True
    return False


def _words(node: ast.AST | None) -> str:
    if node is None:
        return "nothing"
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= _WIDE else text[: _WIDE - 3] + "..."


def _lines(node: ast.AST) -> tuple[int, int]:
    if isinstance(node, ast.match_case):
        node = node.pattern
    line = getattr(node, "lineno", 0)
    if isinstance(node, ast.If | ast.While | ast.For | ast.Match | ast.With | ast.Try):
        return line, line
    return line, getattr(node, "end_lineno", line) or line
