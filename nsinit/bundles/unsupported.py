"""Keys of a bundle that have no effect yet, and are told instead of done. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nsinit.bundles.read import Findings
    from nsinit.bundles.spec import Config


def tell_unsupported(config: Config, findings: Findings) -> None:
    """Warn of limits that are not set."""
    for key, value in (config.linux.resources or {}).items():
        if _says_something(value):
            findings.warn(("linux", "resources", key), "has no effect: no limit is set by it")
    if config.linux.cgroups_path:
        findings.warn(("linux", "cgroupsPath"), "has no effect: no cgroup is made")


def _says_something(value: Any) -> bool:  # noqa: ANN401  (decoded JSON)
    if isinstance(value, dict):
        return any(map(_says_something, value.values()))
    if isinstance(value, list):
        return bool(value)
    return value is not None
