"""A config.json may be anybody's: whatever is in it, there is an answer."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from nsinit.bundles.read import Findings
from nsinit.bundles.translate import translate
from nsinit.errors import ConfigError
from nsinit.model.load import load
from nsinit.model.report import Source
from tests.support.bundles import CONFIG

if TYPE_CHECKING:
    import pytest

    from nsinit.problem import Problem

_scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["/proc/self", "..", "/", "CAP_KILL", "bind", "SCHED_RR", "RLIMIT_CPU"])
)  # fmt: skip
_values = st.recursive(
    _scalars,
    lambda kind: st.lists(kind, max_size=3) | st.dictionaries(st.text(max_size=6), kind),
    max_leaves=6,
)  # fmt: skip


def _places(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    made = [path] if path else []
    if isinstance(value, dict):
        made += [at for key in value for at in _places(value[key], (*path, key))]
    elif isinstance(value, list):
        made += [at for index, item in enumerate(value) for at in _places(item, (*path, index))]
    return made


_RICH: dict[str, Any] = copy.deepcopy(CONFIG)
_RICH["hooks"] = {"prestart": [{"path": "/x", "args": ["x"], "env": ["A=1"], "timeout": 1}]}
_RICH["process"] |= {"scheduler": {"policy": "SCHED_RR", "priority": 1}, "terminal": True}
_RICH["process"] |= {"ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 1}}
_RICH["linux"] |= {
    "resources": {"memory": {"limit": 1}, "cpu": {"quota": 1, "period": 1}, "devices": [{}]},
    "devices": [{"path": "/dev/x", "type": "c", "major": 1, "minor": 1}],
    "sysctl": {"kernel.sem": "1"},
    "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["a"], "action": "x"}]},
}
_PLACES = _places(_RICH)


def _with(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    made = copy.deepcopy(value)
    part = made
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = new
    return made


@given(st.binary(max_size=200) | _values.map(lambda v: json.dumps(v).encode()))
def test_answer_is_given_when_it_is_anything(data: bytes) -> None:
    """A meaning, or problems."""
    findings = Findings("config.json")
    made = translate(data.decode("utf-8", "replace"), "/pod", findings)
    assert made is not None or findings.problems


@settings(max_examples=100)
@given(st.lists(st.tuples(st.sampled_from(_PLACES), _values), min_size=1, max_size=3))
def test_configuration_is_right_or_refused_when_parts_are_anything(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[tuple[str | int, ...], Any]]
) -> None:
    """Through all checks of nsinit, with nothing but ConfigError."""
    directory = tmp_path_factory.getbasetemp() / "pod"
    directory.mkdir(exist_ok=True)
    config = copy.deepcopy(_RICH)
    for path, value in changes:
        try:
            config = _with(config, path, value)
        except (LookupError, TypeError):
            continue  # an earlier change has taken that place away
    (directory / "config.json").write_text(json.dumps(config))
    source = Source("nsinit.toml", "", {"sandbox": {"bundle": str(directory)}})
    told: list[Problem] = []
    try:
        loaded = load([source], {})
    except ConfigError as error:
        told = error.problems
    else:
        assert loaded.bundle is not None
        loaded.bundle.state("x").encode("running", 1)
    assert all(problem.message and str(problem) for problem in told)
