r"""Words of a value: quotes, and the escapes of C. Pure.

As systemd.syntax(7) has it, and as systemd does it: quotes may stand anywhere in a word, and a
backslash before what is no escape stands for itself.
"""

from __future__ import annotations

from typing import Final

BLANKS: Final = " \t\n\r"
_SIMPLE: Final = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", '"': '"', "'": "'", "s": " ",
}  # fmt: skip
_LENGTHS: Final = {"x": 2, "u": 4, "U": 8}
_OCTAL: Final = frozenset("01234567")
_HEX: Final = frozenset("0123456789abcdefABCDEF")


def first_word(text: str, *, escapes: bool = True) -> tuple[str | None, str]:
    """The first word, without its quotes and escapes, and the rest; None if there is none.

    With `escapes` a backslash begins an escape of C, else it only stands before what is meant as
    it is. ValueError if a quote is never closed.
    """
    at, size = 0, len(text)
    while at < size and text[at] in BLANKS:
        at += 1
    if at == size:
        return None, ""
    made = bytearray()
    quote = ""
    while at < size:
        char = text[at]
        if char == "\\" and at + 1 < size:
            data, length = _escape(text, at + 1) if escapes else (_encoded(text[at + 1]), 1)
            made += data
            at += 1 + length
            continue
        at += 1
        if quote:
            if char == quote:
                quote = ""
            else:
                made += _encoded(char)
        elif char in "'\"":
            quote = char
        elif char in BLANKS:
            break
        else:
            made += _encoded(char)
    if quote:
        raise ValueError(f"the quote {quote} is never closed")
    return decoded(bytes(made)), text[at:].lstrip(BLANKS)


def words(text: str, *, escapes: bool = True) -> list[str]:
    """All words of a value."""
    made = []
    word, rest = first_word(text, escapes=escapes)
    while word is not None:
        made.append(word)
        word, rest = first_word(rest, escapes=escapes)
    return made


def decoded(data: bytes) -> str:
    """Bytes as text; ValueError if they are none that could stand in a file of nsinit."""
    if b"\0" in data:
        raise ValueError("there is a NUL in it")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None


def _encoded(char: str) -> bytes:
    return char.encode("utf-8", "surrogateescape")


def _escape(text: str, at: int) -> tuple[bytes, int]:
    """What the escape whose letter is at `at` stands for, and its length without the backslash."""
    letter = text[at]
    if letter in _SIMPLE:
        return _SIMPLE[letter].encode(), 1
    digits = text[at : at + 3]
    if len(digits) == 3 and set(digits) <= _OCTAL and int(digits, 8) < 256:
        return bytes([int(digits, 8)]), 3
    size = _LENGTHS.get(letter, 0)
    digits = text[at + 1 : at + 1 + size]
    if size and len(digits) == size and set(digits) <= _HEX:
        number = int(digits, 16)
        if letter == "x":
            return bytes([number]), 3
        if number < 0x110000 and not 0xD800 <= number < 0xE000:
            return chr(number).encode(), 1 + size
    return b"\\" + _encoded(letter), 1
