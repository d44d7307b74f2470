"""What came of all programs together: figures, and the same for people."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .life import Outcome


def figures(outcomes: Sequence[Outcome], seconds: float) -> dict[str, Any]:
    """Everything that was counted and measured, as JSON has it."""
    steps: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for outcome in outcomes:
        steps.update(outcome.done)
        kinds.update(one.kind for one in outcome.program.services)
    failed = [outcome for outcome in outcomes if outcome.violation is not None]
    held = [(*one.figures["held"][0], *one.figures["held"][-1])
            for one in outcomes if one.figures.get("held")]  # fmt: skip

    def total(key: str) -> int:
        return sum(one.figures.get(key, 0) for one in outcomes)

    def worst(key: str) -> float:
        return max((one.figures.get(key, 0.0) for one in outcomes), default=0.0)

    return {
        "verdict": "failed" if failed else "all was right",
        "seconds": round(seconds, 1),
        "seeds": [one.program.seed for one in outcomes],
        "failure": str(failed[0].violation) if failed else None,
        "steps": dict(sorted(steps.items())),
        "services": dict(sorted(kinds.items())),
        **{key: total(key) for key in ("events", "runs", "ends", "updates", "reexecs")},
        "worst_settle_s": worst("worst_settle"),
        "worst_backoff_s": worst("worst_backoff"),
        "held": [{"fds": [f1, f2], "kib": [k1, k2]} for f1, k1, f2, k2 in held],
    }


def summary(made: dict[str, Any]) -> str:
    """The figures as lines."""
    steps, services = made["steps"], made["services"]
    kills = sum(count for step, count in steps.items() if step.startswith("kill "))
    grown = [row["kib"][1] - row["kib"][0] for row in made["held"]]
    fds = [row["fds"][1] - row["fds"][0] for row in made["held"]]
    seeds = made["seeds"]
    shown = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else ", ".join(map(str, seeds))
    return "\n".join(
        [
            f"programs   {len(seeds)} (seeds {shown}) in {made['seconds']} s",
            f"services   {sum(services.values())}: {_row(services)}",
            f"steps      {sum(steps.values())}: {_row(steps)}",
            (
                f"events     {made['events']}; runs {made['runs']}, ends {made['ends']},"
                f" kills from outside {kills}, updates {made['updates']}, reexecs {made['reexecs']}"
            ),
            (
                f"worst      {made['worst_settle_s']} s until all was as it should be,"
                f" {made['worst_backoff_s']} s in backoff"
            ),
            (
                f"init       descriptors {min(fds, default=0):+} to {max(fds, default=0):+},"
                f" memory {min(grown, default=0):+} to {max(grown, default=0):+} KiB"
                " from the first rest to the last"
            ),
            f"verdict    {made['verdict']}",
        ]
    )


def _row(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
