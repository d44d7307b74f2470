"""A plan of `nsinit compile` starts what the core would start, in an order that it allows."""

from __future__ import annotations

import os
import pathlib
import tempfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsinit.errors import ConfigError
from nsinit.model.find import load_config
from nsinit.runtime.headstart import planfile
from nsinit.runtime.headstart.foresee import Recorded, foresee
from nsinit.runtime.headstart.planfile import NoPlanError, Start

if TYPE_CHECKING:
    from nsinit.model.load import Loaded

_NAMES = "abcdefg"
_CONDITIONS = ("started", "ready", "completed", "exited")
_KEYS = (
    'user = "root"',
    'type = "notify"',
    "nice = 3",
    'type = "oneshot"',
    "autostart = false",
    "",
)


@st.composite
def configurations(draw: st.DrawFn) -> str:
    """Some services, each of which may need some of those before it."""
    lines: list[str] = []
    for at, name in enumerate(_NAMES[: draw(st.integers(1, len(_NAMES)))]):
        needs = draw(
            st.dictionaries(st.sampled_from(_NAMES[:at] or "-"), st.sampled_from(_CONDITIONS))
        )
        needs.pop("-", None)
        table = ", ".join(f'{other} = "{condition}"' for other, condition in needs.items())
        lines += [f"[services.{name}]", 'command = "true"', draw(st.sampled_from(_KEYS))]
        lines += [f"depends_on = {{ {table} }}"] if table else []
    return "\n".join(lines)


def loaded(text: str) -> Loaded | None:
    """The configuration; None for one that makes no sense."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "nsinit.toml"
        path.write_text(text)
        try:
            return load_config(str(path), {})
        except ConfigError:
            return None


@given(configurations())
def test_plan_is_in_order_when_services_need_others(text: str) -> None:
    """What is started needs nothing but services that were started before it."""
    made = loaded(text)
    if made is None:
        return
    plan, left_out = foresee(made, {})
    begun: list[str] = []
    for row in plan.starts:
        start = Start(row)
        rules = made.config.services[start.name]
        assert (rules.user, rules.nice, rules.type == "notify") == (None, None, False)
        for name, condition in rules.depends_on.items():
            assert condition in ("started", "ready")  # a oneshot is ready as soon as it runs
            assert name in begun
        begun.append(start.name)
    assert not set(begun) & set(left_out)
    alone = [
        n for n, spec in made.config.services.items() if spec.autostart and not spec.depends_on
    ]
    assert set(alone) <= set(begun) | set(left_out)


@given(st.binary(max_size=200), st.integers(0, 400), st.booleans())
def test_plan_is_refused_when_it_is_cut(rubbish: bytes, at: int, cut: bool) -> None:
    """What is no plan, or a part of one, is told as such."""
    made = loaded('[services.a]\ncommand = "true"\n')
    assert made is not None
    whole = foresee(made, {}).plan.to_bytes()
    data = whole[: at % len(whole)] if cut else rubbish
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "nsinit.toml")
        pathlib.Path(path).write_text('[services.a]\ncommand = "true"\n')
        pathlib.Path(path + planfile.ENDING).write_bytes(data)
        with pytest.raises(NoPlanError):
            planfile.read(path, {})


@given(st.integers(0, 1 << 16), st.integers(1, 255))
def test_plan_is_refused_when_a_byte_of_it_is_another(at: int, change: int) -> None:
    """By a damaged disk: marshal makes gigabytes of some bytes, and nobody catches that."""
    made = loaded('[services.a]\ncommand = "true"\n')
    assert made is not None
    data = bytearray(foresee(made, {}).plan.to_bytes())
    data[at % len(data)] ^= change
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "nsinit.toml")
        pathlib.Path(path + planfile.ENDING).write_bytes(data)
        with pytest.raises(NoPlanError, match=r"damaged|another nsinit"):
            planfile.read(path, {})


@given(st.dictionaries(st.sampled_from(["A", "B", "C"]), st.text("xyz", max_size=2)))
def test_variables_are_noted_when_they_are_looked_at(env: dict[str, str]) -> None:
    """Those that are set, and those that are not."""
    recorded = Recorded(env)
    assert recorded.get("A") == env.get("A")
    assert ("B" in recorded) == ("B" in env)
    assert recorded.seen == {"A": env.get("A"), "B": env.get("B")}
    assert dict(recorded) == env
