"""The names of images, and what an image makes of a configuration."""

from __future__ import annotations

import pytest

from nsinit.errors import ConfigError, UnknownNameError
from nsinit.model.find import load_asked
from nsinit.model.images import ImageDefaults, image_name

IMAGE = ImageDefaults(("/entry", "$x"), ("cmd", "a b"), "/srv", "web:www", "SIGQUIT")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shop", "shop:latest"),
        ("shop:1", "shop:1"),
        ("docker.io/library/debian:12", "debian:12"),
        ("localhost:5000/a/b-c_d.e:V_1", "localhost:5000/a/b-c_d.e:V_1"),
        ("localhost:5000/a", "localhost:5000/a:latest"),
        *((bad, None) for bad in (
            "", ":", "a:", ":1", "Shop", "a//b", "/a", "a/", "a:b:c", "-a", "a-", "a b", "a:-1",
            "a" * 300, "../a", "a@sha256:1", "a\n", "a:1\n",
        )),
    ],
)  # fmt: skip
def test_name_has_a_tag_when_it_is_one(text: str, name: str | None) -> None:
    """As docker spells them; with what is expected else."""
    if name is None:
        with pytest.raises(ValueError, match="expected the name of an image such as"):
            image_name(text)
    else:
        assert image_name(text) == name
        assert image_name(name) == name


def find(name: str) -> ImageDefaults:
    """The images of these tests."""
    if name == "shop:1":
        return IMAGE
    if name == "data:latest":
        return ImageDefaults()
    raise UnknownNameError(f"there is no image {name!r}", hint="did you mean 'shop:1'?")


def main(tmp_path: object, text: str, *words: str, image: str = "") -> tuple[str, ...] | None:
    """The command of the main service, if there is one."""
    path = f"{tmp_path}/n.toml"
    with open(path, "w") as file:
        file.write(text)
    options = {"image": image} if image else {}
    loaded = load_asked(path, {"WHICH": "shop:1"}, words, options=options, find_image=find)
    spec = loaded.config.services.get("main")
    return tuple(spec.command) if spec is not None else None


SANDBOX = '[sandbox]\nimage = "${WHICH}"\n'


@pytest.mark.parametrize(
    ("text", "words", "command"),
    [
        (SANDBOX, (), ("/entry", "$x", "cmd", "a b")),
        (SANDBOX, ("sh", "$HOME"), ("/entry", "$x", "sh", "$HOME")),
        (SANDBOX + "[services.a]\ncommand = 'x'", (), None),
        (SANDBOX + "[services.a]\ncommand = 'x'", ("y",), ("/entry", "$x", "y")),
        (SANDBOX + "[services.main]\nuser = 'x'", (), ("/entry", "$x", "cmd", "a b")),
        (SANDBOX + "[services.main]\ncommand = 'own'", (), ("own",)),
    ],
)
def test_command_is_dockers_when_there_is_an_image(
    tmp_path: object, text: str, words: tuple[str, ...], command: tuple[str, ...] | None
) -> None:
    """Words stand for the Cmd, behind the Entrypoint; services of the file are enough alone."""
    assert main(tmp_path, text, *words) == command


def test_keys_are_the_images_when_the_file_has_none(tmp_path: object) -> None:
    """User, directory, stop signal; what the file says counts instead."""
    path = f"{tmp_path}/n.toml"
    with open(path, "w") as file:
        file.write(SANDBOX + "[services.main]\nworking_dir = '/own'")
    loaded = load_asked(path, {"WHICH": "shop:1"}, (), find_image=find)
    spec = loaded.config.services["main"]
    assert (spec.main, spec.user, spec.working_dir) == (True, "web:www", "/own")
    assert spec.stop_signal == ((3, None),)


@pytest.mark.parametrize(
    ("text", "image", "told"),
    [
        ('[sandbox]\nimage = "ship:1"', "", "n.toml:2: sandbox.image: there is no image 'ship:1'"),
        ('[sandbox]\nimage = "A B"', "", "n.toml:2: sandbox.image: expected the name of an"),
        ('[sandbox]\nimage = "data"', "", "n.toml:2: sandbox.image: the image has no command of"),
        ("", "ship:1", "--image: there is no image 'ship:1'"),
        (
            SANDBOX + 'rootfs = "/r"',
            "",
            'n.toml:2: sandbox.image: there is "rootfs" already',
        ),
        (
            SANDBOX + 'overlay = {lower = ["/l"]}',
            "",
            "n.toml:3: sandbox.overlay.lower: the image is what has the lower layers",
        ),
        (SANDBOX + 'overlay = {work = "/w"}', "", 'overlay.work: is of use only with "upper"'),
    ],
)
def test_trouble_is_told_when_an_image_can_not_be_used(
    tmp_path: object, text: str, image: str, told: str
) -> None:
    """At its place in the file, or as the option."""
    with pytest.raises(ConfigError) as caught:
        main(tmp_path, text, image=image)
    assert told in caught.value.message
