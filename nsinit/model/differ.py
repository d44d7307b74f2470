"""What an update would do: two configurations, service by service. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, field, structs

if TYPE_CHECKING:
    from nsinit.model.spec import Config, Init, Service

# Keys that count from the next decision on: a service that runs need not be restarted for them.
SOFT: Final = frozenset({
    "description", "tags", "autostart", "main", "essential",
    "depends_on", "wants", "after", "before",
    "restart", "restart_delay", "restart_max_delay", "restart_limit", "restart_reset",
    "success_exit_codes", "restart_prevent_codes", "on_failure", "start_timeout",
    "min_uptime", "health",
    "pre_start", "post_start", "pre_stop", "stop_command", "post_stop", "on_fail",
    "reload_command", "reload_signal", "stop_signal", "stop_timeout", "kill_mode",
    "schedule", "watch",
})  # fmt: skip
# Of [init]; the rest is decided when init is born.
_INIT_SOFT: Final = frozenset(
    {"shutdown_timeout", "keep_running", "listen", "pre_start", "post_stop"}
)


class Difference(Struct, frozen=True, kw_only=True):
    """What changes, by name; the keys that do stand beside it."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    restarted: dict[str, list[str]] = field(default_factory=dict)
    adjusted: dict[str, list[str]] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)  # needs another init

    @property
    def is_empty(self) -> bool:
        """Whether nothing would happen."""
        return not (self.added or self.removed or self.restarted or self.adjusted or self.ignored)


def differ(old: Config, new: Config) -> Difference:
    """What has to happen to what runs by `old`, for it to be as `new` says."""
    restarted: dict[str, list[str]] = {}
    adjusted: dict[str, list[str]] = {}
    for name, spec in new.services.items():
        keys = _keys(old.services[name], spec) if name in old.services else []
        if any(key not in SOFT and not _is_live(key, old.services[name], spec) for key in keys):
            restarted[name] = keys
        elif keys:
            adjusted[name] = keys
    ignored = [f"init.{key}" for key in _keys(old.init, new.init) if key not in _INIT_SOFT]
    if old.sandbox != new.sandbox:
        ignored.append("sandbox")
    return Difference(
        added=[name for name in new.services if name not in old.services],
        removed=[name for name in old.services if name not in new.services],
        restarted=restarted,
        adjusted=adjusted,
        ignored=ignored,
    )


def _is_live(key: str, old: Service, new: Service) -> bool:
    """Whether it is a limit of a group that there is already: that can be changed as it runs."""
    if key == "resources_optional":
        return True
    return key == "resources" and old.resources is not None and new.resources is not None


def _keys(old: Service | Init, new: Service | Init) -> list[str]:
    if old == new:  # as most are; msgspec compares them at once, a hundred times as fast
        return []
    names = [found.name for found in structs.fields(new)]
    return [n for n in names if n != "replicas" and getattr(old, n) != getattr(new, n)]
