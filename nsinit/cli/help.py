"""`nsinit help [TOPIC]`: a manual page, the help of a verb, or a key of nsinit.toml."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from nsinit.cli.boxes import VERBS as BOXES
from nsinit.cli.boxes import Verb
from nsinit.cli.families import parser_of, read, tell
from nsinit.cli.manual import NAMES, page_named, show_page, show_text
from nsinit.cli.programs import MODULES, PROGRAMS, help_text
from nsinit.control.commands import VERBS
from nsinit.control.row import Param
from nsinit.errors import EXIT_OK, UsageError
from nsinit.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

SINGLE: Final = "single"  # the topic of `nsinit -- COMMAND`
VERB: Final = Verb(
    "help",
    "show the help of a verb, a key of nsinit.toml, or a manual page",
    (Param("topic", "names", "verbs, keys, pages: all that there are without any"),),
    (
        "nsinit help run",
        "nsinit help ctl logs",
        "nsinit help services.NAME.restart",
        "nsinit help nsinit.toml",
    ),
    "\n\npages: " + ", ".join(NAMES) + "\n\nexit codes: 0 done · 2 usage",
)


def main(argv: Sequence[str]) -> int:
    """Show it; returns the exit code."""
    return tell(lambda: _run(**read("help", VERB, list(argv))))


def _run(*, topic: list[str]) -> int:
    words = " ".join(topic).removeprefix("nsinit ")
    if not words:
        pages = ", ".join(NAMES)
        more = f"nsinit help TOPIC: a verb, {SINGLE}, a key of nsinit.toml, or {pages}"
        show_text(f"{help_text()}\n\n{more}")
        return EXIT_OK
    texts = _verbs(words)
    if texts:
        show_text("\n\n".join(texts))
    elif page := page_named(words):
        show_page(page)
    elif keys := _keys(words):
        show_text("\n\n".join(keys))
    else:
        from nsinit.reference.entries import nearest

        known = [*PROGRAMS, SINGLE, *VERBS, *(f"ctl {verb}" for verb in VERBS), *NAMES]
        hint = did_you_mean(words, known) or nearest(words) or "nsinit help"
        raise UsageError(f"there is no help on {words!r}", hint=hint)
    return EXIT_OK


def _verbs(words: str) -> list[str]:
    """The help of what is typed so: of a program, and of a verb of ctl by the same name."""
    first, _, second = words.partition(" ")
    made = []
    if words == SINGLE:
        from nsinit.cli.single_help import help_text as single_text

        made.append(single_text("nsinit"))
    elif words == "run":
        from nsinit.cli.run import full_help

        made.append(full_help())
    elif words in BOXES:
        made.append(parser_of(words, BOXES[words]).format_help().rstrip())
    elif first in MODULES:
        made += _of_module(first, second)
    if (verb := words.removeprefix("ctl ")) in VERBS:
        from nsinit.cli.ctl import parser

        made.append(parser(VERBS[verb]).format_help().rstrip())
    return made


def _of_module(word: str, verb: str) -> list[str]:
    module = import_module(f"nsinit.cli.{word}")
    family = getattr(module, "FAMILY", None)
    if family is None:
        return [] if verb else [parser_of(word, module.VERB).format_help().rstrip()]
    if not verb:
        return [family.help()]
    if verb not in family.verbs:
        return []
    return [parser_of(f"{word} {verb}", family.verbs[verb]).format_help().rstrip()]


def _keys(words: str) -> list[str]:
    from nsinit.reference.entries import find
    from nsinit.reference.page import plain

    return [plain(found) for found in find(words)]
