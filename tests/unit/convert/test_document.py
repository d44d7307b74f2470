"""How a converted file looks, and what is said of what has no equal."""

from __future__ import annotations

import pathlib

import pytest

from nsinit.convert.document import Document, Finding
from nsinit.convert.kinds import Wishes, convert
from nsinit.convert.proof import prove, settle
from nsinit.convert.write import write
from nsinit.errors import NsinitError

GOLDEN = pathlib.Path(__file__).parent / "golden"
LOOKS = """\
# From somewhere.
# unsupported: x.conf:9: [x] (why)

[init]
shutdown_timeout = "20s"

[sandbox]

# the door
[services.web]
command = 'say "hello"'  # the program
user = "www-data"
ready = { tcp = 80, timeout = "2s" }
# unsupported: x.conf:3: program:web.umask = 9\\n8 (no octal number)

[services.web.environment]
A = "1"
B = "two $${X}"

[services.job]
command = '''
set -e
echo "$X" '\\n'
'''
shell = true
sockets = [
  { listen = "tcp:1" },
  { listen = "tcp:2", lazy = true },
]
"""


def test_file_looks_like_the_examples_when_written() -> None:
    """Keys in the order of the reference, long tables below, findings beside what they concern."""
    document = Document()
    document.top.comment("From somewhere.")
    document.top.unsupported("x.conf", 9, "[x]", "", "why")
    document.init.set("shutdown_timeout", "20s")
    document.boxed()
    web = document.service("web")
    web.comment("the door")
    web.set("environment", {"A": "1", "B": "two ${X}"})
    web.set("ready", {"tcp": 80, "timeout": "2s"})
    web.set("user", "www-data")
    web.set("command", 'say "hello"', "the program")
    for _ in range(2):
        web.unsupported("x.conf", 3, "program:web.umask", "9\n8", "no octal number")
    job = document.service("job")
    job.set("shell", value=True)
    job.set("command", "set -e\necho \"$X\" '\\n'\n")
    job.set("sockets", [{"listen": "tcp:1"}, {"listen": "tcp:2", "lazy": True}])
    assert write(document) == LOOKS
    assert document.findings[1] == Finding(
        "x.conf", 3, "program:web.umask", "9\n8", "no octal number"
    )


def test_names_are_changed_when_a_service_cannot_have_them() -> None:
    """Two that come to the same are told apart."""
    document = Document()
    made = []
    for wanted in ("a b", "a/b", "a-b", "--", "x" * 80):
        made.append(document.free_name(wanted))
        document.service(made[-1])
    assert made == ["a-b", "a-b-2", "a-b-3", "service", "x" * 64]


def test_result_is_refused_when_it_would_not_pass_the_checks() -> None:
    """That is our mistake, and is called so; a variable that is not set here is none."""
    with pytest.raises(NsinitError, match=r"internal error: .*\n.*n.toml:3: .*restart") as caught:
        prove('[services.a]\ncommand = "x"\nrestart = "never"', "n.toml", {})
    assert caught.value.exit_code == 70
    text = '[services.a]\ncommand = "x"\nworking_dir = "${WHERE}"\nlog = "${WHERE}/a.log"\n'
    assert prove(text, "n.toml", {}) == []
    assert prove(text + 'ready = { tcp = "127.0.0.1:${PORT}" }', "n.toml", {"WHERE": "/x"}) == []


def test_values_are_taken_out_when_nsinit_refuses_them() -> None:
    """No more than is wrong: one limit of several, one mount; with its place if that is known."""
    document = Document()
    table = document.service("a")
    table.set("command", "${HOME}/x ${UNSET}")
    table.set("limits", {"nofile": 5, "odd": 6, "x.y": 7})
    bad, good = {"target": "x", "source": "/y"}, {"target": "/x", "source": "/x"}
    table.set("mounts", [bad, good, {"target": "y", "type": "proc", "mode": "9"}, bad])
    table.set("restart", "sometimes", "really", origin=("f.conf", 3, "a.again"))
    text = settle(document, "f.conf", {"HOME": "/root"})
    assert prove(text, "n.toml", {}) == []
    assert set(table.keys) == {"command", "limits", "mounts"}
    assert table.keys["limits"] == {"nofile": 5}
    assert table.keys["mounts"] == [good]
    told = {(f.line, f.key, f.text) for f in document.findings}
    assert told >= {
        (0, "services.a.limits", "odd=6"), (0, "services.a.limits", "x.y=7"),
        (0, "services.a.mounts", "target=x, source=/y"), (3, "a.again", "sometimes"),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["shop.conf", "shop.yaml"])
def test_file_becomes_what_it_became_when_it_is_converted(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole of it, as people read it; golden/NAME.toml is what was looked at."""
    monkeypatch.chdir(GOLDEN)
    made = settle(convert([name], Wishes({"SITE": "here"})), name, {})
    assert made == (GOLDEN / f"{name}.toml").read_text()
