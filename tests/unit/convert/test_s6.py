"""Directories of s6, s6-rc, s6-overlay and runit: what becomes of each of their files."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from nsinit.convert.kinds import Wishes, convert, recognize
from nsinit.convert.proof import prove, settle
from nsinit.convert.s6.execline import parse
from nsinit.errors import ConvertError

if TYPE_CHECKING:
    import pathlib

S6: dict[str, Any] = {
    "min_uptime": 0, "restart": "always", "restart_delay": "1s", "restart_max_delay": "1s",
    "restart_limit": "unlimited", "restart_reset": "1s", "stop_timeout": "3650d",
    "kill_mode": "process",
}  # fmt: skip
SH = "#!/bin/sh\nexec app\n"
EXECLINE = "#!/command/execlineb -P\n"


def make(home: pathlib.Path, files: dict[str, str]) -> None:
    """Files with what is in them; a name that ends in a slash is a directory."""
    for name, text in files.items():
        path = home / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def read(
    path: pathlib.Path, root: pathlib.Path | str = ""
) -> tuple[dict[str, Any], dict[str, str], str]:
    """The tables, the reasons for what has no equal by key, and the text."""
    assert recognize(str(path)).name == "s6"
    document = convert([str(path)], Wishes({}, root=str(root)))
    text = settle(document, "nsinit.toml", {})
    prove(text, "nsinit.toml", {})
    told = {finding.key: finding.reason for finding in document.findings}
    return tomllib.loads(text), told, text


def one(home: pathlib.Path, files: dict[str, str]) -> tuple[dict[str, Any], dict[str, str], str]:
    """The table of one service directory."""
    make(home / "app", files)
    tables, told, text = read(home / "app")
    return tables["services"]["app"], told, text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b # c\n d", ["a", "b", "d"]),
        ('"a b"c \\"d e#f', ["a bc", '"d', "e#f"]),
        ('"\\n\\t\\0x41\\65\\q\\\nx" a\\\nb', ["\n\tAAqx", "ab"]),
        ('if { a { b } } "{" c', ["if", ["a", ["b"]], "{", "c"]),
        ('""', [""]),
    ],
)
def test_scripts_are_words_when_they_are_of_execline(text: str, words: list[object]) -> None:
    """Blanks, quotes, escapes, comments and blocks."""
    assert parse(text) == words


@pytest.mark.parametrize("text", ['"a', "{ a", "a }", '"\\0xff"'])
def test_scripts_are_refused_when_execline_refuses_them(text: str) -> None:
    """What is open, what was never opened."""
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_a_service_directory_is_a_service(tmp_path: pathlib.Path) -> None:
    """Always restarted after a second, without a limit; its files are keys."""
    found, told, _ = one(tmp_path, {
        "run": SH, "finish": SH, "notification-fd": "3\n", "timeout-finish": "0",
        "timeout-kill": "2500", "down-signal": "SIGINT", "down": "", "flag-newpidns": "",
        "max-death-tally": "5", "lock-fd": "4", "data/x": "", "env/A": "1", "odd": "what\n",
        "timeout-up": "7000", "instances/a/": "",
    })  # fmt: skip
    place = tmp_path / "app"
    expected = {key: value for key, value in S6.items() if key != "min_uptime"}
    assert found == expected | {
        "command": [f"{place}/run"],
        "working_dir": str(place),
        "autostart": False,
        "ready": {"fd": 3},
        "start_timeout": "7s",
        "stop_signal": "INT",
        "stop_timeout": "2.5s",
        "namespaces": {"pid": "new"},
        "post_stop": {
            "shell": True,
            "command": f'cd {place} && exec ./finish "$@"',
            "timeout": "3650d",
        },
    }
    assert set(told) == {"max-death-tally", "lock-fd", "odd", "instances"}


def test_a_run_script_is_keys_when_it_is_a_plain_chain(tmp_path: pathlib.Path) -> None:
    """Words that have keys go away, what is left is the command."""
    found, told, text = one(tmp_path, {
        "run": (
            f"{EXECLINE}# a comment\nforeground {{ mkdir -p /run/app }}\nif {{ test -w /x }}\n"
            'fdmove -c 2 1\ncd data\numask 27\nexport A "x y"\ns6-envdir ../env\n'
            "/command/s6-setuidgid www:adm\nnice -n 5\napp --flag $HOME\n"
        ),
        "env/B": "one\n", "env/C": "two", "data/": "", "finish": SH,
    })  # fmt: skip
    place = f"{tmp_path}/app"
    assert found["command"] == ["app", "--flag", "$HOME"]
    assert (found["user"], found["group"], found["nice"]) == ("www", "adm", 5)
    assert (found["working_dir"], found["umask"]) == (f"{place}/data", "027")
    assert found["environment"] == {
        "A": "x y",
        "B": {"file": f"{place}/data/../env/B"},
        "C": {"file": f"{place}/data/../env/C"},
    }
    assert found["pre_start"] == {
        "shell": True,
        "command": "{ mkdir -p /run/app || :; } && test -w /x",
        "user": 0,
        "timeout": "3650d",
    }
    assert found["post_stop"]["user"] == 0
    assert not told
    assert "HOME, USER" in text


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("importas A A\napp $A", "importas has no key"),
        ("redirfd -r 0 /x app", "redirfd has no key"),
        ("s6-softlimit -o5 app", "s6-softlimit has no key"),
        ("app ${A}", "the command has variables"),
        ("cd /x if { a } app", "a command stands between others"),
        ("if { pipeline { a } b } app", "a block has words of execline"),
        ("app { b }", "the command has a block"),
        ("s6-envdir none app", "there is no"),
        ("cd /", "it runs nothing"),
        ('app "', "a quote is never closed"),
    ],
)
def test_a_run_script_stays_when_it_says_more(tmp_path: pathlib.Path, body: str, why: str) -> None:
    """It is the command itself, and what it needs is said."""
    found, _, text = one(tmp_path, {"run": EXECLINE + body})
    assert found["command"] == [f"{tmp_path}/app/run"]
    assert f"# The script stays as it is: {why}" in text
    assert "# The script needs execline" in text


def test_a_loggers_directory_is_the_log_when_one_is_beside(tmp_path: pathlib.Path) -> None:
    """Of s6-log, svlogd and multilog; any other program is told, since nothing is piped."""
    for script, file, size, keep in (
        (f"{EXECLINE}s6-setuidgid nobody\ns6-log n20 s1000000 T /var/log/app", "/var/log/app",
         1000000, 20),
        ("#!/bin/sh\nexec svlogd -tt ./main\n", f"{tmp_path}/app/log/main", 99999, 10),
        ("#!/bin/sh\nexec setuidgid log multilog t s70000 n5 /var/log/m/\n", "/var/log/m",
         70000, 5),
    ):  # fmt: skip
        found, told, _ = one(tmp_path, {"run": SH, "log/run": script})
        assert found["log"] == {
            "file": f"{file}/current",
            "max_size": size,
            "keep": keep,
            "stderr": {"to": "console"},
        }
        assert len(told) == 1
    found, told, _ = one(tmp_path, {"run": SH, "log/run": "#!/bin/sh\nexec cat\n"})
    assert "log" not in found
    assert told == {"log": "the lines of two programs are not piped"}


def test_a_scan_directory_is_all_of_its_services(tmp_path: pathlib.Path) -> None:
    """Hidden ones and files beside them are none; runit's check is a probe."""
    make(tmp_path / "sv", {"a/run": SH, "b/run": SH, "b/check": SH, ".c/run": SH, "note": ""})
    tables, told, _ = read(tmp_path / "sv")
    assert sorted(tables["services"]) == ["a", "b"]
    assert tables["services"]["b"]["ready"] == {"exec": [f"{tmp_path}/sv/b/check"]}
    assert not told
    with pytest.raises(ConvertError, match="expected a directory with run"):
        convert([str(tmp_path / "sv/note")], Wishes({}), "s6")


def test_definitions_of_s6_rc_are_services_and_tags(tmp_path: pathlib.Path) -> None:
    """Oneshots with what undoes them, dependencies through bundles, a pipeline to a logger."""
    make(tmp_path, {
        "db/type": "longrun\n", "db/run": SH,
        "mig/type": "oneshot", "mig/up": 'foreground { echo hi } /bin/migrate "a b"',
        "mig/down": "s6-setuidgid www /bin/undo", "mig/timeout-down": "4000",
        "mig/dependencies.d/dbs": "",
        "web/type": "longrun", "web/run": SH, "web/dependencies": "mig\n# no\nnone\n",
        "web/producer-for": "web-log", "web/flag-essential": "",
        "web-log/type": "longrun", "web-log/run": f"{EXECLINE}s6-log n3 s200000 /var/log/web",
        "web-log/consumer-for": "web", "web-log/pipeline-name": "webs",
        "dbs/type": "bundle", "dbs/contents": "db\n",
        "default/type": "bundle", "default/contents.d/web": "",
        "odd/type": "strange", "loop/type": "oneshot", "loop/up": "forx i { a b } echo",
    })  # fmt: skip
    tables, told, _ = read(tmp_path)
    services = tables["services"]
    assert set(services) == {"db", "mig", "web", "loop"}
    assert services["db"]["tags"] == ["dbs"]
    assert services["mig"] == {
        "type": "oneshot",
        "command": ["/bin/migrate", "a b"],
        "pre_start": {"shell": True, "command": "{ echo hi || :; }", "timeout": "3650d"},
        "working_dir": "/",
        "depends_on": ["db"],
        "autostart": False,
        "stop_command": {"command": ["/bin/undo"], "user": "www", "timeout": "4s"},
    }
    assert services["web"]["depends_on"] == ["mig"]
    assert services["web"]["log"]["file"] == "/var/log/web/current"
    assert "autostart" not in services["web"]
    assert services["loop"]["command"] == ["execlineb", "-P", "-c", "forx i { a b } echo"]
    assert set(told) == {"flag-essential", "dependencies", "type", "s6-log"}


def test_a_root_of_s6_overlay_is_all_that_it_starts(tmp_path: pathlib.Path) -> None:
    """Scripts before and after in their order, old services, those of the bundle user."""
    rc = "etc/s6-overlay/s6-rc.d"
    make(tmp_path, {
        "etc/cont-init.d/20-b": "#!/bin/sh\n",
        "etc/cont-init.d/10-a": "#!/command/with-contenv bash\n",
        "etc/cont-finish.d/bye": "#!/bin/sh\n", "etc/fix-attrs.d/x": "/x true root 0600 0700\n",
        "etc/services.d/old/run": "#!/usr/bin/with-contenv sh\nexec old\n",
        f"{rc}/new/type": "longrun", f"{rc}/new/run": f"{EXECLINE}with-contenv new arg",
        f"{rc}/new/dependencies.d/base": "", f"{rc}/new/dependencies.d/legacy-cont-init": "",
        f"{rc}/idle/type": "longrun", f"{rc}/idle/run": SH,
        f"{rc}/user/type": "bundle", f"{rc}/user/contents.d/new": "",
    })  # fmt: skip
    tables, told, text = read(tmp_path)
    services = tables["services"]
    assert services["cont-init-10-a"]["command"] == ["bash", "/etc/cont-init.d/10-a"]
    assert services["cont-init-20-b"]["depends_on"] == {"cont-init-10-a": "exited"}
    assert services["old"]["command"] == ["sh", "/etc/services.d/old/run"]
    assert services["old"]["depends_on"] == {"cont-init-20-b": "exited"}
    assert services["new"]["command"] == ["new", "arg"]
    assert services["new"]["working_dir"] == f"/{rc}/new"
    assert services["new"]["depends_on"] == {
        "cont-init-10-a": "exited",
        "cont-init-20-b": "exited",
    }
    assert services["new"]["stop_timeout"] == "6s"
    assert (services["idle"]["autostart"], services["new"].get("autostart")) == (False, None)
    assert tables["init"]["post_stop"]["command"] == "/etc/cont-finish.d/bye"
    assert set(told) == {"fix-attrs.d"}
    assert "with-contenv is not there" in text
    assert read(tmp_path / "etc/s6-overlay")[0]["services"]["new"] is not None
    assert read(tmp_path / "etc")[0]["services"]["old"]["command"][1].startswith("/etc/services.d")
