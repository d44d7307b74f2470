"""Where keys stand in a TOML text."""

from __future__ import annotations

import tomllib
from typing import Final

import pytest

from nsinit.model.lines import KeyPath, key_lines

DOCUMENTS: Final[dict[str, tuple[str, dict[KeyPath, int]]]] = {
    "nothing": ("", {}),
    "comments alone": ("# a = 1\n  # b\n", {}),
    "pairs": ("a = 1\n\nb = 2", {("a",): 1, ("b",): 3}),
    "a table": ("# c\n[a]\nb = 1\n", {("a",): 2, ("a", "b"): 3}),
    "dotted keys": ("a.b.c = 1\na.d = 2\n", {
        ("a",): 1, ("a", "b"): 1, ("a", "b", "c"): 1, ("a", "d"): 2}),
    "spaces round dots": ("a . b\t= 1\n[ c . d ]\n", {
        ("a",): 1, ("a", "b"): 1, ("c",): 2, ("c", "d"): 2}),
    "quoted keys": ('"a b" = 1\n\'c.d\' = 2\n"".x = 3\n[t."]"]\n', {
        ("a b",): 1, ("c.d",): 2, ("",): 3, ("", "x"): 3, ("t",): 4, ("t", "]"): 4}),
    "escapes in keys": ('"\\u00e9\\t\\"" = 1\n"\\U0001F600\\e" = 2\n'.replace("\\e", ""), {
        ('é\t"',): 1, ("\U0001f600",): 2}),
    "a backslash in a literal key": ("'\\n' = 1\n", {("\\n",): 1}),
    "nested tables": ("[a.b]\nx = 1\n[a]\ny = 2\n", {
        ("a",): 1, ("a", "b"): 1, ("a", "b", "x"): 2, ("a", "y"): 4}),
    "arrays of tables": ("[[a]]\nx = 1\n[[a]]\nx = 2\n", {
        ("a",): 1, ("a", 0): 1, ("a", 0, "x"): 2, ("a", 1): 3, ("a", 1, "x"): 4}),
    "tables in arrays of tables": ("[[a]]\n[a.b]\nx = 1\n[[a]]\n[[a.c]]\n[[a.c]]\n[a.c.d]\n", {
        ("a",): 1, ("a", 0): 1, ("a", 0, "b"): 2, ("a", 0, "b", "x"): 3, ("a", 1): 4,
        ("a", 1, "c"): 5, ("a", 1, "c", 0): 5, ("a", 1, "c", 1): 6, ("a", 1, "c", 1, "d"): 7}),
    "inline tables": ("a = {b = 1, c.d = {}, 'e' = { f = 2 }}\n", {
        ("a",): 1, ("a", "b"): 1, ("a", "c"): 1, ("a", "c", "d"): 1, ("a", "e"): 1,
        ("a", "e", "f"): 1}),
    "inline tables in inline tables": ("a = {b = {c = {}}}\nd = {e = 'x' , f = [ ] , g = 1 }\n", {
        ("a",): 1, ("a", "b"): 1, ("a", "b", "c"): 1, ("d",): 2, ("d", "e"): 2, ("d", "f"): 2,
        ("d", "g"): 2}),
    "arrays in arrays": ("a = [[[]]]\nb = [[1],\n[2]]\nc = 1\n", {
        ("a",): 1, ("a", 0): 1, ("a", 0, 0): 1, ("b",): 2, ("b", 0): 2, ("b", 0, 0): 2,
        ("b", 1): 3, ("b", 1, 0): 3, ("c",): 4}),
    "arrays over lines": ("a = [\n  1,  # ] not yet\n\n  [2,\n 3], {b = 4},\n]\nz = 1\n", {
        ("a",): 1, ("a", 0): 2, ("a", 1): 4, ("a", 1, 0): 4, ("a", 1, 1): 5, ("a", 2): 5,
        ("a", 2, "b"): 5, ("z",): 7}),
    "strings with brackets": ('a = "]#,="\nb = [\'}#"\', "\\"]"]\nc = 1 # "\n', {
        ("a",): 1, ("b",): 2, ("b", 0): 2, ("b", 1): 2, ("c",): 3}),
    "long strings": ('a = """\nx = 1\n\\"""\n[b]"""\nc = \'\'\'\n\\\'\'\'\nd = 1\n', {
        ("a",): 1, ("c",): 5, ("d",): 7}),
    "quotes at the end of long strings": ('a = """x"""""\nb = \'\'\'\'\'\'\'\nc = """"""\nd=1', {
        ("a",): 1, ("b",): 2, ("c",): 3, ("d",): 4}),
    "escaped line ends": ('a = """x \\\n   y"""\nb = 1\n', {("a",): 1, ("b",): 3}),
    "windows line ends": ('a = 1\r\n\r\n[b]\r\nc = """\r\n\r\n"""\r\nd = [\r\n 1]\r\n', {
        ("a",): 1, ("b",): 3, ("b", "c"): 4, ("b", "d"): 7, ("b", "d", 0): 8}),
    "dates and numbers": ("a = 2024-01-01 10:00:00\nb = 1_0\nc = +inf # x\nd = 0x1F\n", {
        ("a",): 1, ("b",): 2, ("c",): 3, ("d",): 4}),
    "a table named before": ("a.x = 1\n[b]\n[b.c]\n", {
        ("a",): 1, ("a", "x"): 1, ("b",): 2, ("b", "c"): 3}),
    "no line end": ("[a]#x\nb=[ ]#]", {("a",): 1, ("a", "b"): 2}),
}  # fmt: skip


@pytest.mark.parametrize("name", DOCUMENTS)
def test_keys_are_found_on_their_lines_when_written_as(name: str) -> None:
    """Every table, key and array item, at its first mention."""
    text, lines = DOCUMENTS[name]
    tomllib.loads(text)  # or the case would say nothing
    assert key_lines(text) == lines


@pytest.mark.parametrize(
    "text", ["[", "[a", "a", "a =", "a = [", "a = {", "a = {b", 'a = "', 'a = """', "'", '"\\']
)
def test_walk_ends_early_when_the_text_is_cut_off(text: str) -> None:
    """What was found until there is good enough."""
    assert set(key_lines(text)) <= {("a",), ("a", "b")}


def test_lines_are_found_when_the_text_is_large() -> None:
    """Line numbers are counted on, not from the start each time."""
    text = "".join(f"[services.s{n}]\ncommand = ['x']\n" for n in range(5000))
    assert key_lines(text)["services", "s4999", "command"] == 10_000
