"""One home for Hypothesis strategies that more than one property needs."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from nsinit import units

# For properties of which one example takes long: a third of the profile's.
DEAR = settings(max_examples=settings().max_examples // 3)

# --- Values of a configuration --------------------------------------------------------------------

# Whatever TOML or JSON can hold, and what only Python can.
SCALARS: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 70), 1 << 70)
    | st.floats()
    | st.text()
    | st.binary(max_size=8)
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
# Text that is nearly right finds more than text that is nowhere near.
UNIT_TEXT = st.text("0123456789.+-eE_ dhmsuKMGTiBRTMINAXSIGox", max_size=12)

SECONDS = st.floats(0, 10 * 365 * 86_400.0) | st.integers(0, 10 * 365 * 86_400).map(float)
SIZES = st.integers(0, (1 << 63) - 1) | st.builds(
    lambda count, power: count << power, st.integers(0, 1 << 13), st.sampled_from([10, 20, 30, 40])
)
SIGNALS = st.sampled_from(sorted(units.VALID_SIGNALS))
MODES = st.integers(0, 0o7777)

# --- Services -------------------------------------------------------------------------------------

NAMES = st.text("abcXYZ019_.-", min_size=1, max_size=8).filter(lambda name: name[0].isalnum())
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0$"), min_size=1, max_size=8)


@st.composite
def edges(draw: st.DrawFn, *, acyclic: bool = False) -> dict[str, list[str]]:
    """A directed graph; an acyclic one leads only to earlier names, listed in any order."""
    names = [f"s{number}" for number in range(draw(st.integers(0, 7)))]
    made: dict[str, list[str]] = {}
    for index, name in enumerate(names):
        targets = names[:index] if acyclic else names
        choice = st.lists(st.sampled_from(targets), max_size=4) if targets else st.just([])
        made[name] = draw(choice)
    order = draw(st.permutations(names))
    return {name: made[name] for name in order}


@st.composite
def service_tables(draw: st.DrawFn, earlier: list[str]) -> dict[str, Any]:
    """The table of one service as somebody may write it; it needs nothing but `earlier` ones."""
    table: dict[str, Any] = {"command": draw(st.lists(WORDS, min_size=1, max_size=3))}
    optional: dict[str, st.SearchStrategy[Any]] = {
        "type": st.sampled_from(["simple", "oneshot", "notify"]),
        "description": st.text(st.characters(codec="utf-8", exclude_characters="$\0"), max_size=8),
        "autostart": st.booleans(),
        "user": st.integers(0, 65_535) | st.just("www"),
        "umask": MODES,
        "environment": st.dictionaries(
            NAMES,
            WORDS | st.integers() | st.booleans() | st.just({"file": "secret?"}),
            max_size=2,
        ),
        "limits": st.dictionaries(st.sampled_from(["nofile", "core"]), SIZES, max_size=2),
        "env_file": st.sampled_from([".env?", ["/a.env", "b.env"]]),
        "nice": st.integers(-20, 19),
        "ioprio": st.sampled_from(["idle", "best-effort", "realtime:0"]),
        "scheduler": st.sampled_from(["batch", "fifo:99"]),
        "cpu_affinity": st.sampled_from(["0-3,5", [1, "2-3"], 0]),
        "oom_score_adj": st.integers(-1000, 1000),
        "essential": st.booleans(),
        "tags": st.lists(NAMES, max_size=2),
        "ready": st.fixed_dictionaries({"notify": st.booleans()}),
        "start_timeout": SECONDS.map(units.format_duration),
        "min_uptime": st.integers(0, 60),
        "restart": st.sampled_from(["no", "on-failure"]),
        "restart_delay": SECONDS,
        "restart_limit": st.integers(0, 20) | st.just("unlimited"),
        "success_exit_codes": st.lists(st.integers(0, 255) | st.just("TERM"), max_size=3),
        "restart_prevent_codes": st.integers(0, 255),
        "stop_signal": st.sampled_from(["INT", ["TERM", "5s", "INT"], "RTMIN+3"]),
        "stop_timeout": st.integers(0, 20),
        "kill_mode": st.sampled_from(["group", "process", "mixed"]),
        "watch": st.sampled_from(["src", {"paths": ["a", "b"], "cascade": True}]),
        "log": st.sampled_from(["null", {"to": "inherit", "ring": "64KiB"}]),
    }
    if earlier:
        some = st.lists(st.sampled_from(earlier), max_size=2, unique=True)
        conditions = st.sampled_from(["started", "ready", "completed", "exited"])
        optional["depends_on"] = some | some.flatmap(
            lambda names: st.fixed_dictionaries(dict.fromkeys(names, conditions))
        )
        optional |= {"wants": some, "after": some}
    for key, values in optional.items():
        if draw(st.booleans()):
            table[key] = draw(values)
    return table


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    """The tables of a whole configuration that is right."""
    services: dict[str, Any] = {}
    for name in draw(st.lists(NAMES, min_size=1, max_size=4, unique=True)):
        services[name] = draw(service_tables(list(services)))
    if draw(st.booleans()):  # nobody needs it: it is never completed
        times = st.sampled_from(["@daily", {"every": "5s", "jitter": 1, "missed": "skip"}])
        services["job"] = {"command": "x", "type": "oneshot", "schedule": draw(times)}
    data: dict[str, Any] = {"services": services}
    if draw(st.booleans()):
        data["init"] = {"shutdown_timeout": draw(SECONDS), "keep_running": draw(st.booleans())}
    return data


# --- TOML -----------------------------------------------------------------------------------------

TOML_KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
TOML_SCALARS: st.SearchStrategy[Any] = (
    st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"), max_size=12)
)
TOML_VALUES: st.SearchStrategy[Any] = st.recursive(
    TOML_SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TOML_KEYS, inner, max_size=3),
    max_leaves=8,
)
TOML_TABLES = st.dictionaries(TOML_KEYS, TOML_VALUES, max_size=4)


# --- Streams --------------------------------------------------------------------------------------


@st.composite
def cuts(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The same bytes in pieces, none of them empty."""
    if not data:
        return []
    places = draw(st.sets(st.integers(1, max(1, len(data) - 1)), max_size=12))
    ends = [*sorted(place for place in places if place < len(data)), len(data)]
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]
