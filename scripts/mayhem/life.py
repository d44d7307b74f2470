"""One program carried out: each step, and the checks after it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nsinit.control.commands import BY_NAME
from nsinit.errors import ControlError, UnreachableError

from .checks import Checks
from .expect import EFFECTS, Model
from .program import parse_subject
from .world import SHUTDOWN, Violation, World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .program import Program, Step

_FOLLOWING: Final = ("logs", "events", "record", "attach")  # streams, of which a part is read
_ROWS: Final = 50
_READING: Final = 0.05  # s that a stream may take for its next row
PATIENCE: Final = 25.0  # s
_LAST: Final = 3  # steps that belong to the end of a program: all is still, at rest, over
_WARM: Final = 2  # rests until init holds what it will


class Outcome:
    """What came of a program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.violation: Violation | None = None
        self.at = -1  # the step that showed it
        self.said = ""
        self.done: dict[str, int] = {}
        self.figures: dict[str, Any] = {}


class Life:
    """A world, its model and its checks, and what each step does to them."""

    def __init__(
        self, program: Program, subject: str, init: Sequence[str], patience: float
    ) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="chaos-"))
        self._home.chmod(0o755)
        self.done: dict[str, int] = {}
        self._world = World(program, self._home, subject, init)
        self._model = Model(program.services)
        self._checks = Checks(self._world, self._model, patience)
        self._rests = 0
        self.ended = False

    def close(self) -> None:
        """Leave nothing."""
        self._world.close()

    def figures(self) -> dict[str, Any]:
        """What was counted and measured."""
        rows = self._world.follower.rows
        held = self._checks.held
        return {
            "events": sum(rows.values()),
            "runs": rows.get("started", 0),
            "ends": rows.get("exited", 0),
            "updates": rows.get("update", 0),
            "reexecs": rows.get("reexec", 0),
            "worst_settle": round(self._checks.worst_up, 3),
            "worst_backoff": round(self._world.follower.worst_delay, 3),
            "held": held,
        }

    def said(self) -> str:
        """What init wrote."""
        return self._world.said()

    def do(self, step: Step) -> None:
        """Do one step, and look whether all is right."""
        self._count(step)
        getattr(self, f"_{step.kind}")(*step.words)
        if not self.ended:
            self._checks.always()
            self._checks.truth(set(self._model.services))

    def _count(self, step: Step) -> None:
        kind = (
            f"{step.kind} {step.words[0]}" if step.kind in ("call", "kill", "apply") else step.kind
        )
        self.done[kind] = self.done.get(kind, 0) + 1

    # --- Asking -----------------------------------------------------------------------------------

    def _call(self, verb: str, text: str) -> None:
        params = json.loads(text)
        row = BY_NAME[verb]
        try:
            self._ask(verb, params)
        except UnreachableError as error:
            raise self._checks.why_lost(f"{verb} {text}: {error}") from None
        except ControlError as error:
            body = error.answer if isinstance(error.answer, dict) else {}
            told = body.get("error")
            code = told.get("code") if isinstance(told, dict) else None
            if code in (None, "internal"):
                raise Violation("answers", f"{verb} {text}: {error}") from None
            if code != "timed-out" and verb != "pause":  # it was refused, a pause perhaps in part
                return
        if row.access != "read":
            EFFECTS[verb](self._model, params)

    def _ask(self, verb: str, params: dict[str, Any]) -> None:
        client = self._world.client
        if verb in ("exec", "enter"):
            with open(os.devnull, "r+b") as nothing:
                fds = (nothing.fileno(),) * 3
                params = {"command": ["/bin/true"]} | params | {"terminal": False}
                params.pop("user", None)
                client.start_command(verb, params, fds).wait()
        elif verb in _FOLLOWING:
            answer = client.open_stream(BY_NAME[verb], params)
            answer.connection.settimeout(_READING)
            with contextlib.suppress(TimeoutError), contextlib.closing(answer.connection):
                for _ in zip(range(_ROWS), answer.lines(), strict=False):
                    pass
        else:
            client.call(BY_NAME[verb], params)

    def _client(self, kind: str, seed: str) -> None:
        self._world.clients.come(kind, int(seed))

    # --- Signals ----------------------------------------------------------------------------------

    def _kill(self, name: str, service: str, role: str) -> None:
        for one in self._world.outside():
            if one.role == role and service in ("*", one.service) and one.state != "Z":
                self._model.signalled(one.service, name, role)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one.pid, getattr(signal, f"SIG{name}"))
                return

    def _signal(self, name: str, times: int = 1) -> None:
        for _ in range(times):
            os.kill(self._world.pid, getattr(signal, f"SIG{name}"))

    def _freeze(self, span: str) -> None:
        os.kill(self._world.pid, signal.SIGSTOP)
        try:
            time.sleep(int(span) / 1000)
        finally:
            os.kill(self._world.pid, signal.SIGCONT)

    # --- The configuration ------------------------------------------------------------------------

    def _add(self, *words: str) -> None:
        made = parse_subject(list(words))
        needs = tuple(row for row in made.needs if row[0] in self._world.file)
        self._world.file[made.name] = made._replace(needs=needs)

    def _remove(self, name: str) -> None:
        kept = self._world.file
        kept.pop(name, None)
        for other, one in list(kept.items()):
            kept[other] = one._replace(needs=tuple(row for row in one.needs if row[0] != name))

    def _change(self, name: str) -> None:
        if name in self._world.file:
            one = self._world.file[name]
            self._world.file[name] = one._replace(variant=one.variant + 1)

    def _apply(self, how: str) -> None:
        wrong = how.startswith("wrong")
        self._world.write(wrong=wrong)
        if how.endswith("hup"):
            self._hang_up()
        else:
            self._update(wrong=wrong, dry=how == "dry")
        if how in ("call", "hup"):
            self._model.update(dict(self._world.file))

    def _update(self, *, wrong: bool, dry: bool) -> None:
        try:
            self._world.client.update(dry_run=dry)
        except ControlError as error:
            if not wrong:
                raise self._checks.why_lost(f"update: {error}") from None
            return
        if wrong:
            raise Violation("answers", "init took a configuration that is wrong")

    def _hang_up(self) -> None:
        """Until init tells that it was asked to."""
        follower = self._world.follower
        before = follower.hang_ups
        self._signal("HUP")
        if not follower.wait(lambda: follower.hang_ups > before, self._checks.patience):
            raise Violation("answers", "init does not heed HUP")

    # --- Stillness --------------------------------------------------------------------------------

    def _settle(self) -> None:
        self._checks.settle()
        self._checks.caught_up()

    def _rest(self) -> None:
        """Stop everything, look what init holds, and start everything again."""
        self._world.clients.close()
        names = list(self._model.services)
        everyone = {"names": names}
        if names:
            for verb in ("unpin", "unpause", "stop"):
                self._steer(
                    verb, everyone | ({"timeout": self._checks.patience} if verb == "stop" else {})
                )
        self._checks.settle()
        self._rests += 1
        self._checks.at_rest(warm=self._rests > _WARM)
        self._checks.caught_up()
        if names:
            self._steer("start", everyone | {"no_wait": True})

    def _steer(self, verb: str, params: dict[str, Any]) -> None:
        try:
            self._world.client.call(BY_NAME[verb], params)
        except ControlError as error:
            raise self._checks.why_lost(f"{verb}: {error}") from None
        EFFECTS[verb](self._model, params)

    # --- The end ----------------------------------------------------------------------------------

    def _end(self, how: str, code: str = "0") -> None:
        """Init ends in time, with the code that it should, and nothing is left."""
        self.ended = True
        self._world.clients.close()
        began = time.monotonic()
        expected = self._ask_to_end(how, int(code))
        process = self._world.live.process
        assert process is not None
        try:
            status = process.wait(SHUTDOWN + self._checks.patience)
        except Exception:  # noqa: BLE001  (of subprocess, which is not loaded here)
            raise Violation(
                "end", f"init does not end within {SHUTDOWN + self._checks.patience:.0f} s"
            ) from None
        took = time.monotonic() - began
        self.done["end s (sum)"] = self.done.get("end s (sum)", 0) + round(took)
        if status not in expected:
            raise Violation("exit-code", f"{how}: {status}, should be one of {expected}")
        if left := self._world.outside():
            raise Violation("left", f"init has ended, but there is {left[:5]}")
        if groups := self._world.groups():
            raise Violation("left", f"init has ended, but there are the groups {groups}")
        self._world.follower.join(self._checks.patience)
        if self._world.follower.wrong:
            raise Violation("events", "; ".join(self._world.follower.wrong[:5]))

    def _ask_to_end(self, how: str, code: int) -> set[int]:
        """Let init end that way; the codes that it may end with."""
        client, has_main = self._world.client, "m000" in self._model.services
        ways: dict[str, Callable[[], object]] = {
            "term": lambda: self._signal("TERM"),
            "int": lambda: self._signal("INT"),
            "quit": lambda: self._signal("QUIT"),
            "term-twice": lambda: self._signal("TERM", 2),
            "shutdown": client.shutdown,
            "now": lambda: client.shutdown(now=True),
            "code": lambda: client.shutdown(exit_code=code),
            "main-killed": lambda: self._kill("KILL", "m000", "main"),
        }
        runs = has_main and self._world.status().get("m000", {}).get("state") == "running"
        ways[how]()
        if how == "code":
            return {code}
        if how == "main-killed" and runs:
            return {128 + 9}
        if how == "main-killed":
            self._signal("TERM")
            return {0, 1, 128 + 9}
        # A main that is told to end ends with 0; if there is no time for that it is killed.
        return {0, 128 + 9} if runs and how in ("quit", "now", "term-twice") else {0}


def run(
    program: Program,
    subject: str,
    init: Sequence[str] = (),
    *,
    patience: float = PATIENCE,
    until: float = float("inf"),
    tell: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Carry out a program; from `until` on (monotonic s) the steps before its end are left out."""
    outcome = Outcome(program)
    last = len(program.steps) - _LAST
    life: Life | None = None
    try:
        life = Life(program, subject, init, patience)
        for number, step in enumerate(program.steps):
            if time.monotonic() < until or number >= last:
                outcome.at = number
                tell(number)
                life.do(step)
    except Violation as violation:
        outcome.violation = violation
        outcome.said = life.said() if life is not None else ""
    finally:
        if life is not None:
            outcome.done, outcome.figures = life.done, life.figures()
            life.close()
    return outcome
