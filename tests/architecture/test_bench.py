"""What scripts/bench makes of samples; the measurements take minutes, and are not run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from scripts.benchmarks import svg
from scripts.benchmarks.catalogue import MEASURES, OURS, PEERS, TRIALS
from scripts.benchmarks.curves import Curve
from scripts.benchmarks.figures import Row, percentile, short
from scripts.benchmarks.goals import GOALS, verdicts
from scripts.benchmarks.lines import BLOCK, LINE, lost
from scripts.benchmarks.measure import Limits, Measure, Trial
from scripts.benchmarks.peer import Contender
from scripts.benchmarks.result import Result, load
from scripts.benchmarks.rounds import Effort, Rounds

if TYPE_CHECKING:
    import pathlib

    from scripts.benchmarks.measure import Ask, Found
    from scripts.benchmarks.stage import Stage

ABOUT = {"versions": {"init": {OURS: "1"}}, "missing": {}}


def row(name: str, count: int = 1, **samples: float) -> Row:
    """A row of one round."""
    made = Row(MEASURES[name], count)
    for peer, value in samples.items():
        made.add(peer, [value])
    return made


def judged(*rows: Row) -> dict[tuple[str, int], bool | None]:
    """The verdicts on what is demanded."""
    return {
        (v.goal.measure, v.goal.services): v.met
        for v in verdicts(rows, OURS)
        if not v.goal.stretch and not v.goal.tail
    }


def test_goals_are_of_measures_and_peers_when_looked_up() -> None:
    """A name that is nobody's would never be decided."""
    names = {kind.name for kind in PEERS}
    for goal in GOALS:
        assert goal.measure in MEASURES
        for than in (*goal.than, *goal.instead):
            assert than.peer in names
            assert than.measure in {"", *MEASURES}


def test_measures_have_one_trial_each_when_there_are_many() -> None:
    """Names are those of the command line."""
    names = [measure.name for trial in TRIALS for measure in trial.measures]
    assert len(names) == len(set(names))
    assert all(trial.sample or trial.together for trial in TRIALS)


def test_goal_is_met_when_all_ratios_hold() -> None:
    """One that does not hold is enough."""
    assert judged(row("boot", 100, nsinit=13, dinit=10, s6=40)) == {("boot", 100): True}
    assert judged(row("boot", 100, nsinit=14, dinit=10, s6=40)) == {("boot", 100): False}
    assert judged(row("boot", 100, nsinit=13, dinit=10, s6=30)) == {("boot", 100): False}


def test_goal_is_decided_by_the_others_when_a_peer_is_missing() -> None:
    """By another of its peers, by one that is named for that, or not at all."""
    assert judged(row("boot", 100, nsinit=14, s6=40)) == {("boot", 100): True}
    assert judged(row("restart", nsinit=1.5, staged=1.1)) == {("restart", 1): True}
    assert judged(row("boot", 100, nsinit=14)) == {("boot", 100): None}


def test_amount_is_met_when_it_or_its_ratio_holds() -> None:
    """A slower machine is slower for the floor too."""
    assert judged(row("shutdown", nsinit=6, staged=1)) == {("shutdown", 1): True}
    assert judged(row("shutdown", nsinit=12, staged=5.3)) == {("shutdown", 1): True}
    assert judged(row("shutdown", nsinit=12, staged=2.6)) == {("shutdown", 1): False}
    assert judged(row("idle", 100, nsinit=1)) == {("idle", 100): False}


def test_more_is_better_when_the_measure_says_so() -> None:
    """And another row of a peer may be what decides."""
    rows = (row("logs", nsinit=1400, supervisord=1000, s6=200), row("logs-stamped", nsinit=1040))
    assert judged(*rows) == {("logs", 1): True, ("logs-stamped", 1): False}


def test_ratio_is_of_the_rounds_that_both_took_part_in_when_one_is_slow() -> None:
    """What is over is not compared."""
    one = row("boot", nsinit=10, circus=100)
    one.add("nsinit", [30])
    assert one.ratios("nsinit", "circus") == [0.1]
    assert row("boot", nsinit=0, circus=0).ratios("nsinit", "circus") == [1.0]
    assert row("boot", nsinit=1, circus=0).ratios("nsinit", "circus") == [math.inf]


def test_figures_are_told_when_they_are_odd() -> None:
    """Three digits, nothing, and never."""
    assert [short(v) for v in (0, 0.0123, 1.234, 12.34, 1234.5, math.inf)] == [
        "0", "0.012", "1.23", "12.3", "1234", "never",
    ]  # fmt: skip
    assert percentile(list(range(1, 101)), 0.99) == 99


def test_result_is_the_same_when_it_is_saved_and_read(tmp_path: pathlib.Path) -> None:
    """Infinity too, for which JSON has no word."""
    path = str(tmp_path / "x.json")
    Result(ABOUT, [row("boot", 100, nsinit=1.5, circus=math.inf)]).save(path)
    found = load(path)
    assert found.about == ABOUT
    assert found.rows[0].rounds == {"nsinit": [[1.5]], "circus": [[math.inf]]}


@pytest.mark.parametrize(
    ("last", "linear"), [(5_000.0, True), (7_000.0, True), (25_000.0, False), (100.0, True)]
)
def test_curve_is_linear_when_the_last_cost_what_the_others_do(last: float, linear: bool) -> None:
    """Ten times as many may not cost a hundred times as much."""
    points = [(10, 90.0), (100, 180.0), (1000, 1080.0), (5000, last)]
    curve = Curve("x", "x", "ms", "services", points)
    assert curve.is_linear is linear
    assert len(curve.cells()) == 5


def test_lines_are_missed_when_a_file_lacks_some(tmp_path: pathlib.Path) -> None:
    """What was rotated away is not missing, what is between is."""
    blocks = [
        b"#%010dx\n" % number + b"x\n" * (BLOCK - 1) for number in range(5)
    ]  # fmt: skip
    size = 5 * BLOCK * LINE
    (tmp_path / "s1.log.1").write_bytes(blocks[1][-20:] + blocks[2] + blocks[3][:613])
    (tmp_path / "s1.log").write_bytes(blocks[3][613:] + blocks[4])
    (tmp_path / "s1").mkdir()
    (tmp_path / "s1" / "config").write_text("s10000000\nn5\n")
    assert lost(str(tmp_path), size) == 0
    (tmp_path / "s1.log").write_bytes(blocks[3][633:] + blocks[4])
    assert lost(str(tmp_path), size) == 10


def test_pictures_are_whole_when_there_are_many_curves() -> None:
    """They are XML, and every name is in them."""
    series = {f"<{n}>": [(1.0, n + 1.0), (1000.0, 10.0 * n + 1)] for n in range(12)}
    for text in (
        svg.lines("a & b", "services", series, "<1>"),
        svg.bars("a", {"<1>": 0.1, "b": 3}, "b"),
    ):
        root = ET.fromstring(text)
        assert "<1>" in {part.text for part in root.iter() if part.tag.endswith("text")}


class Fake(Contender):
    """One of a family of its own."""

    name = "fake"
    family = "fake"
    get = ""

    def is_there(self) -> bool:
        """Always."""
        return True

    def version(self) -> tuple[str, ...]:
        """None."""
        return ()


def test_rounds_end_when_a_peer_has_had_its_time() -> None:
    """The first is always made; a number of rounds that is asked for is made in any case."""
    asked: list[Ask] = []

    def sample(_: Stage, __: Fake, ask: Ask) -> Found:
        asked.append(ask)
        return {name: [1.0] for name in ask.wanted}

    measures = (Measure("many", "", ""), Measure("once", "", "", rounds=1))
    trial = Trial(measures, sample=sample, full=Limits(3, 60.0), quick=Limits(3, 0.0))
    stage: Stage = None  # type: ignore[assignment]  # no init is started

    def made(effort: Effort) -> list[int]:
        rows = Rounds(stage, trial, 7, effort).run([Fake()], measures)
        return [len(one.rounds["fake"]) for one in rows]

    assert made(Effort()) == [3, 1]
    assert made(Effort(quick=True)) == [1, 1]
    assert made(Effort(quick=True, rounds=2)) == [2, 2]
    assert {ask.services for ask in asked} == {7}
