"""Which file is the configuration, and what it draws in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nsinit.errors import ConfigError
from nsinit.model.find import find_config, load_asked, load_config

if TYPE_CHECKING:
    from pathlib import Path


def _service(name: str) -> str:
    return f"[services.{name}]\ncommand = 'x'\n"


@pytest.mark.parametrize(
    ("asked", "env", "found"),
    [
        ("mine.toml", {"NSINIT_CONFIG": "other.toml"}, "mine.toml"),
        (None, {"NSINIT_CONFIG": "other.toml"}, "other.toml"),
        ("", {"NSINIT_CONFIG": "other.toml"}, "other.toml"),
        ("mine.toml", {}, "mine.toml"),
    ],
)
def test_file_is_the_one_named_when_one_is(asked: str, env: dict[str, str], found: str) -> None:
    """The argument before the environment; whether it is there is told when it is read."""
    assert find_config(asked, env) == found


def test_file_is_found_when_it_is_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even a dangling link is the one that was meant."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nsinit.toml").symlink_to("nowhere")
    assert find_config(None, {"NSINIT_CONFIG": ""}) == "./nsinit.toml"


def test_places_are_told_when_no_file_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nsinit.model.find.CONFIGS", ("./nsinit.toml", "./other.toml"))
    with pytest.raises(ConfigError) as caught:
        find_config(None, {})
    assert str(caught.value) == (
        "nsinit.toml: no configuration file: looked for ./nsinit.toml, ./other.toml "
        "(name one: nsinit run FILE)"
    )


def test_included_files_are_read_when_patterns_fit_them(tmp_path: Path) -> None:
    """In the order of their names, relative to the file that includes them."""
    main = tmp_path / "n.toml"
    main.write_text(f"include = ['conf.d/*.toml', 'more.toml']\n{_service('a')}")
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "2.toml").write_text(_service("c"))
    (tmp_path / "conf.d" / "1.toml").write_text(_service("b"))
    (tmp_path / "conf.d" / "0.text").write_text("not read")
    (tmp_path / "more.toml").write_text(_service("d"))
    loaded = load_config(str(main), {})
    assert list(loaded.config.services) == ["a", "b", "c", "d"]
    assert [file.removeprefix(f"{tmp_path}/") for file in loaded.files] == [
        "n.toml", "conf.d/1.toml", "conf.d/2.toml", "more.toml",
    ]  # fmt: skip


def test_pattern_may_fit_nothing_when_it_is_one(tmp_path: Path) -> None:
    """A plain name must exist."""
    main = tmp_path / "n.toml"
    main.write_text(f"include = ['conf.d/*.toml']\n{_service('a')}")
    assert list(load_config(str(main), {}).config.services) == ["a"]
    main.write_text(f"include = ['more.toml']\n{_service('a')}")
    with pytest.raises(ConfigError, match=r"more.toml: cannot read: No such file"):
        load_config(str(main), {})


def test_included_files_are_read_when_the_directory_has_brackets_in_its_name(
    tmp_path: Path,
) -> None:
    """Only what stands in the file is a pattern."""
    home = tmp_path / "[app]*"
    home.mkdir()
    (home / "n.toml").write_text(f"include = ['*.conf']\n{_service('a')}")
    (home / "b.conf").write_text(_service("b"))
    assert list(load_config(str(home / "n.toml"), {}).config.services) == ["a", "b"]


def test_file_is_read_once_when_two_patterns_fit_it(tmp_path: Path) -> None:
    """Nor does `*.toml` include the file that holds it."""
    main = tmp_path / "n.toml"
    main.write_text(f"include = ['*.toml', 'm*.toml']\n{_service('a')}")
    (tmp_path / "more.toml").write_text(_service("b"))
    assert list(load_config(str(main), {}).config.services) == ["a", "b"]


def test_syntax_error_is_in_the_included_file_when_it_is_there(tmp_path: Path) -> None:
    """With its path."""
    main = tmp_path / "n.toml"
    main.write_text(f"include = ['more.toml']\n{_service('a')}")
    (tmp_path / "more.toml").write_text("a = \n")
    with pytest.raises(ConfigError, match=r"more.toml:1: not TOML"):
        load_config(str(main), {})


def test_descriptors_are_of_either_when_file_and_command_line_pass_some(tmp_path: Path) -> None:
    """What the command line keeps open is not lost on a file that names others."""
    file = tmp_path / "n.toml"
    file.write_text(_service("main") + "pass_fds = [4, 9]")
    made = load_asked(str(file), {}, (), main={"pass_fds": [3, 4]})
    assert made.config.services["main"].pass_fds == [4, 9, 3]


def test_lack_is_told_when_there_is_no_main_service_for_the_descriptors(tmp_path: Path) -> None:
    """And not as a command that is missing in a table that nobody has written."""
    file = tmp_path / "n.toml"
    file.write_text(_service("a") + "main = true")
    with pytest.raises(ConfigError, match='there is no service "main" to pass descriptors on to'):
        load_asked(str(file), {}, (), main={"pass_fds": [3]})
