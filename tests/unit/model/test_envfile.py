"""The dialect of env_file: what people have, from docker, compose, shells and frameworks."""

from __future__ import annotations

import pytest

from nsinit.model.envfile import LONGEST, BadLineError, parse

ENV = {"HOME": "/root", "GIVEN": "given", "EMPTY": ""}

READ: list[tuple[str, dict[str, str]]] = [
    ("", {}),
    ("A=1", {"A": "1"}),
    ("A=1\nB=2\n", {"A": "1", "B": "2"}),
    ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    ("\ufeffA=1\n", {"A": "1"}),
    ("\n\n  # comment\n\t#A=1\n", {}),
    ("  A = 1  \n", {"A": "1"}),
    ("A=\nB= \n", {"A": "", "B": ""}),
    ("A=1\nA=2\n", {"A": "2"}),
    ("A=b=c==\n", {"A": "b=c=="}),
    # Comments need a blank before them: a colour and the fragment of an address are values.
    ("A=1 # one\nB=x#y\nC=#fff\nD= # nothing\nE=a # b # c\n",
     {"A": "1", "B": "x#y", "C": "#fff", "D": "", "E": "a"}),
    # Shells.
    ("export A=1\nexport\tB=2\nexport=3\n", {"A": "1", "B": "2", "export": "3"}),
    ("export = 4\n", {"export": "4"}),
    # The variables of our own environment, by their names alone.
    ("GIVEN\nUNSET\nexport HOME # a=b\n", {"GIVEN": "given", "HOME": "/root"}),
    # YAML's way, which compose reads.
    ("A: 1\nB:\nC: x: y\n", {"A": "1", "B": "", "C": "x: y"}),
    ("URL=http://h:1/p\nA:B=1\n", {"URL": "http://h:1/p", "A:B": "1"}),
    # Docker's --env-file: quotes, backslashes and dollars within a value are themselves.
    ('JSON={"a": "b"}\nPATTERN=^\\d+$\nPASS=a$b$1"c\n',
     {"JSON": '{"a": "b"}', "PATTERN": "^\\d+$", "PASS": 'a$b$1"c'}),
    # Quotes.
    ("A='x # y'  # comment\nB=\"x # y\"\n", {"A": "x # y", "B": "x # y"}),
    ("A=' x '\nB=\"\"\nC=''\n", {"A": " x ", "B": "", "C": ""}),
    ("A='one\ntwo\n\nfour'\nB=1\n", {"A": "one\ntwo\n\nfour", "B": "1"}),
    ('A="one\r\n  two"\nB=1\n', {"A": "one\n  two", "B": "1"}),
    ('A="a\\nb\\tc\\rd\\"e\\\\f\\$g\\qh"\n', {"A": 'a\nb\tc\rd"e\\f$g\\qh'}),
    ("A='a\\nb\\\\c'\nB='Let\\'s go'\n", {"A": "a\\nb\\\\c", "B": "Let's go"}),
    ('A="it\'s"\nB=\'say "x"\'\n', {"A": "it's", "B": 'say "x"'}),
    # Variables.
    ("A=${HOME}/x\nB=\"${HOME}/x\"\nC='${HOME}/x'\n",
     {"A": "/root/x", "B": "/root/x", "C": "${HOME}/x"}),
    ("A=1\nB=${A}2\nA=3\nC=${A}\n", {"A": "3", "B": "12", "C": "3"}),
    ("A=${UNSET:-d}\nB=${EMPTY:-d}\nC=${EMPTY}\nD=${UNSET:-${HOME}}\n",
     {"A": "d", "B": "d", "C": "", "D": "/root"}),
    ("HOME=/h\nA=${HOME}\n", {"HOME": "/h", "A": "/h"}),
    ('A=$HOME\nB=$$x\nC="\\${HOME}"\nD="$${HOME}"\n',
     {"A": "$HOME", "B": "$x", "C": "${HOME}", "D": "${HOME}"}),
    # Bytes that are no UTF-8, as os.fsdecode gives them.
    ("A=\udcff\udcfe\n\udcffB='\udc80'\n", {"A": "\udcff\udcfe", "\udcffB": "\udc80"}),
    ("LÄNGE=ü\n", {"LÄNGE": "ü"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "made"), READ)
def test_file_is_read_when_it_is_in_a_known_dialect(text: str, made: dict[str, str]) -> None:
    """Values as their authors mean them."""
    assert parse(text, ENV) == made


WRONG = [
    ("=1\n", 1, "a name is missing"),
    ("A=1\n: x\n", 2, "a name is missing"),
    ("A=1\nB C=2\n", 2, "what it begins with can't be the name of a variable"),
    ('"A"=1\n', 1, "can't be the name"),
    ("A=1\n\nsome words\n", 3, "can't be the name"),
    ("$A=1\n", 1, "can't be the name"),
    ("\0\n", 1, "can't be the name"),
    ("A=x\0y\n", 1, "the value of A has a NUL"),
    ("A=1\nB='x\nC=2\n", 2, "the quote ' is never closed"),
    ('A="x\\"\n', 1, 'the quote " is never closed'),
    ('A="', 1, 'the quote " is never closed'),
    ('A="\\', 1, 'the quote " is never closed'),
    ("A='x' y\n", 1, "text after the closing quote '"),
    ('A="x"y # z\n', 1, 'text after the closing quote "'),
    ('A="x\ny" z\n', 1, "text after the closing quote"),
    ("A=1\nB=${UNSET}\n", 2, "${UNSET} is not set"),
    ("A=${UNSET:?say why}\n", 1, "say why"),
    ("A=${HOME\n", 1, "what ${ begins is no variable"),
    ("A=" + "x" * LONGEST, 1, "A has over 128 KiB"),
    ("A" * LONGEST + "=", 1, "A has over 128 KiB"),
    ("A=" + "x" * 70000 + "\nB=${A}${A}\n", 2, "B has over 128 KiB"),
    ("A=" + "x" * 70000 + "\nB=" + "${A}" * 2000 + "\n", 2, "too many variables in one value"),
]


@pytest.mark.parametrize(("text", "line", "message"), WRONG, ids=range(len(WRONG)))
def test_line_is_told_when_it_cannot_be_read(text: str, line: int, message: str) -> None:
    """The line where the trouble begins, and what was expected."""
    with pytest.raises(BadLineError) as caught:
        parse(text, ENV)
    assert caught.value.line == line
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


HOSTILE = [
    ('A="' + "\\" * 200_001, False),
    ("A='" + "\\'" * 100_000, False),
    ("#" * 200_000, True),
    ("A=" + " #" * 100_000, True),
    ("\n" * 250_000, True),
    ("a:" * 60_000, True),
]


@pytest.mark.parametrize(("text", "right"), HOSTILE, ids=range(len(HOSTILE)))
def test_reading_takes_no_time_when_the_file_is_hostile(text: str, right: bool) -> None:
    """PID 1 reads it: nothing here is quadratic (the deadline is that of the test run)."""
    if right:
        parse(text, ENV)
        return
    with pytest.raises(BadLineError, match="never closed"):
        parse(text, ENV)
