"""The environment as the caller gave it, not as Python changed it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.process.environment import given_environment

if TYPE_CHECKING:
    from collections.abc import Callable

_ASK = (
    "from nsinit.process.environment import given_environment as g; print(g().get('LC_CTYPE', '-'))"
)


def _asked(**env: str) -> str:
    kept = {key: os.environ[key] for key in ("PYTHONPATH", "PATH") if key in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", _ASK], env=kept | env, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("given", "seen"), [({}, "-"), ({"LC_CTYPE": "C"}, "C"), ({"LC_ALL": "C"}, "-")]
)
def test_locale_is_that_of_the_caller_when_python_sets_its_own(
    given: dict[str, str], seen: str
) -> None:
    """PEP 538: in the C locale there is an LC_CTYPE in os.environ that nobody gave."""
    assert _asked(**given) == seen


def _in_own_process(monkeypatch: pytest.MonkeyPatch, value: str | None) -> dict[str, str]:
    if value is None:
        monkeypatch.delenv("LC_CTYPE", raising=False)
    else:
        monkeypatch.setenv("LC_CTYPE", value)
    return given_environment()


def test_variables_are_those_of_python_when_it_has_set_no_locale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is read then; the answer is a copy."""
    made = _in_own_process(monkeypatch, None)
    assert made == dict(os.environ)
    made["ANOTHER"] = "1"
    assert "ANOTHER" not in os.environ


def _with_proc(monkeypatch: pytest.MonkeyPatch, what: Any) -> dict[str, str]:
    """What is given when /proc/self/environ is another file, or can't be read."""
    real = os.open

    def another(path: str, flags: int) -> int:
        assert path == "/proc/self/environ"
        if isinstance(what, OSError):
            raise what
        return real(what, flags)

    monkeypatch.setenv("LC_CTYPE", "C.UTF-8")
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", another)
        return given_environment()


def test_given_value_may_be_any_bytes_when_the_kernel_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """Only the variable itself counts, not one whose name or value looks so; the first wins."""
    path = tmp_path / "environ"
    path.write_bytes(b"A=LC_CTYPE=x\0LC_CTYPEX=y\0LC_CTYPE=\xff\0LC_CTYPE=z\0")
    assert _with_proc(monkeypatch, str(path))["LC_CTYPE"] == "\udcff"
    path.write_bytes(b"A=" + b"x" * (65536 - 7) + b"\0LC_CTYPE=far\0")
    assert _with_proc(monkeypatch, str(path))["LC_CTYPE"] == "far"
    path.write_bytes(b"A=LC_CTYPE=x\0")
    assert "LC_CTYPE" not in _with_proc(monkeypatch, str(path))


def test_variables_are_those_of_python_when_proc_can_not_be_read(
    monkeypatch: pytest.MonkeyPatch, descriptors: Callable[[], list[str]]
) -> None:
    """Whether it can't be opened, or can't be read; nothing is left open."""
    before = descriptors()
    assert _with_proc(monkeypatch, FileNotFoundError())["LC_CTYPE"] == "C.UTF-8"
    assert _with_proc(monkeypatch, "/")["LC_CTYPE"] == "C.UTF-8"  # a directory can't be read
    assert descriptors() == before
