"""Durations, sizes, signals and modes as people write them."""

from __future__ import annotations

import math
import signal
from typing import TYPE_CHECKING

import pytest

from nsinit import units

if TYPE_CHECKING:
    from collections.abc import Callable

HUGE_DIGITS = "9" * 5000  # more than int() takes from text (sys.set_int_max_str_digits)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (0, 0.0),
        (5, 5.0),
        (2.5, 2.5),
        ("5", 5.0),
        ("1.5", 1.5),
        (".5s", 0.5),
        ("5.s", 5.0),
        ("1.5s", 1.5),
        ("250ms", 0.25),
        ("50us", 0.000_05),
        ("3m", 180.0),
        ("3min", 180.0),
        ("2h", 7200.0),
        ("1d", 86_400.0),
        ("1h30m", 5400.0),
        ("1d 2h 3m 4s", 93_784.0),
        ("  7s ", 7.0),
        ("3650d", 315_360_000.0),
    ],
)
def test_duration_is_read_when_written_in_any_usual_way(written: object, seconds: float) -> None:
    """A bare number is seconds; units add up."""
    assert units.parse_duration(written) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    "written",
    ["", " ", "s", ".", "1..5s", "5x", "5 S", "1h30", "-1s", "1e3", "٣s", "inf", "nan", "5s!"],
)
def test_duration_is_refused_when_the_text_is_none(written: str) -> None:
    """The message says what is expected and what was found."""
    with pytest.raises(ValueError, match="expected a duration") as caught:
        units.parse_duration(written)
    assert repr(written) in str(caught.value)


@pytest.mark.parametrize(
    "written", [-1, -0.001, "3651d", math.inf, -math.inf, math.nan, 1e300, 315_360_001]
)
def test_duration_is_refused_when_out_of_range(written: object) -> None:
    """Nothing negative, nothing over ten years, and no NaN."""
    with pytest.raises(ValueError, match="between 0 and 10 years"):
        units.parse_duration(written)


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (True, "a boolean"),
        (None, "NoneType"),
        ([], "an array"),
        ({}, "a table"),
        (b"5s", "bytes"),
    ],
)
def test_duration_is_refused_when_of_another_type(written: object, kind: str) -> None:
    """The message calls the type as TOML does."""
    with pytest.raises(ValueError, match=f"expected a duration .*, got {kind}"):
        units.parse_duration(written)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (1.0, "1s"),
        (59.0, "59s"),
        (60.0, "1m"),
        (90.0, "1m30s"),
        (3600.0, "1h"),
        (5400.0, "1h30m"),
        (86_400.0, "1d"),
        (93_784.0, "1d2h3m4s"),
        (0.25, "0.25s"),
        (90.5, "90.5s"),
        (0.000_001, "0.000001s"),
        (5e-324, "0." + "0" * 323 + "5s"),
    ],
)
def test_duration_is_shown_in_units_when_it_is_whole(seconds: float, text: str) -> None:
    """Whole seconds are split; a fraction stays one number, so that it is read back exactly."""
    assert units.format_duration(seconds) == text
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("written", "size"),
    [
        (0, 0),
        (4096, 4096),
        ("0", 0),
        ("12B", 12),
        ("64KiB", 65_536),
        ("64kib", 65_536),
        ("10M", 10 << 20),
        ("10MB", 10_000_000),
        ("1.5GiB", 3 << 29),
        (" 2 T ", 2 << 40),
        ("1TB", 10**12),
        ("3kb", 3000),
        ("3K", 3 << 10),
        ("3MiB", 3 << 20),
        ("3G", 3 << 30),
        ("3GB", 3 * 10**9),
        ("3GiB", 3 << 30),
        ("3TiB", 3 << 40),
        ((1 << 63) - 1, (1 << 63) - 1),
        (str((1 << 63) - 1), (1 << 63) - 1),
    ],
)
def test_size_is_read_when_written_in_any_usual_way(written: object, size: int) -> None:
    """K is 1024, KB is 1000; whole numbers are exact up to the largest."""
    assert units.parse_size(written) == size


@pytest.mark.parametrize(
    "written", ["", "K", "1.2.3K", "-1", "+1", "1X", "1 K B", "1e3", "0x10", "٣K", "8388608T"]
)
def test_size_is_refused_when_the_text_is_none(written: str) -> None:
    """The message says what is expected and what was found."""
    with pytest.raises(ValueError, match="expected a size") as caught:
        units.parse_size(written)
    assert repr(written) in str(caught.value)


@pytest.mark.parametrize("written", [True, None, 1.0, [], {}, -1, 1 << 63, math.nan])
def test_size_is_refused_when_no_count_of_bytes(written: object) -> None:
    """A float is no number of bytes, nor is anything negative or over 2^63."""
    with pytest.raises(ValueError, match="expected a size"):
        units.parse_size(written)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (1, "1B"),
        (1000, "1000B"),
        (1024, "1KiB"),
        (256 << 10, "256KiB"),
        (3 << 20, "3MiB"),
        (1 << 40, "1TiB"),
        (1025, "1025B"),
    ],
)
def test_size_is_shown_in_the_largest_unit_when_that_is_exact(size: int, text: str) -> None:
    """Nothing is rounded."""
    assert units.format_size(size) == text


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (15, signal.SIGTERM),
        ("15", signal.SIGTERM),
        ("TERM", signal.SIGTERM),
        ("SIGTERM", signal.SIGTERM),
        ("sigterm", signal.SIGTERM),
        (" usr1 ", signal.SIGUSR1),
        ("CLD", signal.SIGCHLD),
        ("POLL", signal.SIGIO),
        ("IOT", signal.SIGABRT),
        ("RTMIN", signal.SIGRTMIN),
        ("RTMAX", signal.SIGRTMAX),
        ("SIGRTMIN+3", signal.SIGRTMIN + 3),
        ("RTMIN+0", signal.SIGRTMIN),
        ("RTMAX-1", signal.SIGRTMAX - 1),
        ("RTMIN+30", signal.SIGRTMAX),
    ],
)
def test_signal_is_read_when_written_in_any_usual_way(written: object, number: int) -> None:
    """Names with and without SIG, in any case, and numbers."""
    assert units.parse_signal(written) == number


@pytest.mark.parametrize(
    "written",
    ["", "SIG", "FOO", "SIGSIGTERM", "RTMIN+31", "RTMAX-31", "RTMIN-1", "RTMAX+1", "RTMIN+",
     "RTMIN+x", "RTMIN3", "RTMIN+٣", "٣", "0", "65", "-15", "1.5", 0, -15, 65, 1 << 70],
)  # fmt: skip
def test_signal_is_refused_when_there_is_none_of_that_name(written: object) -> None:
    """The message says what is expected and what was found."""
    with pytest.raises(ValueError, match="expected a signal") as caught:
        units.parse_signal(written)
    assert repr(written) in str(caught.value)


@pytest.mark.parametrize("written", [True, None, 15.0, ["TERM"], {}])
def test_signal_is_refused_when_of_another_type(written: object) -> None:
    """Not even a float that is whole."""
    with pytest.raises(ValueError, match="expected a signal"):
        units.parse_signal(written)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (15, "TERM"),
        (int(signal.SIGRTMIN), "RTMIN"),
        (int(signal.SIGRTMIN) + 3, "RTMIN+3"),
        (int(signal.SIGRTMAX), "RTMAX"),
        (33, "33"),
    ],
)
def test_signal_is_shown_by_name_when_it_has_one(number: int, text: str) -> None:
    """Without SIG, as the configuration has it."""
    assert units.format_signal(number) == text


@pytest.mark.parametrize(
    ("written", "mode"),
    [("022", 0o22), ("0", 0), ("0o644", 0o644), ("07777", 0o7777), (0o22, 0o22), (0, 0)],
)
def test_mode_is_read_when_octal(written: object, mode: int) -> None:
    """Text is always octal; a number is what TOML made of it."""
    assert units.parse_mode(written) == mode


@pytest.mark.parametrize(
    "written",
    ["", "0o", "8", "0x1f", "rw", "-1", "777777", "10000", True, None, 1.0, [], {}, -1, 0o10000],
)
def test_mode_is_refused_when_not_octal_or_too_large(written: object) -> None:
    """Four octal digits are all that a mode has."""
    with pytest.raises(ValueError, match="expected octal digits"):
        units.parse_mode(written)


@pytest.mark.parametrize(("mode", "text"), [(0, "0"), (0o22, "022"), (0o7777, "07777")])
def test_mode_is_shown_with_a_leading_zero_when_it_is_not_nothing(mode: int, text: str) -> None:
    """So that nobody takes it for decimal."""
    assert units.format_mode(mode) == text


@pytest.mark.parametrize(
    ("parse", "written"),
    [
        pytest.param(
            units.parse_duration,
            10**400,
            id="an integer that no float holds",
        ),
        pytest.param(
            units.parse_size,
            "9" * 400 + ".5",
            id="a size that no float holds",
        ),
        pytest.param(
            units.parse_size,
            HUGE_DIGITS,
            id="a size of many digits",
        ),
        pytest.param(
            units.parse_signal,
            HUGE_DIGITS,
            id="a signal of many digits",
        ),
        pytest.param(
            units.parse_size,
            16**5000,
            id="an integer of many digits",
        ),
        pytest.param(units.parse_mode, HUGE_DIGITS, id="a mode of many digits"),
        pytest.param(units.parse_duration, HUGE_DIGITS, id="a duration of many digits"),
    ],
)
def test_number_is_refused_in_our_words_when_it_is_absurdly_long(
    parse: Callable[[object], float], written: object
) -> None:
    """Python's own limits on numbers do not show through."""
    with pytest.raises(ValueError, match=r"^expected"):
        parse(written)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "a boolean"),
        (1, "an integer"),
        (1.0, "a float"),
        ("x", "a string"),
        ([], "an array"),
        ({}, "a table"),
        (None, "NoneType"),
    ],
)
def test_kind_is_called_as_toml_calls_it(value: object, words: str) -> None:
    """People wrote TOML and not Python."""
    assert units.kind_of(value) == words
