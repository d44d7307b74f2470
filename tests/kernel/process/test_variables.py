"""The environment of a service: who wins, and files that can't be used."""

from __future__ import annotations

import errno
import itertools
import os
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.errors import SpawnError
from nsinit.model.envfile import LONGEST
from nsinit.model.spec import Service
from nsinit.model.types import Words
from nsinit.process.program import Surroundings
from nsinit.process.variables import (
    DEFAULT_PATH,
    ENV_FILE_MAX,
    own_variables,
    service_variables,
)

if TYPE_CHECKING:
    import pathlib


def _service(**keys: Any) -> Service:
    return Service(command=Words(("x",)), **keys)


def _made(directory: pathlib.Path, service: Service, **around: Any) -> dict[str, str]:
    given = Surroundings(str(directory), around.get("env", {}), around.get("shared", {}))
    return service_variables(service, given, around.get("account", {}), around.get("own", {}))


@pytest.mark.parametrize(
    ("name", "replica"), [("web", "1"), ("web@1", "1"), ("web@12", "12"), ("a@b@3", "3")]
)
def test_replica_is_told_when_a_service_has_many(name: str, replica: str) -> None:
    """One without others is the first."""
    made = own_variables(name, {"NSINIT_SOCKET": "/s", "NSINIT_REPLICA": replica})
    assert made == {"NSINIT_SERVICE": name, "NSINIT_REPLICA": replica, "NSINIT_SOCKET": "/s"}
    assert own_variables(name, {}) == {"NSINIT_SERVICE": name, "NSINIT_REPLICA": replica}


def test_files_and_own_keys_win_when_a_variable_is_set_many_times(tmp_path: pathlib.Path) -> None:
    """A file over what nsinit sets, a key over both."""
    (tmp_path / "env").write_text("A=file\nB=file\n")
    service = _service(env_file=("env",), environment={"B": "key"})
    made = _made(tmp_path, service, own={"A": "own", "B": "own", "C": "own"})
    assert made == {"A": "file", "B": "key", "C": "own", "PATH": DEFAULT_PATH}


def test_each_layer_wins_when_only_the_one_below_has_a_variable(tmp_path: pathlib.Path) -> None:
    """Two neighbours at a time, without files."""
    layers = ["env", "shared", "account", "own"]
    for below, above in itertools.pairwise(layers):
        made = _made(tmp_path, _service(), **{below: {"V": below}, above: {"V": above}})
        assert made["V"] == above


def test_nothing_of_init_is_inherited_when_a_service_wants_none(tmp_path: pathlib.Path) -> None:
    """What its own files ask for it still gets; there is a PATH in any case."""
    (tmp_path / "env").write_text("GIVEN\nOF_ACCOUNT=${HOME}\n")
    service = _service(inherit_env=False, env_file=("env",))
    made = _made(
        tmp_path, service, env={"GIVEN": "1", "X": "2"}, shared={"Y": "3"}, account={"HOME": "/h"}
    )
    assert made == {"GIVEN": "1", "OF_ACCOUNT": "/h", "HOME": "/h", "PATH": DEFAULT_PATH}


def test_what_init_was_told_for_itself_stays_when_a_service_inherits(
    tmp_path: pathlib.Path,
) -> None:
    """A service that would speak to the supervisor of init would be taken for init."""
    env = {"NOTIFY_SOCKET": "/s", "WATCHDOG_PID": "1", "WATCHDOG_USEC": "5", "PATH": "/b"}
    assert _made(tmp_path, _service(), env=env) == {"PATH": "/b"}


def test_value_is_that_of_a_file_when_it_is_named(tmp_path: pathlib.Path) -> None:
    """Without the newlines at its end, and any bytes; a missing one may be allowed."""
    (tmp_path / "secret").write_bytes(b"\n s\xff ~\r\n\n\r\n")
    made = _made(
        tmp_path,
        _service(
            environment={"A": {"file": "secret"}, "B": {"file": "none?"}, "C": {"file": "secret?"}}
        ),
        shared={"D": {"file": f"{tmp_path}/secret"}},
    )
    value = os.fsdecode(b"\n s\xff ~")
    assert made == {"A": value, "C": value, "D": value, "PATH": DEFAULT_PATH}


def test_later_files_may_use_earlier_ones_when_there_are_many(tmp_path: pathlib.Path) -> None:
    """And what nsinit itself was given."""
    (tmp_path / "a").write_text("A=${GIVEN}1\n")
    (tmp_path / "b").write_text("B=${A}2\nA=new\n")
    made = _made(tmp_path, _service(env_file=("a", "none?", "b")), env={"GIVEN": "g", "A": "old"})
    assert made == {"GIVEN": "g", "A": "new", "B": "g12", "PATH": DEFAULT_PATH}


def _error(tmp_path: pathlib.Path, **keys: Any) -> SpawnError:
    with pytest.raises(SpawnError) as caught:
        _made(tmp_path, _service(**keys))
    return caught.value


def test_missing_file_is_told_when_it_has_to_be_there(tmp_path: pathlib.Path) -> None:
    """With what would help; also if a directory on the way is none."""
    (tmp_path / "file").touch()
    hint = 'a "?" after its name says that it may be missing'
    for name, number in (("none", errno.ENOENT), ("file/x", errno.ENOTDIR)):
        error = _error(tmp_path, env_file=(name,))
        assert (error.errno, error.stage, error.hint) == (number, "read the env_file", hint)
        assert error.message.startswith(f"cannot read the env_file {tmp_path}/{name}: ")
        assert _made(tmp_path, _service(env_file=(f"{name}?",))) == {"PATH": DEFAULT_PATH}
        error = _error(tmp_path, environment={"A": {"file": name}})
        assert error.message.startswith(f"cannot read the value of A from {tmp_path}/{name}: ")
        assert (error.errno, error.hint) == (number, hint)


def test_bad_file_is_told_when_it_may_be_missing_too(tmp_path: pathlib.Path) -> None:
    """A "?" is no excuse for what is there and can't be used, and no part of its name."""
    (tmp_path / "dir").mkdir()
    error = _error(tmp_path, env_file=("dir?",))
    path = f"{tmp_path}/dir"
    assert error.message == f"cannot read the env_file {path}: it is no regular file"
    assert (error.errno, error.hint) == (errno.EINVAL, "")
    (tmp_path / "nul").write_bytes(b"a\0b")
    error = _error(tmp_path, environment={"A": {"file": "nul?"}})
    assert error.message == f"cannot take the value of A from {tmp_path}/nul: it has a NUL"
    assert error.errno == errno.EINVAL
    (tmp_path / "bad").write_text("A=1\n\n=x\n")
    error = _error(tmp_path, env_file=("bad?",))
    assert error.message.startswith(f"cannot use the env_file {tmp_path}/bad:3: ")
    assert "Invalid argument" not in error.message
    assert error.errno == errno.EINVAL


def test_large_files_are_refused_when_no_environment_could_have_them(
    tmp_path: pathlib.Path,
) -> None:
    """As large as can be is fine."""
    path = tmp_path / "a"
    assert ENV_FILE_MAX == 1 << 18
    for limit, keys in (
        (LONGEST, {"environment": {"A": {"file": "a"}}}),
        (ENV_FILE_MAX, {"env_file": ("a",)}),
    ):
        path.write_bytes(b"#" * limit)
        assert "PATH" in _made(tmp_path, _service(**keys))
        path.write_bytes(b"#" * (limit + 1))
        error = _error(tmp_path, **keys)
        assert error.message.endswith(f"it has over {limit >> 10} KiB")
        assert error.errno == errno.EFBIG
