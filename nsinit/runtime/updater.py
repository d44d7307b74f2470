"""Update: the configuration is read again, and what runs is brought in line with it.

A file that is wrong changes nothing. Imports what it needs when it is asked, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import structs

from nsinit.core import messages as m
from nsinit.core.order import to_undo
from nsinit.core.state import ACTIVE
from nsinit.errors import ConfigError
from nsinit.kernel import seam
from nsinit.model.plan import REPLICAS_MAX
from nsinit.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nsinit.cgroups.group import Group
    from nsinit.model.differ import Difference
    from nsinit.model.load import Loaded
    from nsinit.model.spec import Service
    from nsinit.runtime.boot import Given
    from nsinit.runtime.driver import Driver

    Follow = Callable[[Mapping[str, Service]], object]


class Updater:
    """Knows what runs by which configuration."""

    def __init__(self, given: Given, driver: Driver, follow: Follow) -> None:
        """`follow` is told of the services whose schedules and files count from now on."""
        self._follow = follow
        self._loaded = given.loaded
        self._load = given.load
        self._directory = given.directory
        self._env = given.env
        self._driver = driver
        self.group: Callable[[], Group | None] = lambda: (
            given.group
        )  # that the groups of services are in
        self._counts: dict[str, int] = {}

    def export(self) -> tuple[Loaded, dict[str, int]]:
        """The configuration in force, and what `scale` asked for since."""
        return self._loaded, self._counts

    def adopt(self, loaded: Loaded, counts: dict[str, int]) -> None:
        """Go on with a configuration that is in force already."""
        self._loaded, self._counts = loaded, counts

    def update(self, *, dry_run: bool = False) -> Difference:
        """Read the file again and go by it; ConfigError if it is wrong, and nothing is changed."""
        try:
            seam.chdir(self._directory)  # names are relative to where nsinit was started
            loaded = self._load()
        except OSError as error:
            why = f"cannot enter {self._directory}: {error.strerror}"
            raise ConfigError([Problem(self._loaded.files[0], 0, "", why)]) from None
        finally:
            seam.chdir("/")
        self._refuse(loaded)
        return self._go_by(loaded, {}, dry_run=dry_run)

    def _refuse(self, loaded: Loaded) -> None:
        """ConfigError if what runs could not have the limits."""
        if loaded.config.has_groups:
            from nsinit.cgroups.needs import check_services  # noqa: PLC0415  (most have none)

            check_services(loaded, self.group())

    def scale(self, counts: dict[str, int]) -> Difference:
        """Have so many instances of services, until the next update; ConfigError if it can't be."""
        from nsinit.model.load import load  # noqa: PLC0415  (the same)

        wanted = self._counts | counts
        sources = [source.taken_out() for source in self._loaded.sources]
        for name, count in counts.items():
            if count > REPLICAS_MAX:
                why = f"expected a number from 0 to {REPLICAS_MAX}, got {count}"
                path = f"services.{name}.replicas"
                raise ConfigError([Problem(self._loaded.files[0], 0, path, why)])
            found = [s.data.get("services", {}).get(name) for s in sources]
            if not any(isinstance(table, dict) and "replicas" in table for table in found):
                problem = Problem(
                    self._loaded.files[0], 0, f"services.{name}", 'has no key "replicas"'
                )
                raise ConfigError([problem])
        return self._go_by(load(sources, self._env, wanted), wanted, dry_run=False)

    def _go_by(self, loaded: Loaded, counts: dict[str, int], *, dry_run: bool) -> Difference:
        from nsinit.model.differ import differ  # noqa: PLC0415  (the same)

        found = differ(self._loaded.config, loaded.config)
        if not dry_run and self._driver.core.state.phase == "up":
            self._loaded, self._counts = loaded, counts
            self._note(found, counts)
            self._driver.runs.update(loaded.config, self._unfinished(loaded, found))
            self._driver.post(m.Update(loaded.plan, tuple(found.restarted)))
            self._follow(loaded.config.services)
            self._forget(loaded.config.services)
        return found

    def _forget(self, wanted: Mapping[str, Service]) -> None:
        """Nothing grows with services that are no more; the next update forgets who still stops."""
        names = wanted.keys() | self._driver.core.state.services.keys()
        for gone in self._driver.runs.services.keys() - names:
            del self._driver.runs.services[gone]
        self._driver.history.forget_all_but(names)

    def _note(self, found: Difference, counts: dict[str, int]) -> None:
        names = (*found.added, *found.removed, *found.restarted, *found.adjusted)
        fields = structs.asdict(found)
        kind: Literal["scale", "update"] = "scale" if counts else "update"
        fields |= {"counts": counts} if counts else {}
        self._driver.history.note_all(kind, names, "", 0, fields)

    def _unfinished(self, loaded: Loaded, found: Difference) -> set[str]:
        """Of what restarts: what has to end as it began, by hooks of the old kind too."""
        core = self._driver.core
        return {
            name
            for name in found.restarted
            if (s := core.state.services.get(name)) is not None
            and (
                s.state in ACTIVE
                or (to_undo(s, core.plan.services[name]) and loaded.plan.services[name].undo)
            )
        }


def in_words(found: Difference) -> str:
    """One line for a log."""
    parts = [
        f"{word} {', '.join(names)}"
        for word, names in (
            ("starts", found.added),
            ("stops", found.removed),
            ("restarts", list(found.restarted)),
            ("adjusts", list(found.adjusted)),
            ("leaves for the next start of init", found.ignored),
        )
        if names
    ]
    return "; ".join(parts) or "nothing has changed"
