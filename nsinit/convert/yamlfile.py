"""YAML with the place of each key, read as compose reads it: "on" is a word, 22:22 is no number.

PyYAML is the extra `convert`, and is loaded here only.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from nsinit.errors import ConvertError

if TYPE_CHECKING:
    from yaml.nodes import Node

Place = tuple[str, int]  # file, line (from 1)
_NODES_MAX: Final = 200_000  # with what anchors repeat
_DEEPEST: Final = 60
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")
_FLOAT: Final = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,15}")
_MERGE: Final = "<<"
_WORDS: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Map(dict[str, Any]):
    """A mapping, with the places of its keys."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, Place] = {}

    def put(self, key: str, value: object, place: Place) -> None:
        """Set a key."""
        self[key] = value
        self.places[key] = place

    def copy(self) -> Map:
        """The same once more; what is in it is shared."""
        made = Map()
        made.update(self)
        made.places.update(self.places)
        return made


def read(file: str, text: str) -> Map:
    """The mapping that a file holds; ConvertError with the line of what is wrong."""
    try:
        import yaml  # noqa: PLC0415  (an extra, which only this format needs)
    except ModuleNotFoundError:
        hint = "pip install 'nsinit[convert]', or apt install python3-yaml"
        raise ConvertError(file, 0, "PyYAML is not installed", hint=hint) from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 0
        raise ConvertError(file, line, f"not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConvertError(file, 0, f"not YAML: {reason[:200]}") from None
    made = _Reader(file).read(root, 0) if root is not None else None
    if not isinstance(made, Map):
        raise ConvertError(file, 1, "expected a mapping with the key services")
    return made


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.count = 0

    def read(self, node: Node, depth: int) -> Any:  # noqa: ANN401  (any of YAML's values)
        """What a node holds."""
        from yaml import nodes  # noqa: PLC0415  (as above)

        self.count += 1
        if self.count > _NODES_MAX or depth > _DEEPEST:
            raise ConvertError(self.file, self.line(node), "there is too much in it, or too deep")
        if isinstance(node, nodes.ScalarNode):
            return _scalar(str(node.value), plain=node.style is None, tag=str(node.tag))
        if isinstance(node, nodes.SequenceNode):
            return [self.read(item, depth + 1) for item in node.value]
        assert isinstance(node, nodes.MappingNode)  # noqa: S101  (there is nothing else)
        return self.mapping(node, depth)

    def mapping(self, node: Node, depth: int) -> Map:
        """Its own keys, over those that it merges."""
        made, merged = Map(), Map()
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                raise ConvertError(self.file, self.line(key_node), "expected a name as the key")
            value = self.read(value_node, depth + 1)
            if key == _MERGE:
                self.merge(merged, value, self.line(key_node))
                continue
            if key in made:
                raise ConvertError(
                    self.file, self.line(key_node), f"the key {key!r} is there twice"
                )
            made.put(key, value, (self.file, self.line(key_node)))
        for key, value in merged.items():
            if key not in made:
                made.put(key, value, merged.places[key])
        return made

    def merge(self, into: Map, value: object, line: int) -> None:
        """Add what `<<` names: one mapping, or several of which the first counts."""
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, Map):
                raise ConvertError(self.file, line, "expected a mapping to merge")
            for key, item in one.items():
                if key not in into:
                    into.put(key, item, one.places[key])

    def line(self, node: Node) -> int:
        """Where it begins."""
        return int(node.start_mark.line) + 1


def _scalar(text: str, *, plain: bool, tag: str) -> object:
    """A word; numbers and flags only where they are written as one would write them."""
    if not plain or tag.startswith("!"):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and str(float(text)) == text:
        return float(text)
    return text
