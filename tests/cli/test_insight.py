"""The verbs that look into services, as a user types them on a running init."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.live import NSINIT, eventually, have

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Type
    from tests.support.live import Live


def _json(init: Live, *words: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(init.ctl(*words, "--json", check=False).stdout)
    return made


# --- wait -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["web"], 0, "web running"),
        (["web", "worker", "--for", "running"], 0, "worker running"),
        (["migrate"], 0, "migrate exited"),
        (["migrate", "--for", "exited"], 0, "migrate exited"),
        (["broken", "--for", "exited"], 0, "broken failed"),
        (["manual", "--for", "stopped"], 0, "manual stopped"),
        (["broken"], 1, "broken failed"),
        (["web", "--for", "stopped", "--timeout", "0.1s"], 124, ""),
        (["manual", "-t", "0.1"], 124, ""),
        (["nothing"], 4, ""),
        (["web", "--for", "happiness"], 2, ""),
        (["web", "--for"], 2, ""),
        (["web", "--timeout", "soon"], 2, ""),
    ],
)
def test_wait_ends_as_documented_when_typed(
    init: Live, words: list[str], code: int, said: str
) -> None:
    """0 reached, 1 can't be any more, 124 not in time; a failed one is not waited for."""
    done = init.ctl("wait", *words, check=False)
    assert done.returncode == code, done
    assert said in done.stdout


# --- health ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "first"),
    [
        ([], 1, "unhealthy"),
        (["web", "worker", "migrate"], 0, "healthy"),
        (["manual"], 3, "not running"),
        (["broken", "manual"], 1, "unhealthy"),
        (["tag:front"], 0, "healthy"),
        (["nothing"], 4, None),
    ],
)
def test_health_has_one_verdict_when_asked(
    init: Live, words: list[str], code: int, first: str | None
) -> None:
    """Of all that is wanted, or of what is named; the code says it too."""
    done = init.ctl("health", *words, check=False)
    assert done.returncode == code, done
    assert first is None or done.stdout.splitlines()[0] == first
    if words == ["manual"]:
        assert done.stdout.splitlines()[1:] == ["  manual: it is stopped"]
        assert _json(init, "health", "manual")["health"] == "not-running"


@pytest.mark.skipif(not have("curl"), reason="needs curl")
def test_probes_have_their_status_when_curl_asks(init: Live, fresh: Live) -> None:
    """/livez while init answers, /readyz when all that is wanted is well; the reasons as JSON."""

    def curl(who: Live, path: str) -> tuple[int, dict[str, Any]]:
        command = ["curl", "-s", "-w", "\n%{http_code}", "--unix-socket", str(who.socket)]
        command.append(f"http://nsinit{path}")
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        body, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(body)

    assert curl(init, "/livez") == (200, {"live": True})
    status, body = curl(init, "/readyz")
    assert (status, body["ready"]) == (503, False)
    assert body["reasons"] == ["broken: it is failed"]
    assert body["error"]["code"] == "not-ready"
    fresh.ctl("reset", "broken")
    assert curl(fresh, "/readyz") == (200, {"ready": True, "reasons": []})


# --- why ------------------------------------------------------------------------------------------

CHAIN = """
[init]
keep_running = true
[services.crash]
command = "sh -c 'echo first; echo oh no; exit 3'"
restart_delay = 30
[services.middle]
command = "sleep 1000"
depends_on = ["crash"]
[services.last]
command = "sleep 1000"
depends_on = ["middle"]
[services.slow]
type = "notify"
command = "sleep 1000"
[services.given-up]
command = "sh -c 'kill -9 $$$$'"
restart_limit = 1
restart_delay = 0.05
[services.poor]
command = "sleep 1000"
depends_on = ["given-up"]
"""


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """An init whose services wait for each other in vain."""
    from tests.support.live import live

    with live(tmp_path_factory.mktemp("why"), CHAIN) as made:
        eventually(made.status, "an answer")
        made.wait_for("crash", "backoff")
        made.wait_for("poor", "failed")
        yield made


def _why(init: Live, *names: str) -> str:
    text = init.ctl("why", *names).stdout
    return re.sub(r"pid \d+", "pid N", re.sub(r"\d+\.\d+s", "Ns", text))


def test_why_goes_down_to_the_cause_when_services_wait(chain: Live) -> None:
    """Each link after who waits for it; the last one says what is wrong with it."""
    assert _why(chain, "last").splitlines() == [
        "last is waiting for Ns",
        "  it waits for middle to be ready (waiting)",
        "because:",
        "  middle is waiting for Ns",
        (
            "    crash is in backoff for Ns; its last run ended with exit code 3 (result exit-code)"
            ", Ns ago; was restarted once in a row of at most 10; the next try is in Ns"
        ),
    ]


def test_why_has_the_last_words_when_a_run_has_ended(chain: Live) -> None:
    """What it wrote tells most."""
    told = _why(chain, "crash").splitlines()
    assert told[-3:] == ["its last output:", "  first", "  oh no"]
    assert "oh no" not in _why(chain, "crash", "-n", "0")


def test_why_says_what_is_awaited_when_a_service_starts(chain: Live) -> None:
    """And how long that may still take."""
    assert "it has not said by sd_notify that it is ready, Ns are left" in _why(
        chain, "slow"
    ).replace("slow is starting for Ns as pid N: ", "")


def test_why_says_who_gave_up_when_a_service_failed(chain: Live) -> None:
    """With the signal, the limit, and who failed with it."""
    told = _why(chain, "given-up")
    assert told.startswith("given-up is failed for Ns: 1 restarts in a row were not enough\n")
    assert "its last run was killed by KILL" in told
    assert "it was restarted once in a row of at most 1" in told
    told = _why(chain, "poor")
    assert told.startswith("poor is failed for Ns: given-up failed\n")
    assert "it needs given-up to be ready, and given-up is failed" in told


def test_why_says_who_stopped_it_when_stopped_by_hand(fresh: Live) -> None:
    """By uid and when; and that it is pinned."""
    fresh.ctl("stop", "worker")
    fresh.ctl("pin", "worker")
    told = _why(fresh, "worker")
    assert "it was stopped by hand, and stays so until it is started" in told
    assert "it is pinned down" in told
    assert re.search(r"uid \d+ stopped it at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", told)
    (row,) = _json(fresh, "why", "worker")["services"]
    assert row["stopped_by"].keys() == {"uid", "time"}
    assert row["state"] == "stopped"
    fresh.ctl("unpin", "worker")
    fresh.ctl("start", "worker")
    assert "uid" not in _why(fresh, "worker")


# --- blame, graph ---------------------------------------------------------------------------------


def test_blame_tells_what_the_boot_waited_for_when_asked(init: Live) -> None:
    """The slowest first, and the chain that ended last; what was started by hand is not in it."""
    text = init.ctl("blame").stdout
    head, *rows = text.split("\n\n")[0].splitlines()
    assert head.split() == ["NAME", "STATE", "WAITING", "STARTING", "UP", "AT"]
    assert {row.split()[0] for row in rows} == {"web", "worker", "migrate", "broken"}
    assert "critical chain:" in text
    answer = _json(init, "blame")
    spans = [row["starting"] for row in answer["services"]]
    assert spans == sorted(spans, reverse=True)
    (worker,) = _json(init, "blame", "worker")["services"]
    assert worker["at"] >= worker["waiting"] + worker["starting"]
    names = [row["name"] for row in _json(init, "blame", "worker")["chain"]]
    assert names == ["worker", "web"]


def test_pictures_are_drawn_when_asked(init: Live) -> None:
    """As files for a browser and for other programs; one at a time."""
    boot = init.ctl("blame", "--svg").stdout
    assert boot.startswith("<svg ")
    assert "boot: 3 of 4 services up in " in boot
    assert init.ctl("graph", "--svg", "worker").stdout.startswith("<svg ")
    assert '"web" -> "worker" [style=solid label="ready"]' in init.ctl("graph", "--dot").stdout
    assert init.ctl("graph", "--mermaid").stdout.startswith("flowchart LR\n")
    for words in (["--svg", "--dot"], ["--svg", "--json"]):
        done = init.ctl("graph", *words, check=False)
        assert done.returncode == 2
        assert done.stderr == f"nsinit: cannot show {words[0]} and {words[1]} at once\n"
    assert init.ctl("status", "--svg", check=False).returncode == 2


def test_graph_shows_needs_below_when_asked(init: Live, chain: Live) -> None:
    """Who is needed by nobody first; states with each."""
    assert init.ctl("graph").stdout.splitlines() == [
        "worker running",
        "  web running (needs it ready)",
        "migrate exited",
        "broken failed",
        "manual stopped",
    ]
    assert chain.ctl("graph", "last").stdout.splitlines()[:2] == [
        "last waiting",
        "  middle waiting (needs it ready)",
    ]
    assert _json(init, "graph", "worker")["services"][0]["needs"] == {"web": "ready"}


# --- tree, top ------------------------------------------------------------------------------------

PROCESSES = """
[init]
keep_running = true
[services.family]
command = "sh -c 'sleep 1001 & (setsid sleep 1002 &); wait'"
min_uptime = 0
[services.busy]
command = "sh -c 'while :; do :; done'"
min_uptime = 0
[services.none]
autostart = false
command = "true"
"""


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """An init with a family of processes, one of them a stray."""
    from tests.support.live import live

    with live(tmp_path_factory.mktemp("tree"), PROCESSES) as made:
        made.wait_for("family", "running")
        made.wait_for("busy", "running")
        eventually(lambda: "stray" in made.ctl("tree").stdout, "the stray")
        yield made


def test_tree_shows_who_is_whose_when_asked(processes: Live) -> None:
    """Children below their parents; what lost its parent is marked."""
    pid = processes.status()["family"]["pid"]
    (family,) = _json(processes, "tree", "family")["services"]
    roles = {p["command"]: (p["role"], p["parent"]) for p in family["processes"]}
    assert roles["sleep 1001"] == ("child", pid)
    assert roles["sleep 1002"] == ("stray", processes.pid)
    assert {p["role"] for p in family["processes"] if p["pid"] == pid} == {"main"}
    text = processes.ctl("tree").stdout
    assert re.search(r"^SERVICE/PID +STATE +RSS +ROLE +COMMAND$", text, re.MULTILINE)
    assert re.search(rf"^  {pid} +S +[\d.]+[KM] +sh -c sleep 1001", text, re.MULTILINE)
    assert re.search(r"^  \d+ +S +[\d.]+[KM] +stray +sleep 1002$", text, re.MULTILINE)
    assert re.search(r"^none +stopped$", text, re.MULTILINE)


def test_top_tells_what_services_use_when_asked(processes: Live) -> None:
    """Once; the CPU over a while."""
    rows = {row["name"]: row for row in _json(processes, "top", "-d", "0.3")["services"]}
    assert rows["family"]["processes"] == 3
    assert rows["family"]["cpu"] < 50
    assert rows["busy"]["cpu"] > 1
    assert rows["busy"]["rss"] > 100_000
    assert rows["busy"]["fds"] >= 3
    assert (rows["none"]["processes"], rows["none"]["fds"], rows["none"]["pid"]) == (0, 0, None)
    head, *lines = processes.ctl("top", "-d", "0").stdout.splitlines()
    assert head.split() == ["NAME", "STATE", "PID", "CPU%", "RSS", "PROCESSES", "FDS"]
    assert len(lines) == 3
    done = processes.ctl("top", "-d", "1h", check=False)
    assert (done.returncode, "at most 60 seconds" in done.stderr) == (1, True)


# --- The rest -------------------------------------------------------------------------------------


def test_list_is_filtered_when_a_state_is_named(init: Live) -> None:
    """Together with patterns."""
    assert init.ctl("list", "--state", "running").stdout.split() == ["web", "worker"]
    assert init.ctl("list", "tag:back", "--state", "running").stdout.split() == ["worker"]
    assert init.ctl("list", "--state", "backoff").stdout == ""
    assert init.ctl("list", "--state", "dead", check=False).returncode == 2


def test_attach_follows_when_asked(fresh: Live) -> None:
    """The past first, then what comes, until init ends."""
    command = [*NSINIT, "ctl", "attach", "broken", "migrate"]
    with subprocess.Popen(command, env=fresh.env, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "migrate  | tables \u2713\n"
        assert reader.stdout.readline() == "migrate  | done\n"
        fresh.ctl("start", "migrate")
        assert reader.stdout.readline() == "migrate  | tables \u2713\n"
        fresh.ctl("shutdown")
        assert reader.wait(20) == 0


def test_verbs_of_programs_are_none_when_typed(typed: Type) -> None:
    """They are routes."""
    for name in ("livez", "readyz"):
        assert typed("ctl", name).returncode == 2
