"""What follows a verb on the command line, understood by what a table says of it.

Whoever types a verb waits for this: it loads nothing but the errors. The words of the help are made
by `nsinit.cli.usage`, for those who ask for it.
"""

from __future__ import annotations

from nsinit.cli.output import Wishes
from nsinit.control.row import Param
from nsinit.errors import EXIT_OK, UsageError
from nsinit.nearest import did_you_mean

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Final

WHEN: Final = ("auto", "always", "never")
JSON: Final = Param("json", "flag", "JSON instead of text")
_COLOR: Final = Param("color", "choice", ", ".join(WHEN), choices=WHEN)
_FORMAT: Final = Param("format", "text", "of the JSON only these: name,state or a text with {name}")
_FIELDS: Final = "fields of the JSON"  # what --format gives; no option is called so
_METAVARS: Final = {"text": "TEXT", "moment": "TIME"}


def chooses_fields(params: Sequence[Param]) -> bool:
    """Whether a verb takes --format: it has JSON, and no option of its own that is called so."""
    names = {param.name for param in params}
    return "json" in names and "format" not in names


class Parser:
    """The words after one verb; `more` is said below its help."""

    def __init__(
        self,
        verb: str,
        summary: str,
        examples: Sequence[str],
        params: Sequence[Param],
        more: str = "",
    ) -> None:
        self.verb, self.summary, self.examples, self.more = verb, summary, examples, more
        self.places = [param for param in params if param.positional]
        self.options = [param for param in params if not param.positional]
        if chooses_fields(params):
            self.options.append(_FORMAT)
        if any(param.name == "json" for param in params):
            self.options.append(_COLOR)

    def read(self, argv: Sequence[str]) -> dict[str, Any]:
        """The parameters by their names, None for what is not given; UsageError.

        What every verb has is kept for whoever prints.
        """
        given = _Reading(self).read(argv)
        Wishes.color = given.pop(_COLOR.name, None) or "auto"
        Wishes.format = given.pop(_FIELDS, None) or ""
        return given | {"json": True} if Wishes.format else given

    def format_help(self) -> str:
        """What --help shows."""
        from nsinit.cli.usage import help_of

        return help_of(self)

    def refuse(self, message: str, hint: str = "") -> UsageError:
        """What makes no sense."""
        hint = hint or f"nsinit {self.verb} --help"
        return UsageError(f"cannot understand nsinit {self.verb}: {message}", hint=hint)


def metavar(param: Param) -> str:
    """What stands for its value in messages and in the help."""
    if param.kind == "names":
        return "PATH" if param.name == "paths" else "NAME"
    if param.kind == "words":
        return "WORD"
    if param is _FORMAT:
        return "FIELDS"
    if param is _COLOR:
        return "WHEN"
    upper = param.positional or param.kind == "choice"
    return param.name.upper() if upper else _METAVARS.get(param.kind, "N")


class _Reading:
    """The words of one command line."""

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._forms: dict[str, Param] = {}
        for param in parser.options:
            self._forms[param.flag] = param
            if param.short:
                self._forms[f"-{param.short}"] = param
        self._given: dict[str, Any] = {
            param.name: False if param.kind == "flag" else None
            for param in parser.options
            if param not in (_FORMAT, _COLOR)
        }
        self._rest: list[str] = []  # what is still to be read, the last word first
        self._strange: list[str] = []

    def read(self, argv: Sequence[str]) -> dict[str, Any]:
        self._rest = list(reversed(argv))
        words: list[str] = []
        command: list[str] | None = None  # all after a --
        while self._rest:
            word = self._rest.pop()
            if word == "--":
                command = self._rest[::-1]
                break
            if _is_option(word):
                self._take(word)
            else:
                words.append(word)
        self._place(words, command)
        if self._strange:
            known = [*self._forms, "--help"]
            word = self._strange[0].partition("=")[0]
            near = did_you_mean(word, known) if len(word) > 2 else ""  # any letter is near another
            raise self._parser.refuse(f"unrecognized arguments: {' '.join(self._strange)}", near)
        return self._given

    # --- Options ----------------------------------------------------------------------------------

    def _take(self, word: str) -> None:
        """An option, or several short ones in one word."""
        name, equals, value = word.partition("=")
        if name in ("-h", "--help"):
            from nsinit.cli.output import say

            say(self._parser.format_help().rstrip("\n"))
            raise SystemExit(EXIT_OK)
        if name in self._forms:
            self._set(self._forms[name], value if equals else None)
        elif word[:2] in self._forms:  # -fn5, and --x is none
            param = self._forms[word[:2]]
            if param.kind == "flag":
                self._set(param, None)
                self._take("-" + word[2:])
            else:
                self._set(param, word[2:])
        else:
            self._strange.append(word)

    def _set(self, param: Param, value: str | None) -> None:
        """`value` is what came in the same word."""
        forms = [f"-{param.short}"] if param.short else []
        about = f"argument {'/'.join([*forms, param.flag])}"
        if param.kind == "flag":
            if value is not None:
                raise self._parser.refuse(f"{about}: it takes no value, got {value!r}")
            self._given[param.name] = True
            return
        if value is None:
            if not self._rest or (_is_option(self._rest[-1]) or self._rest[-1] == "--"):
                raise self._parser.refuse(f"{about}: expected one argument")
            value = self._rest.pop()
        if param is _FORMAT and not value:  # nothing is no wish
            raise UsageError("--format: expected fields such as name,state, got none")
        try:
            made = _READERS.get(param.kind, str)(value)
        except ValueError as error:
            raise self._parser.refuse(f"{about}: {error}") from None
        if param.choices and made not in param.choices:
            listed = ", ".join(param.choices)
            message = f"{about}: invalid choice: {value!r} (choose from {listed})"
            raise self._parser.refuse(message, did_you_mean(value, param.choices))
        self._given[_FIELDS if param is _FORMAT else param.name] = made

    # --- What stands by itself --------------------------------------------------------------------

    def _place(self, words: list[str], command: list[str] | None) -> None:
        """Give each word its place; the last one may take many, or all after a --."""
        places = self._parser.places
        many = places[-1] if places and places[-1].kind in ("names", "words") else None
        if command is not None and (many is None or many.kind == "names" or many.required):
            words, command = [*words, *command], None
        missing = []
        for at, param in enumerate(places if many is None else places[:-1]):
            if at < len(words):
                self._given[param.name] = words[at]
            else:
                self._given[param.name] = param.default
                if param.default is None:
                    missing.append(metavar(param))
        left = words[len(places) - (many is not None) :]
        if many is None:
            self._strange += left
        elif command is not None and left:
            raise self._parser.refuse(f"a command follows --, not {' '.join(left)!r}")
        else:
            self._given[many.name] = left if command is None else command
            if many.required and not left:
                missing.append(metavar(many))
        if missing and not self._strange:
            told = ", ".join(missing)
            raise self._parser.refuse(f"the following arguments are required: {told}")


def _is_option(word: str) -> bool:
    """A number below zero is none."""
    return word[:1] == "-" and word not in ("-", "--") and not word[1:].replace(".", "").isdigit()


# --- Values ---------------------------------------------------------------------------------------


def _read_integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"expected a whole number, got {text!r}") from None


def _read_seconds(text: str) -> float:
    from nsinit.units import parse_duration

    return parse_duration(text)


def _read_moment(text: str) -> str:
    """An instant of this time zone, as init takes it."""
    import time

    from nsinit.moments import format_moment, parse_moment

    now = time.time()
    return format_moment(parse_moment(text, now).at(now))


_READERS: Final[dict[str, Callable[[str], object]]] = {
    "integer": _read_integer,
    "seconds": _read_seconds,
    "moment": _read_moment,
}
