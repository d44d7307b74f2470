"""A `Document` as TOML that people like to read. Pure.

Keys stand in the order of the reference, short tables in one line, long ones as tables of their
own; what is read back by tomllib is what was put in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from nsinit.convert.document import Template
from nsinit.model.sandboxes import Sandbox
from nsinit.model.security import Security
from nsinit.model.spec import Init, Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.convert.document import Document, Table, Value

WIDTH: Final = 100  # of a line, unless one word is longer
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_DOLLAR: Final = re.compile(r"\$(?=[${])")  # any other means itself
_ESCAPES: Final = {
    "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\",
}  # fmt: skip
_LATE: Final = frozenset(Security.__struct_fields__)
_SERVICE: Final = (
    *(key for key in Service.__struct_fields__ if key not in _LATE),
    *Security.__struct_fields__,
)


def write(document: Document) -> str:
    """The text of the file; UnicodeEncodeError where a value is no text at all."""
    blocks = ["\n".join([*_comments(document.top), *_findings(document.top)])]
    blocks.append(_table("init", document.init, Init.__struct_fields__))
    if document.sandbox is not None:
        blocks.append(_table("sandbox", document.sandbox, Sandbox.__struct_fields__, empty=True))
    for name, table in document.services.items():
        blocks.append(_table(f"services.{_key(name)}", table, _SERVICE, empty=True))
    text = "\n\n".join(block for block in blocks if block) + "\n"
    text.encode()  # a lone surrogate is told here, not when it is printed
    return text


def _table(name: str, table: Table, order: tuple[str, ...], *, empty: bool = False) -> str:
    keys = sorted(table.keys, key=lambda key: order.index(key) if key in order else len(order))
    lines, below = [f"[{name}]"], []
    for key in keys:
        value, remark = table.keys[key], table.remarks.get(key, "")
        if isinstance(value, Mapping) and not _is_short(key, value):
            below.append(_below(f"{name}.{_key(key)}", value, remark))
            continue
        line = f"{_key(key)} = {_value(value, len(key) + 3)}"
        fits = "\n" not in line and len(line) + len(remark) + 4 <= WIDTH
        if remark and fits:
            line += f"  # {_plain(remark)}"
        elif remark:
            lines.append(f"# {_plain(remark)}")
        lines.append(line)
    notes = _comments(table)
    lines += _findings(table)
    if len(lines) == 1 and not below and not empty:
        return "\n".join(notes)
    if len(lines) == 1 and below:
        lines = []
    return "\n\n".join(filter(None, ["\n".join([*notes, *lines]), *below]))


def _below(name: str, value: Mapping[str, Value], remark: str) -> str:
    """A table that is too long for one line, with those in it that are too."""
    lines, below = [f"[{name}]"], []
    if remark:
        lines.insert(0, f"# {_plain(remark)}")
    for key, item in value.items():
        if isinstance(item, Mapping) and not _is_short(key, item):
            below.append(_below(f"{name}.{_key(key)}", item, ""))
        else:
            lines.append(f"{_key(key)} = {_value(item, len(key) + 3)}")
    return "\n\n".join(["\n".join(lines), *below])


def _comments(table: Table) -> list[str]:
    return [f"# {_plain(line)}".rstrip() for text in table.comments for line in text.split("\n")]


def _findings(table: Table) -> list[str]:
    return [f"# unsupported: {_plain(str(finding))}" for finding in table.findings]


def _plain(text: str) -> str:
    """For a comment, in which there can be neither line ends nor other control characters."""
    text = _CONTROL.sub(lambda match: repr(match[0])[1:-1], text)
    return text.encode("utf-8", "backslashreplace").decode()


def _is_short(key: str, value: Mapping[str, Value]) -> bool:
    if key == "environment":  # variables are looked for
        return len(value) <= 1 and len(_inline(value)) < WIDTH - 20
    return len(key) + 3 + len(_inline(value)) <= WIDTH and "\n" not in _inline(value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _value(value: Value, indent: int) -> str:
    """As it stands behind `key = `: lists that are too long for a line have a line per item."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        line = _inline(value)
        many = len(value) > 1 and isinstance(value[0], Mapping)
        if indent + len(line) <= WIDTH and not many:
            return line
        if all(isinstance(item, int) for item in value):
            packed = wrap(line[1:-1], WIDTH, initial_indent="  ", subsequent_indent="  ")
            return "\n".join(["[", *packed, "]"])
        return "\n".join(["[", *(f"  {_inline(item)}," for item in value), "]"])
    return _inline(value)


def _inline(value: Value) -> str:
    if isinstance(value, str):
        return _string(_filled(value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(key)} = {_inline(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return f"[{', '.join(_inline(item) for item in value)}]"


def _filled(text: str) -> str:
    """Text as it has to be written for nsinit to read this."""
    return text if isinstance(text, Template) else _DOLLAR.sub("$$", text)


def _text(text: str) -> str:
    """A string by itself: with line ends as they are, if that can be done."""
    filled = _filled(text)
    lines = filled.split("\n")
    easy = len(lines) > 2 and not _CONTROL.search(filled.replace("\n", "").replace("\t", ""))
    if not easy:
        return _string(filled)
    if "'''" not in filled and not filled.endswith("'") and ("\\" in filled or '"""' in filled):
        return f"'''\n{filled}'''"
    inner = filled.replace("\\", "\\\\").replace('"""', '""\\"')
    inner = inner[:-1] + '\\"' if inner.endswith('"') else inner
    return f'"""\n{inner}"""'


def _string(text: str) -> str:
    """One line, quoted so that as little as possible has to be escaped."""
    if ('"' in text or "\\" in text) and "'" not in text and not _CONTROL.search(text):
        return f"'{text}'"
    return f'"{"".join(_escaped(text))}"'


def _escaped(text: str) -> Iterator[str]:
    for char in text:
        if char in _ESCAPES:
            yield _ESCAPES[char]
        elif _CONTROL.match(char):
            yield f"\\u{ord(char):04x}"
        else:
            yield char
