"""What is known of an image, by the names that images themselves use for it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Platform(Struct):
    """What an image is for."""

    architecture: str = ""
    os: str = ""
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(filter(None, (self.os or "?", self.architecture or "?", self.variant)))


class RunConfig(Struct, omit_defaults=True):
    """How the image wants to be run."""

    Env: list[str] | None = None
    Cmd: list[str] | None = None
    Entrypoint: list[str] | None = None
    WorkingDir: str = ""
    User: str = ""
    ExposedPorts: dict[str, Any] | None = None
    Volumes: dict[str, Any] | None = None
    StopSignal: str = ""
    Labels: dict[str, str] | None = None


class Kept(Struct):
    """What is known of an image in the store; `layers` are directories, the lowest first."""

    id: str
    layers: list[str]
    config: RunConfig
    platform: Platform
    ids: str
    sizes: list[int]  # bytes of what was unpacked of each layer
    imported_at: float  # s since the epoch
    created: str = ""
    version: int = 1
