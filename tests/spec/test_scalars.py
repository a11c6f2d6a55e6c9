from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakecheck.spec.scalars import Plain, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("y", "y"),
        ("none", "none"),
        ("true", True),
        ("False", False),
        ("tRue", "tRue"),
        ("", None),
        ("~", None),
        ("null", None),
        ("12", 12),
        ("012", 12),
        ("-7", -7),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-11-21", "2026-11-21"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".", "."),
        ("+", "+"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("1MB", "1MB"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_as_the_core_schema_of_yaml_1_2(text: str, value: Plain) -> None:
    resolved = resolve(text)

    assert resolved == value
    assert type(resolved) is type(value)


def test_not_a_number() -> None:
    value = resolve(".nan")

    assert isinstance(value, float)
    assert math.isnan(value)


@given(st.integers(-(10**38), 10**38))
def test_whole_numbers(number: int) -> None:
    assert resolve(str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers(number: float) -> None:
    assert resolve(repr(number)) == number


def test_thousands_of_digits_are_text() -> None:
    assert resolve("9" * 5000) == "9" * 5000
