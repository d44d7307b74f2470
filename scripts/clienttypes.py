"""The types of the Python clients as text: a method for each row of the command table."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from nsinit.control.answers import looking, rows, steering
from nsinit.control.answers.basics import Failure
from nsinit.control.answers.table import SHAPES
from nsinit.control.commands import COMMANDS

if TYPE_CHECKING:
    from nsinit.control.commands import Command, Param

# Both ways at once: these have methods of their own.
OWN: Final = ("exec", "enter", "terminal")
_HEAD: Final = '''\
"""The methods of the Python clients, one for each row of the command table.

Made by scripts/gen-client; a test fails when it is out of date. Only type checkers and editors
read it: at run time the methods come from the table itself.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

from nsinit.control.answers import looking, rows, steering
from nsinit.control.answers.basics import Failure

Names = str | Sequence[str]
R = TypeVar("R")

class Rows(Generic[R]):
    """A stream for asyncio: rows as they come; leaving the block closes the connection."""

    def __aiter__(self) -> AsyncIterator[R]: ...
    async def __anext__(self) -> R: ...
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    async def aclose(self) -> None: ...

'''
_KINDS: Final = {
    "names": "Names",
    "words": "Names",
    "name": "str",
    "text": "str",
    "integer": "int",
    "seconds": "float | str",
    "moment": "float | str",
    "flag": "bool",
    "signal": "str | int",
}


def stub() -> str:
    """The whole file, as the formatter wants it."""
    known = [row for row in COMMANDS if row.name not in OWN]
    parts = [_HEAD, 'class Calls:\n    """What a `Client` can be asked for."""\n']
    parts += [_method(row, "def", _answer(row, "Iterator")) for row in known]
    parts.append('\nclass AsyncCalls:\n    """What an `AsyncClient` can be asked for."""\n')
    parts += [
        _method(row, "def" if row.stream else "async def", _answer(row, "Rows")) for row in known
    ]
    return _formatted("".join(parts))


def _method(row: Command, way: str, answer: str) -> str:
    first = [_param(param) for param in row.params if param.positional]
    rest = [_param(param) for param in row.params if not param.positional]
    words = ["self", *first, *(["*", *rest] if rest else [])]
    about = row.summary[0].upper() + row.summary[1:]
    return f'\n    {way} {row.name}({", ".join(words)}) -> {answer}:\n        """{about}."""\n'


def _param(param: Param) -> str:
    kind = _KINDS.get(param.kind, "str")
    if param.choices:
        kind = f"Literal[{', '.join(map(repr, param.choices))}]"
    return f"{param.name}: {kind}" + ("" if param.required else " | None = None")


def _answer(row: Command, stream: str) -> str:
    shape = SHAPES[row.name]
    if shape.answer is None:
        return f"{stream}[{' | '.join(map(_name, shape.rows))}]"
    if shape.answer in (dict, str):
        return "dict[str, Any]" if shape.answer is dict else "str"
    return _name(shape.answer)


def _name(kind: type) -> str:
    """By the module that it is found in."""
    if kind is Failure:
        return "Failure"
    for module in (rows, looking, steering):
        if getattr(module, kind.__name__, None) is kind and kind.__module__ == module.__name__:
            return f"{module.__name__.rpartition('.')[2]}.{kind.__name__}"
    raise LookupError(f"{kind.__name__} is in no module of answers")


def _formatted(text: str) -> str:
    ruff = shutil.which("ruff") or str(sys.executable).rpartition("/")[0] + "/ruff"
    command = [ruff, "format", "--stdin-filename", "calls.pyi", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
