"""A parser of arguments for one verb, from what a table says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from nsinit.cli.output import Wishes
from nsinit.control.row import Param
from nsinit.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

WHEN: Final = ("auto", "always", "never")
JSON: Final = Param("json", "flag", "JSON instead of text")
_FIELDS: Final = "fields of the JSON"  # no option is called so
_METAVARS: Final = {"text": "TEXT", "moment": "TIME"}


def chooses_fields(params: Sequence[Param]) -> bool:
    """Whether a verb takes --format: it has JSON, and no option of its own that is called so."""
    names = {param.name for param in params}
    return "json" in names and "format" not in names


def make_parser(
    verb: str, summary: str, examples: Sequence[str], params: Sequence[Param]
) -> argparse.ArgumentParser:
    """The parser of one verb, with its help."""
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            hint = f"nsinit {verb} --help"
            raise UsageError(f"cannot understand nsinit {verb}: {message}", hint=hint)

    parser = Parser(
        prog=f"nsinit {verb}",
        description=summary[0].upper() + summary[1:] + ".",
        epilog="\n".join(["examples:", *(f"  {line}" for line in examples)]),
        # Told its width, it need not import what finds out the terminal's.
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, width=96),
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
    for param in params:
        _add(parser, param)
    if chooses_fields(params):
        what = "of the JSON only these: name,state or a text with {name}"
        parser.add_argument(
            "--format",
            type=_wish,
            dest=_FIELDS,
            default=argparse.SUPPRESS,
            metavar="FIELDS",
            help=what,
        )
    if any(param.name == "json" for param in params):
        parser.add_argument(
            "--color", default=argparse.SUPPRESS, choices=WHEN, metavar="WHEN", help=", ".join(WHEN)
        )
    return parser


def parse(
    parser: argparse.ArgumentParser, argv: Sequence[str], params: Sequence[Param]
) -> dict[str, Any]:
    """What was given; all after a -- are words, also where argparse has seen the last of these.

    What every verb has is kept for whoever prints.
    """
    given = _parse(parser, argv, params)
    Wishes.color = given.pop("color", "auto")
    Wishes.format = given.pop(_FIELDS, "")
    if Wishes.format:
        return given | {"json": True}
    return given


def _parse(
    parser: argparse.ArgumentParser, argv: Sequence[str], params: Sequence[Param]
) -> dict[str, Any]:
    words = next((param.name for param in params if param.kind == "words"), "")
    if not words or "--" not in argv:
        return vars(parser.parse_args(argv))
    at = list(argv).index("--")
    if any(param.kind == "words" and param.required for param in params):
        return vars(parser.parse_args(argv))
    given = vars(parser.parse_args(argv[:at]))
    if given[words]:
        parser.error(f"a command follows --, not {' '.join(given[words])!r}")
    return given | {words: list(argv[at + 1 :])}


def _wish(text: str) -> str:
    """What --format takes; nothing is no wish."""
    if not text:
        raise UsageError("--format: expected fields such as name,state, got none")
    return text


def _add(parser: argparse.ArgumentParser, param: Param) -> None:
    if param.kind == "names":
        many = "+" if param.required else "*"
        metavar = "PATH" if param.name == "paths" else "NAME"
        parser.add_argument(param.name, nargs=many, default=[], metavar=metavar, help=param.help)
    elif param.kind == "words":
        many = "+" if param.required else "*"
        parser.add_argument(param.name, nargs=many, default=[], metavar="WORD", help=param.help)
    elif param.positional:
        nargs = None if param.default is None else "?"  # with a default it may be left out
        parser.add_argument(param.name, nargs=nargs, metavar=param.name.upper(), help=param.help)
    else:
        flags = [f"-{param.short}"] if param.short else []
        flags.append(param.flag)
        if param.kind == "flag":
            parser.add_argument(*flags, dest=param.name, action="store_true", help=param.help)
        else:
            default = (
                f" (default {param.default:g})" if param.kind == "seconds" and param.default else ""
            )
            parser.add_argument(
                *flags,
                dest=param.name,
                type=_reader(param),
                choices=param.choices or None,
                metavar=(
                    param.name.upper() if param.kind == "choice" else _METAVARS.get(param.kind, "N")
                ),
                help=param.help + default,
            )


def _reader(param: Param) -> Any:  # noqa: ANN401  (argparse takes any callable)
    from nsinit.units import parse_duration

    def read(text: str) -> object:
        import argparse

        try:
            return parse_duration(text) if param.kind == "seconds" else int(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    if param.kind == "moment":
        return _read_moment
    return read if param.kind in ("seconds", "integer") else str


def _read_moment(text: str) -> str:
    """An instant of this time zone, as init takes it."""
    import argparse
    import time

    from nsinit.moments import format_moment, parse_moment

    now = time.time()
    try:
        return format_moment(parse_moment(text, now).at(now))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
