"""The values of a compose file: variables filled in, durations and sizes as written there. Pure.

A variable stays one, as `${NAME:-VALUE}` with what the .env says as the value, where nsinit fills
it in; where a number or a name is wanted it counts with the value that it has now.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from nsinit.convert.document import Template, literal
from nsinit.convert.yamlfile import Map, Place
from nsinit.errors import ConvertError

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DEEPEST: Final = 20
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)")
_FACTORS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZE: Final = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ?([kmgt]?)(?:i?b)?", re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}


class Variables:
    """What `${X}` means: the environment, and below it the .env of the project."""

    def __init__(self, env: Mapping[str, str], dotenv: Mapping[str, str]) -> None:
        self.env = env
        self.dotenv = dotenv

    def now(self, text: str, place: Place) -> str:
        """The text with its variables as they are now."""
        return str(self._fill(text, place, 0, now=True))

    def later(self, text: str, place: Place) -> str:
        """The text, a Template if it has variables."""
        return self._fill(text, place, 0, now=False)

    def _fill(self, text: str, place: Place, depth: int, *, now: bool) -> str:
        if "$" not in text:
            return text
        if depth > _DEEPEST:
            raise ConvertError(*place, "variables are nested too deeply")
        parts: list[str] = []
        at = 0
        while (dollar := text.find("$", at)) >= 0:
            parts.append(text[at:dollar])
            if text.startswith("$$", dollar):
                parts.append("$")
                at = dollar + 2
            elif text.startswith("${", dollar):
                end = _closing(text, dollar + 2, place)
                parts.append(self._braced(text[dollar + 2 : end], place, depth, now=now))
                at = end + 1
            elif name := _NAME.match(text, dollar + 1):
                parts.append(self._plain(name[0], now=now))
                at = name.end()
            else:
                parts.append("$")
                at = dollar + 1
        parts.append(text[at:])
        if not any(isinstance(part, Template) for part in parts):
            return "".join(parts)
        return Template("".join(p if isinstance(p, Template) else literal(p) for p in parts))

    def _plain(self, name: str, *, now: bool) -> str:
        if now:
            return self.env.get(name, self.dotenv.get(name, ""))
        return _template(name, ":-", self.dotenv.get(name, ""))

    def _braced(self, inside: str, place: Place, depth: int, *, now: bool) -> str:
        found = _NAME.match(inside)
        rest = inside[found.end() :] if found else ""
        sign = next((s for s in (":-", ":?", ":+", "-", "?", "+") if rest.startswith(s)), "")
        if not found or (rest and not sign):
            raise ConvertError(*place, f"${{{inside}}} is no variable")
        name, other = found[0], rest[len(sign) :]
        value = self.env.get(name, self.dotenv.get(name))
        given = value is not None and (bool(value) or sign[:1] != ":")
        if not sign:
            return self._plain(name, now=now)
        if sign[-1] == "+":  # what nsinit knows no way to say
            return self._fill(other, place, depth + 1, now=now) if given else ""
        if now and given:
            return value or ""
        if sign[-1] == "?":
            if now:
                raise ConvertError(*place, f"${name} is not set: {other or 'it is required'}")
            if name in self.dotenv:
                return _template(name, ":-", self.dotenv[name])
            return _template(name, ":?", other.replace("$", ""))
        if name in self.dotenv and (self.dotenv[name] or sign == "-"):
            other = self.dotenv[name].replace("$", "$$")
        filled = self._fill(other, place, depth + 1, now=now)
        return filled if now else _template(name, ":-", filled)


def _template(name: str, sign: str, default: str) -> str:
    inner = default if isinstance(default, Template) else literal(default)
    if isinstance(default, Template) or not set(inner) & set("{}"):
        return Template(f"${{{name}{sign}{inner}}}")
    return default  # a brace can't stand there: the variable counts no longer


def _closing(text: str, at: int, place: Place) -> int:
    depth, start = 1, at
    while at < len(text):
        if text.startswith("${", at):
            depth += 1
            at += 1
        elif text[at] == "}":
            depth -= 1
            if not depth:
                return at
        at += 1
    raise ConvertError(*place, f"${{{text[start : start + 20]} has no closing brace")


# --- Reading --------------------------------------------------------------------------------------


class Reader:
    """One mapping of a compose file: what its keys say, of which none may be forgotten."""

    def __init__(self, data: Map, path: str, variables: Variables) -> None:
        self.data = data
        self.path = path  # "services.web"
        self.variables = variables
        self.asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return self.data.get(key) is not None

    def raw(self, key: str) -> Any:  # noqa: ANN401  (any of YAML's values)
        """As it was written."""
        self.asked.add(key)
        return self.data.get(key)

    def place(self, key: str) -> Place:
        """Where it stands."""
        return self.data.places[key]

    def text(self, key: str, *, now: bool = False) -> str | None:
        """One word; None without one."""
        value = self.raw(key)
        return None if value is None else self.word(key, value, now=now)

    def word(self, key: str, value: object, *, now: bool = False) -> str:
        """A scalar below a key as text."""
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int | float):
            return str(value)
        if not isinstance(value, str):
            raise self.wrong(key, f"expected text, got {shown(value)}")
        fill = self.variables.now if now else self.variables.later
        return fill(value, self.place(key))

    def flag(self, key: str) -> bool:
        """True or false, false without one."""
        word = (self.text(key, now=True) or "false").lower()
        if word not in ("true", "false", "yes", "no", "on", "off"):
            raise self.wrong(key, f"expected true or false, got {word!r}")
        return word in ("true", "yes", "on")

    def number(self, key: str) -> float | None:
        """A number; None without one."""
        word = self.text(key, now=True)
        if word is None:
            return None
        if not re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", word.strip()):
            raise self.wrong(key, f"expected a number, got {word!r}")
        return float(word)

    def size(self, key: str) -> int | None:
        """Bytes; None without the key."""
        word = self.text(key, now=True)
        if word is None or word == "-1":
            return None
        found = _SIZE.fullmatch(word.strip())
        if not found:
            raise self.wrong(key, f"expected a size such as 64m, got {word!r}")
        return int(float(found[1]) * (1 << _POWERS[found[2].lower()]))

    def seconds(self, key: str) -> str | None:
        """A duration as nsinit writes it; None without one."""
        word = self.text(key, now=True)
        if word is None:
            return None
        if word in ("0", "-0"):
            return "0s"
        if not re.fullmatch(f"({_DURATION.pattern})+", word):
            raise self.wrong(key, f"expected a duration such as 1m30s, got {word!r}")
        return plain_seconds(sum(float(n) * _FACTORS[u] for n, u in _DURATION.findall(word)))

    def words(self, key: str, *, now: bool = False) -> list[str]:
        """A list of words; one may stand by itself."""
        value = self.raw(key)
        if value is None:
            return []
        items = value if isinstance(value, list) else [value]
        return [self.word(key, item, now=now) for item in items]

    def pairs(self, key: str, *, now: bool = False, marks: str = "=") -> dict[str, str | None]:
        """A mapping, or a list of "NAME=value"; None is the value of a name alone."""
        value = self.raw(key)
        if value is None:
            return {}
        if isinstance(value, Map):
            return {
                name: None if item is None else self.word(key, item, now=now)
                for name, item in value.items()
            }
        made: dict[str, str | None] = {}
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, str):
                raise self.wrong(key, f'expected "NAME=value", got {shown(item)}')
            name = re.split(f"[{marks}]", item, maxsplit=1)[0]
            made[self.word(key, name, now=True)] = (
                None if name == item else self.word(key, item[len(name) + 1 :], now=now)
            )
        return made

    def map(self, key: str) -> Reader | None:
        """A mapping below this; None without one."""
        value = self.raw(key)
        if value is None:
            return None
        if not isinstance(value, Map):
            raise self.wrong(key, f"expected a mapping, got {shown(value)}")
        return Reader(value, self.name(key), self.variables)

    def rows(self, key: str) -> list[tuple[object, Reader | None]]:
        """The items of a list: what each is, and the mapping that it may be."""
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(key, f"expected a list, got {shown(value)}")
        return [
            (item, Reader(item, f"{self.name(key)}[{index}]", self.variables)
             if isinstance(item, Map) else None)
            for index, item in enumerate(value)
        ]  # fmt: skip

    def name(self, key: str) -> str:
        """A key with what it is in: "services.web.image"."""
        return f"{self.path}.{key}" if self.path else key

    def wrong(self, key: str, reason: str) -> ConvertError:
        """The error for what compose would refuse too."""
        return ConvertError(*self.place(key), f"{self.name(key)}: {reason}")


def plain_seconds(seconds: float) -> str:
    """A duration for nsinit."""
    from nsinit.units import format_duration  # noqa: PLC0415  (beside what it is for)

    return format_duration(round(seconds, 6))


def shown(value: object) -> str:
    """A value as one line."""
    if isinstance(value, Map):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
