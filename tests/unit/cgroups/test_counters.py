"""The files of groups, as kernels write them."""

from __future__ import annotations

import pytest

from nsinit.cgroups import counters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4096\n", 4096),
        ("0", 0),
        ("max\n", None),
        ("9223372036854771712\n", None),  # no limit in version 1
        ("-1\n", None),
        ("", None),
        ("1 2", None),
        ("٣", None),
    ],
)
def test_number_is_read_when_there_is_one(text: str, expected: int | None) -> None:
    """No limit is None, as is what is no number."""
    assert counters.number(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20000 100000\n", 0.2),
        ("max 100000\n", None),
        ("-1 100000", None),  # of the two files of version 1
        ("150000 50000", 3.0),
        ("1 0", None),
        ("1 None", None),
        ("1", None),
        ("", None),
    ],
)
def test_quota_is_in_cpus_when_it_is_limited(text: str, expected: float | None) -> None:
    """Quota and period, in microseconds."""
    assert counters.quota(text) == expected


def test_table_is_read_when_lines_have_a_name_and_a_number() -> None:
    """The others are left out."""
    text = "usage_usec 12\nuser_usec 7\n\nodd\nbad x\n 3\noom_kill 0\n"
    assert counters.table(text) == {"usage_usec": 12, "user_usec": 7, "oom_kill": 0}


def test_pressure_is_read_when_the_kernel_counts_it() -> None:
    """Per cents as they are, the total in seconds; older kernels have no "full" for the CPU."""
    text = "some avg10=1.50 avg60=0.20 avg300=0.00 total=1500000\nfull avg10=0.00 total=x\n\nodd\n"
    assert counters.pressure(text) == {
        "some": {"avg10": 1.5, "avg60": 0.2, "avg300": 0.0, "total": 1.5},
        "full": {"avg10": 0.0},
    }
    assert counters.pressure("") == {}


def test_transfers_are_added_up_when_there_are_several_devices() -> None:
    """A device that was never used has no fields."""
    text = "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n254:0 rbytes=10 wbytes=x\n7:0\n"
    assert counters.transfers(text) == {"rbytes": 11, "wbytes": 2, "rios": 3, "wios": 4}


def test_operations_are_added_up_when_there_are_several_devices() -> None:
    """The totals are not counted twice."""
    text = "8:0 Read 4096\n8:0 Write 1\n8:0 Total 4097\n254:0 Read 4\nTotal 4101\n"
    assert counters.operations(text) == (4100, 1)
