"""What `[sandbox]` can hold: the namespaces that nsinit makes around itself and its services.

As in `nsinit.model.spec`: a key is here only when it works.
"""

from __future__ import annotations

from typing import Literal

from msgspec import field

from nsinit.model.security import Security

NamespaceKind = Literal["pid", "mount", "uts", "ipc", "user"]


class Sandbox(Security, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[sandbox]`; the keys of `Security` are what its services start from."""

    name: str | None = None
    hostname: str | None = None
    domainname: str | None = None
    namespaces: dict[NamespaceKind, Literal["new", "shared"]] = field(default_factory=dict)
