"""Options of `nsinit run` that make no sense."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import pathlib

    from tests.cli.conftest import Type


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--hostname", "x" * 65], 78, "nsinit: --hostname: a hostname has 1 to 64 bytes"),
        (["--name", "a/b"], 78, "nsinit: --name: a name has letters"),
        (["--namespaces", "pif"], 78, "--namespaces: pif"),
        (["--namespaces", "pid=young"], 78, "--namespaces: pid"),
        (["--namespaces", "{pid"], 2, "--namespaces: not TOML"),
        (["--cap-add", "NET_RAV"], 78, "--cap-add: "),
        (["--hostnam", "x"], 2, 'did you mean "--hostname"?'),
        (["--hostname"], 2, "--hostname needs a value"),
        (["--no-new-privs=yes"], 2, "--no-new-privs takes no value"),
        (["--detach=yes"], 2, "--detach takes no value"),
        (["-dx"], 2, "cannot use '-dx'"),
        (["-x"], 2, "cannot use '-x'"),
        (["--info-fd", "77"], 2, "--info-fd: cannot use 77"),
        (["--info-fd", "one"], 2, "expected the number of a descriptor"),
        (["--block-fd", "-1"], 2, "expected the number of a descriptor"),
        (["--detach"], 2, "there is none"),
    ],
)
def test_option_is_named_when_it_is_wrong(
    typed: Type, tmp_path: pathlib.Path, words: list[str], code: int, said: str
) -> None:
    """Not a file and a line; and nothing is left."""
    done = typed("run", *words, "--", "true")
    assert done.returncode == code, done
    assert said in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_help_lists_the_keys_of_a_sandbox(typed: Type) -> None:
    """Made from the configuration's own description."""
    done = typed("help", "run")
    assert done.returncode == 0
    for word in ("--hostname NAME", "--namespaces", "--[no-]no-new-privs", "-d, --detach"):
        assert word in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100
