"""Images for tests: layers from what is written here, as an OCI layout or as docker saves them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import tarfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterable, Mapping

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def member(
    name: str, content: bytes | str | None = None, **keys: Any
) -> tuple[tarfile.TarInfo, bytes]:
    """One entry of a layer: a file with its content, else what its keys say; `dir/` is one."""
    made = tarfile.TarInfo(name)
    data = content.encode() if isinstance(content, str) else content or b""
    made.size = len(data)
    made.mode = 0o644
    if content is None and "type" not in keys:
        made.type, made.mode = tarfile.DIRTYPE, 0o755
    for key, value in keys.items():
        setattr(made, key, value)
    return made, data


def layer(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A tar archive of these."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def layer_of(directory: pathlib.Path, owner: int = 0) -> bytes:
    """A tar archive of a directory, all of which belongs to somebody."""

    def owned(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.uid = info.gid = owner
        return info

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.add(directory, ".", filter=owned)
    return buffer.getvalue()


def digest(data: bytes) -> str:
    """As descriptors have it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def config_of(layers: Iterable[bytes], run: Mapping[str, Any] | None = None, **keys: Any) -> bytes:
    """The configuration of an image of these layers."""
    made = {
        "architecture": ARCHITECTURE,
        "os": "linux",
        "config": dict(run or {}),
        "rootfs": {"type": "layers", "diff_ids": [digest(one) for one in layers]},
    }
    return json.dumps(made | keys).encode()


class Layout:
    """An OCI image layout in a directory."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self._manifests: list[dict[str, Any]] = []
        (directory / "blobs/sha256").mkdir(parents=True)
        (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')

    def blob(self, data: bytes, kind: str) -> dict[str, Any]:
        """Keep it; its descriptor."""
        name = digest(data)
        (self.directory / "blobs/sha256" / name.partition(":")[2]).write_bytes(data)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": name, "size": len(data)}

    def add(
        self,
        name: str,
        layers: list[bytes],
        run: Mapping[str, Any] | None = None,
        *,
        packed: bool = True,
        config: bytes | None = None,
        **keys: Any,
    ) -> dict[str, Any]:
        """Add an image; the descriptor of its manifest, which `keys` are added to."""
        files = [
            self.blob(gzip.compress(one, 1, mtime=0), "layer.v1.tar+gzip")
            if packed
            else self.blob(one, "layer.v1.tar")
            for one in layers
        ]
        document = {
            "schemaVersion": 2,
            "config": self.blob(config or config_of(layers, run), "config.v1+json"),
            "layers": files,
        }
        made = self.blob(json.dumps(document).encode(), "manifest.v1+json") | keys
        if name:
            made["annotations"] = {"org.opencontainers.image.ref.name": name}
        self._manifests.append(made)
        self.write_index(self._manifests)
        return made

    def write_index(self, manifests: list[dict[str, Any]]) -> None:
        """What index.json has."""
        index = {"schemaVersion": 2, "manifests": manifests}
        (self.directory / "index.json").write_text(json.dumps(index))

    def as_tar(self, path: pathlib.Path) -> pathlib.Path:
        """The same in an archive."""
        with tarfile.open(path, "w") as archive:
            for one in sorted(self.directory.rglob("*")):
                archive.add(one, str(one.relative_to(self.directory)), recursive=False)
        return path


def saved(
    path: pathlib.Path, name: str, layers: list[bytes], run: Mapping[str, Any] | None = None
) -> pathlib.Path:
    """An archive as docker save wrote it before 25.0; equal layers are links."""
    config = config_of(layers, run)
    title = hashlib.sha256(config).hexdigest()
    rows = [{"Config": f"{title}.json", "RepoTags": [name], "Layers": []}]
    seen: dict[bytes, str] = {}
    with tarfile.open(path, "w") as archive:
        for number, data in enumerate(layers):
            file = f"{number:064x}/layer.tar"
            rows[0]["Layers"].append(file)  # type: ignore[attr-defined]  # one of three is a list
            info = tarfile.TarInfo(file)
            if data in seen:
                info.type, info.linkname = tarfile.SYMTYPE, f"../{seen[data]}"
                archive.addfile(info)
                continue
            seen[data] = file
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for file, content in (
            (f"{title}.json", config),
            ("manifest.json", json.dumps(rows).encode()),
        ):
            info = tarfile.TarInfo(file)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path
