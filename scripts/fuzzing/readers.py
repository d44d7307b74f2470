"""Which modules of nsinit read what others have written: found in their code, by a rule.

A module reads if it calls a decoder of the standard library or of msgspec, or has a function whose
name says so (`parse`, `read_address`, `feed`) and that takes text or bytes. Every such module is
reached by a target, or stands in `ELSEWHERE` with the reason why it need not be.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from scripts.fuzzing.target import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DECODERS: Final = frozenset((
    "json.loads", "tomllib.loads", "marshal.loads", "shlex.split", "shlex.shlex", "int.from_bytes",
    "msgspec.json.decode", "msgspec.msgpack.decode", "msgpack.decode", "msgspec.convert",
    "struct.unpack", "struct.unpack_from", "struct.iter_unpack", "yaml.load",
))  # fmt: skip
_LAST: Final = frozenset(name.rpartition(".")[2] for name in _DECODERS)
_METHODS: Final = frozenset(("unpack_from", "iter_unpack", "fullmatch"))
_NAMES: Final = ("parse", "read", "decode", "unpack", "feed", "receive", "understand", "hear")
# What has none of these need not be parsed, which takes ten times as long.
_LIKELY: Final = re.compile(
    rf"\.(?:{'|'.join(sorted(_LAST | _METHODS))})\(|def _*(?:{'|'.join(_NAMES)})(?:_\w+)?\("
).search
_TEXT: Final = ("str", "bytes", "bytearray", "object", "Iterable[str | bytes]")

# What needs no target of its own, by module, with the reason.
ELSEWHERE: Final[dict[str, str]] = {
    "nsinit.aclient": "reads what `nsinit.wire` reads, by asyncio",
    "nsinit.cgroups.usage": "has files of groups read by `nsinit.cgroups.counters`",
    "nsinit.cli.attach": "a key, as the user of that terminal names it",
    "nsinit.cli.detach": "what our own launcher says",
    "nsinit.cli.families": "words of the user's own command line",
    "nsinit.cli.image": "how far our own import is",
    "nsinit.cli.parsing": "words of the user's own command line",
    "nsinit.cli.progress": "events of `nsinit.client`",
    "nsinit.cli.single_options": "words of the user's own command line",
    "nsinit.cli.tui.text": "asks what a piece of text is, which any is",
    "nsinit.control.insight": "rows that `nsinit.control.shapes` has just made",
    "nsinit.convert.kinds": "names of files; the targets convert-* go through it",
    "nsinit.convert.proof": "paths of keys that `nsinit.model.report` has made",
    "nsinit.convert.write": "writes",
    "nsinit.finder": "byte code of this Python, which import would have run",
    "nsinit.isolation.entered": "what our own helper says",
    "nsinit.isolation.shelf": "byte code of this Python, which import would have run",
    "nsinit.isolation.sources": "files of this Python, as they are",
    "nsinit.kernel.board": "what whoever tests init has written",
    "nsinit.kernel.devicefilter": "numbers that bpf(2) gives back",
    "nsinit.kernel.nfnetlink": "the number in an error of netlink",
    "nsinit.kernel.nsfs": "a number that ioctl(2) gives back",
    "nsinit.kernel.signals": "what signalfd(2) gives: whole rows",
    "nsinit.network.usermode": "what pasta or slirp4netns answers, which we have started",
    "nsinit.reference.page": "examples of our own",
    "nsinit.reference.schema": "examples of our own",
    "nsinit.runtime.chronicle": "ends of runs, from the core",
    "nsinit.runtime.intake": "has datagrams read by `nsinit.runtime.datagrams`; live reads it",
    "nsinit.runtime.logs": "cuts by `nsinit.runtime.lines`",
    "nsinit.sandbox.state": "has files read by `nsinit.sandbox.record`",
}


def found() -> dict[str, list[str]]:
    """The modules of nsinit that read, and by what."""
    texts = {name_of(path): path.read_text() for path in (ROOT / "nsinit").rglob("*.py")}
    read = {name: reading(ast.parse(text)) for name, text in texts.items() if _LIKELY(text)}
    return {name: what for name, what in sorted(read.items()) if what}


def name_of(path: Path) -> str:
    """The name of a module."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def reading(tree: ast.Module) -> list[str]:
    """By what a module reads; nothing if it does not."""
    return [*_calls(tree), *_functions(tree)]


def _calls(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            method = node.func.attr
            if method in _METHODS or (method in _LAST and ast.unparse(node.func) in _DECODERS):
                yield method


def _functions(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        name = node.name.lstrip("_")
        if not any(name == word or name.startswith(f"{word}_") for word in _NAMES):
            continue
        given = [arg for arg in (*node.args.args, *node.args.kwonlyargs) if arg.arg != "path"]
        kinds = [ast.unparse(arg.annotation) for arg in given if arg.annotation is not None]
        if any(kind.removesuffix(" | None") in _TEXT for kind in kinds):
            yield node.name
