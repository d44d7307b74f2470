"""Variables in the strings of a configuration."""

from __future__ import annotations

import pytest

from nsinit.model.expand import expand

ENV = {"X": "value", "EMPTY": "", "Y": "${X}", "_1": "under"}


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("", ""),
        ("plain", "plain"),
        ("${X}", "value"),
        ("a${X}b${X}c", "avaluebvaluec"),
        ("${EMPTY}", ""),
        ("${_1}", "under"),
        ("${X:-d}", "value"),
        ("${EMPTY:-d}", "d"),
        ("${NONE:-d}", "d"),
        ("${NONE:-}", ""),
        ("${NONE:-${X}}", "value"),
        ("${NONE:-${NEITHER:-deep}}", "deep"),
        ("${NONE:-a ${X} b}c", "a value bc"),
        ("${NONE:-$$}", "$"),
        ("${X:-${NONE}}", "value"),
        ("${X:?needed}", "value"),
        ("$$", "$"),
        ("$$$$", "$$"),
        ("$${X}", "${X}"),
        ("$$${X}", "$value"),
        ("${Y}", "${X}"),
        ("$X $1 $HOME $(date) $", "$X $1 $HOME $(date) $"),
        ("}{", "}{"),
    ],
)
def test_text_is_filled_in_when_its_variables_are_known(text: str, made: str) -> None:
    """The forms of compose; any other dollar sign stands for itself, and values are final."""
    assert expand(text, ENV) == made


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${NONE}", r"^\$\{NONE\} is not set; write \$\{NONE:-default\}, or \$\$ for a dollar$"),
        ("a ${X} ${NONE}", r"^\$\{NONE\} is not set"),
        ("${NONE:?set it}", r"^\$\{NONE\} is not set: set it$"),
        ("${EMPTY:?set it}", r"^\$\{EMPTY\} is not set: set it$"),
        ("${NONE:?}", r"^\$\{NONE\} is not set: it is required$"),
        ("${NONE:-${NEITHER}}", r"^\$\{NEITHER\} is not set"),
    ],
)
def test_variable_is_named_when_it_is_not_set(text: str, message: str) -> None:
    """An empty one counts as set unless it is required."""
    with pytest.raises(ValueError, match=message):
        expand(text, ENV)


@pytest.mark.parametrize("text", ["${X", "${", "${X:-a", "${X:-${Y}", "${" * 30])
def test_brace_is_missed_when_it_does_not_close(text: str) -> None:
    """The message tells how to write a dollar sign."""
    with pytest.raises(ValueError, match=r"^\$\{.* has no closing brace; write \$\$ for a dollar"):
        expand(text, ENV)


@pytest.mark.parametrize(
    "text", ["${}", "${1X}", "${X-d}", "${X:d}", "${X:}", "${ X}", "${X }", "${Ä}", "${X:+d}"]
)
def test_form_is_refused_when_it_is_none_of_ours(text: str) -> None:
    """With the forms that there are."""
    with pytest.raises(ValueError, match=r"expected \$\{NAME\}, \$\{NAME:-default\} or"):
        expand(text, ENV)


def test_defaults_are_expanded_or_refused_when_they_are_nested_deeply() -> None:
    """No configuration text may end nsinit with anything but a ConfigError."""
    try:
        made = expand("${N:-" * 2000 + "x" + "}" * 2000, {})
    except ValueError:
        return
    assert made == "x"
