"""A record of any life of the core gives the same life again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis.stateful import invariant

from nsinit.core.recorder import Recorder
from nsinit.core.replay import read, replay
from tests.property.test_core_machine import Life

if TYPE_CHECKING:
    from nsinit.core import messages as m
    from nsinit.core.supervisor import Supervisor

LIMIT = 40_000  # bytes: many a life has several generations


class Recorded(Life):
    """One init with a flight recorder, from its first moment of rest on."""

    recorder = Recorder("0")

    @invariant()
    def record(self) -> None:
        """A core that has taken the place of another, too."""
        if not hasattr(self, "kernel") or "handle" in vars(self.kernel.core):
            return
        before, self.recorder = self.recorder.export(), Recorder("0", LIMIT)
        if "recorder" in vars(self):
            self.recorder.adopt(before)
        _record(self.kernel.core, self.recorder)

    def teardown(self) -> None:
        """All of it is told again, also by what is left of it in a file."""
        super().teardown()
        if not hasattr(self, "kernel"):
            return
        record = read(b"".join(self.recorder.pieces(1.0, 2.0)).splitlines())
        assert record.whole
        for step in replay(record):
            assert not step.wrong, step


def _record(core: Supervisor, recorder: Recorder) -> None:
    handle = core.handle

    def recorded(event: m.Event, now: float, jitter: float = 0.0) -> list[m.Action]:
        recorder.begin(core, event, now, jitter)
        actions = handle(event, now, jitter)
        recorder.end(actions)
        return actions

    core.handle = recorded  # type: ignore[method-assign]  # of this one alone


TestRecorded = Recorded.TestCase
TestRecorded.settings = settings(stateful_step_count=40, max_examples=25, deadline=None)
