"""The values of `seccomp` and `landlock`, and profiles that are read with the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nsinit.errors import ConfigError
from nsinit.model.confinement import Calls, Landlock, Ports, Profile, Seccomp
from nsinit.model.load import load, parse_source
from nsinit.model.security import has_no_new_privs
from nsinit.model.tuning import Files

if TYPE_CHECKING:
    import pathlib

    from nsinit.model.spec import Config

PROFILE = '{"defaultAction": "SCMP_ACT_ALLOW"}'


def read(text: str, file: str = "n.toml") -> Config:
    """A configuration with one service."""
    return load([parse_source(file, f'[services.a]\ncommand = "x"\n{text}')], {}).config


def seccomp_of(text: str, file: str = "n.toml") -> Seccomp | None:
    """What is asked of its calls."""
    return read(text, file).services["a"].seccomp


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ('seccomp = "default"', Seccomp(profile=Profile("default"))),
        ('seccomp = "unconfined"', Seccomp(profile=Profile("unconfined"))),
        (f"seccomp = '{PROFILE}'", Seccomp(profile=Profile(PROFILE))),
        ('seccomp = {deny = "@mount"}', Seccomp(deny=Calls(("@mount",)))),
        (
            'seccomp = {default = "errno", allow = ["@io", "openat"], action = "kill"}',
            Seccomp(default="errno", allow=Calls(("@io", "openat")), action="kill"),
        ),
    ],
)
def test_filter_is_read_when_written(text: str, expected: Seccomp | None) -> None:
    """As one word, or as a table."""
    assert seccomp_of(text) == expected


def test_profile_is_taken_in_when_a_path_is_given(tmp_path: pathlib.Path) -> None:
    """Relative to the file that names it; what is in it then is what counts."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/p.json").write_text(PROFILE)
    file = str(tmp_path / "n.toml")
    expected = Seccomp(profile=Profile(PROFILE))
    assert seccomp_of('seccomp = "sub/p.json"', file) == expected
    assert seccomp_of(f'seccomp = "{tmp_path}/sub/p.json"') == expected
    assert seccomp_of('seccomp = {profile = "./sub/p.json", deny = "bpf"}', file) == Seccomp(
        profile=Profile(PROFILE), deny=Calls(("bpf",))
    )


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('"none.json"', "none.json: cannot read: No such file or directory (the profile of "),
        ('"wrong.json"', "wrong.json: syscalls[0].action: nsinit knows no SCMP_ACT_ALOW"),
        ('"broken.json"', "broken.json: not JSON: "),
        ('"./"', "cannot read: it is no regular file"),
        ("'{\"x\": 1}'", "services.a.seccomp: object missing required field `defaultAction`"),
        ('"unconfine"', 'n.toml:3: services.a.seccomp.profile: expected "default", "unconfined"'),
        ('"unconfine"', '(did you mean "unconfined"?)'),
        ("5", "services.a.seccomp.profile: expected"),
        (
            '{allow = "@moun"}',
            "there is no group of system calls '@moun' (did you mean \"@mount\"?)",
        ),
        ('{allow = "opena"}', "there is no system call 'opena' (did you mean \"open\"?)"),
        ("{allow = [1]}", "expected the name of a system call, got 1"),
        ("{allow = 1}", "expected system calls or groups of them, got 1"),
        ('{action = "warn"}', 'expected one of "errno", "kill", "log"'),
    ],
)
def test_place_is_told_when_a_filter_is_wrong(
    tmp_path: pathlib.Path, written: str, message: str
) -> None:
    """The file and the key of a profile, and whose it is."""
    rule = '[{"names": ["read"], "action": "SCMP_ACT_ALOW"}]'
    (tmp_path / "wrong.json").write_text(f'{PROFILE[:-1]}, "syscalls": {rule}}}')
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ConfigError) as caught:
        read(f"seccomp = {written}", str(tmp_path / "n.toml"))
    assert message in str(caught.value)


def test_landlock_is_read_when_written() -> None:
    """A key that is not there restricts nothing; an empty one everything of its kind."""
    paths, rest = 'read = "/usr", write = ["/tmp", "/x?"]', 'connect = [], scope = ["signal"]'
    text = f"landlock = {{{paths}, bind = 80, {rest}}}"
    assert read(text).services["a"].landlock == Landlock(
        read=Files(("/usr",)),
        write=Files(("/tmp", "/x?")),
        bind=Ports((80,)),
        connect=Ports(),
        scope=["signal"],
    )


@pytest.mark.parametrize("written", ["bind = 70000", "bind = -1", "bind = true", 'bind = "http"'])
def test_port_is_refused_when_it_is_none(written: str) -> None:
    """A port is a number."""
    with pytest.raises(ConfigError, match="expected ports from 0 to 65535"):
        read(f"landlock = {{{written}}}")


def test_sandbox_has_the_keys_when_its_services_are_to() -> None:
    """As what they start from."""
    config = read('[sandbox]\nseccomp = "unconfined"\nlandlock = {bind = []}')
    assert config.sandbox is not None
    assert config.sandbox.seccomp == Seccomp(profile=Profile("unconfined"))
    assert config.sandbox.landlock == Landlock(bind=Ports())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", False),
        ('seccomp = "default"', True),
        ("landlock = {bind = []}", True),
        ('seccomp = "default"\nno_new_privs = false', False),
    ],
)
def test_no_new_privs_goes_with_a_filter_when_nothing_else_is_said(
    text: str, *, expected: bool
) -> None:
    """The kernel takes filters from ordinary users only with it."""
    assert has_no_new_privs(read(text).services["a"], None) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'seccomp = {profile = "default", default = "allow"}',
            "services.a.seccomp.default: the profile says what holds for the rest",
        ),
        (
            'seccomp = {profile = "unconfined", deny = "bpf"}',
            'services.a.seccomp: "unconfined" leaves nothing to allow or deny',
        ),
        (
            'seccomp = {default = "errno", deny = "bpf"}',
            'services.a.seccomp.deny: with default = "errno" all is denied already',
        ),
        (
            'seccomp = {allow = "@io", deny = "read"}',
            "services.a.seccomp: both allow and deny: what holds for the rest?",
        ),
        (
            'seccomp = {deny = "execve"}',
            "services.a.seccomp.deny: without execve the service itself can't be started",
        ),
        (
            'landlock = {read = ["/usr", "tmp?"]}',
            "services.a.landlock.read[1]: expected an absolute path, got 'tmp'",
        ),
        (
            '[sandbox]\nlandlock = {write = "x"}',
            "sandbox.landlock.write[0]: expected an absolute path, got 'x'",
        ),
    ],
)
def test_keys_are_refused_when_they_contradict_each_other(text: str, message: str) -> None:
    """Each with what it means."""
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        'seccomp = {default = "errno"}',
        'seccomp = {default = "allow", deny = "@process", allow = "execve"}',
        'seccomp = {profile = "default", allow = "mount", deny = "@network-io"}',
        'landlock = {read = "/", bind = []}',
    ],
)
def test_keys_go_together_when_they_mean_something(text: str) -> None:
    """Neither an error nor a warning."""
    loaded = load([parse_source("n.toml", f'[services.a]\ncommand = "x"\n{text}')], {})
    assert loaded.warnings == []


@pytest.mark.parametrize("text", ["seccomp = {}", "landlock = {}", "landlock = {strict = true}"])
def test_warning_is_given_when_a_table_is_empty(text: str) -> None:
    """It restricts nothing."""
    loaded = load([parse_source("n.toml", f'[services.a]\ncommand = "x"\n{text}')], {})
    assert ["has no effect" in warning.message for warning in loaded.warnings] == [True]
