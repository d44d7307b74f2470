"""One row of the command table, and what its parameters can be. Imports nothing but typing."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Kind = Literal[
    "names", "name", "words", "choice", "text", "integer", "seconds", "moment", "flag", "signal"
]
Access = Literal["read", "operate", "admin"]

ACCESS_LEVELS: Final[tuple[Access, ...]] = ("read", "operate", "admin")
PREFIX: Final = "/v1/"
MAX_INTEGER: Final = (1 << 53) - 1  # what every reader of JSON can hold (RFC 8259, 6)


class Param(NamedTuple):
    """One parameter.

    On the command line names, words and signals stand by themselves, in the order of the row; the
    others are options, called `option` if not as they are, with a short form if there is one. A
    number is `most` at most, and a text or each of some names fits the `pattern`, if there is one.
    """

    name: str
    kind: Kind
    help: str
    required: bool = False
    short: str = ""
    default: str | int | float | bool | None = None
    choices: tuple[str, ...] = ()
    option: str = ""
    most: int = 0
    pattern: str = ""

    @property
    def positional(self) -> bool:
        """Whether it is given without an option's name."""
        return self.kind in ("names", "name", "words", "signal")

    @property
    def flag(self) -> str:
        """Its option on the command line."""
        return "--" + (self.option or self.name.replace("_", "-"))


class Command(NamedTuple):
    """One row of the table."""

    name: str
    method: Literal["GET", "POST"]
    access: Access
    summary: str
    params: tuple[Param, ...] = ()
    stream: bool = False
    examples: tuple[str, ...] = ()
    route: str = ""
    options: tuple[Param, ...] = ()  # of `nsinit ctl` alone
    text: bool = False  # the answer is plain text, for programs that want no JSON

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
SOME_NAMES: Final = NAMES._replace(
    required=True, help="services: a name, a pattern such as 'web*', or tag:NAME"
)
QUIET: Final = Param("quiet", "flag", "do not tell on the terminal how far it is", short="q")
WAITING: Final = (
    Param("no_wait", "flag", "answer at once", default=False),
    Param("timeout", "seconds", "how long to wait for it (s)", short="t", default=60.0),
)
