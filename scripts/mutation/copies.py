"""Copies of the tree in which something is changed, for tests that are to notice it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT: Final = Path(__file__).parents[2]


def copy_tree(target: Path, names: Iterable[str], *left_out: str, source: Path = ROOT) -> None:
    """Copy files and directories of `source`, but for what has one of the names `left_out`."""
    for name in names:
        if (source / name).is_dir():
            skip = shutil.ignore_patterns(*left_out)
            shutil.copytree(source / name, target / name, symlinks=True, ignore=skip)
        else:
            shutil.copy2(source / name, target)


def replace_once(path: Path, old: str, new: str) -> None:
    """Change a text that is in a file once; ValueError if it is there more often, or not at all."""
    text = path.read_text()
    if (count := text.count(old)) != 1:
        raise ValueError(f"cannot apply {path.name}: {old!r} occurs {count} times")
    path.write_text(text.replace(old, new))
