"""The language of execline(1): words, quotes, blocks. Pure.

https://skarnet.org/software/execline/grammar.html: a word is anything without blanks, quoted or
not; a block is words between braces; a script is one list of words in the end.
"""

from __future__ import annotations

from typing import Final, TypeAlias

Word: TypeAlias = "str | list[Word]"

_BLANKS: Final = " \t\n\r\f\v"
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "v": "\v", "f": "\f"}
_DEEPEST: Final = 50


def parse(text: str) -> list[Word]:
    """The words of a script, blocks as lists; ValueError tells what is wrong with it."""
    stack: list[list[Word]] = [[]]
    at = 0
    while True:
        while at < len(text) and text[at] in _BLANKS:
            at += 1
        if at == len(text):
            break
        if text[at] == "#":
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
            continue
        word, quoted, at = _word(text, at)
        if word == "{" and not quoted:
            if len(stack) > _DEEPEST:
                raise ValueError("blocks are nested too deep")
            stack.append([])
        elif word == "}" and not quoted:
            if len(stack) == 1:
                raise ValueError("a block is closed that was never opened")
            block = stack.pop()
            stack[-1].append(block)
        else:
            stack[-1].append(word)
    if len(stack) > 1:
        raise ValueError("a block is never closed")
    return stack[0]


def _word(text: str, at: int) -> tuple[str, bool, int]:
    """The word at an index, whether any of it was quoted, and where it ends."""
    made: list[str] = []
    quoted = inside = False
    while at < len(text):
        char = text[at]
        if char == '"':
            inside, quoted = not inside, True
            at += 1
        elif char == "\\" and at + 1 < len(text):
            quoted = True
            piece, at = _escape(text, at + 1) if inside else _plain(text, at + 1)
            made.append(piece)
        elif not inside and char in _BLANKS:
            break
        else:
            made.append(char)
            at += 1
    if inside:
        raise ValueError("a quote is never closed")
    return "".join(made), quoted, at


def _plain(text: str, at: int) -> tuple[str, int]:
    """Outside of quotes a backslash takes the next character as it is, a newline away."""
    return ("" if text[at] == "\n" else text[at]), at + 1


def _escape(text: str, at: int) -> tuple[str, int]:
    char = text[at]
    if char == "\n":
        return "", at + 1
    if char in _ESCAPES:
        return _ESCAPES[char], at + 1
    if char.isascii() and char.isdigit():
        hexadecimal = text[at : at + 2].lower() == "0x"
        start = at + 2 if hexadecimal else at
        digits = "0123456789abcdef" if hexadecimal else "0123456789"
        end = start
        most = 2 if hexadecimal else 3
        while end < len(text) and end - start < most and text[end].lower() in digits:
            end += 1
        number = int(text[start:end] or "0", 16 if hexadecimal else 10)
        if 0 < number < 128:
            return chr(number), end
        raise ValueError("a character that is no ASCII is written by its number")
    return char, at + 1
