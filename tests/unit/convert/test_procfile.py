"""A Procfile and its .env: processes, ports, variables."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.convert.kinds import Wishes, convert, recognize
from nsinit.convert.procfile import read_env
from nsinit.convert.proof import prove
from nsinit.convert.write import write
from nsinit.errors import ConvertError

if TYPE_CHECKING:
    import pathlib

PROCFILE = """\
# a comment
web: bin/serve --port $PORT "${X:-1}"

worker:bin/work
release: bin/migrate
what is this
"""


def services(where: pathlib.Path, **wishes: Any) -> Any:
    """The tables that a Procfile makes."""
    (where / "Procfile").write_text(PROCFILE)
    made = write(convert([str(where)], Wishes(wishes.pop("env", {}), **wishes)))
    prove(made, "n.toml", {})
    return tomllib.loads(made)["services"]


def test_processes_are_services_when_converted(tmp_path: pathlib.Path) -> None:
    """With a port each, after the release, in the directory of the file."""
    made = services(tmp_path)
    assert made["web"] == {
        "command": 'bin/serve --port $PORT "$${X:-1}"', "shell": True, "restart": "always",
        "working_dir": str(tmp_path), "environment": {"PORT": "5000"},
        "depends_on": {"release": "completed"},
    }  # fmt: skip
    assert made["worker"]["environment"] == {"PORT": "5100"}
    assert made["release"] == {
        "command": "bin/migrate", "shell": True, "type": "oneshot", "working_dir": str(tmp_path),
    }  # fmt: skip
    document = convert([str(tmp_path / "Procfile")], Wishes({}))
    assert [str(one) for one in document.findings] == [
        f"{tmp_path}/Procfile:6: what is this (expected NAME: COMMAND)"
    ]
    assert recognize(str(tmp_path)).name == "procfile"


def test_processes_are_many_when_the_formation_says_so(tmp_path: pathlib.Path) -> None:
    """Each with the next port; none of them starts where it says 0."""
    made = services(tmp_path, formation={"web": 2, "worker": 0}, port=7000)
    assert list(made) == ["web.1", "web.2", "worker", "release"]
    assert made["web.2"]["environment"] == {"PORT": "7001"}
    assert (made["web.2"]["tags"], made["worker"]["autostart"]) == (["web"], False)
    made = services(tmp_path, formation={"all": 0})
    assert "depends_on" not in made["web"]
    with pytest.raises(ConvertError, match="there is no process 'wob' for the formation"):
        services(tmp_path, formation={"wob": 2})


def test_env_file_is_used_when_it_means_the_same(tmp_path: pathlib.Path) -> None:
    """Else its variables are written out; $PORT in it is the first port."""
    env = tmp_path / ".env"
    env.write_text("A=1\nB='x y'\nPORT=3000\n")
    web = services(tmp_path)["web"]
    assert (web["env_file"], web["environment"]) == ([str(env)], {"PORT": "3000"})
    env.write_text("A=1 # one\nB=${A}\n")
    web = services(tmp_path)["web"]
    assert "env_file" not in web
    assert web["environment"] == {"A": "1 # one", "B": "$${A}", "PORT": "5000"}
    other = tmp_path / "prod.env"
    other.write_text("A=2\n")
    assert services(tmp_path, env_files=[str(other)])["web"]["env_file"] == [str(other)]
    with pytest.raises(ConvertError, match=r"none\.env: No such file"):
        services(tmp_path, env_files=["none.env"])


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("X=", ""), ("X=a b ", "a b"), ("X='a\\n$Y'", "a\\n$Y"), ('X="a\\nb\\"c"', 'a\nb"c'),
        ("export X=1", "1"), ("X=a#b # c", "a#b # c"), ("X='", "'"), ("  X=1", "1"),
    ],
)  # fmt: skip
def test_value_is_that_of_foreman_when_read(line: str, value: str) -> None:
    """Nothing is filled in, nothing is a comment."""
    assert read_env(f"# X=0\n\n{line}\nnonsense\n") == {"X": value}
