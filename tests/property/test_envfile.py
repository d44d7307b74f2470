"""Any bytes are an env_file or a clear error, and what is quoted comes back as it was."""

from __future__ import annotations

import os
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from nsinit.model.envfile import BadLineError, parse

PIECES = [
    *"AB=:#'\"\\$ \t\n\r{}-?", "export ", "${A}", "${A:-", "$$", "\\n", '\\"', "\\'", "A=", "\nB=",
    "\0", "\ufeff", "\udcff", "é",
]  # fmt: skip
NAMES = st.text("ABCxyz_09.-", min_size=1, max_size=5)
# What one variable can hold: any byte but NUL.
VALUES = st.binary(max_size=12).map(lambda data: data.replace(b"\0", b" "))


def outcome(text: str) -> dict[str, str] | None:
    """The variables; None after a clear error. Anything else fails the test."""
    made = _parsed(text)
    if isinstance(made, BadLineError):
        assert 1 <= made.line <= text.count("\n") + 1
        assert str(made)
        return None
    for name, value in made.items():
        assert name
        assert not set(name) & set("= \t\n\r\0'\"#$")
        assert "\0" not in value
    return made


def _parsed(text: str) -> dict[str, str] | BadLineError:
    try:
        return parse(text, {"A": "1", "HOME": "/root"})
    except BadLineError as error:
        return error


@given(st.binary(max_size=60))
def test_bytes_are_read_or_refused_when_they_are_anything(data: bytes) -> None:
    """Bytes that are no UTF-8 too."""
    outcome(os.fsdecode(data))


@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join))
def test_text_is_read_or_refused_when_it_is_nearly_right(text: str) -> None:
    """Made of what matters to the dialect."""
    outcome(text)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_values_come_back_when_they_are_quoted(given_values: dict[str, bytes]) -> None:
    """In double quotes with escapes everything can be written; line ends of DOS become plain."""
    lines = []
    for name, data in given_values.items():
        text = os.fsdecode(data).replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
        lines.append(f'{name}="{text.replace(chr(13), chr(92) + "r")}"')
    made = outcome("\n".join(lines))
    assert made is not None
    assert {name: os.fsencode(value) for name, value in made.items()} == given_values


PLAIN = st.text("abcXYZ019_./,+@%-é ", max_size=8).map(str.strip)


@settings(max_examples=15, deadline=None)
@given(st.dictionaries(st.text("ABC_", min_size=1, max_size=5), PLAIN, min_size=1, max_size=4))
def test_shell_reads_the_same_when_the_file_is_in_its_dialect(values: dict[str, str]) -> None:
    """A file that people also source: quoted values, comments, `export`."""
    values.pop("_", None)
    lines = ["# a comment", ""]
    lines += [f"export {name}='{value}' # why" for name, value in values.items()]
    text = "\n".join([*lines, 'COPY="${PATH}"', ""])
    shell = ["/bin/sh", "-ac", 'eval "$1"; exec env -0', "sh", text]
    told = subprocess.run(shell, env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=True)
    rows = [os.fsdecode(row).partition("=") for row in told.stdout.split(b"\0") if row]
    seen = {name: value for name, _, value in rows}
    made = parse(text, {"PATH": "/usr/bin:/bin"})
    assert made == {name: seen[name] for name in made}
    assert made.keys() == {*values, "COPY"}
