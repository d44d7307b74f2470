"""`scripts/gen-docs`: write all documents, or tell which of them are out of date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from nsinit.cli.completion import WRITERS
from nsinit.cli.schema import text
from nsinit.reference.page import markdown
from scripts.documents.pages import PAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT: Final = Path(__file__).parents[2]
RESOURCES: Final = "nsinit/resources"
# Each as it has to be called where a shell looks for it.
_COMPLETIONS: Final = {"bash": "nsinit.bash", "zsh": "_nsinit", "fish": "nsinit.fish"}
_SCHEMA_LINE: Final = f"#:schema ../{RESOURCES}/nsinit.schema.json"


def documents() -> dict[str, Callable[[], str]]:
    """What there is, by its path."""
    made: dict[str, Callable[[], str]] = {
        "docs/keys.md": markdown,
        f"{RESOURCES}/nsinit.schema.json": text,
    }
    for shell, name in _COMPLETIONS.items():
        made[f"{RESOURCES}/completions/{name}"] = _completion(shell)
    made |= {f"{RESOURCES}/man/{name}": make for name, make in PAGES.items()}
    for path in sorted((ROOT / "config").glob("*.toml")):
        made[f"config/{path.name}"] = _example(path)
    return made


def _completion(shell: str) -> Callable[[], str]:
    return lambda: WRITERS[shell]() + "\n"


def _example(path: Path) -> Callable[[], str]:
    """An example as it is, with the line by which editors find the schema."""

    def made() -> str:
        text = path.read_text()
        return text if text.startswith(_SCHEMA_LINE) else f"{_SCHEMA_LINE}\n{text}"

    return made


def stale() -> list[str]:
    """Those that are not as they would be made now."""
    return [path for path, make in documents().items() if _read(ROOT / path) != make()]


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def main(argv: Sequence[str]) -> int:
    """Write what is out of date, or with --check only tell it."""
    if argv not in ([], ["--check"]):
        print("usage: scripts/gen-docs [--check]")
        return 0 if argv in (["-h"], ["--help"]) else 2
    found = stale()
    for path in found:
        if not argv:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(documents()[path]())
        print(f"{path} is out of date" if argv else f"wrote {path}")
    return 1 if argv and found else 0
