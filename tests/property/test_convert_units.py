"""Units and scripts of any text: converted, or refused with an error that is told."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from nsinit.convert.kinds import Wishes, convert
from nsinit.convert.proof import prove, settle
from nsinit.convert.s6.execline import parse as parse_script
from nsinit.convert.s6.script import LeftError, translate
from nsinit.convert.systemd import names, values
from nsinit.convert.systemd.calendar import to_cron
from nsinit.convert.systemd.environment import read_env_file
from nsinit.convert.systemd.known import HARMLESS, REASONS
from nsinit.convert.systemd.text import parse
from nsinit.convert.systemd.words import words
from nsinit.errors import NsinitError
from nsinit.model.cron import Calendar, load_zone

SECTIONS = ("Unit", "Service", "Install")
OWN = """
    ExecStart ExecStop ExecReload Environment Restart RestartSec User Nice LimitNOFILE CPUAffinity
    CapabilityBoundingSet SystemCallFilter ReadWritePaths BindPaths RuntimeDirectory MemoryMax
    After Requires Before WantedBy OnFailure StandardOutput KillMode Type SuccessExitStatus
    WorkingDirectory IOReadBandwidthMax DeviceAllow TemporaryFileSystem PassEnvironment
"""
KEYS = [*OWN.split(), *(key for part in SECTIONS for key in (*REASONS[part], *HARMLESS[part]))]
VALUES = st.one_of(
    st.sampled_from(
        ["", "yes", "a.service", "/a b", "~CAP_KILL", "5", "%i", "-/x:y:z", "${A}", "'"]
    ),
    st.text(max_size=30),
)
LINES = st.tuples(st.sampled_from(SECTIONS), st.sampled_from(KEYS), VALUES)


@settings(max_examples=20)
@given(st.lists(LINES, max_size=12), st.text(max_size=40))
@example([("Service", "ExecStart", "/bin/a \\")], "")
def test_a_unit_is_converted_when_it_says_anything(
    lines: list[tuple[str, str, str]], tail: str
) -> None:
    """What is written passes the checks, whatever the values are."""
    text = "".join(f"[{section}]\n{key}={value}\n" for section, key, value in lines)
    with tempfile.TemporaryDirectory() as home:
        unit = Path(home) / "a.service"
        unit.write_bytes(f"{text}\n{tail}".encode("utf-8", "surrogatepass"))
        with contextlib.suppress(UnicodeEncodeError):
            try:
                document = convert([str(unit)], Wishes({}), "systemd")
            except NsinitError:
                return  # not UTF-8, a NUL
            if document.services:
                prove(settle(document, "nsinit.toml", {}), "nsinit.toml", {})


@given(st.text())
def test_parsers_refuse_by_value_errors_when_they_are_given_anything(text: str) -> None:
    """Words, spans, sizes, names, calendars; and files of variables are always read."""
    for read in (words, values.span, values.size, values.percent, values.boolean,
                 values.exit_status, values.signal_name, names.unescape, to_cron):  # fmt: skip
        with contextlib.suppress(ValueError):
            read(text)
    parse(text, "f")
    read_env_file(text)
    name = names.parse(text)
    assert name is None or str(name) == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_names_are_themselves_again_when_they_are_escaped(text: str) -> None:
    """As with systemd-escape and back."""
    assert names.unescape(names.escape(text)) == text


PARTS = st.sampled_from(["*", "1", "2,5", "1..7", "0/3", "3..9/2", "7/1"])
DAYS = st.sampled_from(["", "Mon", "Tue..Fri ", "Sat,Sun"])


@given(DAYS, PARTS, PARTS, PARTS, PARTS, PARTS)
def test_a_cron_line_is_one_when_it_is_made_of_an_event(
    days: str, month: str, day: str, hour: str, minute: str, second: str
) -> None:
    """Whatever is made can be read."""
    with contextlib.suppress(ValueError):
        event = to_cron(f"{days} *-{month}-{day} {hour}:{minute}:{second}")
        with contextlib.suppress(ValueError):  # no day is ever as the line says
            Calendar(event.cron, load_zone("UTC"))
        assert len(event.cron.split()) in (5, 6)


@given(st.text())
def test_scripts_of_execline_are_words_or_refused_when_they_are_anything(text: str) -> None:
    """And whatever words there are, they are keys or left alone."""
    with contextlib.suppress(ValueError, LeftError):
        parse_script(text)
        translate(text, "/srv", lambda path: {"A": {"file": path}})
