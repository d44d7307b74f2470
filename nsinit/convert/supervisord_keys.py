"""What the keys of one section of supervisord mean: numbers, flags, `%(NAME)s` filled in. Pure.

A variable of the environment stays one, as `${NAME}`, where nsinit fills it in; where a number or
a flag is wanted it counts with the value that it has now.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

from nsinit.convert.document import Template, literal
from nsinit.errors import ConvertError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nsinit.convert.document import Table
    from nsinit.convert.ini import Ini

_FORMAT: Final = re.compile(
    r"%(?:(?P<percent>%)|\((?P<name>[^()]*)\)(?P<spec>[-+ 0#]*[0-9]{0,2}(?:\.[0-9]{0,2})?[dis])|)"
)
_NUMBER: Final = "process_num"  # it may be "{{index}}"
_VARIABLE: Final = "ENV_"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TRUE: Final = ("yes", "true", "on", "1")
_FALSE: Final = ("no", "false", "off", "0")
_UNITS: Final = {"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}
_DIGITS_MAX: Final = 12


class Keys:
    """One section. What nobody has asked for when all is done was not known."""

    def __init__(
        self,
        ini: Ini,
        section: str,
        table: Table,
        env: Mapping[str, str],
        values: Mapping[str, str | int] = {},
    ) -> None:
        self.ini = ini
        self.section = section
        self.table = table  # where findings go
        self.env = env
        self.values = dict(values)  # what %(NAME)s can be; "ENV_X" before the environment
        self.written = ini.keys(section)
        self.asked: set[str] = set()

    # --- What is there ----------------------------------------------------------------------------

    def text(self, key: str) -> str | None:
        """The value with its names filled in, perhaps a Template; None without one."""
        self.asked.add(key)
        written = self.written.get(key)
        return None if written is None else self.fill(key, written)

    def now(self, key: str) -> str | None:
        """The same, with the environment as it is now; None also if that lacks something."""
        self.asked.add(key)
        written = self.written.get(key)
        if written is None:
            return None
        try:
            return self.fill(key, written, now=True)
        except KeyError as error:
            name = error.args[0]
            self.unsupported(key, f"${name} is not set here, so the default stands")
            return None

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        word = self.now(key)
        if word is None:
            return default
        if word.lower() not in _TRUE + _FALSE:
            raise self.wrong(key, f"expected true or false, got {word!r}")
        return word.lower() in _TRUE

    def number(self, key: str, default: int) -> int:
        """An integer."""
        word = self.now(key)
        if word is None:
            return default
        digits = word.strip().removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS_MAX):
            raise self.wrong(key, f"expected a number, got {word!r}")
        return int(word)

    def size(self, key: str, default: int) -> int:
        """Bytes, with supervisord's KB, MB and GB, which are powers of two."""
        word = self.now(key)
        if word is None:
            return default
        text = word.strip().lower()
        factor = _UNITS.get(text[-2:], 1)
        digits = text[:-2].strip() if factor > 1 else text
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS_MAX):
            raise self.wrong(key, f"expected a size such as 50MB, got {word!r}")
        return int(digits) * factor

    def octal(self, key: str) -> str | None:
        """The bits of a mode as nsinit writes them; None without the key."""
        word = self.now(key)
        if word is None:
            return None
        digits = word.strip().lower().removeprefix("0o")
        if (
            not digits
            or set(digits) - set("01234567")
            or len(digits) > 5
            or int(digits, 8) > 0o7777
        ):
            raise self.wrong(key, f"expected octal digits, got {word!r}")
        return f"0{int(digits, 8):o}"

    def variables(self, key: str) -> dict[str, str]:
        """The variables of an `environment`."""
        text = self.text(key)
        try:
            return {} if text is None else read_pairs(text)
        except ValueError as error:
            raise self.wrong(key, str(error)) from None

    # --- What is not ------------------------------------------------------------------------------

    def unsupported(self, key: str, reason: str) -> None:
        """Note that a key has no equal."""
        self.asked.add(key)
        file, line = self.ini.place(self.section, key)
        self.table.unsupported(file, line, f"{self.section}.{key}", self.written[key], reason)

    def unsupported_if_given(self, reason: str, *keys: str) -> None:
        """The same for those of the keys that there are."""
        for key in keys:
            if key in self.written:
                self.unsupported(key, reason)

    def the_rest(self, reason: str) -> None:
        """Note all that nobody has asked for."""
        for key in self.written:
            if key not in self.asked:
                self.unsupported(key, reason)

    def wrong(self, key: str, reason: str) -> ConvertError:
        """The error for a value that supervisord would not take either."""
        file, line = self.ini.place(self.section, key)
        return ConvertError(file, line, f"[{self.section}] {key}: {reason}")

    # --- Filling in -------------------------------------------------------------------------------

    def fill(self, key: str, text: str, *, now: bool = False) -> str:
        """Text with `%(NAME)s` filled in; KeyError if a variable is needed now and not set."""
        parts: list[str] = []
        at = 0
        for match in _FORMAT.finditer(text):
            parts.append(text[at : match.start()])
            at = match.end()
            if match["percent"]:
                parts.append("%")
            elif match["name"] is None:
                raise self.wrong(key, "a % has no meaning here; write %% for one")
            else:
                parts.append(self._value(key, match["name"], match["spec"], now=now))
        parts.append(text[at:])
        return joined(parts)

    def _value(self, key: str, name: str, spec: str, *, now: bool) -> str:
        if name == "here":
            return self.ini.here(self.section, key)
        value = self.values.get(name)
        if value is not None:
            if isinstance(value, str) and spec != "s" and name != _NUMBER:
                raise self.wrong(key, f"%({name}){spec}: expected %({name})s")
            return str(("%" + spec) % value) if isinstance(value, int) else value
        variable = name.removeprefix(_VARIABLE)
        if variable == name or not _NAME.fullmatch(variable) or spec != "s":
            raise self.wrong(key, f"there is no %({name}){spec}")
        return self.env[variable] if now else Template(f"${{{variable}}}")


def joined(parts: list[str]) -> str:
    """The parts as one text: a Template if one of them is."""
    if not any(isinstance(part, Template) for part in parts):
        return "".join(parts)
    return Template("".join(p if isinstance(p, Template) else literal(p) for p in parts))


def read_pairs(text: str) -> dict[str, str]:
    """KEY="value",KEY2=value2; ValueError where there is anything else.

    As supervisord does, by the shell's words; what stands between two pairs is one of these.
    """
    is_template = isinstance(text, Template)
    # To the lexer `${X}` and `$$` would be words of several pieces.
    held: list[str] = []

    def hold(match: re.Match[str]) -> str:
        held.append(match[0])
        return f"\ue000{len(held) - 1}\ue001"

    plain = re.sub(r"\$\$|\$\{\w+\}", hold, text) if is_template else text
    lexer = shlex.shlex(plain)
    lexer.wordchars += "/.+-():" + "\ue000\ue001"
    try:
        words = list(lexer)
    except ValueError as error:
        raise ValueError(f"cannot be split: {error}") from None
    made: dict[str, str] = {}
    for at in range(0, len(words), 4):
        pair = words[at : at + 3]
        if len(pair) != 3 or pair[1] != "=" or "=" in pair[0]:
            raise ValueError('expected pairs such as KEY="value",OTHER="value"')
        value = pair[2].strip("'\"")
        if is_template:
            value = re.sub("\ue000(\\d+)\ue001", lambda match: held[int(match[1])], value)
            value = Template(value)
        made[pair[0]] = value
    return made
