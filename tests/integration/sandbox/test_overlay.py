"""Layers as a root: what is read through, what is kept, what is thrown away, and who may write."""

from __future__ import annotations

import os
import pathlib
import shutil
import stat
import time
from typing import TYPE_CHECKING

import pytest

from nsinit.kernel import mountinfo
from tests.support.live import ROOT, eventually
from tests.support.roots import main_service, make_root, owned, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.boxes import Box

    MakeBox = Callable[..., Box]

SLEEP = main_service("echo up; sleep 1000")


@pytest.fixture
def layers(tmp_path: pathlib.Path, user: int) -> pathlib.Path:
    """A base with programs, a layer over it, and room for what is written."""
    made = owned(tmp_path / "layers", user)
    make_root(owned(made / "base", user), user)
    for name in ("image", "image/etc", "upper"):
        owned(made / name, user)
    (made / "base/etc/both").write_text("of the base\n")
    (made / "base/etc/old").write_text("old\n")
    (made / "image/etc/both").write_text("of the image\n")
    for path in (made / "base/etc").iterdir():
        os.chown(path, user, user)
    return made


def overlay(layers: pathlib.Path, more: str = "") -> str:
    """The image over the base, with an upper layer of their own."""
    lower = f'"{layers}/image", "{layers}/base"'
    return f"[sandbox]\noverlay = {{{', '.join(filter(None, [f'lower = [{lower}]', more]))}}}\n"


@pytest.mark.row(48, 49, 50)
def test_upper_layer_has_the_changes_when_the_sandbox_has_ended(
    box: MakeBox, layers: pathlib.Path
) -> None:
    """Reads fall through, the first layer hides the next; changes are copies, deletions marks."""
    config = overlay(layers, f'upper = "{layers}/upper"')
    script = (
        "echo both $(cat /etc/both); echo marker $(cat /marker)\n"
        "echo changed >> /etc/old; rm /marker; echo new > /new; echo names $(ls /)\n"
    )
    done = box(config + main_service(script)).run()
    assert words(done, "both") == ["of", "the", "image"]
    assert words(done, "marker")[:3] == ["this", "is", "the"]
    assert {"new", "bin"} <= set(words(done, "names"))
    assert "marker" not in words(done, "names")
    upper = layers / "upper"
    assert (upper / "etc/old").read_text() == "old\nchanged\n"
    assert (layers / "base/etc/old").read_text() == "old\n"
    assert (layers / "base/marker").exists()
    whiteout = (upper / "marker").stat()
    assert stat.S_ISCHR(whiteout.st_mode)
    assert whiteout.st_rdev == 0
    assert not (upper / "etc/both").exists()
    assert sorted(path.name for path in layers.iterdir() if "upper" in path.name) == ["upper"]
    again = box(config + main_service("echo old $(cat /etc/old); echo names $(ls /)")).run()
    assert words(again, "old") == ["old", "changed"]
    assert "new" in words(again, "names")


@pytest.mark.row(50)
def test_layers_are_named_when_the_mounts_are_listed(box: MakeBox, layers: pathlib.Path) -> None:
    """Lower, upper and work, by their paths; a work directory that was given stays."""
    work = owned(layers / "work", os.stat(layers / "base").st_uid)
    made = box(overlay(layers, f'upper = "{layers}/upper", work = "{work}"') + SLEEP).start()
    made.wait_for_line("up")
    root = next(m for m in mountinfo.read(made.pid) if m.target == "/")
    assert root.kind == "overlay"
    options = set(root.super_options)
    assert {f"lowerdir+={layers}/image", f"lowerdir+={layers}/base"} <= options
    assert {f"upperdir={layers}/upper", f"workdir={work}"} <= options
    held = [os.readlink(path) for path in pathlib.Path(f"/proc/{made.pid}/fd").iterdir()]
    assert not [path for path in held if path.startswith(str(layers))], "a way out of the root"
    assert made.stop() == 143
    assert not list(work.iterdir())


@pytest.mark.parametrize("more", ["ephemeral = true", ""])
@pytest.mark.row(48)
def test_layers_stay_as_they_are_when_nothing_is_to_be_kept(
    box: MakeBox, layers: pathlib.Path, more: str
) -> None:
    """What is written is in memory; without a place for it nothing can be written."""
    before = {path: path.stat().st_mtime_ns for path in layers.glob("[bi]*/**/*")}
    done = box(
        overlay(layers, more) + main_service("echo x > /etc/old; echo code $?; ls /etc")
    ).run()
    assert words(done, "code") == (["0"] if more else ["2"])
    assert {path: path.stat().st_mtime_ns for path in layers.glob("[bi]*/**/*")} == before
    assert not list((layers / "upper").iterdir())


@pytest.mark.row(48)
def test_second_sandbox_is_refused_when_the_upper_layer_is_in_use(
    box: MakeBox, layers: pathlib.Path
) -> None:
    """With the process that holds it; it is free again when that has ended, however it did."""
    config = overlay(layers, f'upper = "{layers}/upper"')
    first = box(config + SLEEP).start()
    first.wait_for_line("up")
    assert first.process is not None
    refused = box(config + main_service("true")).run()
    assert refused.returncode == 125
    assert f"cannot hold {layers}/upper" in refused.stderr
    assert f"upper is in use by process {first.process.pid} (" in refused.stderr
    assert "every sandbox needs an upper and a work directory of its own" in refused.stderr
    init = first.pid
    first.process.kill()
    eventually(lambda: not pathlib.Path(f"/proc/{init}").exists(), "the init is gone")
    assert box(config + main_service("true")).run().returncode == 0


def test_second_sandbox_is_refused_when_the_work_directory_is_in_use(
    box: MakeBox, layers: pathlib.Path, user: int
) -> None:
    """With another upper layer too: the kernel would let both write there."""
    other, work = owned(layers / "other", user), owned(layers / "work", user)
    first = box(overlay(layers, f'upper = "{layers}/upper", work = "{work}"') + SLEEP).start()
    first.wait_for_line("up")
    config = overlay(layers, f'upper = "{other}", work = "{work}"') + main_service("true")
    refused = box(config).run()
    assert refused.returncode == 125
    assert f"{work} is in use by process" in refused.stderr
    assert (work / "work").exists()


@pytest.mark.parametrize("given", ["", ', work = "{}"'])
def test_sandbox_is_refused_when_there_are_files_in_the_work_directory(
    box: MakeBox, layers: pathlib.Path, user: int, given: str
) -> None:
    """They are somebody's, and stay."""
    work = owned(layers / "upper.work", user)
    (work / "precious").write_text("data\n")
    more = f'upper = "{layers}/upper"' + given.format(work)
    done = box(overlay(layers, more) + main_service("true")).run()
    assert done.returncode == 125
    assert f"there are other files in {work}" in done.stderr
    assert "name a directory that is empty" in done.stderr
    assert (work / "precious").read_text() == "data\n"


def test_work_directory_is_emptied_when_a_killed_launcher_has_left_it(
    box: MakeBox, layers: pathlib.Path
) -> None:
    """What the kernel had in it is in nobody's way."""
    config = overlay(layers, f'upper = "{layers}/upper"')
    first = box(config + SLEEP).start()
    first.wait_for_line("up")
    assert first.process is not None
    init = first.pid
    first.process.kill()
    eventually(lambda: not pathlib.Path(f"/proc/{init}").exists(), "the init is gone")
    assert (layers / "upper.work" / "work").exists()
    assert box(config + main_service("true")).run().returncode == 0
    assert not (layers / "upper.work").exists()


def test_error_arrives_when_hundreds_of_layers_have_long_names(
    box: MakeBox, layers: pathlib.Path
) -> None:
    """It is cut in the middle; the reason is told."""
    names = [f"{layers}/" + f"layer{number}".ljust(80, "x") for number in range(300)]
    for name in names:
        pathlib.Path(name).mkdir()
    lower = ", ".join(f'"{name}"' for name in [*names, "/nonexistent"])
    done = box(f"[sandbox]\noverlay = {{lower = [{lower}]}}\n" + main_service("true")).run()
    assert done.returncode == 125
    assert f"cannot take the layers {names[0]}, " in done.stderr
    assert "No such file or directory" in done.stderr
    assert "internal error" not in done.stderr


def test_sandbox_is_refused_when_a_layer_is_missing(box: MakeBox, layers: pathlib.Path) -> None:
    """Nothing of it is left: no work directory, and the lock is free."""
    shutil.rmtree(layers / "image")
    config = overlay(layers, f'upper = "{layers}/upper"') + main_service("true")
    done = box(config).run()
    assert done.returncode == 125
    assert f"cannot take the layers {layers}/image" in done.stderr
    assert not (layers / "upper.work").exists()


def test_sandbox_starts_soon_when_it_has_many_layers(
    box: MakeBox, layers: pathlib.Path, user: int
) -> None:
    """As many as images have; a name of each is seen."""
    names = [str(owned(layers / f"layer{number}", user)) for number in range(60)]
    for number, name in enumerate(names):
        (pathlib.Path(name) / f"n{number}").touch()
    lower = ", ".join(f'"{name}"' for name in [*names, str(layers / "base")])
    config = f"[sandbox]\noverlay = {{lower = [{lower}], ephemeral = true}}\n"
    begun = time.monotonic()
    done = box(config + main_service("echo names $(ls /)")).run()
    assert time.monotonic() - begun < 10
    assert {f"n{number}" for number in range(60)} <= set(words(done, "names"))


@pytest.mark.row(38, 48, 50)
def test_example_works_when_run(box: MakeBox, user: int) -> None:
    """config/rootfs.toml: a root of one small layer and the host's programs."""
    made = box((ROOT / "config/rootfs.toml").read_text())
    shutil.copytree(ROOT / "config/rootfs", made.directory / "rootfs")
    for path in [made.directory / "rootfs", *(made.directory / "rootfs").rglob("*")]:
        os.chown(path, user, user)
    made.start()
    made.wait_for_line("This is a file of the lower layer.")
    assert "box sees" in made.wait_for_line("box sees")
    root = made.root()
    assert (root / "etc/resolv.conf").read_text() == "nameserver 192.0.2.53\n"
    assert made.stop() == 0
    assert {path.name for path in (made.directory / "rootfs").rglob("*")} == {"etc", "motd"}
