"""The rules by which mistakes are made: what may stand in the place of a node.

Each rule gets a place of the syntax tree and yields other nodes for it, None to take it away.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .made import Place

    Rule = Callable[[Place], Iterator[ast.AST | None]]

_COMPARED: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_CALCULATED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}


def _comparison(place: Place) -> Iterator[ast.AST]:
    node = place.node
    if isinstance(node, ast.Compare):
        for index, one in enumerate(node.ops):
            for other in _COMPARED[type(one)]:
                ops = [*node.ops[:index], other(), *node.ops[index + 1 :]]
                yield ast.Compare(node.left, ops, node.comparators)


def _boolean(place: Place) -> Iterator[ast.AST]:
    """One side of `and` or `or` is forgotten; `not` is."""
    node = place.node
    if isinstance(node, ast.BoolOp):
        for index in range(len(node.values)):
            rest = node.values[:index] + node.values[index + 1 :]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand


def _condition(place: Place) -> Iterator[ast.AST | None]:
    """A condition that is always met, or never."""
    if isinstance(place.parent, ast.If | ast.IfExp | ast.While) and place.field == "test":
        if not isinstance(place.parent, ast.While):
            yield ast.Constant(value=True)
        if not (isinstance(place.node, ast.Constant) and place.node.value):
            yield ast.Constant(value=False)
    elif place.field == "ifs" and place.item is not None:
        yield None
    elif isinstance(place.parent, ast.match_case) and place.field == "guard":
        yield ast.Constant(value=True)


def _arithmetic(place: Place) -> Iterator[ast.AST]:
    node = place.node
    if isinstance(node, ast.BinOp) and type(node.op) in _CALCULATED:
        yield ast.BinOp(node.left, _CALCULATED[type(node.op)](), node.right)
    elif isinstance(node, ast.AugAssign) and type(node.op) in _CALCULATED:
        yield ast.AugAssign(node.target, _CALCULATED[type(node.op)](), node.value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand


def _constant(place: Place) -> Iterator[ast.AST]:
    node = place.node
    if not isinstance(node, ast.Constant) or isinstance(place.parent, ast.Expr):
        return
    match node.value:
        case bool():
            yield ast.Constant(value=not node.value)
        case int():
            yield ast.Constant(value=node.value + 1)
            if node.value > 0:
                yield ast.Constant(value=node.value - 1)
        case float():
            yield ast.Constant(value=node.value + 1.0)
        case str():
            yield ast.Constant(value=f"{node.value}~")
        case bytes():
            yield ast.Constant(value=node.value + b"~")


def _returned(place: Place) -> Iterator[ast.AST]:
    """Nothing is returned, or it goes on. None for False or "" is as false to who asks."""
    node = place.node
    if isinstance(node, ast.Return):
        if node.value is None:
            yield ast.Pass()
        elif not isinstance(node.value, ast.Constant) or node.value.value:
            yield ast.Return(None)


def _statement(place: Place) -> Iterator[ast.AST]:
    """A statement is forgotten."""
    node = place.node
    match node:
        case ast.Expr(value=ast.Constant() | ast.Yield() | ast.YieldFrom()):
            pass
        case ast.Break():
            yield ast.Continue()
            yield ast.Pass()
        case ast.Expr() | ast.AugAssign() | ast.Delete() | ast.Raise() | ast.Continue():
            yield ast.Pass()
        case ast.Assign(targets=[target]) if place.function is not None:
            if not isinstance(target, ast.Name) or _bound_before(place, target):
                yield ast.Pass()


def _bound_before(place: Place, target: ast.Name) -> bool:
    """Whether the name has a value without this, too; else to forget it is no quiet mistake."""
    for node in ast.walk(place.function or place.parent):
        if isinstance(node, ast.arg) and node.arg == target.id:
            return True
        match node:
            case ast.Name(id=target.id, ctx=ast.Store()) if node.lineno < target.lineno:
                return True
    return False


def _target(place: Place) -> Iterator[ast.AST]:
    """One of several that are set at once is not."""
    several = isinstance(place.parent, ast.Tuple) and isinstance(place.parent.ctx, ast.Store)
    if several and isinstance(place.node, ast.Attribute | ast.Subscript):
        yield ast.Name("_", ast.Store())


def _attribute(place: Place) -> Iterator[ast.AST]:
    """Another attribute of the same thing, one that the function knows too."""
    node = place.node
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return
    if place.function is None or not isinstance(node.ctx, ast.Load):
        return
    known = {
        other.attr
        for other in ast.walk(place.function)
        if isinstance(other, ast.Attribute)
        and isinstance(other.value, ast.Name)
        and other.value.id == node.value.id
    }
    ring = sorted(known)
    other = ring[(ring.index(node.attr) + 1) % len(ring)]
    if other != node.attr:
        yield ast.Attribute(node.value, other, ast.Load())


def _argument(place: Place) -> Iterator[None]:
    """A keyword argument is left out, so that its default counts."""
    if isinstance(place.parent, ast.Call) and place.field == "keywords":
        yield None


def _item(place: Place) -> Iterator[ast.AST | None]:
    """One of several of a list, set, tuple, table, or of the cases of a `match` is missing."""
    node = place.node
    if isinstance(node, ast.Dict) and len(node.keys) > 1:
        for index in range(len(node.keys)):
            keys = node.keys[:index] + node.keys[index + 1 :]
            yield ast.Dict(keys, node.values[:index] + node.values[index + 1 :])
    elif isinstance(node, ast.List | ast.Set | ast.Tuple) and len(node.elts) > 1:
        if isinstance(node, ast.Set) or isinstance(node.ctx, ast.Load):
            for index in range(len(node.elts)):
                rest = node.elts[:index] + node.elts[index + 1 :]
                same = ast.Set(rest) if isinstance(node, ast.Set) else type(node)(rest, node.ctx)
                yield same
    elif isinstance(node, ast.match_case):
        cases = getattr(place.parent, place.field)
        if len(cases) > 1:
            yield None


RULES: Final[dict[str, Rule]] = {
    "comparison": _comparison,
    "boolean": _boolean,
    "condition": _condition,
    "arithmetic": _arithmetic,
    "constant": _constant,
    "return": _returned,
    "statement": _statement,
    "target": _target,
    "attribute": _attribute,
    "argument": _argument,
    "item": _item,
}
