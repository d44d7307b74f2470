"""An assembled filter answers what a reading of its rules, one by one, does."""

from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsinit.kernel import bpf
from nsinit.kernel.bpf import Arg, Rule, Table
from tests.support import strategies as some
from tests.support.bpf import run

OPS = st.sampled_from(["EQ", "NE", "LT", "LE", "GT", "GE", "MASKED_EQ"])
# Values where halves are equal, next to each other, or all ones.
EDGES = st.sampled_from(
    [
        0,
        1,
        5,
        6,
        1 << 31,
        0xFFFF_FFFF,
        1 << 32,
        (5 << 32) + 5,
        (5 << 32) + 6,
        (6 << 32),
        (1 << 64) - 1,
    ]
)
VALUES = EDGES | st.integers(0, (1 << 64) - 1)
NUMBERS = st.integers(0, 40) | st.integers(0, 700) | st.sampled_from([1 << 30, 0xFFFF_FFFF])
ACTIONS = st.sampled_from([bpf.ALLOW, bpf.KILL_PROCESS, bpf.LOG, bpf.TRAP]) | st.builds(
    lambda n: bpf.ERRNO | n, st.integers(0, 4095)
)
ARGS = st.builds(Arg, st.integers(0, 5), OPS, VALUES, VALUES)
RULES = st.builds(Rule, ACTIONS, st.lists(ARGS, max_size=3).map(tuple))
ARCHES = sorted(bpf.AUDIT_ARCHES)


@st.composite
def tables(draw: st.DrawFn) -> list[Table]:
    """Filters for some architectures."""
    made = []
    for arch in draw(st.lists(st.sampled_from(ARCHES), unique=True, max_size=3)):
        rules = draw(st.dictionaries(NUMBERS, st.lists(RULES, max_size=4), max_size=40))
        known = draw(st.sampled_from([0xFFFF_FFFF]) | st.integers(0, 500))
        made.append(Table(arch, rules, draw(ACTIONS), known, draw(ACTIONS)))
    return made


def holds(arg: Arg, args: list[int]) -> bool:
    """A comparison, as it is written."""
    value = args[arg.place]
    return {
        "EQ": value == arg.value,
        "NE": value != arg.value,
        "LT": value < arg.value,
        "LE": value <= arg.value,
        "GT": value > arg.value,
        "GE": value >= arg.value,
        "MASKED_EQ": value & arg.value == arg.second,
    }[arg.op]


def read(made: list[Table], foreign: int, arch: str, number: int, args: list[int]) -> int:
    """What the rules say, read in order."""
    table = next((table for table in made if table.arch == arch), None)
    if table is None:
        return foreign
    if number > table.known:
        return table.beyond
    for rule in table.rules.get(number, []):
        if all(holds(arg, args) for arg in rule.args):
            return rule.action
    return table.default


@some.DEAR
@given(st.data(), tables(), ACTIONS)
def test_filter_answers_as_its_rules_when_a_call_is_made(
    data: st.DataObject, made: list[Table], foreign: int
) -> None:
    """Any call, of any architecture, with any arguments."""
    program = bpf.assemble(made, foreign)
    mentioned = [number for table in made for number in table.rules]
    values = [v for t in made for rules in t.rules.values() for r in rules for a in r.args
              for v in (a.value, a.second, (a.value + 1) % (1 << 64))]  # fmt: skip
    near = st.sampled_from(values) | VALUES if values else VALUES
    for _ in range(5):
        number = data.draw(st.sampled_from(mentioned) | NUMBERS if mentioned else NUMBERS)
        args = data.draw(st.lists(near, min_size=6, max_size=6))
        arch = data.draw(st.sampled_from(ARCHES))
        answer, _ = run(program, bpf.AUDIT_ARCHES[arch], number, args)
        assert answer == read(made, foreign, arch, number, args)


@pytest.mark.parametrize("seed", range(10))
def test_long_filter_is_quick_when_all_calls_have_answers_of_their_own(seed: int) -> None:
    """Jumps further than 255 instructions reach their targets; halving keeps the way short."""
    dice = random.Random(seed)
    answers = {n: bpf.ERRNO | dice.randrange(4096) for n in dice.sample(range(900), 600)}
    table = Table("x86_64", {number: [Rule(one)] for number, one in answers.items()}, bpf.ALLOW)
    program = bpf.assemble([table], bpf.KILL_PROCESS)
    for number in range(0, 901, 7):
        answer, steps = run(program, bpf.AUDIT_ARCHES["x86_64"], number)
        assert answer == answers.get(number, bpf.ALLOW)
        assert steps <= 3 + 2 * 12 + 2


def test_filter_is_refused_when_the_kernel_would_not_take_it() -> None:
    """More than 4096 instructions."""
    rules = {
        number: [Rule(bpf.ERRNO | n, (Arg(0, "GT", (number << 33) + n),)) for n in range(20)]
        for number in range(200)
    }
    with pytest.raises(bpf.TooLongError, match="4096"):
        bpf.assemble([Table("x86_64", rules, bpf.ALLOW)], bpf.KILL_PROCESS)


def test_foreign_calls_are_answered_when_there_is_no_table_at_all() -> None:
    """The shortest filter there is."""
    program = bpf.assemble([], bpf.KILL_PROCESS)
    assert run(program, 1, 1)[0] == bpf.KILL_PROCESS
    assert len(program) == 2 * struct.calcsize("=HBBI")
