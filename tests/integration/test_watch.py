"""Services that are restarted or reloaded when files change, on real files."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.live import Live, eventually, live

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator


@pytest.fixture
def src(tmp_path: pathlib.Path) -> pathlib.Path:
    """A tree with something in it."""
    made = tmp_path / "src"
    (made / "lib" / "deep").mkdir(parents=True)
    (made / "app.py").write_text("1")
    return made


@pytest.fixture
def watching(tmp_path: pathlib.Path, loop: str) -> Iterator[Callable[..., Live]]:
    """Starts an init whose service "app" watches what is told, and waits until it does."""
    made = []

    def begin(watch: str, more: str = "", **env: str) -> Live:
        config = f"""
        [init]
        loop = "{loop}"
        [services.app]
        command = "sleep 1000"
        min_uptime = 0
        watch = {watch}
        {more}
        """
        made.append(live(tmp_path, config, "subreaper", **env))
        init = made[-1].__enter__()
        init.wait_for("app", "running")
        return init

    yield begin
    for one in made:
        one.__exit__(None, None, None)


def run(init: Live, number: int) -> None:
    """Wait for a run of the service."""
    init.wait_for("app", "running", run=number)


def save(path: pathlib.Path) -> None:
    """As vim does it: the old file is moved away, the new one written, the old one removed."""
    path.rename(f"{path}~")
    path.write_text("new")
    os.unlink(f"{path}~")


def replace(path: pathlib.Path) -> None:
    """As other editors do it: a new file is moved over the old one."""
    other = path.with_name(f".#{path.name}")
    other.write_text("new")
    other.rename(path)


def touch(path: pathlib.Path) -> None:
    """Only its times."""
    os.utime(path)


@pytest.mark.parametrize("change", [save, replace, touch, os.unlink, shutil.rmtree])
@pytest.mark.parametrize("whole", [True, False])
def test_service_is_restarted_when_a_file_is_saved(
    watching: Callable[..., Live],
    src: pathlib.Path,
    change: Callable[[pathlib.Path], None],
    whole: bool,
) -> None:
    """However that is done, in a watched directory or to a watched file; and each time anew."""
    path = src / "app.py"
    init = watching('{paths = ["src"], debounce = "100ms"}' if whole else
                    '{paths = ["src/app.py"], debounce = "100ms"}')  # fmt: skip
    change(src if change is shutil.rmtree else path)
    run(init, 2)
    src.mkdir(exist_ok=True)
    path.write_text("newer")
    run(init, 3)
    told = "app: restart, as " + str(src)
    assert told in init.said()


def test_changes_are_one_when_they_come_close_together(
    watching: Callable[..., Live], src: pathlib.Path
) -> None:
    """What a checkout or a build writes is one restart."""
    init = watching('{paths = ["src"], debounce = "400ms"}')
    for number in range(30):
        (src / f"{number}.py").write_text("x" * number)
    run(init, 2)
    (src / "last").touch()
    run(init, 3)
    assert "more changed" in init.said()


def test_new_directories_are_watched_when_they_come(
    watching: Callable[..., Live], src: pathlib.Path
) -> None:
    """Also below others that are new, and those that are moved; not those that were moved away."""
    init = watching('{paths = ["src"], debounce = "100ms"}')
    (src / "a" / "b").mkdir(parents=True)
    run(init, 2)
    (src / "a" / "b" / "x").touch()
    run(init, 3)
    (src / "a").rename(src / "c")
    run(init, 4)
    (src / "c" / "b" / "x").write_text("y")
    run(init, 5)
    outside = src.with_name("outside")
    (src / "c").rename(outside)
    run(init, 6)
    (outside / "b" / "x").write_text("z")
    (src / "lib" / "deep" / "y").touch()
    run(init, 7)
    assert "outside" not in init.said()


def test_path_is_watched_when_it_is_not_there_yet(
    watching: Callable[..., Live], src: pathlib.Path
) -> None:
    """Through the nearest directory above it that is."""
    init = watching('{paths = ["src/not/yet/here.conf"], debounce = "100ms"}')
    (src / "other").touch()
    (src / "not" / "yet").mkdir(parents=True)
    (src / "not" / "yet" / "here.conf").touch()
    run(init, 2)
    (src / "not" / "yet" / "here.conf").write_text("x")
    run(init, 3)


def test_links_are_followed_when_they_are_set_elsewhere(
    watching: Callable[..., Live], src: pathlib.Path
) -> None:
    """As Kubernetes replaces a ConfigMap, and as releases are switched."""
    for name in ("one", "two"):
        (src / name).mkdir()
        (src / name / "app.conf").write_text(name)
    (src / "data").symlink_to("one")
    (src / "app.conf").symlink_to("data/app.conf")
    init = watching('{paths = ["src/app.conf", "src/data"], debounce = "100ms"}')
    (src / "new").symlink_to("two")
    (src / "new").rename(src / "data")
    run(init, 2)
    (src / "two" / "app.conf").write_text("three")
    run(init, 3)


def test_nothing_happens_when_what_changes_is_excluded(
    watching: Callable[..., Live], src: pathlib.Path
) -> None:
    """What is told, and what tools write anyway."""
    init = watching('{paths = ["src"], exclude = ["*.log", "lib/*"], debounce = "100ms"}')
    (src / "a.log").touch()
    (src / "lib" / "deep" / "x").touch()
    (src / "__pycache__").mkdir()
    (src / "__pycache__" / "app.pyc").touch()
    (src / ".app.py.swp").touch()
    (src / "app.py").write_text("2")
    run(init, 2)
    assert f"as {src}/app.py changed" in init.said()


def test_dependents_follow_when_a_restart_cascades(
    watching: Callable[..., Live], src: pathlib.Path
) -> None:
    """Those that need it, also through others, in order."""
    more = """
        [services.near]
        command = "sleep 1000"
        min_uptime = 0
        depends_on = ["app"]
        [services.far]
        command = "sleep 1000"
        min_uptime = 0
        depends_on = ["near"]
        [services.other]
        command = "sleep 1000"
        min_uptime = 0
        after = ["app"]
        """
    init = watching('{paths = ["src"], debounce = "100ms", cascade = true}', more)
    init.wait_for("far", "running")
    init.wait_for("other", "running")
    (src / "app.py").write_text("2")
    init.wait_for("far", "running", run=2)
    s = init.status()
    assert [s[name]["run"] for name in ("app", "near", "far", "other")] == [2, 2, 2, 1]
    gone = [e["service"] for e in init.events() if (e["old"], e["new"]) == ("stopping", "waiting")]
    assert gone == ["far", "near", "app"]


def test_service_is_reloaded_when_that_is_the_action(
    watching: Callable[..., Live], src: pathlib.Path
) -> None:
    """The same process reads its files again."""
    script = "trap 'echo reloaded' HUP; while :; do sleep 0.05; done"
    more = f"""
        [services.web]
        command = ["sh", "-c", "{script}"]
        min_uptime = 0.2
        reload_signal = "HUP"
        watch = {{paths = ["src"], action = "reload", debounce = "100ms"}}
        """
    init = watching('{paths = ["nothing"]}', more)
    init.wait_for("web", "running")
    (src / "app.py").write_text("2")
    eventually(lambda: "web    | reloaded" in init.said(), "the reload")
    assert init.status()["web"]["run"] == 1


def test_replicas_restart_in_turn_when_they_watch_the_same(
    watching: Callable[..., Live], src: pathlib.Path
) -> None:
    """One of them is always up."""
    more = """
        [services.web]
        command = "sleep 1000"
        min_uptime = 0.2
        replicas = 2
        watch = {paths = ["src"], debounce = "100ms"}
        """
    init = watching('{paths = ["nothing"]}', more)
    for name in ("web@1", "web@2"):
        init.wait_for(name, "running")
    (src / "app.py").write_text("2")
    for name in ("web@1", "web@2"):
        init.wait_for(name, "running", run=2)
    rows = [(e["service"], e["new"]) for e in init.events() if e["run"] and "web" in e["service"]]
    assert (
        rows.index(("web@2", "stopping"))
        > [place for place, row in enumerate(rows) if row == ("web@1", "running")][1]
    )


def test_watched_paths_are_others_when_the_file_is_updated(
    watching: Callable[..., Live], src: pathlib.Path
) -> None:
    """Without a restart; what is no longer watched may change."""
    init = watching('{paths = ["src"], debounce = "100ms"}')
    other = src.with_name("other")
    other.mkdir()
    init.config.write_text(init.config.read_text().replace('"src"', '"other"'))
    init.ctl("update")
    (src / "app.py").write_text("2")
    (other / "x").touch()
    run(init, 2)
    assert f"as {other}" in init.said()
    assert f"as {src}" not in init.said()
    assert init.status()["app"]["run"] == 2


def test_service_is_tried_again_when_it_had_failed(
    watching: Callable[..., Live], src: pathlib.Path
) -> None:
    """Whoever mends the file does not want to type a command; a stopped service stays stopped."""
    more = """
        [services.broken]
        command = ["sh", "src/app.py"]
        min_uptime = 0.1
        restart = "no"
        watch = {paths = ["src"], debounce = "100ms"}
        """
    (src / "app.py").write_text("exit 3")
    init = watching('{paths = ["src"], debounce = "100ms"}', more)
    init.wait_for("broken", "failed")
    init.ctl("stop", "app")
    (src / "app.py").write_text("sleep 1000")
    eventually(lambda: init.status()["broken"]["state"] == "running", "it runs again")
    assert init.status()["app"]["state"] == "stopped"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("inotify_add_watch:ENOSPC@4-99", "fs.inotify.max_user_watches is reached"),
        ("inotify_init:EMFILE", "fs.inotify.max_user_instances reached?"),
    ],
)
def test_limit_is_told_when_the_kernel_has_no_more_watches(
    watching: Callable[..., Live], src: pathlib.Path, fault: str, told: str
) -> None:
    """Once, with what to do; the service runs all the same, and what is watched stays so."""
    init = watching('{paths = ["src"], debounce = "100ms"}', NSINIT_FAULTS=fault)
    eventually(lambda: told in init.said(), told)
    assert init.said().count(told) == 1
    if "add" in fault:
        (src / "app.py").write_text("2")
        run(init, 2)
