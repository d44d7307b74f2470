"""`nsinit init`: what it writes is right, and it overwrites nothing."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from nsinit.cli.init import TEMPLATES
from nsinit.reference.schema import schema

if TYPE_CHECKING:
    import pathlib

    from tests.cli.conftest import Type


@pytest.mark.parametrize("template", TEMPLATES)
def test_file_is_right_when_it_was_written(
    typed: Type, tmp_path: pathlib.Path, template: str
) -> None:
    """As `nsinit check` says, without a warning, and the schema; what to do next is told."""
    done = typed("init", "--template", template)
    assert done.returncode == 0, done
    for name in TEMPLATES[template]:
        assert f"wrote {name}\n" in done.stdout
    assert "\nnext: " in done.stdout
    text = (tmp_path / "nsinit.toml").read_text()
    first = text.splitlines()[0]
    assert first.startswith("#:schema /")
    assert first.endswith("/nsinit.schema.json")
    checked = typed("check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "warning" not in checked.stdout
    assert Draft202012Validator(schema()).is_valid(tomllib.loads(text))
    for line in re.findall(r"^# ([a-z_]+ = .*)$", text, re.MULTILINE):
        assert tomllib.loads(line), "what is commented out can be used"


def test_nothing_is_overwritten_when_a_file_is_there(typed: Type, tmp_path: pathlib.Path) -> None:
    """Nor is the other one of a pair written; a dangling link counts as a file."""
    (tmp_path / "Dockerfile").write_text("mine")
    done = typed("init", "--template", "container")
    assert (done.returncode, done.stderr) == (
        1, "nsinit: cannot write Dockerfile: it is there already\n",
    )  # fmt: skip
    assert (tmp_path / "Dockerfile").read_text() == "mine"
    assert not (tmp_path / "nsinit.toml").exists()
    (tmp_path / "x.toml").symlink_to("nowhere")
    assert typed("init", "x.toml").returncode == 1
    assert typed("init", "new/deep", "--template", "container").returncode == 0
    assert (tmp_path / "new/deep/Dockerfile").exists()
    assert "in an image" in typed("init", "y.toml", "--template", "container").stderr
    assert "cannot write /proc" in typed("init", "/proc/nsinit").stderr
