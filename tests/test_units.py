from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakecheck import units

SIZES = st.integers(min_value=0, max_value=10**17)
READERS: list[Callable[[str], float]] = [units.size, units.duration, units.rate]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0B", 0),
        ("100B", 100),
        ("1kB", 1000),
        ("1KiB", 1024),
        ("1.5MB", 1_500_000),
        ("1GiB", 2**30),
        ("0.1TB", 10**11),
        ("9007199254740993B", 9007199254740993),  # one more than a float can hold
    ],
)
def test_size_in_bytes(text: str, count: int) -> None:
    assert units.size(text) == count


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("1m", 60), ("23h", 82800), ("1d", 86400), ("1w", 604800), ("0.5s", 0.5)],
)
def test_duration_in_seconds(text: str, seconds: float) -> None:
    assert units.duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "rate"), [("25MB/s", 25e6), ("60MB/m", 1e6), ("86400B/d", 1), ("1KiB/s", 1024)]
)
def test_rate_in_bytes_per_second(text: str, rate: float) -> None:
    assert units.rate(text) == rate


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1MBB", '"1MBB" is not a size; write a number and a unit, such as 1MB'),
        ("100", '"100" is not a size; write a number and a unit, such as 1MB'),
        ("1mb", '"1mb" is not a size; write a number and a unit, such as 1MB'),
        ("-1MB", '"-1MB" is not a size; write a number and a unit, such as 1MB'),
        ("1 MB", '"1 MB" is not a size; write a number and a unit, such as 1MB'),
        ("٣MB", '"٣MB" is not a size; write a number and a unit, such as 1MB'),
        ("9999999TB", '"9999999TB" is too large for a size'),
    ],
)
def test_what_is_no_size(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        units.size(text)

    assert str(caught.value) == message


@given(SIZES)
def test_a_size_in_bytes_is_read_exactly(count: int) -> None:
    assert units.size(f"{count}B") == count


@given(SIZES)
def test_a_shown_size_is_read_back_within_three_digits(count: int) -> None:
    shown = units.show_size(count)

    assert abs(units.size(shown) - count) <= count * 0.005 + 0.5


@given(SIZES.filter(bool))
def test_a_shown_size_is_short(count: int) -> None:
    number = units.show_size(count).rstrip("kMGTB")

    assert "e" not in number
    assert len(number.replace(".", "")) <= 4 or count > 999 * 10**12


@given(st.integers(0, 10**5), st.integers(0, 10**5))
def test_larger_sizes_never_look_smaller(count: int, more: int) -> None:
    assert units.size(units.show_size(count)) <= units.size(units.show_size(count + more))


@given(st.floats(min_value=0, max_value=10**7))
def test_a_shown_duration_says_no_unit_too_many(seconds: float) -> None:
    shown = units.show_duration(seconds)

    assert not shown.startswith(("1000ms", "60.0s", "60m", "24h"))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.004, "4ms"),
        (0.9996, "1.0s"),
        (1.26, "1.3s"),
        (59.96, "1m00s"),
        (125, "2m05s"),
        (11400, "3h10m"),
        (187200, "2d04h"),
    ],
)
def test_durations_for_people(seconds: float, shown: str) -> None:
    assert units.show_duration(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0B"), (999, "999B"), (999_999, "1MB"), (1500, "1.5kB"), (2.5e15, "2500TB")],
)
def test_sizes_for_people(count: float, shown: str) -> None:
    assert units.show_size(count) == shown
    assert units.show_rate(count) == f"{shown}/s"


@given(st.text(max_size=30), st.sampled_from(READERS))
def test_any_text_is_a_quantity_or_a_sentence(text: str, read: Callable[[str], float]) -> None:
    try:
        assert read(text) >= 0
    except ValueError as error:
        assert "write" in str(error) or "too large" in str(error)  # noqa: PT017


@given(st.sampled_from(READERS), st.integers(10, 10_000))
def test_endless_digits_are_refused(read: Callable[[str], float], length: int) -> None:
    suffix = ["B", "w", "TB/s"][READERS.index(read)]

    with pytest.raises(ValueError, match=r"is not a|too large"):
        read("9" * (length + 19) + suffix)
