from __future__ import annotations

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakecheck import conditions, units
from lakecheck.conditions import Judgement, judge

DOCUMENT = {
    "check": "upload",
    "kind": "functional",
    "duration": 12.5,
    "bytes": 1_000_000,
    "throughput": 11_200_000,
    "rse": "DESY-DCACHE",
    "transfer.mode": "pull",
    "tpc.streamed": False,
    "labels.tier": 1,
    "files": 4,
}


@pytest.mark.parametrize(
    ("text", "seen", "met"),
    [
        ("throughput >= 25MB/s", "11.2MB/s", False),
        ("throughput >= 0.5TB/d", "11.2MB/s", True),
        ("duration < 10m", "12.5s", True),
        ("duration < 10s", "12.5s", False),
        ("bytes == 1MB", "1MB", True),
        ("bytes == 1MiB", "1MB", False),
        ("transfer.mode == pull", "pull", True),
        ("transfer.mode != pull", "pull", False),
        ('rse == "DESY-DCACHE"', "DESY-DCACHE", True),
        ("files >= 4", "4", True),
        ("labels.tier == 1", "1", True),
        ("tpc.streamed == false", "false", True),
        ("tpc.streamed == true", "false", False),
        ("upload.duration < 13s", "12.5s", True),
        ("not duration < 13s", "12.5s", False),
        ("duration > 10s and duration < 20s", "12.5s", True),
        ("duration > 10m or bytes > 1B", "duration 12.5s, bytes 1MB", True),
        ("duration > 10m or bytes > 1MB", "duration 12.5s, bytes 1MB", False),
    ],
)
def test_what_was_promised_and_seen(text: str, seen: str, met: bool) -> None:
    assert judge(conditions.parse(text), DOCUMENT) == Judgement(text, seen, met)


@pytest.mark.parametrize(
    "text", ["size < 1MB", "delete.duration < 1s", "duration < 1s or error.class == full"]
)
def test_nothing_is_said_of_fields_that_are_not_there(text: str) -> None:
    assert judge(conditions.parse(text), DOCUMENT) is None


def test_a_text_is_neither_more_nor_less_than_a_number() -> None:
    condition = conditions.parse("labels.tier > 0")

    assert judge(condition, {"labels.tier": "one"}) == Judgement("labels.tier > 0", "one", False)


COMPARE = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@given(
    st.integers(0, 10**6),
    st.sampled_from(sorted(COMPARE)),
    st.integers(0, 10**4),
    st.sampled_from(sorted(units.SIZES)),
)
def test_sizes_compare_in_bytes(seen: int, sign: str, wanted: int, unit: str) -> None:
    condition = conditions.parse(f"bytes {sign} {wanted}{unit}")
    judgement = judge(condition, {"bytes": seen})

    assert judgement is not None
    assert judgement.met == COMPARE[sign](seen, wanted * units.SIZES[unit])


@st.composite
def formulas(draw: st.DrawFn, depth: int = 3) -> tuple[str, bool]:
    """A condition on a duration of 10 s, and whether it is met."""
    form = draw(st.integers(0, 3)) if depth else 0
    if form == 0:
        seconds = draw(st.sampled_from([5, 15]))
        return f"duration > {seconds}s", seconds < 10
    left, met = draw(formulas(depth - 1))
    if form == 1:
        return f"not ({left})", not met
    right, also = draw(formulas(depth - 1))
    if form == 2:
        return f"({left}) and ({right})", met and also
    return f"({left}) or ({right})", met or also


@given(formulas())
def test_logic_is_that_of_python(formula: tuple[str, bool]) -> None:
    text, met = formula
    judgement = judge(conditions.parse(text), {"duration": 10})

    assert judgement == Judgement(text, "10.0s", met)
