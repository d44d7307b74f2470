"""Images for real: imported, run, shared, refused and removed, by root and by an ordinary user."""

from __future__ import annotations

import json
import os
import pathlib
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.support.images import Layout, layer, layer_of, member, saved
from tests.support.live import ROOT, eventually
from tests.support.ranges import FIRST, RangedBox, lacking
from tests.support.roots import main_service, make_root, owned, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.boxes import Box

    MakeBox = Callable[..., Box]

BASE = (
    member("etc/old", "of the base\n"), member("data/", mode=0o750), member("data/one", "1"),
    member("data/two", "2"), member("gone/deep/file", "x"), member("usr/lib/real", "real\n"),
    member("way", type=tarfile.SYMTYPE, linkname="usr/lib"), member("was", "a file\n"),
)  # fmt: skip
OVER = (
    member("etc/"), member("etc/.wh.old", ""), member("etc/new", "of the second\n"),
    member("data/", mode=0o711), member("data/.wh..wh..opq", ""), member("data/three", "3"),
    member(".wh.gone", ""), member("was/now", "below\n"),
    member("abs", type=tarfile.SYMTYPE, linkname="/etc/new"),
    member("srv/of-web", "x", uid=33, gid=33, mode=0o600),
    # CAP_NET_RAW, permitted and effective, as capabilities(7) has it in a file.
    member("can", "x", pax_headers={"SCHILY.xattr.security.capability": "\1\0\0\2\0 " + "\0" * 14}),
)  # fmt: skip
RUN = {
    "Entrypoint": ["sh", "-c"],
    "Cmd": ["echo cmd"],
    "Env": ["GREETING=hello $world", "PATH=/bin:/usr/bin"],
    "WorkingDir": "/made/here",
    "StopSignal": "SIGUSR1",
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A layer with programs."""
    return layer_of(make_root(tmp_path_factory.mktemp("image-base")))


@pytest.fixture
def made(tmp_path: pathlib.Path, base: bytes) -> Layout:
    """Images of three layers, two of which they share."""
    layout = Layout(tmp_path / "layout")
    layout.add("shop:1", [base, layer(*BASE), layer(*OVER)], RUN)
    layout.add("shop:2", [base, layer(*BASE), layer(member("two", "x"))], {"Cmd": ["true"]})
    tmp_path.chmod(0o755)
    return layout


@pytest.fixture
def store(tmp_path: pathlib.Path, user: int) -> pathlib.Path:
    """Where the images of the test are."""
    return owned(tmp_path / "images", user)


def files(store: pathlib.Path) -> list[str]:
    """All that is kept: layers, images, and what was left of others."""
    return sorted(
        str(path.relative_to(store)) for part in ("layers", "images", "work")
        for path in (store / part).glob("*")
    )  # fmt: skip


@pytest.mark.row(48, 49, 50)
def test_layers_are_merged_when_an_image_runs(
    box: MakeBox, made: Layout, store: pathlib.Path, user: int
) -> None:
    """Whiteouts and opaque directories hide, links lead inside; what is written is thrown away."""
    env = {"NSINIT_IMAGE_DIR": str(store), "LEAK": "x"}
    done = box("", **env).run("image", "import", str(made.as_tar(made.directory / "../i.tar")))
    assert done.returncode == 0, done.stderr
    assert "shop:1: 3 layers, 3 of them new\nshop:2: 3 layers, 1 of them new" in done.stdout
    assert ("become yours" in done.stderr) == (user != 0)
    script = (
        "echo etc $(ls /etc | grep -v -e passwd -e hosts -e resolv)\n"
        "echo data $(ls /data) $(stat -c %a /data)\n"
        "echo top $(ls /)\n"
        "echo text $(cat /abs /way/real /was/now)\n"
        "echo env $GREETING - $LEAK $HOME $PWD\n"
        "echo owner $(stat -c %u /srv/of-web)\n"
        "rm -r /data /etc/new; echo changed > /marker; echo done $(id -u)"
    )
    ranges = f'{{uid_map = "0:{FIRST}:65536", gid_map = "0:{FIRST}:65536"}}'
    for more in (
        [],
        ["--namespaces", "user"],  # of root, with all ids
        *([["--users", ranges]] if user == 0 else []),  # root inside is nobody outside
    ):
        done = box("", "--image", "shop:1", *more, "--", script, **env).run()
        assert words(done, "etc") == ["new"]
        assert words(done, "data") == ["three", "711"]
        assert {"was", "way", "abs", "marker"} <= set(words(done, "top"))
        assert "gone" not in words(done, "top")
        assert words(done, "text") == ["of", "the", "second", "real", "below"]
        assert words(done, "env") == ["hello", "$world", "-", "/root", "/made/here"]
        assert words(done, "owner") == ["33" if user == 0 else "0"]
        assert words(done, "done") == ["0"]
    assert words(box("", "--image", "shop:1", **env).run(), "cmd") == []
    again = box("", **env).run("image", "import", str(made.directory), "--only", "shop:1", "--json")
    assert json.loads(again.stdout)[0]["unpacked"] == 0
    told = json.loads(box("", **env).run("image", "inspect", "shop:1").stdout)
    assert told["config"] == RUN
    if user == 0:
        lowest = pathlib.Path(told["layers"][0])
        assert (lowest / "marker").read_text() == "this is the root of the test\n"
    assert store.stat().st_mode & 0o777 == 0o700
    able = os.getxattr(next(store.glob("layers/*/can")), "security.capability")
    assert len(able) == (20 if user == 0 else 24), "of the root of that sandbox alone"


@pytest.mark.row(48, 49)
def test_services_run_on_an_image_when_a_file_has_them(
    box: MakeBox, made: Layout, store: pathlib.Path, tmp_path: pathlib.Path, user: int
) -> None:
    """With its environment below their own; what they write is kept where the file says so."""
    env = {"NSINIT_IMAGE_DIR": str(store)}
    assert box("", **env).run("image", "import", str(made.directory)).returncode == 0
    upper = owned(owned(tmp_path / "kept", user) / "upper", user)
    text = f'[sandbox]\nimage = "shop:1"\noverlay = {{upper = "{upper}"}}\n'
    script = "echo env $GREETING; rm /was/now; echo more >> /etc/new\n"
    first = box(text + main_service(script + "echo up; while :; do sleep 0.05; done"), **env)
    first.start()
    assert first.wait_for_line("env ").endswith("env hello $world")
    first.wait_for_line("up")
    refused = box(text + main_service("true"), **env).run()
    assert refused.returncode == 125
    assert f"{upper} is in use by process" in refused.stderr
    assert first.stop() == 143
    assert (upper / "etc/new").read_text() == "of the second\nmore\n"
    assert not (upper / "data").exists()
    again = box(text + main_service("echo text $(cat /etc/new) $(ls /was)"), **env).run()
    assert words(again, "text") == ["of", "the", "second", "more"]
    checked = box(text.replace("shop:1", "shop:7") + main_service("true"), **env)
    done = checked.run()
    assert done.returncode == 78
    assert "nsinit.toml:4: sandbox.image: there is no image 'shop:7' (did you mean" in done.stderr
    done = checked.run("check", str(checked.config))
    assert done.returncode == 0, "the file is right"
    assert done.stderr.startswith("there is no image 'shop:7' here")


def test_example_works_when_run(box: MakeBox, made: Layout, store: pathlib.Path) -> None:
    """config/image.toml: the image's own command, after another service."""
    env = {"NSINIT_IMAGE_DIR": str(store), "IMAGE": "shop:1"}
    assert box("", **env).run("image", "import", str(made.directory)).returncode == 0
    done = box((ROOT / "config/image.toml").read_text(), **env).run()
    lines = done.stdout.splitlines()
    assert lines.index("prepare | prepared in /bin:/usr/bin") < lines.index("main    | cmd"), done
    assert done.returncode == 0


def test_layers_go_when_no_image_and_no_sandbox_needs_them(
    box: MakeBox, made: Layout, store: pathlib.Path, user: int
) -> None:
    """A launcher that is killed holds nothing; what was half done before is cleared away."""
    env = {"NSINIT_IMAGE_DIR": str(store)}
    box("", **env).run("image", "import", str(made.directory))
    assert len(files(store)) == 6
    running = box("", "--image", "shop:1", "--", "echo up; sleep 1000", **env).start()
    running.wait_for_line("up")
    refused = box("", **env).run("image", "remove", "shop:1")
    assert refused.returncode == 1
    assert running.process is not None
    assert f"it is in use by process {running.process.pid}" in refused.stderr
    held = [os.readlink(path) for path in pathlib.Path(f"/proc/{running.pid}/fd").iterdir()]
    assert not [path for path in held if path.startswith(str(store))], "a way out of the root"
    box("", **env).run("image", "import", str(made.directory), "--only=shop:2", "--name=shop:1")
    assert len(files(store)) == 6, "what runs is kept, though its name is another's now"
    init = running.pid
    running.process.kill()
    eventually(lambda: not pathlib.Path(f"/proc/{init}").exists(), "the init is gone")
    for name in ("dead", "dead/tree", "dead/tree/in"):
        owned(store / "work" / name, user)
    (store / "work/dead/tree/in/file").touch()
    assert box("", **env).run("image", "remove", "shop:2").stdout == "shop:2: removed\n"
    listed = json.loads(box("", **env).run("image", "list", "--json").stdout)
    assert [one["name"] for one in listed] == ["shop:1"]
    assert len(files(store)) == 4
    assert box("", **env).run("image", "remove", "shop:1").returncode == 0
    assert files(store) == []
    assert box("", **env).run("image", "remove", "shop:1").returncode == 4
    assert box("", "--image", "shop:1", **env).run().returncode == 78


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("escape", "cannot unpack '../x': a name in a layer has no \"..\""),
        ("damaged", "is damaged: it is not sha256:"),
        ("full", "cannot unpack './bin/': No space left on device"),
        ("large", "the image is larger than it may be"),
    ],
)
@pytest.mark.parametrize("user", ["rootless"], indirect=True)
def test_nothing_is_kept_when_an_import_fails(
    box: MakeBox, base: bytes, store: pathlib.Path, tmp_path: pathlib.Path, kind: str, told: str
) -> None:
    """Whatever fails in the last layer: the store is as it was."""
    tmp_path.chmod(0o755)
    layout = Layout(tmp_path / "layout")
    bad = layer(member("../x", "x")) if kind == "escape" else layer(member("fine", "x"))
    layout.add("bad:1", [base, bad])
    if kind == "damaged":
        index = json.loads((layout.directory / "index.json").read_text())
        blobs = layout.directory / "blobs/sha256"
        manifest = blobs / index["manifests"][0]["digest"].partition(":")[2]
        last = json.loads(manifest.read_text())["layers"][-1]["digest"]
        import gzip

        data = gzip.compress(layer(member("else", "x")), 1)
        (blobs / last.partition(":")[2]).write_bytes(data)
    one = box("", NSINIT_IMAGE_DIR=str(store))
    if kind == "full":
        one.with_faults("fchmod:ENOSPC@20")
    more = ["--max-size", "1M"] if kind == "large" else []
    done = one.run("image", "import", str(layout.directory), *more)
    assert done.returncode == 1
    assert told.partition("'")[0] in done.stderr
    assert told.rpartition(": ")[2].removesuffix(":") in done.stderr
    assert files(store) == []
    assert box("", NSINIT_IMAGE_DIR=str(store)).run("image", "list").stdout.count("\n") == 1


@pytest.mark.parametrize("user", ["rootful"], indirect=True)
def test_highest_layer_counts_when_layers_are_hidden_or_equal(
    box: MakeBox, base: bytes, store: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """One that hides all below it is the lowest; one that is there twice is used once."""
    one, two = layer(member("file", "one")), layer(member("file", "two"), member("two", ""))
    path = saved(tmp_path / "s.tar", "a:1", [base, one, two, one], {"Cmd": ["cat", "/file"]})
    env = {"NSINIT_IMAGE_DIR": str(store)}
    piped = box("", **env)
    done = piped.shell(f"umask 077; cat {path} | {piped.typed()} image import - --name piped")
    assert "piped:latest: 3 layers, 3 of them new" in done.stdout, done.stderr
    done = box(
        "",
        "--image",
        "piped",
        "--",
        "sh",
        "-c",
        "echo is $(cat /file; ls /two) $(stat -c %a / /file)",
        **env,
    ).run()
    assert words(done, "is") == ["one/two", "755", "644"]
    all_new = layer(member(".wh..wh..opq", ""), *_members(base))
    Layout(tmp_path / "l").add("b:1", [two, all_new], {"Cmd": ["sh", "-c", "echo top $(ls /)"]})
    assert box("", **env).run("image", "import", str(tmp_path / "l")).returncode == 0
    done = box("", "--image", "b:1", **env).run()
    assert "marker" in words(done, "top")
    assert "two" not in words(done, "top")


def _members(archive: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
    import io

    with tarfile.open(fileobj=io.BytesIO(archive)) as file:
        found = [(info, file.extractfile(info)) for info in file]
        return [(info, data.read() if data is not None else b"") for info, data in found]


@pytest.fixture
def ranged(tmp_path: pathlib.Path) -> Iterator[RangedBox]:
    """A user who has a range of ids."""
    if os.geteuid() != 0:
        pytest.skip("needs root: mounts a /etc of its own")
    if missing := lacking():
        pytest.skip(f"needs {missing}: Debian's uidmap and util-linux")
    made = RangedBox(tmp_path / "box", "")
    made.env["NSINIT_IMAGE_DIR"] = f"{made.directory}/images"
    yield made
    made.close()


@pytest.mark.row(31)
def test_owners_are_in_the_range_when_the_user_has_one(ranged: RangedBox, made: Layout) -> None:
    """On the disk; inside they are who they were, and such an image can be removed."""
    done = ranged.run("image", "import", str(made.directory))
    assert done.returncode == 0, done.stderr
    assert "become yours" not in done.stderr
    store = pathlib.Path(ranged.env["NSINIT_IMAGE_DIR"])
    owners = {path.lstat().st_uid for path in store.glob("layers/*/srv/of-web")}
    assert owners == {FIRST + 32}
    ranged.options = ["--image", "shop:1", "--", "echo owner $(stat -c %u /srv/of-web) $(id -u)"]
    assert words(ranged.run(), "owner") == ["33", "0"]
    assert ranged.run("image", "remove", "shop:1", "shop:2").returncode == 0
    assert files(store) == []
