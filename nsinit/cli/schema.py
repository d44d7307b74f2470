"""`nsinit schema`: what can be written in nsinit.toml, for editors (JSON) and people (Markdown)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.cli.boxes import Verb
from nsinit.cli.families import read, tell
from nsinit.cli.output import say
from nsinit.control.row import Param
from nsinit.errors import EXIT_OK

if TYPE_CHECKING:
    from collections.abc import Sequence

VERB: Final = Verb(
    "schema",
    "print the JSON Schema of nsinit.toml, by which editors complete and check it",
    (Param("docs", "flag", "the key reference instead, as Markdown"),),
    (
        "nsinit schema > nsinit.schema.json",
        "sed -i '1i #:schema ./nsinit.schema.json' nsinit.toml",
        "nsinit schema --docs | less",
    ),
    "\n\nexit codes: 0 done · 2 usage",
)


def main(argv: Sequence[str]) -> int:
    """Print one of them; returns the exit code."""
    return tell(lambda: _run(**read("schema", VERB, list(argv))))


def _run(*, docs: bool) -> int:
    if docs:
        from nsinit.reference.page import markdown

        say(markdown().rstrip("\n"))
        return EXIT_OK
    say(text().rstrip("\n"))
    return EXIT_OK


def text() -> str:
    """The schema as it is kept in a file."""
    import json

    from nsinit.reference.schema import schema

    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
