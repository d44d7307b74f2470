"""Fields of JSON as lines."""

from __future__ import annotations

import pytest

from nsinit.cli.format import render
from nsinit.errors import UsageError

ANSWER = {
    "init": {"pid": 1},
    "services": [
        {
            "name": "web",
            "pid": 7,
            "ok": True,
            "tags": ["a", "b"],
            "usage": {"memory": 5},
            "x": "a\nb",
        },
        {"name": "db", "pid": None, "ok": False, "tags": [], "usage": None},
    ],
}


@pytest.mark.parametrize(
    ("wanted", "made"),
    [
        ("name,pid", "web\t7\ndb\t-"),
        (" name , ok ", "web\ttrue\ndb\tfalse"),
        ("{name} has {tags}", "web has a,b\ndb has -"),
        ("usage.memory", "5\n-"),
        ("{usage}", '{"memory":5}\n-'),
        ("{{{name}}}\\t\\\\n", "{web}\t\\n\n{db}\t\\n"),
        ("x", "a\\nb\n-"),
    ],
)
def test_fields_are_shown_when_they_are_wanted(wanted: str, made: str) -> None:
    """By a list or a template; what is not there is a dash, a newline never breaks a line."""
    assert render(ANSWER, wanted) == made


def test_one_object_is_a_row_when_it_has_none() -> None:
    """Lists are rows, everything else is one."""
    assert render({"version": "1"}, "version") == "1"
    assert render([{"name": "a"}, {"name": "b"}], "name") == "a\nb"
    assert render([], "anything") == ""
    assert render({"results": ["a"]}, "value") == "a"


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ("names", 'did you mean "name"?'),
        ("{zzzzzz}", "there are name, pid, ok, tags, usage, usage.memory, x"),
        ("name,,pid", "expected fields"), ("{name", "stands alone"), ("name}", "stands alone"),
        ("{}", "stands alone"), ("name.deeper", "no field"), ("", "expected fields"),
    ],
)  # fmt: skip
def test_wish_is_refused_when_it_makes_no_sense(wanted: str, hint: str) -> None:
    """With the fields that there are."""
    with pytest.raises(UsageError) as caught:
        render(ANSWER, wanted)
    assert hint in str(caught.value)
