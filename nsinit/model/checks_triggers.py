"""The checks of what starts services or restarts them: schedules and watched files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nsinit.model.plan import condition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nsinit.model.lines import KeyPath
    from nsinit.model.spec import Config, Schedule

    Finding = tuple[KeyPath, str, str]


def schedules(config: Config) -> Iterator[Finding]:
    """A schedule is a cron line or an interval, in a zone that there is."""
    for name, spec in config.services.items():
        if spec.schedule is None:
            continue
        path = ("services", name, "schedule")
        if any(socket.lazy or socket.accept for socket in spec.sockets):
            yield path, "a service waits for its schedule or for its sockets, not for both", ""
        if (spec.schedule.cron is None) == (spec.schedule.every is None):
            yield path, "takes either cron or every", 'such as {cron = "*/5 * * * *"}'
        elif spec.schedule.every is not None:
            if spec.schedule.every <= 0:
                yield (*path, "every"), "is above 0", ""
            if spec.schedule.timezone is not None:
                yield (*path, "timezone"), "has no meaning for an interval", "use cron"
        else:
            yield from _calendar(spec.schedule, path)


def _calendar(schedule: Schedule, path: KeyPath) -> Iterator[Finding]:
    from nsinit.model import cron  # noqa: PLC0415  (zones and more, only for who has a calendar)

    zone = cron.load_zone("UTC")
    try:
        zone = cron.load_zone(schedule.timezone)
    except cron.CalendarError as error:
        yield (*path, "timezone"), str(error), error.hint
    try:
        cron.Calendar(schedule.cron or "", zone)
    except cron.CalendarError as error:
        yield (*path, "cron"), str(error), error.hint


def scheduled_services(config: Config) -> Iterator[Finding]:
    """What runs by a schedule has ends, and after each of them it waits again."""
    for name, spec in config.services.items():
        if spec.schedule is None:
            continue
        if spec.restart in ("always", "on-success"):
            path = ("services", name, "restart")
            yield path, "a service with a schedule runs again by that", 'use "no" or "on-failure"'
        if spec.main:
            path = ("services", name, "main")
            yield path, "a service with a schedule is never done, so init can't end with it", ""
    for name, spec in config.services.items():
        for other, written in spec.depends_on.items():
            target = config.services.get(other)
            wanted = condition(written, target) if target is not None else ""
            if target is not None and target.schedule and wanted in ("completed", "exited"):
                path = ("services", name, "depends_on")
                yield path, f'"{other}" has a schedule and is never {wanted}', ""


def watched(config: Config) -> Iterator[Finding]:
    """There is something to watch, and a way to do what follows."""
    for name, spec in config.services.items():
        if spec.watch is None:
            continue
        path = ("services", name, "watch")
        if not spec.watch.paths or "" in spec.watch.paths:
            yield (*path, "paths"), "names no path", ""
        reloads = spec.reload_signal is not None or spec.reload_command is not None
        reloads = reloads or spec.type == "notify-reload"
        if spec.watch.action == "reload" and not reloads:
            hint = 'add reload_signal = "HUP" or a reload_command'
            yield (*path, "action"), "there is no way to reload this service", hint
        if spec.watch.action == "reload" and spec.watch.cascade:
            yield (*path, "cascade"), "a reload leaves dependents alone", 'use action = "restart"'


def jitter_is_short(config: Config) -> Iterator[Finding]:
    """A jitter as long as the interval leaves runs out."""
    for name, spec in config.services.items():
        every = spec.schedule.every if spec.schedule is not None else None
        if spec.schedule is not None and every and spec.schedule.jitter >= every:
            path = ("services", name, "schedule", "jitter")
            yield path, "is not below the interval: some runs will be left out", ""


STRICT: Final = (schedules, scheduled_services, watched)
ADVICE: Final = (jitter_is_short,)
