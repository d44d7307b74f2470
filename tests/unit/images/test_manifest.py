"""What an archive says of its images."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.errors import ImageError
from nsinit.images.archive import open_archive
from nsinit.images.kept import Platform
from nsinit.images.manifest import Image, machine, read_images
from tests.support.images import ARCHITECTURE, Layout, config_of, layer, member, saved

if TYPE_CHECKING:
    import pathlib

ONE, TWO = layer(member("a", "1")), layer(member("b", "2"))
HERE = Platform("amd64", "linux")


def read(path: pathlib.Path, here: Platform | None = None) -> list[Image]:
    """The images of an archive."""
    archive = open_archive(str(path), 1 << 30)
    try:
        return read_images(archive, here or machine())
    finally:
        archive.close()


@pytest.fixture
def layout(tmp_path: pathlib.Path) -> Layout:
    """An empty one."""
    return Layout(tmp_path / "layout")


def test_image_is_known_when_it_is_an_oci_layout(layout: Layout, tmp_path: pathlib.Path) -> None:
    """In a directory and in an archive, of plain and packed layers."""
    layout.add("shop:1", [ONE, TWO], {"Cmd": ["x"], "Env": ["A=1"], "Labels": None})
    layout.add("shop:2", [ONE], packed=False)
    for path in (layout.directory, layout.as_tar(tmp_path / "l.tar")):
        first, second = read(path)
        assert first.names == ("shop:1",)
        assert len(first.layers) == 2
        assert (first.config.Cmd, first.config.Env) == (["x"], ["A=1"])
        assert second.layers[0].diff_id == second.layers[0].digest == first.layers[0].diff_id
        assert first.layers[0].digest != first.layers[0].diff_id


def test_image_is_known_when_docker_saved_it(tmp_path: pathlib.Path) -> None:
    """The old way: equal layers are links, and only the configuration tells what they are."""
    path = saved(tmp_path / "s.tar", "shop:1", [ONE, TWO, ONE], {"User": "web"})
    (image,) = read(path)
    assert image.names == ("shop:1",)
    assert image.config.User == "web"
    assert image.layers[0].diff_id == image.layers[2].diff_id
    archive = open_archive(str(path), 1 << 30)
    assert archive.open(image.layers[2].name).size == len(ONE)
    archive.close()


def test_name_is_dockers_when_both_descriptions_are_there(layout: Layout) -> None:
    """Docker since 25.0 writes an index with the tag alone, and its own manifest."""
    layout.add("1", [ONE])
    image = read(layout.directory)[0]
    assert image.names == (":1",)
    row = {"Config": f"blobs/sha256/{image.id}", "RepoTags": ["shop:1", "b:2"], "Layers": []}
    (layout.directory / "manifest.json").write_text(json.dumps([row]))
    assert read(layout.directory)[0].names == ("shop:1", "b:2")


def test_image_of_this_machine_is_taken_when_there_are_several(layout: Layout) -> None:
    """In an index of its own too; what is no image is passed over."""
    platforms = [
        ({"os": "linux", "architecture": "arm64"}, {}),
        ({"os": "linux", "architecture": "amd64"}, {}),
        ({"os": "unknown", "architecture": "unknown"}, {}),
        (None, {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}),
    ]
    made = []
    for number, (platform, more) in enumerate(platforms):
        keys: dict[str, Any] = {"platform": platform} if platform else {}
        made.append(layout.add("", [ONE], {"User": str(number)}, **keys) | more)
    layout.write_index(made)
    (image,) = read(layout.directory, HERE)
    assert image.config.User == "1"
    inner = layout.blob(json.dumps({"manifests": made}).encode(), "index.v1+json")
    layout.write_index([inner | {"annotations": {"org.opencontainers.image.ref.name": "x:1"}}])
    (image,) = read(layout.directory, HERE)
    assert (image.names, image.config.User) == (("x:1",), "1")
    with pytest.raises(ImageError, match=r"no image for linux/s390x .* has linux/amd64, linux/arm"):
        read(layout.directory, Platform("s390x", "linux"))


def broken(layout: Layout, kind: str) -> None:
    """Make something of it wrong."""
    blobs = layout.directory / "blobs/sha256"
    index = json.loads((layout.directory / "index.json").read_text())
    manifest = blobs / index["manifests"][0]["digest"].partition(":")[2]
    config = blobs / json.loads(manifest.read_text())["config"]["digest"].partition(":")[2]
    match kind:
        case "manifest":
            manifest.write_text(manifest.read_text().replace("schemaVersion", "schemaversion"))
        case "config":
            config.write_text(config.read_text() + " ")
        case "missing":
            config.unlink()
        case "link":
            config.unlink()
            config.symlink_to("/etc/passwd")
        case "fifo":
            import os

            config.unlink()
            os.mkfifo(config)
        case "digest":
            index["manifests"][0]["digest"] = "sha256:../../../etc/passwd"
            layout.write_index(index["manifests"])
        case "types":
            layout.write_index([{"digest": 7}])
        case "depth":
            (layout.directory / "index.json").write_text("[" * 100_000)
        case "none":
            layout.write_index([])
        case _:
            (layout.directory / "index.json").unlink()


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("manifest", "sha256:[0-9a-f]{64} is damaged"),
        ("config", "sha256:[0-9a-f]{64} is damaged"),
        ("missing", "cannot read blobs/sha256/.*: No such file"),
        ("link", "cannot read blobs/sha256/.*: No such file"),
        ("fifo", "it is no regular file"),
        ("digest", "only sha256 digests are known"),
        ("types", "cannot understand index.json: Expected `str`, got `int`"),
        ("depth", "cannot understand index.json"),
        ("none", "there is no image in"),
        ("index", "there is no index.json"),
    ],
)
def test_archive_is_refused_when_something_of_it_is_wrong(
    layout: Layout, kind: str, told: str
) -> None:
    """With what it is."""
    layout.add("shop:1", [ONE])
    broken(layout, kind)
    with pytest.raises(ImageError, match=told):
        read(layout.directory)


@pytest.mark.parametrize("count", [0, 501])
def test_image_is_refused_when_an_overlay_can_not_have_its_layers(
    layout: Layout, count: int
) -> None:
    """None, or more than the kernel takes."""
    layers = [layer(member(f"f{number}", "")) for number in range(count)]
    layout.add("shop:1", layers)
    with pytest.raises(ImageError, match=f"it has {count} layers"):
        read(layout.directory)


def test_image_is_refused_when_its_configuration_tells_of_other_layers(layout: Layout) -> None:
    """There would be layers of which nobody says what they are."""
    layout.add("shop:1", [ONE, TWO], config=config_of([ONE]))
    with pytest.raises(ImageError, match="has 2 layers, and tells of 1"):
        read(layout.directory)
    assert machine().architecture == ARCHITECTURE
