"""Programs from a seed: which services, and what is done to them. Makes data, does nothing."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any, Final

from nsinit.control.commands import COMMANDS, Command, Param

from .kinds import KINDS, MAIN, NEEDED
from .program import Program, Step, Subject, Way

if TYPE_CHECKING:
    from collections.abc import Callable

_BEGIN: Final = 1_764_000_000  # s since the epoch, by the injected clock
_YEAR: Final = 365 * 86400
_SIZES: Final = (6, 12, 12, 25, 25, 60, 200)
# A stop of everything, and a look at what init holds, after about so many steps.
_REST_EVERY: Final = 60
_SIGNALS: Final = ("KILL", "KILL", "KILL", "TERM", "STOP", "CONT", "SEGV", "HUP", "ABRT")
_TO_INIT: Final = ("USR1", "USR2", "WINCH", "CHLD", "CONT")
# How often each of the verbs that change something; those that only look share one part.
_VERBS: Final = {
    "start": 12, "stop": 9, "restart": 8, "signal": 6, "reload": 3, "reset": 2, "pin": 1,
    "unpin": 3, "pause": 3, "unpause": 2, "scale": 1, "exec": 2, "enter": 1, "reexec": 2,
}  # fmt: skip
_SUBREAPERS: Final = 0.3  # of those that may be
_GROUPS: Final = 0.5
_PAUSABLE: Final = 0.8  # of those to pause; of others it is refused
_NOT_ASKED: Final = ("shutdown", "update", "terminal", "screen")  # steps of their own, or clients


class _Maker:
    """One program in the making; `configured` is what the file says at this point of it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.configured: dict[str, Subject] = {}
        self.edited = False
        self.count = 0
        self.groups = False
        self.most = 0  # services, so that what init holds can be compared

    def subject(self, *, main: bool = False) -> Subject:
        """A service that may need earlier ones."""
        if main:
            return Subject("m000", MAIN.name)
        kinds = [kind for kind in KINDS.values() if self.groups or not kind.grouped]
        kind = self.random.choices(kinds, [kind.weight for kind in kinds])[0].name
        name = f"s{self.count:03}"
        self.count += 1
        earlier = [one for one in self.configured.values() if one.kind in NEEDED]
        some = min(len(earlier), self.random.choice((0, 0, 0, 1, 1, 2)))
        needs = []
        for other in self.random.sample(earlier[-30:], min(some, len(earlier[-30:]))):
            goal = KINDS[other.kind].goal
            needs.append((other.name, self._how(goal)))
        return Subject(name, kind, 0, tuple(needs), self.random.random() > 0.2)

    def _how(self, goal: str) -> str:
        return "completed" if goal == "done" else self.random.choice(("ready", "started"))

    # --- Calls, from the command table ------------------------------------------------------------

    def names(self, most: int = 4, *, grouped: bool = False) -> list[str]:
        """Words by which services are chosen; never all of them, for `m000` is not to be hit."""
        known = [name for name in self.configured if name.startswith("s")]
        if grouped:
            known = [name for name in known if self.configured[name].row.grouped]
        draw = self.random.random()
        if draw < 0.03 or not known:
            return ["nobody"]
        if draw < 0.09:
            return [f"{self.random.choice(known)[:3]}*"]
        if draw < 0.15:
            return [f"tag:{self.configured[self.random.choice(known)].kind}"]
        return self.random.sample(known, min(len(known), self.random.randint(1, most)))

    def value(self, param: Param) -> Any:  # noqa: ANN401, PLR0911  (of JSON; a table)
        """Something that a parameter may be."""
        match param.kind:
            case "names":
                return self.names()
            case "name":
                return self.names(1)[0]
            case "choice":
                return self.random.choice(param.choices)
            case "integer":
                return self.random.randint(0, min(param.most or 50, 50))
            case "seconds":
                return self.random.choice((0.05, 0.2, 0.4))
            case "moment":
                return self.random.choice(("5m", "@1764000000", "12:00"))
            case "signal":
                return self.random.choice(_SIGNALS)
            case "flag":
                return self.random.random() < 0.5
            case "words":
                return self.random.choice((["/bin/true"], ["/bin/false"], ["/no/such/thing"]))
        return self.random.choice(("started", "x", "0"))

    def call(self) -> Step:
        """A row of the table with parameters that fit it."""
        rows = [row for row in COMMANDS if row.name not in _NOT_ASKED]
        row = self.random.choices(rows, [_weight(one) for one in rows])[0]
        params: dict[str, Any] = {}
        for param in row.params:
            if param.required or param.name == "names" or self.random.random() < 0.3:
                params[param.name] = self.value(param)
        if any(param.name == "no_wait" for param in row.params):
            params["no_wait"] = self.random.random() < 0.7
        if row.name in ("pause", "unpause"):
            params["names"] = self.names(grouped=self.random.random() < _PAUSABLE)
        if row.name == "scale":
            params["names"] = [f"{name}=2" for name in params["names"]]
        if any(param.name == "timeout" for param in row.params) and row.name != "reexec":
            params["timeout"] = self.value(next(p for p in row.params if p.name == "timeout"))
        else:
            params.pop("timeout", None)
        params.pop("follow", None)  # who follows is a client of its own
        return Step("call", (row.name, json.dumps(params)))

    # --- Other steps ------------------------------------------------------------------------------

    def kill(self) -> Step:
        """A signal from outside to a process of a service, or of something that helps it."""
        role = self.random.choice(("main", "main", "main", "main", "stray", "child", "hook"))
        known = [name for name in self.configured if name.startswith("s")]
        name = self.random.choice(known) if known and role == "main" else "*"
        return Step("kill", (self.random.choice(_SIGNALS), name, role))

    def edit(self) -> Step:
        """A change of the file; it counts when it is applied."""
        self.edited = True
        known = [name for name in self.configured if name.startswith("s")]
        draw = self.random.random()
        if (draw < 0.4 and len(known) < self.most) or len(known) < 3:
            made = self.subject()
            self.configured[made.name] = made
            return Step("add", tuple(made.text().split()))
        name = self.random.choice(known)
        if draw < 0.6:
            del self.configured[name]
            self.configured = {
                other: one._replace(needs=tuple(row for row in one.needs if row[0] != name))
                for other, one in self.configured.items()
            }
            return Step("remove", (name,))
        one = self.configured[name]
        self.configured[name] = one._replace(variant=one.variant + 1)
        return Step("change", (name,))

    def apply(self) -> Step:
        """Let init go by the file, or by one that is wrong, or tell what it would do."""
        how = self.random.choice(
            ("call", "call", "call", "hup", "hup", "dry", "wrong", "wrong-hup")
        )
        self.edited = self.edited and how not in ("call", "hup")
        return Step("apply", (how,))

    def client(self) -> Step:
        """One that is frozen, slow, or talks nonsense."""
        kind = self.random.choice(("frozen", "slow", "garbage", "half", "many"))
        return Step("client", (kind, str(self.random.randrange(1 << 16))))

    def signal(self) -> Step:
        """A signal to init itself."""
        return Step("signal", (self.random.choice(_TO_INIT),))

    def freeze(self) -> Step:
        """Init stands still for so many ms."""
        return Step("freeze", (str(self.random.choice((20, 100, 400))),))

    def step(self) -> Step:
        """Any of them."""
        makers: list[tuple[Callable[[], Step], int]] = [
            (self.call, 50), (self.kill, 22), (self.edit, 8), (self.client, 5), (self.signal, 3),
            (self.freeze, 2), (lambda: Step("settle"), 10),
        ]  # fmt: skip
        if self.edited:
            makers.append((self.apply, 12))
        return self.random.choices([m for m, _ in makers], [weight for _, weight in makers])[0]()

    def end(self, *, main: bool) -> Step:
        """How it ends."""
        ways: list[tuple[str, ...]] = [
            ("term",),
            ("int",),
            ("quit",),
            ("term-twice",),
            ("shutdown",),
            ("now",),
        ]
        ways += [("code", str(self.random.randint(1, 200)))]
        ways += [("main-killed",)] if main else []
        return Step("end", self.random.choice(ways))


def _weight(row: Command) -> float:
    return _VERBS.get(row.name, 0.4)


def generate(
    seed: int, way: Way, services: int | None, steps: int, *, groups: bool = True
) -> Program:
    """The program of a seed; `services` None: as many as it draws. Not all have cgroups."""
    maker = _Maker(seed)
    if way == "pid1" and maker.random.random() < _SUBREAPERS:
        way = "subreaper"
    maker.groups = maker.random.random() < _GROUPS and groups and way != "rootless"
    count = services if services is not None else maker.random.choice(_SIZES)
    main = maker.random.random() < 0.3
    for number in range(count):
        one = maker.subject(main=main and number == 0)
        maker.configured[one.name] = one
    maker.most = count + 3
    first = tuple(maker.configured.values())
    clock = _clock(maker.random)
    loop = maker.random.choice(("auto", "auto", "asyncio"))
    made = [
        maker.step() if number % _REST_EVERY else Step("rest" if number else "settle")
        for number in range(steps)
    ]
    made += [Step("settle"), Step("rest"), maker.end(main=main)]
    return Program(seed, way, loop, clock, first, tuple(made), maker.groups)


def _clock(chance: random.Random) -> str:
    """A wall clock that steps by up to a year, in either direction."""
    if chance.random() < 0.4:
        return ""
    steps = [
        f"{chance.choice((-_YEAR, -86400, -61, -1, 1, 59, 3600, 86400, _YEAR)):+}"
        f"@{chance.randint(1, 120) / 4}"
        for _ in range(chance.randint(1, 6))
    ]
    return ",".join([str(_BEGIN), *steps])
