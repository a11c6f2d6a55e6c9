"""Names of indices from events' times, and which are old."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lakecheck.sinks.search_indices import Indices

NOW = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
DAY = 86400.0


@pytest.mark.parametrize(
    ("timestamp", "daily", "monthly"),
    [
        ("2026-11-21T09:00:00.000Z", "i-2026.11.21", "i-2026.11"),
        ("2026-11-21T23:30:00-01:00", "i-2026.11.22", "i-2026.11"),
        ("2026-01-01T00:30:00+01:00", "i-2025.12.31", "i-2025.12"),
        ("2026-11-21 09:00:00", "i-2026.11.21", "i-2026.11"),
    ],
)
def test_the_day_is_the_events_in_utc(timestamp: str, daily: str, monthly: str) -> None:
    assert Indices("i").of(timestamp) == daily
    assert Indices("i", monthly=True).of(timestamp) == monthly


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+05:00"]
)
def test_what_is_no_time_has_no_index(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        Indices("i").of(text)


def test_old_are_those_that_ended_long_ago() -> None:
    names = [
        "i-2026.02.26",
        "i-2026.02.27",
        "i-2026.02.28",
        "i-2026.01",
        "i-2026.02",
        "i-2027.01.01",
    ]
    assert Indices("i").expired(names, DAY, NOW) == ["i-2026.01", "i-2026.02.26"]
    assert Indices("i").expired(names, DAY - 1, NOW) == [
        "i-2026.01",
        "i-2026.02.26",
        "i-2026.02.27",
    ]
    assert Indices("i").expired(names, 3650 * DAY, NOW) == []
    assert Indices("i").expired(["i-9999.12.31", "i-9999.12", "i-0000.01.01"], DAY, NOW) == []


@given(some.text(alphabet="i-.0123456789x*,", max_size=16))
def test_only_what_of_names_is_ever_removed(name: str) -> None:
    for each in Indices("i").expired([name], 0.0, 4e9):
        year, month, *day = (int(part) for part in each.removeprefix("i-").split("."))
        moment = datetime(year, month, *(day or [1]), tzinfo=UTC).isoformat()
        assert Indices("i", monthly=not day).of(moment) == name
