"""Each key is described, and what describes is a key."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import pytest

from nsinit.model.load import load, parse_source
from nsinit.model.spec import Config
from nsinit.reference import entries
from nsinit.reference.page import markdown, plain
from nsinit.reference.schema import TEXTS

if TYPE_CHECKING:
    from nsinit.reference.key import Key

FILES = "nsinit/reference/services.py, sandboxes.py or tables.py"


def _structs(kind: Any, made: dict[str, type[msgspec.Struct]]) -> dict[str, type[msgspec.Struct]]:
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        for part in get_args(kind):
            _structs(part, made)
    elif kind.__name__ not in made:
        made[kind.__name__] = kind
        for field in msgspec.structs.fields(kind):
            _structs(field.type, made)
    return made


STRUCTS = _structs(Config, {})
KEYS: list[tuple[str, str, Key]] = [
    (struct, name, key)
    for struct, groups in TEXTS.items()
    for keys in groups.values()
    for name, key in keys.items()
]


def test_key_is_described_when_it_can_be_written() -> None:
    """And nothing else is; a key is in one group of its table."""
    real = {
        (name, field.encode_name)
        for name, kind in STRUCTS.items()
        for field in msgspec.structs.fields(kind)
    }
    told = [(struct, name) for struct, name, _ in KEYS]
    assert not real - set(told), f"describe in {FILES}: {sorted(real - set(told))}"
    assert not set(told) - real, f"no longer a key, remove from {FILES}: {set(told) - real}"
    assert len(told) == len(set(told))


@pytest.mark.parametrize(("struct", "name", "key"), KEYS, ids=[f"{s}.{n}" for s, n, _ in KEYS])
def test_description_is_a_sentence_when_it_is_read(struct: str, name: str, key: Key) -> None:
    """The example is TOML, and a default is said where the struct has none to show."""
    assert key.text[0].isupper() or not key.text[0].isalpha() or "," in key.text or ":" in key.text
    assert key.text.endswith(".")
    assert len(key.example) < 80
    assert tomllib.loads(f"{name} = {key.example}")
    field = next(f for f in msgspec.structs.fields(STRUCTS[struct]) if f.encode_name == name)
    shown = field.default is not None or field.default_factory is not msgspec.NODEFAULT
    assert key.default or shown, "say what its default is"


def test_page_has_every_key_when_it_is_printed() -> None:
    """With the header of its table."""
    page = markdown()
    for _, name, key in KEYS:
        row = f"{name} = {key.example}".replace("|", "\\|")
        assert f"| `{name}` |" in page
        assert row in page
    assert "`[services.NAME.health]`" in page
    assert "`[[services.NAME.sockets]]`" in page


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("services.web.restart", "services.NAME.restart"),
        ("services.NAME.log.stderr.file", "services.NAME.log.stderr.file"),
        ("[sandbox].network.nat", "sandbox.network.nat"),
        ("services.db.sockets.lazy", "services.NAME.sockets[].lazy"),
        ("stop_signal", "services.NAME.stop_signal"),
        ("include", "include"),
    ],
)
def test_key_is_found_when_its_path_is_typed(words: str, path: str) -> None:
    """By a whole path, with any name of a service, or by the end of one."""
    found = entries.find(words)
    assert [one.path for one in found] == [path]
    assert found[0].entry.line in plain(found[0])


def test_keys_are_all_found_when_several_have_the_name() -> None:
    """Each of them once, though a table may stand in several places."""
    assert {one.path for one in entries.find("timeout")} > {
        "services.NAME.ready.timeout", "services.NAME.health.timeout",
    }  # fmt: skip
    assert entries.find("nosuch") == entries.find("") == entries.find("..") == []
    assert "restart" in entries.nearest("restrat")


def test_example_is_right_when_it_is_a_key_of_a_service() -> None:
    """As `nsinit check` sees it; what a key needs beside it is given."""
    beside = {
        "main": "", "depends_on": "[services.db]\ncommand='x'\n[services.migrate]\ncommand='x'",
        "wants": "[services.cache]\ncommand='x'", "after": "[services.network]\ncommand='x'",
        "before": "[services.web]\ncommand='x'",
    }  # fmt: skip
    skipped = {"shell", "pid_file", "reload_signal", "pass_fds", "groups", "resources_optional"}
    for struct, name, key in KEYS:
        if struct != "Service" or name in skipped:
            continue
        own = "" if name == "command" else "command = 'x'\n"
        text = f"[services.shop]\n{own}{name} = {key.example}\n{beside.get(name, '')}"
        load([parse_source("n.toml", text)], {})
