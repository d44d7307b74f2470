"""The hooks of a bundle: when each is run, and the state that it reads from its stdin. Pure.

Source: runtime-spec, config.md "POSIX-platform Hooks", runtime.md "State" and "Lifecycle".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Literal, get_args

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nsinit.bundles.read import Findings
    from nsinit.bundles.spec import Hooks

Time = Literal[
    "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"
]
TIMES: Final = get_args(Time)
Status = Literal["creating", "created", "running", "stopped"]


class Hook(Struct, frozen=True, kw_only=True):
    """One program. Without `env` it has that of whoever runs it; `timeout` in seconds."""

    time: Time
    path: str
    args: tuple[str, ...]
    env: dict[str, str] | None = None
    timeout: int | None = None

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"the {self.time} hook {self.path}"


class State(Struct, frozen=True, kw_only=True):
    """What hooks are told of a container, but for what changes."""

    oci_version: str
    id: str
    bundle: str  # absolute
    annotations: dict[str, str] = field(default_factory=dict)

    def encode(self, status: Status, pid: int = 0) -> bytes:
        """As JSON. There is no `pid` when there is no process."""
        made: dict[str, object] = {
            "ociVersion": self.oci_version,
            "id": self.id,
            "status": status,
        }
        made |= {"pid": pid} if pid else {}
        made["bundle"] = self.bundle
        made |= {"annotations": self.annotations} if self.annotations else {}
        return json.dumps(made).encode()


def hooks_of(hooks: Hooks, findings: Findings) -> dict[str, tuple[Hook, ...]]:
    """All of them, by their time."""
    made: dict[str, tuple[Hook, ...]] = {}
    names = dict(zip(TIMES, hooks.__struct_fields__, strict=True))
    for time, name in names.items():
        found: list[Hook] = []
        for index, one in enumerate(getattr(hooks, name)):
            path = ("hooks", time, index)
            if not one.path.startswith("/"):
                findings.error((*path, "path"), f"expected an absolute path, got {one.path!r}")
            env = None
            if one.env is not None:
                env = dict(item.partition("=")[::2] for item in one.env)
                bad = next((item for item in one.env if item.find("=") < 1), None)
                if bad is not None:
                    findings.error((*path, "env"), f'expected "NAME=value", got {bad!r}')
            args = tuple(one.args) or (one.path,)
            found.append(Hook(time=time, path=one.path, args=args, env=env, timeout=one.timeout))
        made[time] = tuple(found)
    return made


def variables(hook: Hook, given: Mapping[str, str]) -> Mapping[str, str]:
    """The environment of a hook."""
    return given if hook.env is None else hook.env
