"""One row of the command table, and what its parameters can be.

Imports nothing, not even typing: whoever types `nsinit ctl` waits for it.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as `typing` has it
if TYPE_CHECKING:
    from typing import Final, Literal

    Kind = Literal[
        "names", "name", "words", "choice", "text", "integer", "seconds", "moment", "flag", "signal"
    ]
    Access = Literal["read", "operate", "admin"]

ACCESS_LEVELS: Final[tuple[Access, ...]] = ("read", "operate", "admin")
PREFIX: Final = "/v1/"
MAX_INTEGER: Final = (1 << 53) - 1  # what every reader of JSON can hold (RFC 8259, 6)


class Param:
    """One parameter.

    On the command line names, words and signals stand by themselves, in the order of the row; the
    others are options, called `option` if not as they are, with a short form if there is one. A
    number is `most` at most, and a text or each of some names fits the `pattern`, if there is one.
    """

    def __init__(  # noqa: PLR0913  (a value: one for each field)
        self,
        name: str,
        kind: Kind,
        help: str,  # noqa: A002  (what everybody calls it)
        *,
        required: bool = False,
        short: str = "",
        default: str | int | float | bool | None = None,  # noqa: PYI041  (flags are no numbers)
        choices: tuple[str, ...] = (),
        option: str = "",
        most: int = 0,
        pattern: str = "",
    ) -> None:
        self.name, self.kind, self.help = name, kind, help
        self.required, self.short, self.default = required, short, default
        self.choices, self.option, self.most, self.pattern = choices, option, most, pattern

    @property
    def positional(self) -> bool:
        """Whether it is given without an option's name."""
        return self.kind in ("names", "name", "words", "signal")

    @property
    def flag(self) -> str:
        """Its option on the command line."""
        return "--" + (self.option or self.name.replace("_", "-"))


class Command:
    """One row of the table.

    The `options` are of `nsinit ctl` alone. With `text` the answer is plain text, for programs that
    want no JSON.
    """

    def __init__(  # noqa: PLR0913  (the same)
        self,
        name: str,
        method: Literal["GET", "POST"],
        access: Access,
        summary: str,
        params: tuple[Param, ...] = (),
        *,
        stream: bool = False,
        examples: tuple[str, ...] = (),
        route: str = "",
        options: tuple[Param, ...] = (),
        text: bool = False,
    ) -> None:
        self.name, self.method, self.access, self.summary = name, method, access, summary
        self.params, self.stream, self.examples, self.route = params, stream, examples, route
        self.options, self.text = options, text

    @property
    def path(self) -> str:
        """Where it is found by HTTP."""
        return self.route or PREFIX + self.name

    @property
    def is_verb(self) -> bool:
        """Whether it is a verb of `nsinit ctl`; what has a route of its own is for programs."""
        return not self.route or self.text


NAMES: Final = Param(
    "names", "names", "services: a name, a pattern such as 'web*', or tag:NAME; all without any"
)
SOME_NAMES: Final = Param(
    "names", "names", "services: a name, a pattern such as 'web*', or tag:NAME", required=True
)
QUIET: Final = Param("quiet", "flag", "do not tell on the terminal how far it is", short="q")
WAITING: Final = (
    Param("no_wait", "flag", "answer at once", default=False),
    Param("timeout", "seconds", "how long to wait for it (s)", short="t", default=60.0),
)
