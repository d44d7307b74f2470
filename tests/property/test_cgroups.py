"""Whatever /proc says of cgroups is read, and a weight stays one on every scale."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nsinit.cgroups.settings import scale, settings, shares
from nsinit.kernel.cgroups import Membership, Place, find_places, parse_memberships
from nsinit.kernel.mountinfo import Mount
from nsinit.model.resources import Count, Cpus, Io, IoLimit, Resources, Weight
from nsinit.model.tuning import CpuSet
from nsinit.model.types import Size

SCALES = st.sampled_from([(1, 100, 10_000), (1, 100, 1000), (2, 1024, 262_144)])
PATHS = st.text("/ab.é\\", max_size=8).map(lambda text: f"/{text}")
CONTROLLERS = st.sampled_from([(), ("cpu", "cpuacct"), ("memory",), ("name=systemd",)])
MOUNTS = st.builds(
    lambda kind, root, options, words: Mount(
        1, 0, "0:1", root, "/sys/fs/cgroup/x", options, (), kind, "none", words
    ),
    st.sampled_from(["cgroup", "cgroup2", "tmpfs"]),
    PATHS,
    st.sampled_from([("rw",), ("ro",)]),
    st.sampled_from([("rw", "cpu", "cpuacct"), ("rw", "memory"), ("rw", "name=systemd"), ("rw",)]),
)


@given(st.text() | st.lists(st.sampled_from(["0", ":", "/", "cpu", ",", "\n"])).map("".join))
def test_memberships_are_read_when_the_text_is_anything(text: str) -> None:
    """Lines of another shape are left out; those that are read lead from the root."""
    assert all(one.path.startswith("/") for one in parse_memberships(text))


@given(st.lists(MOUNTS, max_size=5), st.lists(st.builds(Membership, CONTROLLERS, PATHS)))
def test_places_are_below_their_mounts_when_the_mounts_are_any(
    mounts: list[Mount], memberships: list[Membership]
) -> None:
    """One for each hierarchy that has controllers, and none outside of what is mounted."""
    found = find_places(mounts, memberships)
    assert len({place.controllers for place in found}) == len(found)
    for place in found:
        assert isinstance(place, Place)
        assert place.version == (1 if place.controllers else 2)
        assert not place.below or (place.below.startswith("/") and place.below[:3] != "/..")


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_shares_are_in_order_when_weights_are(one: int, two: int) -> None:
    """And within what the kernel takes; 100 is 1024, as both defaults are."""
    assert 2 <= shares(one) <= 262_144
    assert (shares(one) <= shares(two)) == (one <= two) or shares(one) == shares(two)


@given(SCALES, SCALES, st.data())
def test_weight_is_on_the_scale_when_it_is_converted(
    old: tuple[int, int, int], new: tuple[int, int, int], data: st.DataObject
) -> None:
    """The ends and the default are each other's; the order stays."""
    least, usual, most = old
    assert tuple(scale(value, old, new) for value in old) == new
    value = data.draw(st.integers(least, most))
    assert new[0] <= scale(value, old, new) <= new[2]
    assert (scale(value, old, new) <= new[1]) == (value <= usual) or scale(value, old, new) == new[
        1
    ]


SOME = st.none()
RESOURCES = st.builds(
    Resources,
    cpu=SOME | st.floats(0.01, 64).map(Cpus),
    cpu_weight=SOME | st.integers(1, 10_000).map(Weight),
    cpuset=SOME | st.sets(st.integers(0, 64), min_size=1).map(lambda s: CpuSet(sorted(s))),
    memory=SOME | st.integers(1 << 20, 1 << 40).map(Size),
    memory_high=SOME | st.integers(1 << 20, 1 << 40).map(Size),
    swap=SOME | st.integers(0, 1 << 40).map(Size),
    pids=SOME | st.integers(1, 1 << 20).map(Count),
    io=SOME | st.builds(
        Io,
        weight=SOME | st.integers(1, 10_000).map(Weight),
        limits=st.lists(
            st.builds(IoLimit, device=st.sampled_from(["8:0", "8:16"]), read=st.just(Size(5))),
            max_size=2,
        ),
    ),
)  # fmt: skip


@given(RESOURCES, RESOURCES, st.sampled_from([1, 2]))
def test_limits_are_undone_when_they_are_given_up(
    before: Resources, now: Resources, version: int
) -> None:
    """Every file that the one before wrote is written again; nothing is written twice."""
    versions = dict.fromkeys(("cpu", "cpuset", "memory", "pids", "io"), version)
    wrote = {(one.files, one.text.split()[0] if ":" in one.text else "") for one in settings(
        before, versions, str)}  # fmt: skip
    after = settings(now, versions, str, before)
    files = [(one.files, one.text.split()[0] if ":" in one.text else "") for one in after]
    both = now.swap is None or now.memory is not None  # else version 1 has no limit to undo
    assert (version == 1 and not both) or wrote <= set(files)
    assert len(files) == len(set(files))
