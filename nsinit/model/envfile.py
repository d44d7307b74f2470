r"""The text of an `env_file`: docker compose's dialect, which reads the files of the others too.

- `NAME=value`, `export NAME=value`, `NAME: value`; blanks around names and values don't count.
- `NAME` alone hands on the variable that nsinit itself was given, if it was.
- Without quotes a value ends with its line or before a `#` that follows a blank; backslashes and
  quotes within it are themselves (docker's --env-file).
- In double quotes `\n`, `\r`, `\t`, `\"`, `\\` and `\$` mean what they mean in compose; in single
  quotes everything is itself but `\'`. Either may go on over many lines.
- `${X}`, `${X:-default}` and `${X:?text}` are filled in except in single quotes, and `$$` is one
  dollar sign, all as in nsinit.toml; any other dollar sign is itself. Earlier lines count.

Pure. The text may hold any bytes (os.fsdecode), and values keep them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.model.expand import FormError, expand

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST: Final = 128 << 10  # execve(2): MAX_ARG_STRLEN, of a whole variable
_BLANKS: Final = " \t\r"
_QUOTES: Final = "'\""
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$$"}
_NOT_IN_NAMES: Final = frozenset("'\"`$#\\")
_SHOWN: Final = 40  # characters of a name in a message
_MOST_WORK: Final = 64 << 20  # characters that one value may be put together from


class BadLineError(ValueError):
    """What is wrong, and in which line (from 1)."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def parse(text: str, env: Mapping[str, str]) -> dict[str, str]:
    """The variables of an env_file; `env` is what `${X}` and a bare name may mean.

    BadLineError for the first line that can't be read.
    """
    return _Reader(text.removeprefix("\ufeff").replace("\r\n", "\n"), env).read()


class _Reader:
    def __init__(self, text: str, env: Mapping[str, str]) -> None:
        self.text = text
        self.at = 0
        self.scope = dict(env)
        self.longest = max(map(len, self.scope.values()), default=0)
        self.made: dict[str, str] = {}

    def read(self) -> dict[str, str]:
        while self.at < len(self.text):
            start, end = self.at, self.text.find("\n", self.at)
            end = len(self.text) if end < 0 else end
            line = self.text[start:end].lstrip(_BLANKS)
            self.at = end + 1
            if line and line[0] != "#":
                try:
                    self._statement(line, end)
                except ValueError as error:
                    number = self.text.count("\n", 0, start) + 1
                    raise BadLineError(number, str(error)) from None
        return self.made

    def _statement(self, line: str, end: int) -> None:
        if line.startswith(("export ", "export\t")):
            exported = line[len("export") :].lstrip(_BLANKS)
            line = line if exported[:1] == "=" else exported
        size = _name_size(line)
        name = line[:size].strip(_BLANKS)
        bare = _without_comment(line[:size])
        if bare != name:  # what looked like a value belongs to a comment
            name, size = bare, len(line)
        if not name:
            raise ValueError("a name is missing: expected NAME=value")
        if any(c in _NOT_IN_NAMES or c <= " " or c == "\x7f" for c in name):
            # It is not shown: this may be the middle of a key.
            raise ValueError("what it begins with can't be the name of a variable: use NAME=value")
        if size < len(line):
            self._set(name, self._value(line[size + 1 :], end))
        elif name in self.scope:
            self.made[name] = self.scope[name]

    def _set(self, name: str, value: str) -> None:
        if "\0" in value:
            raise ValueError(f"the value of {name[:_SHOWN]} has a NUL")
        if len(name) + len(value) >= LONGEST:
            size = f"over {LONGEST >> 10} KiB, which the kernel does not take"
            raise ValueError(f"{name[:_SHOWN]} has {size}")
        self.longest = max(self.longest, len(value))
        self.made[name] = self.scope[name] = value

    def _value(self, rest: str, end: int) -> str:
        """The value that begins with `rest`, the end of a line that ends at `end`."""
        value = rest.lstrip(_BLANKS)
        if value[:1] in _QUOTES and value:
            return self._quoted(value[0], end - len(value) + 1)
        return self._filled(_without_comment(rest))

    def _quoted(self, quote: str, start: int) -> str:
        """The value from `start`, right after its quote, to the next one; sets the place to go on.

        A backslash before the quote makes it part of the value.
        """
        text, parts, at, close = self.text, [], start, -1
        while True:
            if close < at:
                close = text.find(quote, at)
            if close < 0:
                raise ValueError(f"the quote {quote} is never closed")
            back = text.find("\\", at, close)
            if back < 0:
                break
            letter = text[back + 1 : back + 2]
            known = _ESCAPES.get(letter) if quote == '"' else {"'": "'"}.get(letter)
            parts += [text[at:back], "\\" + letter if known is None else known]
            at = back + 2
        parts.append(text[at:close])
        end = text.find("\n", close)
        end = len(text) if end < 0 else end
        if _without_comment(text[close + 1 : end]):
            raise ValueError(f"there is text after the closing quote {quote}")
        self.at = end + 1
        made = "".join(parts)
        return made if quote == "'" else self._filled(made)

    def _filled(self, value: str) -> str:
        if value.count("${") * self.longest > _MOST_WORK:
            raise ValueError("too many variables in one value")
        try:
            return expand(value, self.scope)
        except FormError:  # which shows it
            raise ValueError("what ${ begins is no variable; write $$ for a dollar") from None


def _name_size(line: str) -> int:
    """Where the name ends: at "=", or at a colon that a blank follows; else with the line."""
    equals = line.find("=")
    size = len(line) if equals < 0 else equals
    colon = line.find(":", 0, size)
    while colon >= 0:
        if line[colon + 1 : colon + 2] in ("", *_BLANKS):
            return colon
        colon = line.find(":", colon + 1, size)
    return size


def _without_comment(text: str) -> str:
    """Up to a `#` that follows a blank, without blanks around it."""
    at = text.find("#")
    while at >= 0:
        if at and text[at - 1] in _BLANKS:
            return text[:at].strip(_BLANKS)
        at = text.find("#", at + 1)
    return text.strip(_BLANKS)
